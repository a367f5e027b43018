using Mesh.Benchmarks;

namespace Mesh.Cli.Tests.Bench;

public sealed class OpenSslTests
{
    [Theory]
    [InlineData("rsa 2048 bits 0.000244s 0.000017s   4098.2  59527.1", 4098.2, 59527.1)]
    [InlineData("                  sign    verify    sign/s verify/s\nrsa 2048 bits 0.000327s 0.000013s   3054.7  75533.3\n", 3054.7, 75533.3)]
    [InlineData("rsa 2048 bits nonsense", null, null)]
    [InlineData("", null, null)]
    public void Its_speed_of_rsa_is_read(string output, double? signatures, double? verifications)
    {
        RsaSpeed? speed = OpenSsl.ParseRsa(output);
        Assert.Equal((signatures, verifications), (speed?.SignaturesPerSecond, speed?.VerificationsPerSecond));
    }

    [Theory]
    [InlineData("The 'numbers' are in 1000s of bytes per second processed.\ntype            260 bytes\nhmac(sha1)      645932.70k\n", 645932700.0)]
    [InlineData("hmac(sha1)      645932.70", null)]
    [InlineData("hmac(md5)      645932.70k", null)]
    public void Its_speed_of_authentication_is_read(string output, double? octets) => Assert.Equal(octets, OpenSsl.ParseHmac(output));
}
