using System.Diagnostics;
using System.Net;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.KernelInterfaces;
using Mesh.Platform.Linux.Namespaces;
using Mesh.Platform.Linux.Netlink;
using Mesh.Protocol.Addressing;

namespace Mesh.Platform.Linux.Tests.KernelInterfaces;

/// <summary>Interfaces as a real kernel makes, changes and removes them.</summary>
public sealed class LinkWatchPortTests
{
    private const string Name = "lan0";

    private static readonly Ipv6Address Chosen = Ipv6Address.Parse("fe80::77");

    [Fact]
    public void An_interface_is_seen_through_all_that_happens_to_it()
    {
        using NetworkNamespace a = NeedsRoot.Namespace("watch"), b = NeedsRoot.Namespace("watch");
        using LinkWatchPort port = a.Run(static () => new LinkWatchPort(static (_, text) => Assert.Fail(text)));
        var box = new Mailbox();
        port.Watch(Name, box);
        Assert.Null(box.Next<LinkSeen>().Link);

        // It appears, and is down.
        a.Plug(Name, b, "other");
        LinkView view = Await(box, static link => link is not null);
        Assert.Equal((IndexOf(a, Name), false, 0), (view.Index, view.IsRunning, view.LinkLocals.Length));

        // Up at one end only there is no carrier; with it, the kernel makes an address, which counts when it is known to be nobody else's.
        Up(a, Name, up: true);
        Up(b, "other", up: true);
        view = Await(box, static link => link is { IsRunning: true, LinkLocals.Length: 1 });
        Ipv6Address made = view.LinkLocals[0];
        Assert.Contains(made, Usable(a));

        // The operator gives it another one, and takes the first one away.
        Do(a, netlink => netlink.AddAddress(IndexOf(a, Name), Chosen.ToIPAddress(), 64));
        Await(box, link => link is { LinkLocals: [_, _] } && link.LinkLocals.Contains(Chosen));
        Do(a, netlink => netlink.RemoveAddress(IndexOf(a, Name), made.ToIPAddress(), 64));
        Await(box, static link => link is { LinkLocals: [var only] } && only == Chosen);
        Do(a, netlink => netlink.AddAddress(IndexOf(a, Name), IPAddress.Parse("2001:db8::1"), 64));   // no business of ours

        // The cable is pulled at the other end, and plugged in again.
        Up(b, "other", up: false);
        Await(box, static link => link is { IsRunning: false });
        Up(b, "other", up: true);
        Await(box, static link => link is { IsRunning: true, LinkLocals.Length: 1 });

        // It is taken down, with which it loses its addresses.
        Up(a, Name, up: false);
        Await(box, static link => link is { IsRunning: false, LinkLocals.IsEmpty: true });

        // Under another name it is another one; and it goes.
        int index = IndexOf(a, Name);
        Rename(a, Name, "lan1");
        Assert.Null(box.Next<LinkSeen>().Link);
        var renamed = new Mailbox();
        port.Watch("lan1", renamed);
        Assert.Equal(index, renamed.Next<LinkSeen>().Link!.Index);
        Do(a, netlink => netlink.DeleteLink(index));
        Assert.Null(renamed.Next<LinkSeen>().Link);
        Assert.Equal(0, box.Count);
    }

    [Fact]
    public void One_that_is_down_for_a_moment_is_told_though_it_is_as_before()
    {
        using NetworkNamespace a = NeedsRoot.Namespace("watch"), b = NeedsRoot.Namespace("watch");
        a.Plug(Name, b, "other");
        a.Run(static () => File.WriteAllText($"/proc/sys/net/ipv6/conf/{Name}/accept_dad", "0"));   // its address can be used at once
        Up(a, Name, up: true);
        Up(b, "other", up: true);
        using LinkWatchPort port = a.Run(static () => new LinkWatchPort(static (_, text) => Assert.Fail(text)));
        var box = new Mailbox();
        port.Watch(Name, box);
        LinkView before = Await(box, static link => link is { IsRunning: true, LinkLocals.Length: 1 });
        Do(a, netlink =>
        {
            int index = netlink.GetLink(Name).Index;
            netlink.SetUp(index, up: false);
            netlink.SetUp(index, up: true);
        });
        LinkView after = Await(box, static link => link is { IsRunning: true, LinkLocals.Length: 1 });
        Assert.Equal(before with { Losses = after.Losses }, after);
        Assert.True(after.Losses > before.Losses);
    }

    [Fact]
    public void Who_has_taken_over_is_told_and_who_has_ended_is_not()
    {
        using NetworkNamespace a = NeedsRoot.Namespace("watch"), b = NeedsRoot.Namespace("watch");
        a.Plug(Name, b, "other");
        using LinkWatchPort port = a.Run(static () => new LinkWatchPort(static (_, text) => Assert.Fail(text)));
        Mailbox first = new(), second = new();
        port.Watch(Name, first);
        port.Watch(Name, second);
        port.Unwatch(Name, first);   // which comes late
        Assert.NotNull(first.Next<LinkSeen>().Link);
        Assert.NotNull(second.Next<LinkSeen>().Link);
        Do(a, netlink => netlink.DeleteLink(IndexOf(a, Name)));
        Assert.Null(second.Next<LinkSeen>().Link);
        port.Unwatch(Name, second);
        a.Plug(Name, b, "other");
        port.Watch("unrelated", first);   // has looked at everything meanwhile
        Assert.Equal(("unrelated", 0, 0), (first.Next<LinkSeen>().Name, first.Count, second.Count));
    }

    // Takes what is told until it is as it should be.
    private static LinkView Await(Mailbox box, Func<LinkView?, bool> condition)
    {
        for (int i = 0; i < 20; i++)
        {
            if (box.Next<LinkSeen>().Link is var link && condition(link))
                return link!;
        }

        throw new TimeoutException("twenty changes, and none was the right one");
    }

    private static void Do(NetworkNamespace space, Action<RouteNetlink> change) => space.Run(() =>
    {
        using var netlink = RouteNetlink.Open();
        change(netlink);
    });

    private static void Up(NetworkNamespace space, string link, bool up) => Do(space, netlink => netlink.SetUp(netlink.GetLink(link).Index, up));

    private static int IndexOf(NetworkNamespace space, string link) => space.Run(() =>
    {
        using var netlink = RouteNetlink.Open();
        return netlink.GetLink(link).Index;
    });

    private static Ipv6Address[] Usable(NetworkNamespace space) => [.. space.Run(static () =>
    {
        using var netlink = RouteNetlink.Open();
        return netlink.Addresses().Where(static address => address is { IsUsable: true, Address.IsIPv6LinkLocal: true }).Select(static address => Ipv6Address.Parse(address.Address.ToString().Split('%')[0])).ToArray();
    })];

    private static void Rename(NetworkNamespace space, string from, string to)
    {
        Process ip = space.Start(new ProcessStartInfo("ip", ["link", "set", from, "name", to]) { UseShellExecute = false });
        Assert.True(ip.WaitForExit(TimeSpan.FromSeconds(10)) && ip.ExitCode == 0);
    }
}
