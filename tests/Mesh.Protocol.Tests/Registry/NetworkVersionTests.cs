using Mesh.Protocol.Registry;

namespace Mesh.Protocol.Tests.Registry;

public sealed class NetworkVersionTests
{
    [Fact]
    public void Splits_number_and_signature()
    {
        Assert.True(NetworkVersion.TryParse(Convert.FromHexString("2000AABB"), out NetworkVersion? version));
        Assert.Equal(32UL, version.Number);
        Assert.Equal([0x20, 0x00], version.SignedOctets.ToArray());
        Assert.Equal([0xAA, 0xBB], version.Signature.ToArray());
        Assert.Equal(NetworkVersion.Create(32, [0xAA, 0xBB]), version);
    }

    [Fact]
    public void Orders_by_octets_and_so_by_number()
    {
        NetworkVersion[] sorted = [NetworkVersion.Initial, NetworkVersion.Create(1, [9]), NetworkVersion.Create(31, [1]), NetworkVersion.Create(32, [0]), NetworkVersion.Create(8224, [0])];
        Assert.Equal(sorted, sorted.Reverse().Order());
        Assert.True(sorted[0] < sorted[1]);
        Assert.True(sorted[3] >= sorted[2]);
        Assert.False(sorted[3] <= sorted[2]);
        Assert.True(sorted[0] > null);
        Assert.True(sorted[0] != sorted[1]);
    }

    [Fact]
    public void Rejects_nothing_an_incomplete_number_and_too_much()
    {
        Assert.False(NetworkVersion.TryParse([], out _));
        Assert.False(NetworkVersion.TryParse([0x20], out _));
        Assert.False(NetworkVersion.TryParse(new byte[NetworkVersion.MaxLength + 1], out _));
        Assert.True(NetworkVersion.TryParse([0], out NetworkVersion? initial));
        Assert.Equal(NetworkVersion.Initial, initial);
    }
}
