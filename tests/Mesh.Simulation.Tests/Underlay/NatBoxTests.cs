using System.Net;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Tests.Underlay;

public sealed class NatBoxTests
{
    private readonly TestUnderlay _world = new();
    private readonly NatBox _box;
    private readonly Machine _inside;
    private readonly Machine _server;
    private readonly Machine _stranger;
    private readonly List<(IPEndPoint From, TimeSpan At, byte Octet)> _atServer;
    private readonly List<(IPEndPoint From, TimeSpan At, byte Octet)> _atInside;

    public NatBoxTests()
    {
        _box = _world.AddNat("198.18.0.1");
        _inside = _world.AddInside(_box, "10.0.1.1");
        _server = _world.AddPublic("198.18.0.2");
        _stranger = _world.AddPublic("198.18.0.3");
        _atServer = _world.Listen(_server, 9);
        _atInside = _world.Listen(_inside, 1000);
    }

    [Fact]
    public void Others_see_the_box_and_their_answers_come_in()
    {
        IPEndPoint outer = Punch(_server);
        Assert.Equal(_box.Address, outer.Address);
        Assert.NotEqual(1000, outer.Port);
        TestUnderlay.SendUdp(_server, 9, outer, 7);
        Run();
        Assert.Equal((new IPEndPoint(_server.Address, 9), (byte)7), (_atInside[0].From, _atInside[0].Octet));
    }

    [Fact]
    public void The_mapping_does_not_depend_on_whom_one_talks_to()
    {
        var atStranger = _world.Listen(_stranger, 9);
        IPEndPoint outer = Punch(_server);
        TestUnderlay.SendUdp(_inside, 1000, new IPEndPoint(_stranger.Address, 9));
        Run();
        Assert.Equal(outer, Assert.Single(atStranger).From);
    }

    [Fact]
    public void Each_inner_port_and_machine_has_a_mapping_of_its_own()
    {
        Machine neighbour = _world.AddInside(_box, "10.0.1.2");
        foreach ((Machine from, int port) in new[] { (_inside, 1000), (_inside, 1001), (neighbour, 1000) })
            TestUnderlay.SendUdp(from, port, new IPEndPoint(_server.Address, 9));
        Run();
        Assert.Equal(3, _atServer.Select(p => p.From.Port).Distinct().Count());
    }

    [Fact]
    public void Strangers_are_filtered_by_their_address_but_not_by_their_port()
    {
        IPEndPoint outer = Punch(_server);
        TestUnderlay.SendUdp(_stranger, 9, outer);
        TestUnderlay.SendUdp(_server, 9, new IPEndPoint(_box.Address, outer.Port + 1));
        Run();
        Assert.Empty(_atInside);
        Assert.Equal(2, _box.Filtered);
        TestUnderlay.SendUdp(_server, 555, outer);
        Run();
        Assert.Single(_atInside);
    }

    [Fact]
    public void A_mapping_that_is_not_used_expires_and_one_that_is_used_does_not()
    {
        IPEndPoint outer = Punch(_server);
        for (int i = 0; i < 5; i++)
        {
            _world.Run(TimeSpan.FromSeconds(118));
            TestUnderlay.SendUdp(_server, 9, outer);
            Run();
            Assert.Equal(i + 1, _atInside.Count);
        }

        _world.Run(TimeSpan.FromSeconds(121));
        TestUnderlay.SendUdp(_server, 9, outer);
        Run();
        Assert.Equal(5, _atInside.Count);
        Assert.Equal(outer, Punch(_server));
        TestUnderlay.SendUdp(_server, 9, outer);
        Run();
        Assert.Equal(6, _atInside.Count);
    }

    [Fact]
    public void Neighbours_talk_inside_the_site()
    {
        Machine neighbour = _world.AddInside(_box, "10.0.1.2");
        TestUnderlay.SendUdp(neighbour, 2000, new IPEndPoint(_inside.Address, 1000), 5);
        Run();
        Assert.Equal(new IPEndPoint(neighbour.Address, 2000), Assert.Single(_atInside).From);
    }

    // The address and port that the other end sees.
    private IPEndPoint Punch(Machine to)
    {
        TestUnderlay.SendUdp(_inside, 1000, new IPEndPoint(to.Address, 9));
        Run();
        return _atServer[^1].From;
    }

    private void Run() => _world.Run(TimeSpan.FromSeconds(1));
}
