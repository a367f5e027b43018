using Mesh.DataPlane;
using Mesh.Node.Parameters;
using Mesh.Node.RegistryClient;
using Mesh.Node.Routing;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;

namespace Mesh.Node.Tests.Tunnels;

/// <summary>A node that has all the tunnels that it wants, and no way to the registry's node.</summary>
public sealed class TunnelsIslandsTests
{
    private const int Registry = 50;

    private static readonly NetworkPrefix Network = NetworkPrefix.Parse("2001:db8:42::/48");
    private static readonly TunnelsOptions Options = new() { Self = TunnelsWorld.Node(100), Network = Network, ClientCount = 2 };

    [Fact]
    public void Nodes_that_fill_each_others_places_look_for_those_whom_they_have_lost()
    {
        (TunnelsWorld world, StreamId[] full) = Full();
        Publish(world, 1, 2, 3);
        world.Learn(1, 2, 3, 4);
        Live(world, 10, full);
        Assert.Empty(world.Dialling.Except([1, 2]));   // not at once
        Live(world, 20, full);
        // Node 3 is routed, so it is on this side. One attempt at a time, above the number of tunnels that are wanted.
        Assert.Equal([4], world.Dialling.Except([1, 2]));
        StreamId found = world.AnswerDial(4);
        Publish(world, 1, 2, 3, 4, Registry);
        Live(world, 60, [.. full, found]);
        Assert.Empty(world.Dialling.Except([1, 2, 4]));
    }

    [Fact]
    public void Whoever_does_not_answer_is_tried_every_half_minute_at_first_and_seldom_later_and_the_registry_is_asked_less_and_less_often()
    {
        (TunnelsWorld world, StreamId[] full) = Full();
        Publish(world, 1, 2);
        world.Learn(1, 2, 4);
        world.Bootstrap.ReceiveAll();
        Assert.InRange(Attempts(120), 18, 25);   // ten minutes
        Assert.InRange(Attempts(360), 4, 12);    // half an hour
        Assert.InRange(world.Bootstrap.ReceiveAll().OfType<BootstrapWanted>().Count(), 3, 12);

        int Attempts(int times)
        {
            int attempts = 0;
            for (int i = 0; i < times; i++)
            {
                Live(world, 5, full);
                if (!world.Dialling.Contains(4))
                    continue;
                attempts++;
                world.Close(world.DialTo(4));
            }

            return attempts;
        }
    }

    [Fact]
    public void A_registrys_node_that_is_gone_for_good_does_not_make_tunnels_grow_without_end()
    {
        (TunnelsWorld world, StreamId[] full) = Full();
        Publish(world, 1, 2);
        world.Learn([.. Enumerable.Range(1, 30)]);
        List<StreamId> streams = [.. full];
        for (int i = 0; i < 60; i++)
        {
            Live(world, 5, [.. streams]);
            foreach (int peer in world.Dialling.Where(peer => !streams.Contains(world.DialTo(peer))))
                streams.Add(world.AnswerDial(peer));
        }

        Assert.Equal(4, streams.Count);
    }

    [Theory]
    [InlineData("the registry's node is routed")]
    [InlineData("it is the registry's node itself")]
    [InlineData("the network is not known")]
    public void Whoever_is_not_cut_off_opens_no_more_than_it_wants(string why)
    {
        (TunnelsWorld world, StreamId[] full) = Full(why == "the network is not known" ? Options with { Network = null } : Options, why.StartsWith("it is", StringComparison.Ordinal) ? 100 : Registry);
        Publish(world, why == "the registry's node is routed" ? [1, 2, Registry] : [1, 2]);
        world.Learn(1, 2, 4);
        Live(world, 120, full);
        Assert.Empty(world.Dialling.Except([1, 2]));
    }

    private static (TunnelsWorld World, StreamId[] Full) Full(TunnelsOptions? options = null, int registry = Registry)
    {
        var world = new TunnelsWorld(options ?? Options);
        world.Learn(1, 2);
        StreamId[] full = [world.AnswerDial(1), world.AnswerDial(2)];
        world.Kit.System.EventStream.Publish(new NetworkParametersChanged(new NetworkParameters
        {
            Version = NetworkVersion.Create(1, []),
            Protocol = 10,
            RegistryPrefix = TunnelsWorld.Node(registry),
            ClientCount = 2,
            MaxClients = 10,
        }));
        return (world, full);
    }

    private static void Publish(TunnelsWorld world, params int[] nodes)
    {
        world.Kit.System.EventStream.Publish(new RoutesPublished([.. nodes.Select(node => new NodeRoute(TunnelsWorld.Node(node).Subnet(Network), new TunnelIndex(1), TunnelsWorld.Node(1), 96))]));
        world.Kit.Settle();
    }

    private static void Live(TunnelsWorld world, int seconds, StreamId[] streams) => world.Live(TimeSpan.FromSeconds(seconds), streams);
}
