using System.Net;
using Mesh.DataPlane;
using Mesh.Node.AddressBook;
using Mesh.Node.PortMapping;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels;

public sealed class TunnelsAddressesTests
{
    private static readonly AdvertisedAddress Configured = new("203.0.113.5", 1326, AddressProtocol.Mesh);

    private static readonly TunnelsOptions Options = new()
    {
        Self = TunnelsWorld.Node(100),
        ClientCount = 5,
        Listen = new IPEndPoint(IPAddress.Any, 1326),
        LocalAddresses = new HashSet<IPAddress> { IPAddress.Parse("198.51.100.100"), IPAddress.Parse("2001:db8:1::1") },
    };

    [Fact]
    public void Configured_addresses_are_advertised_from_the_start()
    {
        var world = new TunnelsWorld(Options with { Advertised = new AddressList(Configured) });
        Assert.Equal([Configured], world.Bootstrap.ExpectMsg<AdvertisedAddressesChanged>().Addresses);
    }

    [Fact]
    public void An_own_address_at_which_a_peer_sees_us_is_advertised_once()
    {
        var world = new TunnelsWorld(Options);
        world.Learn(1, 2, 3, 4);
        world.Bootstrap.ReceiveAll();
        StreamId first = world.AnswerDial(1);
        Assert.Empty(world.Bootstrap.ReceiveAll());
        for (int peer = 2; peer <= 4; peer++)
            world.AnswerDial(peer, ObservedEndpoint.Ipv4(0xC6336464, 40_000));
        var told = Assert.Single(world.Bootstrap.ReceiveAll());
        Assert.Equal("198.51.100.100,1326,mesh", Assert.IsType<AdvertisedAddressesChanged>(told).Addresses.ToString());
        // The neighbour that was there before is told as well, once.
        Assert.Equal(["", "198.51.100.100,1326,mesh"], world.Sent(first, PeerAddresses.Kind).Select(f => OwnOf(f.Payload)), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("an address of a NAT box")]
    [InlineData("nothing")]
    public void What_is_not_an_own_address_is_not_advertised(string seen)
    {
        var world = new TunnelsWorld(Options);
        world.Learn(1);
        world.Bootstrap.ReceiveAll();
        world.AnswerDial(1, seen == "nothing" ? default : ObservedEndpoint.Ipv4(0xC0000201, 1326));
        Assert.Empty(world.Bootstrap.ReceiveAll());
    }

    [Fact]
    public void An_ipv6_address_is_recognised()
    {
        var world = new TunnelsWorld(Options);
        world.Learn(1);
        world.Bootstrap.ReceiveAll();
        world.AnswerDial(1, ObservedEndpoint.Ipv6(Ipv6Address.Parse("2001:db8:1::1"), 5));
        Assert.Equal("2001:db8:1::1,1326,mesh", world.Bootstrap.ExpectMsg<AdvertisedAddressesChanged>().Addresses.ToString());
    }

    [Fact]
    public void A_node_that_accepts_no_tunnels_advertises_nothing_that_peers_see()
    {
        var world = new TunnelsWorld(Options with { Listen = null });
        world.Learn(1);
        world.Bootstrap.ReceiveAll();
        world.AnswerDial(1, ObservedEndpoint.Ipv4(0xC6336464, 40_000));
        Assert.Empty(world.Bootstrap.ReceiveAll());
        Assert.Empty(world.Streams.Listeners);
    }

    [Fact]
    public void A_new_neighbour_is_told_about_us_and_some_others_but_not_about_itself()
    {
        var world = new TunnelsWorld(Options with { Advertised = new AddressList(Configured), SharedPeers = 3 });
        world.Learn([.. Enumerable.Range(1, 20).Select(n => TunnelsWorld.Known(n)), TunnelsWorld.Known(100), new PeerAddressEntry(TunnelsWorld.Node(30), AddressList.Empty)]);
        StreamId stream = world.Call(5);
        Assert.True(PeerAddresses.TryDecode(Assert.Single(world.Sent(stream, PeerAddresses.Kind)).Payload.Span, out PeerAddresses? told));
        Assert.Equal(4, told.Entries.Length);
        Assert.Equal(new PeerAddressEntry(TunnelsWorld.Node(100), new AddressList(Configured)), told.Entries[0]);
        Assert.All(told.Entries[1..], e => Assert.InRange((int)e.Prefix.Value, 1, 20));
        Assert.DoesNotContain(told.Entries, e => e.Prefix == TunnelsWorld.Node(5));
    }

    [Fact]
    public void Long_lists_that_others_made_up_do_not_make_ours_too_long()
    {
        string name = string.Join('.', Enumerable.Repeat(new string('a', 59), 4));
        string[] longList = [.. Enumerable.Range(1, 16).Select(i => $"{name}{i},65535,mesh")];
        Assert.InRange(string.Join(';', longList).Length, 4000, AddressList.MaxTextLength);
        var world = new TunnelsWorld(Options with { SharedPeers = 63 });
        world.Learn([.. Enumerable.Range(1, 63).Select(n => TunnelsWorld.Known(n, longList))]);
        StreamId stream = world.Call(99);
        Assert.Equal(0, world.Kit.System.FailureCount);
        ReadOnlyMemory<byte> frame = Assert.Single(world.Sent(stream, PeerAddresses.Kind)).Payload;
        Assert.True(PeerAddresses.TryDecode(frame.Span, out PeerAddresses? told));
        Assert.InRange(told.Entries.Length, 10, 16);
    }

    [Fact]
    public void What_peers_tell_goes_to_the_address_book_but_only_a_node_itself_may_say_that_it_has_no_address()
    {
        var world = new TunnelsWorld(Options);
        StreamId stream = world.Call(5);
        world.Frame(stream, new PeerAddresses([new PeerAddressEntry(TunnelsWorld.Node(5), AddressList.Empty), TunnelsWorld.Known(6), new PeerAddressEntry(TunnelsWorld.Node(7), AddressList.Empty)]).Encode);
        Assert.Equal([new PeerAddressEntry(TunnelsWorld.Node(5), AddressList.Empty), TunnelsWorld.Known(6)], world.AddressBook.ExpectMsg<PeersSeen>().Peers);
    }

    [Fact]
    public void The_address_at_which_a_tunnel_came_up_is_told_to_the_address_book_and_no_other()
    {
        var world = new TunnelsWorld(Options);
        world.Learn(TunnelsWorld.Known(1, "name.example.org,1326,mesh", "198.51.100.1,1326,mesh,FR", "198.51.100.1,1194,tcp"));
        Assert.Empty(world.AddressBook.ReceiveAll());
        world.AnswerDial(1);
        Assert.Equal(new AddressWorked(TunnelsWorld.Node(1), new AdvertisedAddress("198.51.100.1", 1326, AddressProtocol.Mesh, "FR")), world.AddressBook.ExpectMsg<AddressWorked>());
        world.Call(5);
        Assert.Empty(world.AddressBook.ReceiveAll());
    }

    [Fact]
    public void A_mapped_address_is_advertised_behind_the_others_told_to_neighbours_and_taken_back()
    {
        var world = new TunnelsWorld(Options with { Advertised = new AddressList(Configured) });
        StreamId neighbour = world.Call(1);
        world.Bootstrap.ReceiveAll();
        AdvertisedAddress mapped = new("198.51.100.200", 40_000, AddressProtocol.Mesh);
        Map(world, new AddressList(mapped), udpPort: 40_001);
        Assert.Equal([Configured, mapped], world.Bootstrap.ExpectMsg<AdvertisedAddressesChanged>().Addresses);
        Map(world, new AddressList(mapped), udpPort: null);
        world.Bootstrap.ExpectNoMsg(TimeSpan.Zero);   // they are the same
        Map(world, new AddressList(new AdvertisedAddress("203.0.113.200", 40_000, AddressProtocol.Mesh), Configured), udpPort: null);
        Assert.Equal("203.0.113.5,1326,mesh;203.0.113.200,40000,mesh", world.Bootstrap.ExpectMsg<AdvertisedAddressesChanged>().Addresses.ToString());
        Map(world, AddressList.Empty, udpPort: null);
        Assert.Equal([Configured], world.Bootstrap.ExpectMsg<AdvertisedAddressesChanged>().Addresses);   // the operator has said it, mapped or not
        Assert.Equal(
            ["203.0.113.5,1326,mesh", "203.0.113.5,1326,mesh;198.51.100.200,40000,mesh", "203.0.113.5,1326,mesh;203.0.113.200,40000,mesh", "203.0.113.5,1326,mesh"],
            world.Sent(neighbour, PeerAddresses.Kind).Select(f => OwnOf(f.Payload)), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("198.51.100.9", 40_001)]   // through the gateway
    [InlineData("10.1.0.7", 1326)]   // from our side of it
    public void A_peer_that_comes_from_outside_is_told_the_gateways_port_for_datagrams(string from, int port)
    {
        var world = new TunnelsWorld(Options with { Tunnel = new TunnelOptions { UdpPort = 1326 } });
        Map(world, new AddressList(new AdvertisedAddress("198.51.100.200", 40_000, AddressProtocol.Mesh)), udpPort: 40_001);
        StreamId stream = world.Streams.NewStream();
        world.Manager.Tell(new Node.Ports.StreamOpened(stream, TunnelWorld.CertificateOf(TunnelsWorld.Node(9)), new IPEndPoint(IPAddress.Parse(from), 50_000), Accepted: true));
        world.Kit.Settle();
        Assert.True(TunnelHello.TryDecode(Assert.Single(world.Sent(stream, TunnelHello.Kind)).Payload.Span, out TunnelHello? hello));
        Assert.Equal(port, hello.UdpPort);
    }

    private static void Map(TunnelsWorld world, AddressList addresses, ushort? udpPort)
    {
        world.Kit.System.EventStream.Publish(new MappedAddressesChanged(addresses, udpPort));
        world.Kit.Settle();
    }

    private static string OwnOf(ReadOnlyMemory<byte> payload)
    {
        Assert.True(PeerAddresses.TryDecode(payload.Span, out PeerAddresses? told));
        return told.Entries.Single(e => e.Prefix == TunnelsWorld.Node(100)).Addresses.ToString();
    }
}
