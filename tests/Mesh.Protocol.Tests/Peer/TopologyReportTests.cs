using System.Text;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;

namespace Mesh.Protocol.Tests.Peer;

public sealed class TopologyReportTests
{
    private static readonly NetworkPrefix Network = NetworkPrefix.Parse("2001:db8:42::/48");
    private static readonly NodePrefix Reporter = NodePrefix.ParseCommonName("0/16");

    [Theory]
    [InlineData("0", 0, 0)]
    [InlineData("1 2/16 32768/16", 1, 1)]
    [InlineData("2 2/16 32768/16", 2, 0)]
    [InlineData(" 1  2/16 ", 1, 0)]
    [InlineData("0 2/16 0/17 3/80", 0, 3)]
    public void A_report_names_those_it_connects_to_and_then_those_who_connect(string text, int clients, int servers)
    {
        Assert.True(TryDecode(text, out TopologyReport? report));
        Assert.Equal((clients, servers), (report!.Clients.Length, report.Servers.Length));
        Assert.True(TryDecode(Encoding.ASCII.GetString(report.Encode()), out TopologyReport? again));
        Assert.Equal([.. report.Clients, .. report.Servers], [.. again!.Clients, .. again.Servers]);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("1")]                    // fewer than it says
    [InlineData("2 2/16")]
    [InlineData("-1")]
    [InlineData("+1 2/16")]
    [InlineData("99999")]
    [InlineData("1 0/16")]               // itself
    [InlineData("0 2/16 0/16")]
    [InlineData("1 65536/16")]
    [InlineData("1 2/16,3/16")]
    [InlineData("1 2/81")]               // longer than the network has room
    [InlineData("1 2/128")]
    [InlineData("1 2/16\n")]
    [InlineData("1 0000000000000000000000000000000000000000000000002/16")]
    [InlineData("1 ２/16")]
    public void What_is_no_report_is_refused(string text) => Assert.False(TryDecode(text, out _));

    [Fact]
    public void The_number_of_tunnels_is_bounded()
    {
        string most = "0" + string.Concat(Enumerable.Range(1, TopologyReport.MaxTunnels).Select(i => $" {i}/16"));
        Assert.True(TryDecode(most, out _));
        Assert.False(TryDecode(most + " 9999/16", out _));
    }

    [Fact]
    public void Hostile_octets_are_refused_or_read()
    {
        byte[] seed = "3 2/16 4/16 5/16 32768/16 7/20"u8.ToArray();
        var random = new Random(11);
        int read = 0;
        for (int round = 0; round < 20_000; round++)
        {
            byte[] octets = [.. seed];
            for (int change = random.Next(4); change >= 0; change--)
                octets[random.Next(octets.Length)] = random.Next(3) == 0 ? (byte)random.Next(256) : "0123456789/ "u8[random.Next(12)];
            int length = random.Next(octets.Length + 1);
            if (!TopologyReport.TryDecode(octets.AsSpan(0, length), Reporter, Network, out TopologyReport? report))
                continue;
            read++;
            Assert.All(report.Clients.Concat(report.Servers), peer => Assert.True(peer != Reporter && peer.FitsIn(Network)));
        }

        Assert.InRange(read, 100, 19_900);
    }

    private static bool TryDecode(string text, out TopologyReport? report) => TopologyReport.TryDecode(Encoding.UTF8.GetBytes(text), Reporter, Network, out report);
}
