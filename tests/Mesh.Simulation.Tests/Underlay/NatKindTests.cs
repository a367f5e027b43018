using System.Net;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Tests.Underlay;

public sealed class NatKindTests
{
    private readonly TestUnderlay _world = new();

    // Who is let in by a port that only the server at port 9 has been talked to from, and whether another remote sees the same port.
    [Theory]
    [InlineData(NatKind.FullCone, true, true, true)]
    [InlineData(NatKind.Restricted, true, false, true)]
    [InlineData(NatKind.PortRestricted, false, false, true)]
    [InlineData(NatKind.Symmetric, false, false, false)]
    public void Kinds_differ_in_whom_they_let_in_and_in_the_ports_that_others_see(NatKind kind, bool otherPort, bool stranger, bool samePort)
    {
        NatBox box = _world.AddNat("198.18.0.1", kind: kind);
        Machine inside = _world.AddInside(box, "10.0.1.1"), server = _world.AddPublic("198.18.0.2"), other = _world.AddPublic("198.18.0.3");
        var atServer = _world.Listen(server, 9);
        var atOther = _world.Listen(other, 9);
        var atInside = _world.Listen(inside, 1000);
        TestUnderlay.SendUdp(inside, 1000, new IPEndPoint(server.Address, 9));
        Run();
        IPEndPoint outer = Assert.Single(atServer).From;
        Assert.Equal(1, Answers(server, 9));
        Assert.Equal(otherPort ? 1 : 0, Answers(server, 555));
        Assert.Equal(stranger ? 1 : 0, Answers(other, 9));
        Assert.Equal((otherPort ? 0 : 1) + (stranger ? 0 : 1), box.Filtered);

        TestUnderlay.SendUdp(inside, 1000, new IPEndPoint(other.Address, 9));
        Run();
        Assert.Equal(samePort, outer.Equals(Assert.Single(atOther).From));

        int Answers(Machine from, int port)
        {
            atInside.Clear();
            TestUnderlay.SendUdp(from, port, outer);
            Run();
            return atInside.Count;
        }
    }

    [Fact]
    public void A_symmetric_box_sends_from_a_port_that_was_asked_for_as_long_as_it_is_open()
    {
        NatBox box = _world.AddNat("198.18.0.1", IPAddress.Parse("10.0.1.254"), NatKind.Symmetric);
        Machine inside = _world.AddInside(box, "10.0.1.1"), server = _world.AddPublic("198.18.0.2");
        var atServer = _world.Listen(server, 9);
        Protocol.Addressing.Ipv6Address.TryFrom(inside.Address.MapToIPv6(), out var client);
        var map = new Protocol.PortMapping.PcpMap(new(1, 2), Protocol.PortMapping.TransportProtocol.Udp, 1000, 7000, client);
        byte[] request = new Protocol.PortMapping.PcpRequest(Protocol.PortMapping.PcpOpcode.Map, TimeSpan.FromMinutes(5), client, map).Encode();
        inside.Send(new Packet(PacketProtocol.Udp, new IPEndPoint(inside.Address, 40_001), new IPEndPoint(box.MapsAt!, Protocol.PortMapping.PcpMessage.ServerPort), request));
        Run();
        TestUnderlay.SendUdp(inside, 1000, new IPEndPoint(server.Address, 9));
        Run();
        Assert.Equal(7000, atServer[^1].From.Port);
        _world.Run(TimeSpan.FromMinutes(10));
        TestUnderlay.SendUdp(inside, 1000, new IPEndPoint(server.Address, 9));
        Run();
        Assert.NotEqual(7000, atServer[^1].From.Port);
    }

    [Fact]
    public void Behind_a_carriers_box_others_see_the_carriers_address_and_answers_come_through_both()
    {
        NatBox carrier = _world.AddNat("198.18.0.1");
        NatBox box = _world.AddNat("100.64.0.1", carrier: carrier);
        Machine inside = _world.AddInside(box, "10.0.1.1"), server = _world.AddPublic("198.18.0.2"), stranger = _world.AddPublic("198.18.0.3");
        var atServer = _world.Listen(server, 9);
        var atInside = _world.Listen(inside, 1000);
        TestUnderlay.SendUdp(inside, 1000, new IPEndPoint(server.Address, 9));
        Run();
        IPEndPoint outer = Assert.Single(atServer).From;
        Assert.Equal(carrier.Address, outer.Address);
        TestUnderlay.SendUdp(server, 9, outer, 7);
        TestUnderlay.SendUdp(stranger, 9, outer, 8);
        Run();
        Assert.Equal(7, Assert.Single(atInside).Octet);
        Assert.Equal((1, 0), (carrier.Filtered, box.Filtered));
        Assert.Same(carrier, inside.Gateway);
    }

    private void Run() => _world.Run(TimeSpan.FromSeconds(1));
}
