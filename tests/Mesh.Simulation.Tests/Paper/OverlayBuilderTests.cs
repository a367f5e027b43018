using Mesh.Actors;
using Mesh.Simulation.Paper;

namespace Mesh.Simulation.Tests.Paper;

/// <summary>Builder 1, rule by rule.</summary>
public sealed class OverlayBuilderTests
{
    private static readonly OverlayShape Shape = new(Nodes: 4, Tunnels: 2, Cap: 6);

    [Theory]
    [InlineData(1, 0, false)]   // itself
    [InlineData(2, 4, true)]    // waits for its turn: the cap less its own tunnels, equality allowed
    [InlineData(2, 5, false)]
    [InlineData(0, 6, true)]    // has had its turn: the cap, equality allowed
    [InlineData(0, 7, false)]
    public void A_target_is_accepted_by_its_arity(int target, int arity, bool isAccepted)
    {
        int[] arities = new int[4];
        arities[target] = arity;
        Assert.Equal(isAccepted, OverlayBuilder.Accepts(Shape, node: 1, target, arities));
    }

    [Fact]
    public void A_node_that_has_its_limit_itself_opens_all_the_same() => Assert.True(OverlayBuilder.Accepts(Shape, node: 1, target: 0, [0, 100, 0, 0]));

    [Fact]
    public void Each_node_opens_its_number_and_never_to_itself()
    {
        int[] targets = OverlayBuilder.Draw(OverlayShape.Of(50, 7), new DeterministicRandom(1));
        Assert.Equal(350, targets.Length);
        for (int i = 0; i < targets.Length; i++)
            Assert.NotEqual(i / 7, targets[i]);
    }

    [Fact]
    public void Arities_reach_the_cap_and_one_and_no_more()
    {
        TunnelGraph graph = Graphs.Of(new OverlayShape(2000, 5, 12), seed: 1);
        Assert.Equal(13, Enumerable.Range(0, 2000).Max(graph.Arity));
        Assert.Equal(10_000, graph.Tunnels);
    }

    [Fact]
    public void Two_nodes_may_get_several_tunnels_as_often_as_published()
    {
        TunnelGraph graph = Graphs.Of(OverlayShape.Of(1000, 10), seed: 1);
        double distinct = Enumerable.Range(0, 1000).Average(node => graph.Neighbours(node).ToArray().Distinct().Count());
        Assert.Equal(19.80, distinct, 0.05);
    }

    [Fact]
    public void Arities_are_distributed_as_published()
    {
        TunnelGraph graph = Graphs.Of(OverlayShape.Of(10_000, 10), seed: 1);
        Assert.Equal(10, graph.LeastArity());
        Assert.Equal(1257, Enumerable.Range(0, 10_000).Count(node => graph.Arity(node) == 20), 120.0);
        Assert.Equal(64, Enumerable.Range(0, 10_000).Count(node => graph.Arity(node) == 28), 40.0);
        Assert.InRange(Enumerable.Range(0, 10_000).Count(node => graph.Arity(node) == 31), 1, 60);
    }

    [Theory]
    [InlineData(10, 3, 2)]    // the first node may give nobody a tunnel
    [InlineData(2, 5, 5)]     // it may open one, and then the other one has its limit
    [InlineData(100, 4, 5)]   // later
    public void A_cap_that_is_too_tight_is_said(int nodes, int tunnels, int cap)
    {
        OverlayException thrown = Assert.Throws<OverlayException>(() => OverlayBuilder.Draw(new OverlayShape(nodes, tunnels, cap), new DeterministicRandom(1)));
        Assert.StartsWith($"{nodes} nodes with {tunnels} tunnels each and cap {cap} cannot be built: node ", thrown.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 0)]
    [InlineData(1_000_000, 1000)]
    public void Shapes_beyond_the_limits_are_refused(int nodes, int tunnels) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => OverlayBuilder.Draw(OverlayShape.Of(nodes, tunnels), new DeterministicRandom(1)));

    [Fact]
    public void The_seed_decides()
    {
        int[] one = OverlayBuilder.Draw(OverlayShape.Of(50, 7), new DeterministicRandom(1));
        Assert.Equal(one, OverlayBuilder.Draw(OverlayShape.Of(50, 7), new DeterministicRandom(1)));
        Assert.NotEqual(one, OverlayBuilder.Draw(OverlayShape.Of(50, 7), new DeterministicRandom(2)));
    }
}
