using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.KernelInterfaces;
using Mesh.Platform.Linux.Namespaces;
using Mesh.Platform.Linux.Netlink;
using Mesh.Protocol.Addressing;

namespace Mesh.Platform.Linux.Tests.KernelInterfaces;

public sealed class KernelLinkPortTests
{
    private static readonly Ipv6Address One = Ipv6Address.Parse("fe80::1"), Two = Ipv6Address.Parse("fe80::2"), Three = Ipv6Address.Parse("fe80::3"), Group = Ipv6Address.Parse("ff02::1:6");
    private static readonly IPAddress Node = IPAddress.Parse("2001:db8:42::1");

    [Fact]
    public void Packets_pass_between_two_links_by_multicast_and_unicast_and_say_where_they_were_sent()
    {
        using NetworkNamespace a = NeedsRoot.Namespace("link"), b = NeedsRoot.Namespace("link");
        (int linkA, int linkB) = Connect(a, b);
        (Mailbox boxA, Mailbox boxB) = (new Mailbox(), new Mailbox());
        using KernelLinkPort portA = a.Run(() => new KernelLinkPort(1, Node, static (_, _) => { })), portB = b.Run(() => new KernelLinkPort(1, Node, static (_, _) => { }));
        a.Run(() => portA.Open(linkA, One, boxA));
        b.Run(() => portB.Open(linkB, Two, boxB));

        portA.Send(linkA, Group, new byte[] { 1 });
        var got = boxB.Next<KernelLinkPacket>();
        Assert.Equal((linkB, One, Group), (got.Link, got.From, got.To));
        Assert.Equal([1], got.Packet.ToArray());
        portB.Send(linkB, One, new byte[] { 2, 3 });
        got = boxA.Next<KernelLinkPacket>();
        Assert.Equal((linkA, Two, One), (got.Link, got.From, got.To));
        Assert.Equal([2, 3], got.Packet.ToArray());

        // From another port, it is no routing packet; and of a link that is closed nothing comes.
        b.Run(() =>
        {
            using var stranger = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
            stranger.SendTo([9], new IPEndPoint(new IPAddress(One.ToIPAddress().GetAddressBytes(), linkB), 6696));
        });
        portB.Send(linkB, Group, new byte[] { 4 });
        Assert.Equal([4], boxA.Next<KernelLinkPacket>().Packet.ToArray());
        portB.Close(linkB);
        portA.Send(linkA, Group, new byte[] { 5 });
        portB.Send(linkB, Group, new byte[] { 6 });   // passed over
        b.Run(() => portB.Open(linkB, Two, boxB));
        portA.Send(linkA, Group, new byte[] { 7 });
        Assert.Equal([7], boxB.Next<KernelLinkPacket>().Packet.ToArray());
        Assert.Equal(0, boxA.Count);
    }

    [Fact]
    public void Of_several_addresses_of_a_link_the_one_that_was_said_is_the_source()
    {
        using NetworkNamespace a = NeedsRoot.Namespace("link"), b = NeedsRoot.Namespace("link");
        (int linkA, int linkB) = Connect(a, b);
        a.Run(() =>
        {
            using var netlink = RouteNetlink.Open();
            netlink.AddAddress(linkA, Three.ToIPAddress(), 64);
        });
        a.AwaitAddress(Three.ToIPAddress());
        (Mailbox boxA, Mailbox boxB) = (new Mailbox(), new Mailbox());
        using KernelLinkPort portA = a.Run(() => new KernelLinkPort(1, Node, static (_, _) => { })), portB = b.Run(() => new KernelLinkPort(1, Node, static (_, _) => { }));
        b.Run(() => portB.Open(linkB, Two, boxB));
        foreach (Ipv6Address own in (Ipv6Address[])[One, Three])
        {
            a.Run(() => portA.Open(linkA, own, boxA));
            portA.Send(linkA, Group, new byte[] { 1 });
            Assert.Equal(own, boxB.Next<KernelLinkPacket>().From);
            portA.Send(linkA, Two, new byte[] { 2 });
            Assert.Equal(own, boxB.Next<KernelLinkPacket>().From);
        }

        a.Run(() =>
        {
            using var netlink = RouteNetlink.Open();
            netlink.RemoveAddress(linkA, Three.ToIPAddress(), 64);
        });
        portA.Send(linkA, Group, new byte[] { 3 });   // the packet does not leave with another source
        Assert.Equal(1, portA.FailedCount);
    }

    [Fact]
    public void Routes_that_a_crash_has_left_are_removed_and_those_of_others_stay()
    {
        using NetworkNamespace a = NeedsRoot.Namespace("link"), b = NeedsRoot.Namespace("link");
        (int link, _) = Connect(a, b);
        KernelRoute ours = new(IPAddress.Parse("2001:db8:42:9::"), 64) { Link = link, Gateway = Two.ToIPAddress(), Source = Node };
        a.Run(() =>
        {
            using var netlink = RouteNetlink.Open();
            netlink.AddAddress(netlink.GetLink("lo").Index, Node, 128);
            netlink.AddRoute(ours);
            netlink.AddRoute(ours with { Prefix = IPAddress.IPv6Any, Length = 0, FromPrefix = IPAddress.Parse("2001:db8:42::"), FromLength = 48 });
            netlink.AddRoute(ours with { Prefix = IPAddress.Parse("2001:db8:7::"), Source = null });
            netlink.AddRoute(ours with { Prefix = IPAddress.Parse("2001:db8:8::"), Protocol = 4 });
        });
        using KernelLinkPort port = a.Run(static () => new KernelLinkPort(1, Node, static (_, _) => { }));
        string[] Left() => [.. a.Run(static () =>
        {
            using var netlink = RouteNetlink.Open();
            return netlink.Routes().Where(static route => route.Gateway is not null).Select(static route => route.ToString()).Order(StringComparer.Ordinal).ToArray();
        })];
        SpinWait.SpinUntil(() => Left().Length == 2, TimeSpan.FromSeconds(10));
        Assert.Equal(["2001:db8:7::/64", "2001:db8:8::/64"], Left());
    }

    [Fact]
    public void A_link_that_is_not_there_is_reported()
    {
        using NetworkNamespace a = NeedsRoot.Namespace("link");
        var box = new Mailbox();
        using KernelLinkPort port = a.Run(static () => new KernelLinkPort(1, Node, static (_, _) => { }));
        a.Run(() => port.Open(4711, One, box));
        Assert.Equal(4711, box.Next<KernelLinkFailed>().Link);
    }

    [Fact]
    public void Routes_come_change_and_go_and_nothing_else_is_touched()
    {
        using NetworkNamespace a = NeedsRoot.Namespace("link"), b = NeedsRoot.Namespace("link");
        (int link, _) = Connect(a, b);
        int loopback = a.Run(static () =>
        {
            using var netlink = RouteNetlink.Open();
            int index = netlink.GetLink("lo").Index;
            netlink.AddAddress(index, Node, 128);
            netlink.AddRoute(new KernelRoute(IPAddress.Parse("2001:db8:99::"), 48) { Kind = KernelRouteKind.Unreachable, Protocol = 4 });
            return index;
        });
        a.AwaitAddress(Node);
        Ipv6Prefix first = Ipv6Prefix.Parse("2001:db8:42:1::/64"), second = Ipv6Prefix.Parse("2001:db8:42:2::/64");
        var problems = new ConcurrentQueue<string>();
        using (KernelLinkPort port = a.Run(() => new KernelLinkPort(loopback, Node, (_, text) => problems.Enqueue(text))))
        {
            port.Publish([new KernelHopRoute(first, new KernelHop(link, Two)), new KernelHopRoute(second, new KernelHop(4711, Two))]);
            Await(a, routes => routes is [{ Link: var via, Gateway: { } gateway, Source: { } source }] && via == link && gateway.Equals(Two.ToIPAddress()) && source.Equals(Node));
            Assert.True(SpinWait.SpinUntil(() => !problems.IsEmpty, TimeSpan.FromSeconds(10)), "nothing is said of the second one, whose link is not there");
            port.Publish([new KernelHopRoute(first, new KernelHop(link, Three)), new KernelHopRoute(second, Hop: null)]);
            Await(a, routes => routes is [{ Gateway: { } gateway }, { Gateway: null, Link: var via }] && gateway.Equals(Three.ToIPAddress()) && via == loopback);
            port.Publish([new KernelHopRoute(second, Hop: null)]);
            Await(a, routes => routes is [{ Gateway: null }]);
        }

        Assert.Empty(Routes(a));
        Assert.Contains(a.Run(All), static route => route is { Kind: KernelRouteKind.Unreachable, Length: 48 });
    }

    private static (int A, int B) Connect(NetworkNamespace a, NetworkNamespace b)
    {
        a.Plug("tap", b, "tap");
        return (a.Run(static () => KernelLink.Configure("tap", 1400, One.ToIPAddress())), b.Run(static () => KernelLink.Configure("tap", 1400, Two.ToIPAddress())));
    }

    private static IReadOnlyList<KernelRoute> All()
    {
        using var netlink = RouteNetlink.Open();
        return netlink.Routes();
    }

    private static KernelRoute[] Routes(NetworkNamespace space) =>
        [.. space.Run(All).Where(static route => route.Protocol == KernelRoute.BabelProtocol).OrderBy(static route => route.Prefix.ToString(), StringComparer.Ordinal)];

    private static void Await(NetworkNamespace space, Func<KernelRoute[], bool> condition) =>
        Assert.True(SpinWait.SpinUntil(() => condition(Routes(space)), TimeSpan.FromSeconds(10)), string.Join(", ", Routes(space).AsEnumerable()));
}
