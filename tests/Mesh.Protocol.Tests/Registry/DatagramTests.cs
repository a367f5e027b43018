using System.Text;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;

namespace Mesh.Protocol.Tests.Registry;

public sealed class DatagramTests
{
    private static readonly LocalDatagram Local = new(NodePrefix.ParseCommonName("2/16"), 4, Encoding.ASCII.GetBytes("10, linux"));

    [Fact]
    public void Local_datagrams_have_the_golden_octets()
    {
        byte[] golden = [.. Encoding.ASCII.GetBytes("0000000000000010"), 0, 4, .. Encoding.ASCII.GetBytes("10, linux")];
        Assert.Equal(golden, Local.Encode());
        Assert.True(LocalDatagram.TryDecode(golden, out LocalDatagram? decoded));
        Assert.Equal(Local, decoded);
        Assert.True(LocalDatagram.TryDecode(golden.AsSpan(0, 18), out LocalDatagram? question));
        Assert.True(question.Payload.IsEmpty);
        Assert.All(Hostile.Truncations(golden[..18]), octets => Assert.False(LocalDatagram.TryDecode(octets, out _)));
    }

    [Theory]
    [InlineData("000102")]
    [InlineData("303200" + "04")]
    [InlineData("B03000" + "04")]
    [InlineData("3030303004")]
    public void Local_datagrams_without_a_proper_prefix_are_rejected(string hex)
    {
        Assert.False(LocalDatagram.TryDecode(Convert.FromHexString(hex), out _));
        Assert.False(LocalDatagram.TryDecode([.. Encoding.ASCII.GetBytes(new string('0', 128)), 0, 1], out _));
    }

    [Fact]
    public void Local_datagrams_survive_mutations()
    {
        foreach (byte[] octets in Hostile.Mutations(seed: 9, 3_000, Local.Encode()))
        {
            if (LocalDatagram.TryDecode(octets, out LocalDatagram? decoded))
                Assert.Equal(octets, decoded.Encode());
        }
    }

    [Fact]
    public void A_bootstrap_peer_is_a_prefix_a_blank_and_addresses()
    {
        byte[] text = Encoding.ASCII.GetBytes("0000000000000010 192.0.2.1,1,tcp;192.0.2.2,2,udp");
        Assert.True(BootstrapPeer.TryDecode(text, out BootstrapPeer? peer));
        Assert.Equal("2/16", peer.Prefix.CommonName);
        Assert.Equal(2, peer.Addresses.Count);
        Assert.Equal(text, peer.Encode(maxLength: 245));
        // One octet less than everything needs: the last address goes, not the answer.
        Assert.Equal("0000000000000010 192.0.2.1,1,tcp", Encoding.ASCII.GetString(peer.Encode(text.Length - 1)));
        Assert.All(Hostile.Truncations(text[..17]), octets => Assert.False(BootstrapPeer.TryDecode(octets, out _)));
        Assert.False(BootstrapPeer.TryDecode([.. text, 0xFF], out _));
        Assert.False(BootstrapPeer.TryDecode(Encoding.ASCII.GetBytes("2/16 192.0.2.1,1,tcp"), out _));
    }

    [Fact]
    public void A_bootstrap_peer_survives_mutations()
    {
        foreach (byte[] octets in Hostile.Mutations(seed: 10, 3_000, Encoding.ASCII.GetBytes("0000000000000010 192.0.2.1,1,tcp;192.0.2.2,2,udp")))
        {
            if (!BootstrapPeer.TryDecode(octets, out BootstrapPeer? peer))
                continue;
            Assert.True(BootstrapPeer.TryDecode(peer.Encode(int.MaxValue), out BootstrapPeer? again));
            Assert.Equal(peer, again);
        }
    }
}
