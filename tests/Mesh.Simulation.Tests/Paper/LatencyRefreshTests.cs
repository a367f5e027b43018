using Mesh.Actors;
using Mesh.Simulation.Paper;

namespace Mesh.Simulation.Tests.Paper;

public sealed class LatencyRefreshTests
{
    private static readonly OverlayShape Shape = OverlayShape.Of(150, 5);

    [Fact]
    public void Builder_2_keeps_re6sts_limits()
    {
        LatencyMesh mesh = FreshMesh(LatencyFormula.Heterogeneous(150));
        for (int node = 0; node < 150; node++)
        {
            Assert.Equal(5, mesh.Tunnels.Opened(node).Length);
            Assert.InRange(mesh.Tunnels.Received(node).Length, 0, 10);
            int[] neighbours = [.. mesh.Tunnels.Opened(node), .. mesh.Tunnels.Received(node)];
            Assert.Equal(neighbours.Length, neighbours.Distinct().Count());
            Assert.DoesNotContain(node, neighbours);
            Assert.False(mesh.Accepts(node, node));
            Assert.All(neighbours, neighbour => Assert.False(mesh.Accepts(node, neighbour)));
        }

        int full = Enumerable.Range(0, 150).First(node => mesh.Tunnels.Received(node).Length == 10);
        Assert.DoesNotContain(Enumerable.Range(0, 150), node => mesh.Accepts(node, full));
    }

    [Fact]
    public void No_tunnel_is_opened_where_no_latency_is_known_and_a_node_without_anybody_stays_short()
    {
        // Nobody's latency to node 0 is known.
        string text = string.Join('\n', Enumerable.Range(0, 19).Select(static i => string.Join(' ', Enumerable.Repeat(i == 0 ? 0 : 5000, 19 - i))));
        var mesh = new LatencyMesh(OverlayShape.Of(20, 3), LatencyFile.Parse(text), new DeterministicRandom(1));
        Assert.Equal(0, mesh.Tunnels.Arity(0));
        Assert.All(Enumerable.Range(1, 19), node => Assert.Equal(3, mesh.Tunnels.Opened(node).Length));
        var refresh = new LatencyRefresh(OverlayShape.Of(20, 3), LatencyFile.Parse(text), churn: default, seed: 1, threads: 2);
        LatencyRow row = refresh.Refresh();
        Assert.Equal((2L * 19, 3), (row.Unreachable, row.MissingTunnels));
    }

    [Fact]
    public void A_tunnel_is_replaced_by_another_one()
    {
        LatencyMesh mesh = FreshMesh(LatencyFormula.Uniform(150));
        int[] before = mesh.Tunnels.Opened(7).ToArray();
        mesh.Replace(7, before[2]);
        Assert.Equal([before[0], before[1], before[3], before[4]], mesh.Tunnels.Opened(7)[..4].ToArray());
        Assert.Equal(5, mesh.Tunnels.Opened(7).Length);
    }

    [Fact]
    public void After_a_reboot_everybody_has_tunnels_again()
    {
        LatencyMesh mesh = FreshMesh(LatencyFormula.Uniform(150));
        int[] opened = mesh.Tunnels.Opened(7).ToArray(), received = mesh.Tunnels.Received(7).ToArray();
        mesh.Reboot(7);
        Assert.All(Enumerable.Range(0, 150), node => Assert.Equal(5, mesh.Tunnels.Opened(node).Length));
        Assert.NotEqual(opened, mesh.Tunnels.Opened(7).ToArray());
        Assert.NotEmpty(received);
        Assert.InRange(mesh.Tunnels.Received(7).ToArray().Intersect(received).Count(), 0, received.Length - 1);
    }

    [Theory]
    [InlineData(VictimRule.Behind)]
    [InlineData(VictimRule.Routes)]
    public void A_row_is_the_network_before_its_refresh(VictimRule rule)
    {
        LatencyFormula latencies = LatencyFormula.Heterogeneous(150);
        var refresh = new LatencyRefresh(Shape, latencies, churn: default, seed: 1, threads: 2, rule);
        for (int round = 0; round < 4; round++)
        {
            TunnelGraph graph = refresh.ToGraph();
            long[] distances = [.. Graphs.Distances(150, Enumerable.Range(0, 150).SelectMany(node => graph.Neighbours(node).ToArray().Select(other => (node, other, latencies.Microseconds(node, other))))).Cast<long>()];
            LatencyRow row = refresh.Refresh();
            Assert.Equal((round, (int)distances.Max(), 0L), (row.Row, row.WorstMicroseconds, row.Unreachable));
            Assert.Equal(distances.Average(), row.MeanMicroseconds, 1e-6);
            Assert.Equal(750, refresh.ToGraph().Tunnels);
        }
    }

    [Fact]
    public void By_routes_the_tunnel_with_the_fewest_is_dropped_and_so_many_are_lost()
    {
        LatencyFormula latencies = LatencyFormula.Uniform(150);
        var refresh = new LatencyRefresh(Shape, latencies, churn: default, seed: 1, threads: 1, VictimRule.Routes);
        var behind = new LatencyRefresh(Shape, latencies, churn: default, seed: 1, threads: 1);
        // Nearly every node has a tunnel that it does not use; what is behind its neighbour is at least that neighbour.
        Assert.InRange(refresh.Refresh().RoutesLost, 0, 150);
        Assert.InRange(behind.Refresh().RoutesLost, 1, 150 * 149);
    }

    [Fact]
    public void Latency_falls_and_hops_do_not()
    {
        var refresh = new LatencyRefresh(OverlayShape.Of(400, 10), LatencyFormula.Heterogeneous(400), churn: default, seed: 1, threads: 2);
        double fresh = HopDistances.Count(refresh.ToGraph(), threads: 1).Mean;
        LatencyRow[] rows = [.. Enumerable.Range(0, 21).Select(_ => refresh.Refresh())];
        Assert.InRange(rows[20].MeanMicroseconds / rows[0].MeanMicroseconds, 0.4, 0.8);
        Assert.Equal(fresh, HopDistances.Count(refresh.ToGraph(), threads: 1).Mean, 0.03);
        Assert.InRange(rows[20].Arity.Deviation, rows[0].Arity.Deviation + 1, 12);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.01, 0.1)]
    public void The_seed_decides_and_the_number_of_threads_does_not(double least, double most)
    {
        LatencyRow[] one = Rows(seed: 1, threads: 1);
        Assert.Equal(one, Rows(seed: 1, threads: 2));
        Assert.Equal(one, Rows(seed: 1, threads: 7));
        Assert.NotEqual(one, Rows(seed: 2, threads: 1));

        LatencyRow[] Rows(ulong seed, int threads)
        {
            var refresh = new LatencyRefresh(Shape, LatencyFormula.Heterogeneous(150), (least, most), seed, threads);
            return [.. Enumerable.Range(0, 5).Select(_ =>
            {
                refresh.Churn();
                return refresh.Refresh();
            })];
        }
    }

    [Fact]
    public void Who_always_reboots_keeps_the_mesh_fresh()
    {
        var refresh = new LatencyRefresh(Shape, LatencyFormula.Heterogeneous(150), (1, 1), seed: 1, threads: 2);
        var rows = new List<LatencyRow>();
        for (int round = 0; round < 6; round++)
        {
            refresh.Churn();
            rows.Add(refresh.Refresh());
        }

        Assert.InRange(rows[5].MeanMicroseconds / rows[0].MeanMicroseconds, 0.9, 1.1);
    }

    [Fact]
    public void Arities_are_described_by_deviation_and_shares()
    {
        var counts = ArityCounts.Of([14, 15, 30, 31, 20], OverlayShape.Of(5, 10));
        Assert.Equal((0.4, 0.2), (counts.AtCap, counts.Low));
        Assert.Equal(7.238784, counts.Deviation, 1e-6);
    }

    [Fact]
    public void The_matrix_has_to_have_the_nodes_of_the_shape() =>
        Assert.Throws<ArgumentException>(static () => new LatencyRefresh(Shape, LatencyFormula.Uniform(100), churn: default, seed: 1, threads: 1));

    private static LatencyMesh FreshMesh(Latencies latencies) => new(Shape, latencies, new DeterministicRandom(1));
}
