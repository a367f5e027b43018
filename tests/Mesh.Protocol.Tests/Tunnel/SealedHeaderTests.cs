using Mesh.Protocol.Tunnel;

namespace Mesh.Protocol.Tests.Tunnel;

public sealed class SealedHeaderTests
{
    private static readonly byte[] Golden = Convert.FromHexString("01020304" + "1112131415161718" + "AABBCC" + "000102030405060708090A0B0C0D0E0F");

    [Fact]
    public void Cuts_a_datagram_into_its_parts()
    {
        Assert.True(SealedHeader.TryRead(Golden, out SealedHeader header, out ReadOnlySpan<byte> ciphertext, out ReadOnlySpan<byte> tag));
        Assert.Equal(new SealedHeader(0x01020304, 0x1112131415161718), header);
        Assert.Equal("AABBCC", Convert.ToHexString(ciphertext));
        Assert.Equal("000102030405060708090A0B0C0D0E0F", Convert.ToHexString(tag));
        byte[] written = new byte[SealedHeader.Length];
        header.Write(written);
        Assert.Equal(Golden[..SealedHeader.Length], written);
    }

    [Fact]
    public void Rejects_what_is_too_short_and_takes_an_empty_packet()
    {
        for (int length = 0; length < SealedHeader.Overhead; length++)
            Assert.False(SealedHeader.TryRead(Golden.AsSpan(0, length), out _, out _, out _));
        Assert.True(SealedHeader.TryRead(Golden.AsSpan(0, SealedHeader.Overhead), out _, out ReadOnlySpan<byte> ciphertext, out _));
        Assert.True(ciphertext.IsEmpty);
    }
}
