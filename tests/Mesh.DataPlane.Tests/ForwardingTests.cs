using Mesh.DataPlane.Packets;

namespace Mesh.DataPlane.Tests;

public sealed class ForwardingTests
{
    private static readonly TunnelIndex Tunnel1 = new(1), Tunnel2 = new(2);
    private readonly Machine _a = new(1), _b = new(2), _c = new(3);

    // a --tunnel 1-- b --tunnel 2-- c
    public ForwardingTests()
    {
        Machine.Join(_a, _b, 1);
        Machine.Join(_b, _c, 2, DataCipher.ChaCha20Poly1305);
        _a.Publish(Machine.To(2, Route.Through(Tunnel1)), Machine.To(3, Route.Through(Tunnel1)));
        _b.Publish(Machine.To(1, Route.Through(Tunnel1)), Machine.To(3, Route.Through(Tunnel2)));
        _c.Publish(Machine.To(1, Route.Through(Tunnel2)), Machine.To(2, Route.Through(Tunnel2)));
    }

    [Fact]
    public void A_packet_reaches_the_host_at_the_other_end_unchanged()
    {
        byte[] packet = Ipv6.Packet(_a.Address, _b.Address, hopLimit: 1);
        _a.FromHost([.. packet]);
        _a.Deliver(_b);
        Assert.Equal([packet], _b.Output.ToHost);
        Assert.Equal(new TunnelCounters(1, packet.Length, 0, 0), _a.Engine.CountersOf(Tunnel1));
        Assert.Equal(new TunnelCounters(0, 0, 1, packet.Length), _b.Engine.CountersOf(Tunnel1));
        Assert.Equal((1, 0), (_a.Engine.Counters().FromHost, _a.Engine.Counters().TotalDrops));
        Assert.Equal((1, 0), (_b.Engine.Counters().ToHost, _b.Engine.Counters().TotalDrops));
    }

    // a gateway at b for those of a, another at c for those of b
    [Fact]
    public void A_default_route_of_its_source_takes_each_packet_to_its_gateway()
    {
        ForwardingEntry byDefault = new(0, 0, Route.Unreachable);
        _a.Publish(byDefault with { Source = Ipv6.Address("2001:db8:1::"), SourceLength = 48, Route = Route.Through(Tunnel1) });
        _b.Publish(
            byDefault with { Source = Ipv6.Address("2001:db8:1::"), SourceLength = 48, Route = Route.Local },
            byDefault with { Source = Ipv6.Address("2001:db8:2::"), SourceLength = 48, Route = Route.Through(Tunnel2) });

        _a.FromHost(Ipv6.Packet(_a.Address, "2600::1"));
        _a.Deliver(_b);
        Assert.Single(_b.Output.ToHost);
        _b.FromHost(Ipv6.Packet(_b.Address, "2600::1"));
        Assert.Single(_b.Output.Datagrams);
        Assert.Equal((0, 0), (_a.Engine.Counters().TotalDrops, _b.Engine.Counters().TotalDrops));
    }

    [Fact]
    public void Transit_takes_one_off_the_hop_limit()
    {
        byte[] packet = Ipv6.Packet(_a.Address, _c.Address, hopLimit: 2);
        _a.FromHost([.. packet]);
        _a.Deliver(_b);
        _b.Deliver(_c);
        packet[7] = 1;
        Assert.Equal([packet], _c.Output.ToHost);
        Assert.Equal(1, _b.Engine.Counters().Transit);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_hop_limit_that_runs_out_in_transit_is_told_to_the_source(byte hopLimit)
    {
        byte[] packet = Ipv6.Packet(_a.Address, _c.Address, hopLimit: hopLimit);
        _a.FromHost([.. packet]);
        _a.Deliver(_b);
        _b.Deliver(_a);
        byte[] error = Assert.Single(_a.Output.ToHost);
        AssertError(error, Icmpv6Error.TimeExceeded, 0, parameter: 0, _b.Address, packet);
        Assert.Equal(1, _b.Drops(DropReason.HopLimitExceeded));
        Assert.Equal(1, _b.Engine.Counters().IcmpErrorsSent);
    }

    [Fact]
    public void A_packet_too_long_for_the_path_is_told_to_the_source()
    {
        _b.Engine.SetPath(Tunnel2, new DataPath.Datagram(_c.IPEndPoint, Mtu: 1300));
        byte[] packet = Ipv6.Packet(_a.Address, _c.Address, length: 1301);
        _a.FromHost([.. packet]);
        _a.FromHost(Ipv6.Packet(_a.Address, _c.Address, length: 1300));
        _a.Deliver(_b);
        Assert.Single(_b.Output.Datagrams, datagram => datagram.To == _c.Endpoint);
        _b.Deliver(_a);
        AssertError(Assert.Single(_a.Output.ToHost), Icmpv6Error.PacketTooBig, 0, parameter: 1300, _b.Address, packet);
    }

    [Fact]
    public void Without_a_route_the_host_is_told_at_once()
    {
        byte[] packet = Ipv6.Packet(_a.Address, "2001:db8:99::1");
        _a.FromHost([.. packet]);
        AssertError(Assert.Single(_a.Output.ToHost), Icmpv6Error.DestinationUnreachable, Icmpv6Error.NoRoute, parameter: 0, _a.Address, packet);
    }

    [Fact]
    public void An_own_address_that_the_host_does_not_have_does_not_go_in_circles()
    {
        byte[] packet = Ipv6.Packet(_a.Address, "2001:db8:1::dead");
        _a.FromHost([.. packet]);
        byte[] error = Assert.Single(_a.Output.ToHost);
        AssertError(error, Icmpv6Error.DestinationUnreachable, Icmpv6Error.AddressUnreachable, parameter: 0, _a.Address, packet);
        Assert.Equal(1, _a.Drops(DropReason.NoSuchLocalAddress));
    }

    [Fact]
    public void A_route_back_into_the_tunnel_is_refused()
    {
        _b.Publish(Machine.To(1, Route.Through(Tunnel1)), Machine.To(3, Route.Through(Tunnel1)));
        _a.FromHost(Ipv6.Packet(_a.Address, _c.Address));
        _a.Deliver(_b);
        Assert.Equal(1, _b.Drops(DropReason.BackToSender));
        Assert.Equal(Ipv6.Icmp, OpenedByA()[6]);
    }

    [Fact]
    public void A_black_hole_says_nothing()
    {
        _a.Publish(Machine.To(2, Route.Blackhole));
        _a.FromHost(Ipv6.Packet(_a.Address, _b.Address));
        Assert.Equal(1, _a.Drops(DropReason.Blackhole));
        AssertSilent(_a);
    }

    [Fact]
    public void The_host_cannot_send_from_an_address_that_is_not_this_machines()
    {
        _a.FromHost(Ipv6.Packet(_b.Address, _c.Address));
        Assert.Equal(1, _a.Drops(DropReason.SourceNotOurs));
        AssertSilent(_a);
    }

    [Fact]
    public void A_host_that_forwards_for_others_may_send_what_they_sent_and_its_hop_limit_is_not_counted_twice()
    {
        var gateway = new Machine(4, DataPlaneOptions.Default with { ForwardsForHost = true });
        Machine.Join(gateway, _c, 3);
        gateway.Publish(Machine.To(3, Route.Through(new TunnelIndex(3))), Machine.To(2, Route.Unreachable));
        byte[] packet = Ipv6.Packet(_b.Address, _c.Address, hopLimit: 1);
        gateway.FromHost([.. packet]);
        gateway.Deliver(_c);
        Assert.Equal([packet], _c.Output.ToHost);
        gateway.FromHost(Ipv6.Packet("fe80::1", _c.Address));
        Assert.Equal(1, gateway.Drops(DropReason.Martian));
    }

    [Theory]
    [InlineData("::", "2001:db8:2::1", DropReason.Martian)]
    [InlineData("fe80::1", "2001:db8:2::1", DropReason.Martian)]
    [InlineData("ff02::1", "2001:db8:2::1", DropReason.Martian)]
    [InlineData("2001:db8:1::1", "fe80::1", DropReason.Martian)]
    [InlineData("2001:db8:1::1", "::1", DropReason.Martian)]
    [InlineData("2001:db8:1::1", "::ffff:10.0.0.1", DropReason.Martian)]
    [InlineData("fe80::1", "ff02::16", DropReason.Multicast)]
    [InlineData("2001:db8:1::1", "ff0e::1", DropReason.Multicast)]
    public void Addresses_that_are_never_routed_are_dropped_from_both_sides(string source, string destination, DropReason reason)
    {
        _a.FromHost(Ipv6.Packet(source, destination));
        _a.Engine.HandleStreamPacket(Tunnel1, Ipv6.Packet(source, destination), _a.Now);
        Assert.Equal(2, _a.Drops(reason));
        AssertSilent(_a);
    }

    [Fact]
    public void Errors_are_limited_by_the_time_that_comes_in()
    {
        var machine = new Machine(1, new DataPlaneOptions { IcmpErrorsPerSecond = 2, IcmpErrorBurst = 3 });
        for (int i = 0; i < 10; i++)
            machine.FromHost(Ipv6.Packet(machine.Address, "2001:db8:99::1"));
        Assert.Equal(3, machine.Output.ToHost.Count);
        Assert.Equal(7, machine.Engine.Counters().IcmpErrorsSuppressed);
        machine.Now += TimeSpan.FromMilliseconds(500);
        machine.FromHost(Ipv6.Packet(machine.Address, "2001:db8:99::1"));
        machine.FromHost(Ipv6.Packet(machine.Address, "2001:db8:99::1"));
        Assert.Equal(4, machine.Output.ToHost.Count);
    }

    [Fact]
    public void Without_an_address_of_its_own_a_machine_sends_no_errors()
    {
        _a.Engine.Publish(ForwardingTable.Create([Machine.To(1, Route.Local)]));
        _a.FromHost(Ipv6.Packet(_a.Address, _c.Address));
        Assert.Equal(1, _a.Drops(DropReason.NoRoute));
        AssertSilent(_a);
    }

    [Fact]
    public void Octets_after_the_packets_end_are_cut_off()
    {
        byte[] packet = Ipv6.Packet(_a.Address, _b.Address);
        _a.FromHost([.. packet, 1, 2, 3]);
        _a.Deliver(_b);
        Assert.Equal([packet], _b.Output.ToHost);
    }

    [Fact]
    public void Every_truncation_of_a_packet_is_malformed()
    {
        byte[] packet = Ipv6.Packet(_a.Address, _b.Address);
        for (int length = 0; length < packet.Length; length++)
            _a.FromHost(packet[..length]);
        Assert.Equal(packet.Length, _a.Drops(DropReason.MalformedPacket));
        AssertSilent(_a);
    }

    [Fact]
    public void IPv4_is_counted_and_dropped()
    {
        var packet = new byte[40];
        packet[0] = 0x45;
        _a.FromHost(packet);
        _a.Engine.HandleStreamPacket(Tunnel1, packet, _a.Now);
        Assert.Equal(2, _a.Drops(DropReason.IPv4Packet));
    }

    [Fact]
    public void Outputs_that_take_no_more_are_counted()
    {
        _a.Output.Full = true;
        _a.FromHost(Ipv6.Packet(_a.Address, _b.Address));
        _a.Engine.HandleStreamPacket(Tunnel1, Ipv6.Packet(_b.Address, _a.Address), _a.Now);
        _a.Engine.SetPath(Tunnel1, new DataPath.Stream(new StreamId(5)));
        _a.FromHost(Ipv6.Packet(_a.Address, _b.Address));
        Assert.Equal((1, 1, 1), (_a.Drops(DropReason.DatagramRefused), _a.Drops(DropReason.HostRefused), _a.Drops(DropReason.StreamRefused)));
        Assert.Equal(0, _a.Engine.CountersOf(Tunnel1)!.Value.SentPackets);
    }

    private byte[] OpenedByA()
    {
        _b.Deliver(_a);
        return Assert.Single(_a.Output.ToHost);
    }

    private static void AssertSilent(Machine machine)
    {
        Assert.Empty(machine.Output.ToHost);
        Assert.Empty(machine.Output.Datagrams);
        Assert.Empty(machine.Output.OnStream);
    }

    private static void AssertError(byte[] message, byte type, byte code, uint parameter, string from, byte[] about)
    {
        var expected = new byte[Icmpv6Error.MaxLength];
        int length = Icmpv6Error.Write(expected, Ipv6.Address(from), type, code, parameter, about);
        Assert.Equal(expected[..length], message);
    }
}
