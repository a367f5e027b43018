using Mesh.Security.Certificates;

namespace Mesh.Security.Tests.Certificates;

public sealed class FingerprintTests
{
    private static readonly byte[] Abc = "abc"u8.ToArray();

    [Theory]
    [InlineData("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", false)]
    [InlineData("SHA256:BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD", false)]
    [InlineData("sha1:a9993e364706816aba3e25717850c26c9cd0d89d", true)]
    [InlineData("sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7", false)]
    [InlineData("sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f", false)]
    public void Recognises_what_it_is_the_digest_of(string text, bool isWeak)
    {
        Assert.True(Fingerprint.TryParse(text, out Fingerprint? fingerprint, out string? problem), problem);
        Assert.True(fingerprint.Matches(Abc));
        Assert.False(fingerprint.Matches("abd"u8));
        Assert.Equal(isWeak, fingerprint.IsWeak);
    }

    [Theory]
    [InlineData("ba7816bf", "ALG:HEX")]
    [InlineData("md5:900150983cd24fb0d6963f7d28e17f72", "'md5' is not one of sha256")]
    [InlineData("sha256:ba78", "64 hexadecimal digits")]
    [InlineData("sha1:z9993e364706816aba3e25717850c26c9cd0d89d", "40 hexadecimal digits")]
    [InlineData("", "ALG:HEX")]
    public void Says_what_is_wrong_with_the_text(string text, string expected)
    {
        Assert.False(Fingerprint.TryParse(text, out _, out string? problem));
        Assert.Contains(expected, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Says_what_was_expected_and_what_was_found()
    {
        Assert.True(Fingerprint.TryParse("sha1:" + new string('0', 40), out Fingerprint? fingerprint, out _));
        Assert.Equal(
            "The certificate of the authority has fingerprint sha1:a9993e364706816aba3e25717850c26c9cd0d89d, but sha1:" + new string('0', 40) + " was expected.",
            fingerprint.MismatchWith(Abc));
    }
}
