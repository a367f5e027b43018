using System.Text.Json;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.BabelControl;

namespace Mesh.Protocol.Tests.BabelControl;

public sealed class BabelControlTests
{
    private static readonly JsonElement Vector = Vectors.Load("babel-control.json");
    private static readonly byte[] Golden = Vector.GetProperty("dump_response").Hex("hex");

    private static ReadOnlySpan<byte> GoldenBody => Golden.AsSpan(ControlPacket.HeaderLength);

    [Fact]
    public void Requests_have_the_octets_of_re6st()
    {
        byte[] dump = Vector.Hex("dump_request");
        Assert.Equal(dump, DumpRequest.Usual.Encode());
        Assert.True(DumpRequest.TryDecode(dump.AsSpan(ControlPacket.HeaderLength), out DumpRequest request));
        Assert.Equal(DumpRequest.Usual, request);

        JsonElement set = Vector.GetProperty("set_cost_multiplier");
        var command = new SetCostMultiplier(Ipv6Address.Parse(set.Text("address")), set.GetProperty("ifindex").GetUInt32(), set.GetProperty("multiplier").GetUInt16());
        Assert.Equal(set.Hex("hex"), command.Encode());
        Assert.True(SetCostMultiplier.TryDecode(set.Hex("hex").AsSpan(ControlPacket.HeaderLength), out SetCostMultiplier decoded));
        Assert.Equal(command, decoded);

        byte[] answer = Vector.Hex("set_cost_multiplier_response");
        Assert.True(ControlPacket.TryReadHeader(answer, out ushort type, out int length));
        Assert.Equal((ControlPacket.CostMultiplier, 1), (type, length));
        Assert.True(SetCostMultiplier.TryDecodeAnswer(answer.AsSpan(ControlPacket.HeaderLength), out bool isDone));
        Assert.False(isDone);
        Assert.False(SetCostMultiplier.TryDecodeAnswer([], out _));
    }

    [Fact]
    public void A_dump_is_read_as_re6st_reads_it()
    {
        Assert.True(ControlPacket.TryReadHeader(Golden, out ushort type, out int length));
        Assert.Equal((ControlPacket.Dump, Golden.Length - ControlPacket.HeaderLength), (type, length));
        Assert.True(DumpResponse.TryDecode(GoldenBody, out DumpResponse? dump));
        JsonElement expected = Vector.GetProperty("dump_response");
        Assert.Equal(
            expected.GetProperty("interfaces").EnumerateArray().Select(static i => new DumpedInterface(i[0].GetUInt32(), i[1].GetString()!)),
            dump.Interfaces);

        // Whose prefix a neighbour announces as its own (reference metric 0) is that node; what else it announces is behind it.
        NetworkPrefix network = NetworkPrefix.Parse("2001:db8:42::/48");
        var view = dump.Neighbours.ToDictionary(
            neighbour => BitsOf(network, dump.Routes.Single(route => route.Neighbour == neighbour.Address && route.InterfaceIndex == neighbour.InterfaceIndex && route.ReferenceMetric == 0).Prefix),
            neighbour => dump.Routes.Where(route => route.Neighbour == neighbour.Address && route.IsInstalled).Select(route => BitsOf(network, route.Prefix)).ToArray(),
            StringComparer.Ordinal);
        JsonProperty only = Assert.Single(expected.GetProperty("client_view").EnumerateObject());
        Assert.Equal(only.Value.EnumerateArray().Select(static prefix => prefix.GetString()!), view[only.Name], StringComparer.Ordinal);
        DumpedNeighbour peer = Assert.Single(dump.Neighbours);
        Assert.Equal((0xFFFF, 96, 96, 12, 0), (peer.Reach, peer.RxCost, peer.TxCost, peer.Rtt, peer.RttCost));
        Assert.Equal((0, 1, 256), (peer.Channel, peer.InterfaceUp, peer.CostMultiplier));
        Assert.Equal((0x0211223344556677ul, 1, 5), (dump.Routes[1].RouterId, dump.Routes[1].Seqno, dump.Routes[1].Age));
    }

    [Fact]
    public void What_is_read_is_written_again()
    {
        Assert.True(DumpResponse.TryDecode(GoldenBody, out DumpResponse? dump));
        Assert.Equal(Golden, dump.Encode());
        DumpResponse more = dump with { Exports = [new DumpedExport(Ipv6Prefix.Parse("2001:db8:42::/64"), 0), new DumpedExport(Ipv6Prefix.Parse("::/0"), 7)] };
        Assert.True(DumpResponse.TryDecode(more.Encode().AsSpan(ControlPacket.HeaderLength), out DumpResponse? again));
        Assert.Equal(more, again);
    }

    [Fact]
    public void Every_truncation_and_every_further_octet_is_refused()
    {
        Assert.All(Hostile.Truncations(GoldenBody.ToArray()), octets => Assert.False(DumpResponse.TryDecode(octets, out _)));
        Assert.False(DumpResponse.TryDecode([.. GoldenBody, 0], out _));
        for (int length = 0; length < ControlPacket.HeaderLength; length++)
            Assert.False(ControlPacket.TryReadHeader(Golden.AsSpan(0, length), out _, out _));
    }

    [Fact]
    public void Lengths_counts_names_and_prefixes_are_bounded()
    {
        Assert.False(ControlPacket.TryReadHeader([0, 1, 0xFF, 0xFF, 0xFF, 0xFF], out _, out _));
        Assert.False(ControlPacket.TryReadHeader([0, 1, 0x00, 0xA0, 0x00, 0x01], out _, out _));
        Assert.True(ControlPacket.TryReadHeader([0, 1, 0x00, 0xA0, 0x00, 0x00], out _, out int length));
        Assert.Equal(ControlPacket.MaxBodyLength, length);
        Assert.False(DumpResponse.TryDecode([0, 0, 0, 0, 0, 0, 0xFF, 0xFF], out _));   // 65535 routes, and none is there

        byte[] empty = [0, 0, 0, 0, 0, 0, 0, 0];
        Assert.True(DumpResponse.TryDecode(empty, out _));
        Assert.False(DumpResponse.TryDecode([0, 1, 0, 0, 0, 1, 0, .. empty.AsSpan(2), 0], out _));   // a name without a letter
        Assert.False(DumpResponse.TryDecode([0, 1, 0, 0, 0, 1, (byte)'a', 0xE9, 0, .. empty.AsSpan(2)], out _));
        Assert.True(DumpResponse.TryDecode(Named(64, empty), out _));
        Assert.False(DumpResponse.TryDecode(Named(65, empty), out _));
        byte[] export = [0, 0, 0, 0, 0, 1, .. new byte[16], 129, 0, 0, 0, 0];
        Assert.False(DumpResponse.TryDecode(export, out _));
        export[22] = 128;
        Assert.True(DumpResponse.TryDecode(export, out _));
        Assert.False(DumpRequest.TryDecode([16], out _));
        Assert.False(DumpRequest.TryDecode([1, 1], out _));
    }

    [Fact]
    public void Random_and_mutated_octets_are_refused_or_read_and_never_more()
    {
        foreach (byte[] octets in Hostile.Mutations(seed: 21, 20_000, GoldenBody.ToArray()))
        {
            if (DumpResponse.TryDecode(octets, out DumpResponse? dump))
                Assert.True(DumpResponse.TryDecode(dump.Encode().AsSpan(ControlPacket.HeaderLength), out DumpResponse? again) && dump.Equals(again));
        }

        var random = new Random(22);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] octets = new byte[random.Next(200)];
            random.NextBytes(octets);
            octets.AsSpan(0, Math.Min(octets.Length, random.Next(9))).Clear();
            _ = DumpResponse.TryDecode(octets, out _);
            _ = SetCostMultiplier.TryDecode(octets, out _);
        }
    }

    private static byte[] Named(int length, byte[] rest) => [0, 1, 0, 0, 0, 1, .. Enumerable.Repeat((byte)'a', length), 0, .. rest[2..]];

    private static string BitsOf(NetworkPrefix network, Ipv6Prefix subnet) => NodePrefix.TryFromSubnet(network, subnet, out NodePrefix prefix) ? prefix.Bits : "";
}
