using System.Collections.Immutable;
using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Registry.Bootstrap;
using Mesh.Registry.LocalNode;

namespace Mesh.Registry.Tests.LocalNode;

/// <summary>The two sources of first peers, together.</summary>
public sealed class PeersTests
{
    private static readonly NodePrefix RegistryNode = Node(0);
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private readonly RegistryWorld _world = new();
    private readonly FakeLocalNode _node;
    private readonly FakeDaemon _daemon;
    private readonly ActorRef _bootstrap;

    public PeersTests()
    {
        _node = new FakeLocalNode(_world.Kit);
        _daemon = new FakeDaemon(_world.Kit);
        TimeSpan timeout = _world.Options.CallTimeout;
        ActorRef local = _world.Kit.ActorOf(Props.Create(() => new LocalNodeActor(_world.Authority.Network, _world.Actors.Registry, _node, timeout)));
        ActorRef peers = _world.Kit.ActorOf(Props.Create(() => new PeersActor(_world.Authority.Network, _daemon, local, timeout)));
        _bootstrap = _world.Kit.ActorOf(Props.Create(() => new BootstrapActor(Lifetime, peers)));
        for (int node = 0; node < 10; node++)
            _node.Answer(Node(node), PeerCode.Address, $"192.0.2.{node},1194,tcp,FR");
    }

    [Fact]
    public void Routed_nodes_are_given_one_after_the_other_and_the_registrys_own_once()
    {
        Route(1, 2, 3);
        HashSet<NodePrefix> round = [.. Enumerable.Range(0, 4).Select(asker => Pick(Node(20 + asker)))];
        Assert.Equal([Node(0), Node(1), Node(2), Node(3)], round.Order());
        Assert.Equal(1, _daemon.Dumps);
        _ = Pick(Node(30));
        Assert.Equal(2, _daemon.Dumps);
    }

    [Fact]
    public void A_list_is_used_for_a_minute_only()
    {
        Route(1, 2, 3);
        _ = Pick(Node(20));
        Route(5);
        _world.Kit.Advance(PeersActor.ListLifetime);
        Assert.Equal([Node(0), Node(5)], new[] { Pick(Node(21)), Pick(Node(22)) }.Order());
        Assert.Equal(2, _daemon.Dumps);
    }

    [Fact]
    public void Only_prefixes_of_nodes_of_this_network_count()
    {
        _daemon.Routes = [Ipv6Prefix.Parse("::/0"), Ipv6Prefix.Parse("2001:db8:42::/48"), Ipv6Prefix.Parse("2001:db8:43:1::/64"), Ipv6Prefix.Parse("::ffff:10.0.0.0/104"), Subnet(1), Subnet(1)];
        Assert.Equal([Node(0), Node(1)], new[] { Pick(Node(21)), Pick(Node(22)) }.Order());
    }

    [Fact]
    public void A_node_is_sent_to_the_registrys_node_instead_of_itself()
    {
        Route(1);
        for (int time = 0; time < 6; time++)
        {
            _world.Kit.Advance(Lifetime);   // asks for the first time again
            Assert.Equal(RegistryNode, Pick(Node(1)));
        }
    }

    [Fact]
    public void The_registrys_node_is_not_sent_to_itself()
    {
        Ask<NoPeer>(new PickPeer(RegistryNode, RegistryNode));
        Assert.DoesNotContain(_node.Sent, static s => s.Datagram.Code == PeerCode.Address);
    }

    [Fact]
    public void Without_a_daemon_the_registrys_node_is_left()
    {
        Assert.Equal(RegistryNode, Pick(Node(21)));
        Assert.Single(_world.Kit.Log.Entries, static e => e.Message.Contains("there is no such socket", StringComparison.Ordinal));
        Assert.Equal(RegistryNode, Pick(Node(22)));
        Assert.Equal(1, _daemon.Dumps);   // a daemon that failed is left alone for a while
        _world.Kit.Advance(PeersActor.SilenceLifetime);
        _daemon.IsSilent = true;
        TimeSpan before = _world.Kit.Now;
        List<TestProbe> askers = [.. Enumerable.Range(0, 3).Select(i => Send(new PickPeer(Node(30 + i), RegistryNode)))];
        foreach (TestProbe asker in askers)
        {
            Assert.Equal(RegistryNode, asker.ExpectMsg<PeerPicked>().Node);
            Assert.Equal(TimeSpan.FromSeconds(3) + _node.Delay, asker.LastArrival - before);
        }

        Assert.Equal(2, _daemon.Dumps);
    }

    [Fact]
    public void One_silent_peer_keeps_nobody_else_waiting()
    {
        Route(1, 2);
        _node.Answers.Remove((Node(1), PeerCode.Address));
        List<TestProbe> askers = [.. Enumerable.Range(0, 3).Select(i => Send(new PickPeer(Node(20 + i), RegistryNode)))];
        _world.Kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2, askers.Sum(static a => a.PendingCount));
        _world.Kit.Advance(TimeSpan.FromSeconds(3));
        Assert.Single(askers, static a => a.ReceiveAll() is [NoPeer]);
    }

    [Fact]
    public void A_silent_local_node_costs_three_seconds_only_once_in_a_while()
    {
        _node.Answers.Clear();
        TestProbe first = Send(new PickPeer(Node(21), RegistryNode));
        _ = first.ExpectMsg<NoPeer>();
        TimeSpan silent = _world.Kit.Now;
        Assert.InRange(silent, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(3.1));
        Ask<NoPeer>(new PickPeer(Node(22), RegistryNode));
        Assert.Equal(silent, _world.Kit.Now);
        _node.Answer(RegistryNode, PeerCode.Address, "192.0.2.0,1194,tcp");
        _world.Kit.Advance(PeersActor.SilenceLifetime);
        Assert.Equal(RegistryNode, Pick(Node(23)));
    }

    [Fact]
    public void Who_advertises_is_sent_to_one_that_advertises()
    {
        Route(1, 2, 3);
        Advertise(Node(8));
        Advertise(Node(9));
        for (int time = 0; time < 5; time++)
            Assert.Equal(Node(8), Pick(Node(9)));
        Assert.Equal(0, _daemon.Dumps);
    }

    [Fact]
    public void Who_advertises_alone_is_sent_to_a_routed_node()
    {
        Route(1);
        Advertise(Node(9));
        Assert.Equal([Node(0), Node(1)], new[] { Pick(Node(9)), Pick(Node(9)) }.Order());
    }

    [Fact]
    public void Others_are_sent_to_a_routed_node_and_the_next_time_to_one_that_advertises()
    {
        Route(1, 2, 3);
        Advertise(Node(9));
        Assert.NotEqual(Node(9), Pick(Node(20)));
        Assert.Equal(Node(9), Pick(Node(20)));
        Assert.NotEqual(Node(9), Pick(Node(20)));
    }

    [Fact]
    public void Where_nobody_has_a_route_one_that_advertises_is_left()
    {
        _node.Answers.Clear();
        Advertise(Node(9));
        Assert.Equal(Node(9), Pick(Node(20)));
        _node.Answer(RegistryNode, PeerCode.Address, "");   // it answers, but cannot be reached
        _world.Kit.Advance(PeersActor.SilenceLifetime);
        Assert.Equal(Node(9), Pick(Node(21)));
    }

    [Fact]
    public void The_number_that_waits_for_the_daemon_is_bounded()
    {
        _daemon.IsSilent = true;
        TestProbe flood = _world.Kit.CreateProbe();
        for (int asker = 0; asker < PeersActor.MaxWaiting + 3; asker++)
            _bootstrap.Tell(new PickPeer(new NodePrefix((UInt128)asker + 1, 40), RegistryNode), flood.Ref);
        _world.Kit.Settle();
        Assert.Equal(3, flood.ReceiveAll().OfType<NoPeer>().Count());
        _world.Kit.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(PeersActor.MaxWaiting, flood.ReceiveAll().Count);
    }

    private static NodePrefix Node(int number) => new((UInt128)number, 16);

    private Ipv6Prefix Subnet(int number) => Node(number).Subnet(_world.Authority.Network);

    private void Route(params ReadOnlySpan<int> nodes)
    {
        ImmutableArray<Ipv6Prefix>.Builder routes = ImmutableArray.CreateBuilder<Ipv6Prefix>();
        foreach (int node in nodes)
            routes.Add(Subnet(node));
        _daemon.Routes = routes.ToImmutable();
    }

    private void Advertise(NodePrefix node)
    {
        Assert.True(AddressList.TryParse("192.0.2.77,1194,mesh", out AddressList list, out _));
        Ask<Done>(new Advertise(node, list));
    }

    private NodePrefix Pick(NodePrefix asker) => Ask<PeerPicked>(new PickPeer(asker, RegistryNode)).Node;

    private T Ask<T>(BootstrapCommand command) => Send(command).ExpectMsg<T>();

    private TestProbe Send(BootstrapCommand command)
    {
        TestProbe asker = _world.Kit.CreateProbe();
        asker.Send(_bootstrap, command);
        return asker;
    }
}
