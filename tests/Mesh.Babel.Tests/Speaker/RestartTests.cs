using Mesh.Babel.Tests.Network;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Speaker;

/// <summary>What has to survive a restart.</summary>
public sealed class RestartTests
{
    [Fact]
    public void Router_id_and_seqno_are_those_that_were_kept()
    {
        var bench = new Bench(id: new RouterId(0x77), kept: new Seqno(4711));
        Assert.Equal((new RouterId(0x77), new Seqno(4711)), (bench.Speaker.RouterId, bench.Speaker.Seqno));
        bench.Meet();
        bench.Request(Bench.Own);
        bench.Advance(0.1);
        Assert.Contains(bench.Updates(Bench.Own), u => (u.RouterId, u.Seqno) == (new RouterId(0x77), new Seqno(4711)));
    }

    [Fact]
    public void No_number_beyond_the_stored_one_is_used_before_the_next_is_stored()
    {
        var bench = new Bench(kept: new Seqno(65534));
        bench.Meet();
        bench.Speaker.SeqnoLimit = new Seqno(0);
        foreach (ushort expected in new ushort[] { 65535, 0, 0, 0 })
        {
            bench.Request(new SeqnoRequestTlv(Bench.Own, bench.Speaker.Seqno.Next, 10, Bench.OwnId));
            Assert.Equal(expected, bench.Speaker.Seqno.Value);
        }

        Assert.Equal(2, bench.Speaker[BabelCounter.SeqnoHeld]);
        bench.Speaker.SeqnoLimit = new Seqno(10);
        bench.Request(new SeqnoRequestTlv(Bench.Own, new Seqno(1), 10, Bench.OwnId));
        Assert.Equal(1, bench.Speaker.Seqno.Value);
    }

    /// <summary>With the same router-id and a number of the past, others remember a better distance and wait for it to be forgotten. With the stored one they believe at once.</summary>
    [Theory]
    [InlineData(-300, false)]
    [InlineData(65, true)]
    public void A_kept_router_id_needs_a_kept_seqno(int step, bool isBelieved)
    {
        VirtualNetwork network = Shapes.Line(3, seed: 9, TimeSpan.FromSeconds(4));
        VirtualNode origin = network.Nodes[0];
        network.StartAll();
        network.RunFor(TimeSpan.FromMinutes(1));
        (RouterId id, Seqno used) = (origin.Speaker.RouterId, origin.Speaker.Seqno);
        origin.Crash();
        network.RunFor(TimeSpan.FromSeconds(2));
        origin.Start(id, new Seqno((ushort)(used.Value + step)));
        network.RunFor(TimeSpan.FromSeconds(10));
        Assert.Equal(isBelieved, network.Nodes[2].NextHop(origin.Prefix) is not null);
        network.RunFor(TimeSpan.FromMinutes(5));
        Assert.NotNull(network.Nodes[2].NextHop(origin.Prefix));
        network.AssertNoViolation();
    }
}
