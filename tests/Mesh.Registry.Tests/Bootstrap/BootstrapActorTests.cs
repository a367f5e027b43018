using Mesh.Actors;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Bootstrap;

namespace Mesh.Registry.Tests.Bootstrap;

public sealed class BootstrapActorTests
{
    private static readonly NodePrefix RegistryNode = Node(0);
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private readonly RegistryWorld _world = new();

    [Fact]
    public void Nobody_is_sent_to_nobody_or_to_itself()
    {
        Ask<NoPeer>(new PickPeer(Node(1), RegistryNode));
        Advertise(Node(1));
        Ask<NoPeer>(new PickPeer(Node(1), RegistryNode));
        Advertise(RegistryNode);
        for (int time = 0; time < 3; time++)
            Assert.Equal(Node(1), Pick(RegistryNode));
    }

    [Fact]
    public void The_first_answer_is_the_registrys_node_and_later_ones_are_anybody()
    {
        for (int node = 0; node < 20; node++)
            Advertise(Node(node));
        Assert.Equal(RegistryNode, Pick(Node(5)));
        HashSet<NodePrefix> later = [.. Enumerable.Range(0, 400).Select(_ => Pick(Node(5)))];
        Assert.Equal(19, later.Count);
        Assert.DoesNotContain(Node(5), later);
    }

    [Fact]
    public void After_a_while_an_asker_is_new_again()
    {
        for (int node = 0; node < 50; node++)
            Advertise(Node(node));
        Assert.Equal(RegistryNode, Pick(Node(5)));
        _world.Kit.Advance(Lifetime);
        Advertise(RegistryNode);
        Advertise(Node(7));
        Assert.Equal(RegistryNode, Pick(Node(5)));
    }

    [Fact]
    public void Advertisements_expire_unless_they_are_refreshed()
    {
        Advertise(Node(1));
        Advertise(Node(2));
        _world.Kit.Advance(Lifetime - TimeSpan.FromSeconds(1));
        Advertise(Node(2), "192.0.2.9,7,mesh");
        _world.Kit.Advance(TimeSpan.FromSeconds(1));
        for (int time = 0; time < 20; time++)
            Assert.Equal("192.0.2.9,7,mesh", Ask<PeerPicked>(new PickPeer(Node(3), RegistryNode)).Addresses.ToString());
        Assert.Equal(1, Ask<AdvertiserCount>(new CountAdvertisers()).Count);
        _world.Kit.Advance(Lifetime);
        Ask<NoPeer>(new PickPeer(Node(3), RegistryNode));
        Assert.Equal(0, Ask<AdvertiserCount>(new CountAdvertisers()).Count);
    }

    [Fact]
    public void An_empty_list_takes_the_advertisement_back_and_a_freed_prefix_is_forgotten()
    {
        Advertise(Node(1));
        Advertise(Node(2));
        Advertise(Node(3));
        Advertise(Node(1), "");
        Assert.Equal(2, Ask<AdvertiserCount>(new CountAdvertisers()).Count);
        _world.Kit.System.EventStream.Publish(new PrefixFreed(Node(3)));
        _world.Kit.Settle();
        for (int time = 0; time < 10; time++)
            Assert.Equal(Node(2), Pick(Node(9)));
    }

    [Fact]
    public void A_node_that_did_not_refresh_in_time_is_offered_only_while_there_is_no_other()
    {
        Advertise(Node(1));
        Advertise(Node(2));
        _world.Kit.Advance(TimeSpan.FromMinutes(4));   // a refresh was due after 3
        Advertise(Node(3));
        Advertise(Node(4));
        Assert.Equal([Node(3), Node(4)], Enumerable.Range(0, 40).Select(_ => Pick(Node(9))).Distinct().Order());
        Advertise(Node(3), "");
        Advertise(Node(4), "");
        Assert.Equal([Node(1), Node(2)], Enumerable.Range(0, 40).Select(_ => Pick(Node(9))).Distinct().Order());
    }

    [Fact]
    public void Nobody_is_offered_the_same_node_twice_in_a_row_while_there_is_another()
    {
        Advertise(Node(1));
        Advertise(Node(2));
        for (int time = 0; time < 20; time++)
            Assert.NotEqual(Pick(Node(9)), Pick(Node(9)));
        _world.Kit.Advance(TimeSpan.FromMinutes(4));
        Advertise(Node(2));   // the other one may be dead, but this one was just tried
        NodePrefix[] turns = [Pick(Node(9)), Pick(Node(9)), Pick(Node(9))];
        Assert.Contains(Node(1), turns);
        Assert.Contains(Node(2), turns);
    }

    [Theory]
    [InlineData(1ul)]
    [InlineData(2ul)]
    public void Only_living_others_are_picked_however_nodes_come_and_go(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        var until = new Dictionary<NodePrefix, TimeSpan>();
        for (int step = 0; step < 1000; step++)
        {
            NodePrefix node = Node(random.Next(12));
            switch (random.Next(4))
            {
                case 0:
                    Advertise(node);
                    until[node] = _world.Kit.Now + Lifetime;
                    break;
                case 1 when random.Next(3) == 0:
                    Advertise(node, "");
                    until.Remove(node);
                    break;
                case 1:
                    _world.Kit.Advance(random.NextTimeSpan(TimeSpan.Zero, TimeSpan.FromMinutes(2)));
                    break;
                default:
                    _world.Admin.Send(_world.Actors.Bootstrap, new PickPeer(node, RegistryNode));
                    object answer = _world.Admin.ExpectMsg<object>();
                    List<NodePrefix> others = [.. until.Where(u => u.Key != node && u.Value > _world.Kit.Now).Select(u => u.Key)];
                    if (answer is PeerPicked picked)
                        Assert.Contains(picked.Node, others);
                    else
                        Assert.Empty(others);
                    break;
            }
        }
    }

    private static NodePrefix Node(int number) => new((UInt128)number, 16);

    private void Advertise(NodePrefix node, string addresses = "192.0.2.1,1194,mesh")
    {
        Assert.True(AddressList.TryParse(addresses, out AddressList list, out _));
        Ask<Done>(new Advertise(node, list));
    }

    private NodePrefix Pick(NodePrefix asker) => Ask<PeerPicked>(new PickPeer(asker, RegistryNode)).Node;

    private T Ask<T>(BootstrapCommand command)
    {
        _world.Admin.Send(_world.Actors.Bootstrap, command);
        return _world.Admin.ExpectMsg<T>();
    }
}
