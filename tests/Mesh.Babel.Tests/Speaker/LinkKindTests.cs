using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Speaker;

/// <summary>What kind of link an interface is, and what follows from it.</summary>
public sealed class LinkKindTests
{
    private readonly byte[] _scratch = new byte[64];
    private ushort _hello;

    [Theory]
    [InlineData(LinkKind.Tunnel, 96, false)]
    [InlineData(LinkKind.Wired, 96, true)]
    [InlineData(LinkKind.Lossy, 256, false)]
    public void Defaults_follow_from_the_kind_and_can_be_overridden(LinkKind kind, ushort cost, bool isSplit)
    {
        var parameters = new InterfaceParameters { Address = Bench.Self, Kind = kind };
        Assert.Equal((cost, isSplit), (parameters.EffectiveCost, parameters.EffectiveSplitHorizon));
        parameters = parameters with { Cost = 7, SplitHorizon = !isSplit };
        Assert.Equal((7, !isSplit), (parameters.EffectiveCost, parameters.EffectiveSplitHorizon));
        Assert.Empty(parameters.Problems());
    }

    [Theory]
    [InlineData(LinkKind.Tunnel, null, true)]
    [InlineData(LinkKind.Tunnel, true, false)]
    [InlineData(LinkKind.Wired, null, false)]
    [InlineData(LinkKind.Wired, false, true)]
    [InlineData(LinkKind.Lossy, null, true)]
    public void Section_3_7_4_split_horizon_keeps_a_route_from_where_it_came(LinkKind kind, bool? splitHorizon, bool isToldBack)
    {
        var bench = new Bench(parameters: new InterfaceParameters { Address = Bench.Self, Kind = kind, SplitHorizon = splitHorizon }, twoLinks: true);
        bench.Meet();
        bench.Meet(Bench.OtherLink, Bench.OtherPeer);
        bench.Announce(0);
        bench.AdvanceWithHellos(20, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
        Assert.Contains(bench.Of(TlvKind.Update), s => s.Link == Bench.OtherLink && s.Update.Prefix == Bench.Far && !s.Update.IsRetraction);
        Assert.Equal(isToldBack, bench.Of(TlvKind.Update).Any(s => s.Link == Bench.Link && s.Update.Prefix == Bench.Far && !s.Update.IsRetraction));
    }

    [Fact]
    public void Section_A_2_2_one_hello_makes_a_lossy_link_usable_and_more_make_it_cheaper()
    {
        var bench = new Bench(parameters: new InterfaceParameters { Address = Bench.Self, Kind = LinkKind.Lossy });
        Hear(bench);
        bench.Ihu(cost: 256);
        Assert.Equal((1023, 1023), Costs(bench));
        Hear(bench);
        Assert.Equal((511, 511), Costs(bench));
        for (int i = 0; i < 14; i++)
            Hear(bench);
        Assert.Equal((256, 256), Costs(bench));
        bench.Ihu(cost: 512);
        Assert.Equal((256, 512), Costs(bench));
        _hello++;
        Hear(bench);
        Assert.Equal((341, 682), (Costs(bench).RxCost, Costs(bench).Cost));
    }

    [Fact]
    public void Section_A_2_2_a_silent_peer_becomes_dearer_until_it_is_lost()
    {
        var bench = new Bench(parameters: new InterfaceParameters { Address = Bench.Self, Kind = LinkKind.Lossy });
        for (int i = 0; i < 16; i++)
            Hear(bench);
        bench.Ihu(cost: 256);
        int before = 0;
        for (int missed = 1; missed <= 4; missed++)
        {
            bench.Advance(missed == 1 ? 6 : 4);
            Assert.True(Costs(bench).Cost > before, $"{missed} Hellos missed: {Costs(bench)}");
            before = Costs(bench).Cost;
        }

        bench.Advance(44);
        Assert.Equal((Metric.Infinity, Metric.Infinity), Costs(bench));
    }

    /// <summary>Every lost Hello moves the cost of a lossy link. What was measured may be otherwise in a moment, so routes wait.</summary>
    [Fact]
    public void A_lost_hello_does_not_move_a_route_at_once()
    {
        var bench = new Bench(parameters: new InterfaceParameters { Address = Bench.Self, Kind = LinkKind.Lossy }, twoLinks: true);
        bench.Meet(cost: 256);
        bench.Meet(Bench.OtherLink, Bench.OtherPeer, cost: 280);
        bench.Announce(0, interval: 60000);
        bench.Announce(0, link: Bench.OtherLink, peer: Bench.OtherPeer, interval: 60000);
        bench.AdvanceWithHellos(80, (Bench.OtherLink, Bench.OtherPeer), (Bench.Link, Bench.Peer));
        Assert.Equal(((ushort)256, Bench.Link), (bench.SelectedMetric()!.Value, Selected(bench)));
        bench.Advance(6);
        Assert.Equal(((ushort)341, Bench.Link), (bench.SelectedMetric()!.Value, Selected(bench)));
        bench.Advance(3.9);
        Assert.Equal(((ushort)280, Bench.OtherLink), (bench.SelectedMetric()!.Value, Selected(bench)));
    }

    private static InterfaceId Selected(Bench bench) => bench.Speaker.TryGetSelected(Bench.Far, out RouteSnapshot route) ? route.Interface : default;

    private static (ushort RxCost, ushort Cost) Costs(Bench bench)
    {
        NeighbourSnapshot neighbour = Assert.Single(bench.Speaker.Neighbours());
        return (neighbour.RxCost, neighbour.Cost);
    }

    private void Hear(Bench bench) =>
        bench.Receive(w => w.TryAppend(_scratch.AsSpan(0, new HelloTlv(new Seqno(_hello++), 400).Encode(_scratch))));
}
