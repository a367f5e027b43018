using Mesh.Protocol.Registry;

namespace Mesh.Security.Tests;

public sealed class RevocationNoticeTests
{
    [Fact]
    public void It_is_the_authoritys_word_about_one_serial_number()
    {
        byte[] notice = RevocationNotice.Sign(Identities.Authority, 22);
        Assert.True(RevocationNotice.IsValid(notice, 22, Identities.Authority.Certificate));
        Assert.Equal(notice, RevocationNotice.Sign(Identities.Authority, 22));
        Assert.True(Identities.Authority.Certificate.PublicKey.Verify("mesh: certificate 22 is revoked"u8, notice));
        foreach (ulong other in (ulong[])[0, 2, 21, 23, 222, ulong.MaxValue])
            Assert.False(RevocationNotice.IsValid(notice, other, Identities.Authority.Certificate));
    }

    [Fact]
    public void Everything_else_is_refused()
    {
        byte[] notice = RevocationNotice.Sign(Identities.Authority, 22);
        for (int length = 0; length < notice.Length; length++)
            Assert.False(RevocationNotice.IsValid(notice.AsSpan(0, length), 22, Identities.Authority.Certificate));
        Assert.False(RevocationNotice.IsValid([.. notice, 0], 22, Identities.Authority.Certificate));
        for (int index = 0; index < notice.Length; index += 7)
        {
            byte[] changed = [.. notice];
            changed[index] ^= 1;
            Assert.False(RevocationNotice.IsValid(changed, 22, Identities.Authority.Certificate));
        }

        byte[] byNode = Identities.KeyOf(Identities.Node("A")).Sign("mesh: certificate 22 is revoked"u8);
        Assert.False(RevocationNotice.IsValid(byNode, 22, Identities.Authority.Certificate));
    }

    [Fact]
    public void Nothing_else_that_the_authority_signs_passes_for_one_and_none_for_a_version()
    {
        for (ulong number = 0; number < 40; number++)
        {
            NetworkVersion version = VersionSigner.Sign(Identities.Authority, number);
            Assert.False(RevocationNotice.IsValid(version.Signature, number, Identities.Authority.Certificate));
            Assert.False(VersionSigner.IsValid(NetworkVersion.Create(number, RevocationNotice.Sign(Identities.Authority, number)), Identities.Authority.Certificate));
        }
    }
}
