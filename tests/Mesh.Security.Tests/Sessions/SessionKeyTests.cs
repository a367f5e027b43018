using Mesh.Security.Keys;
using Mesh.Security.Sessions;

namespace Mesh.Security.Tests.Sessions;

public sealed class SessionKeyTests
{
    private sealed class Constant(byte value) : IEntropy
    {
        public void Fill(Span<byte> destination) => destination.Fill(value);
    }

    [Fact]
    public void Authenticates_like_RFC_2202_test_case_3()
    {
        SessionKey key = SessionKey.ForRegistry(new Constant(0xAA));
        byte[] message = new byte[50];
        message.AsSpan().Fill(0xDD);
        byte[] code = new byte[SessionKey.Length];
        key.Authenticate(message, code);
        Assert.Equal("125D7342B9AC11CD91A39AF48AA17B4F63F175D3", Convert.ToHexString(code));
        Assert.True(key.Verify(code, message));
        Assert.False(key.Verify(code.AsSpan(1), message));
        Assert.False(key.Verify([], message));
        code[^1] ^= 1;
        Assert.False(key.Verify(code, message));
    }

    [Fact]
    public void Keys_between_nodes_begin_with_the_time_in_microseconds()
    {
        DateTimeOffset time = DateTimeOffset.UnixEpoch.AddMicroseconds(0x0001_0203_0405_0607);
        SessionKey expected = new(Convert.FromHexString("0001020304050607" + "111111111111111111111111"));
        Assert.Equal(expected.HeaderFor([]), SessionKey.ForPeer(time, new Constant(0x11)).HeaderFor([]), StringComparer.Ordinal);
    }

    [Fact]
    public void A_later_key_is_newer_and_the_same_one_is_not()
    {
        SessionKey early = SessionKey.ForPeer(Identities.Now, new Constant(0xFF));
        SessionKey late = SessionKey.ForPeer(Identities.Now.AddMicroseconds(1), new Constant(0));
        Assert.True(late.IsNewerThan(early));
        Assert.False(early.IsNewerThan(late));
        Assert.False(early.IsNewerThan(early));
        Assert.True(early.IsNewerThan(SessionKey.FloorAt(Identities.Now)));
        Assert.True(SessionKey.FloorAt(Identities.Now.AddMicroseconds(1)).IsNewerThan(early));
        // A clock before 1970 is a broken one; it must not give the greatest key of all.
        Assert.True(early.IsNewerThan(SessionKey.ForPeer(DateTimeOffset.UnixEpoch.AddYears(-1), new Constant(0xFF))));
    }
}
