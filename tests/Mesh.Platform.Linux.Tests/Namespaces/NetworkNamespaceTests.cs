using System.Diagnostics;
using System.Net;
using Mesh.Platform.Linux.Namespaces;
using Mesh.Platform.Linux.Native;
using Mesh.Platform.Linux.Netlink;
using Mesh.Platform.Linux.Tun;

namespace Mesh.Platform.Linux.Tests.Namespaces;

public sealed class NetworkNamespaceTests
{
    [Fact]
    public void A_namespace_has_only_its_loopback_and_is_gone_when_disposed()
    {
        string path;
        using (NetworkNamespace space = NeedsRoot.Namespace("a"))
        {
            path = space.Path;
            Assert.True(File.Exists(path));
            LinkInfo link = Assert.Single(space.Run(Links), link => link.IsUp);
            Assert.Equal("lo", link.Name);
        }
        Assert.False(File.Exists(path));
    }

    [Fact]
    public void A_program_runs_inside_and_is_killed_with_the_namespace()
    {
        Process sleeper;
        int id;
        using (NetworkNamespace space = NeedsRoot.Namespace("a"))
        {
            string inside = space.Run(() => new FileInfo("/proc/thread-self/ns/net").LinkTarget!);
            Process reader = space.Start(new ProcessStartInfo("readlink", ["/proc/self/ns/net"])
            {
                RedirectStandardOutput = true,
                UseShellExecute = false,
            });
            Assert.Equal(inside, reader.StandardOutput.ReadToEnd().Trim());
            Assert.NotEqual(inside, new FileInfo("/proc/thread-self/ns/net").LinkTarget, StringComparer.Ordinal);
            sleeper = space.Start(new ProcessStartInfo("sleep", ["600"]));
            id = sleeper.Id;
        }
        Assert.False(Directory.Exists($"/proc/{id}"));
    }

    [Fact]
    public void A_pair_of_links_joins_two_namespaces_and_can_stand_in_a_bridge()
    {
        using NetworkNamespace a = NeedsRoot.Namespace("a"), b = NeedsRoot.Namespace("b");
        a.Connect("east", IPAddress.Parse("192.0.2.1"), b, "west", IPAddress.Parse("192.0.2.2"), 24);
        LinkInfo east = a.Run(Links).Single(link => string.Equals(link.Name, "east", StringComparison.Ordinal));
        Assert.True(east.IsUp);
        Assert.Contains(b.Run(Links), link => string.Equals(link.Name, "west", StringComparison.Ordinal));

        a.Run(() =>
        {
            using var netlink = RouteNetlink.Open();
            netlink.AddBridge("lan");
            int bridge = netlink.GetLink("lan").Index;
            netlink.SetMaster(east.Index, bridge);
            Assert.Equal(bridge, netlink.GetLink("east").Master);
            netlink.SetMaster(east.Index, 0);
            Assert.Equal(0, netlink.GetLink("east").Master);
            netlink.DeleteLink(east.Index);
        });
        Assert.DoesNotContain(b.Run(Links), link => string.Equals(link.Name, "west", StringComparison.Ordinal));
    }

    [Fact]
    public void Addresses_and_routes_are_added_listed_and_removed()
    {
        using NetworkNamespace space = NeedsRoot.Namespace("a");
        space.Run(() =>
        {
            using TunDevice device = TunDevice.Open("mesh%d", 1420);
            using var netlink = RouteNetlink.Open();
            LinkInfo link = netlink.GetLink(device.Name);
            Assert.Equal(("mesh0", 1420, true, device.Index), (link.Name, link.Mtu, link.IsUp, link.Index));
            Assert.DoesNotContain(netlink.Addresses(), address => address.Link == device.Index);   // none was made up

            var own = IPAddress.Parse("2001:db8:1::1");
            netlink.AddAddress(device.Index, own, 48);
            Assert.Contains(new LinkAddress(device.Index, own, 48), netlink.Addresses());

            var route = new KernelRoute(IPAddress.Parse("2001:db8:2::"), 48) { Link = device.Index, Metric = 77 };
            netlink.AddRoute(route);
            Assert.Contains(route, netlink.Routes());
            var refused = new KernelRoute(IPAddress.Parse("2001:db8::"), 32) { Kind = KernelRouteKind.Unreachable, Table = 1000 };
            netlink.AddRoute(refused);
            Assert.Contains(netlink.Routes(), listed => listed.Kind == KernelRouteKind.Unreachable && listed.Table == 1000 && listed.Length == 32);
            KernelRoute replaced = route with { Gateway = IPAddress.Parse("2001:db8:1::2") };
            netlink.ReplaceRoute(replaced);
            Assert.Contains(replaced, netlink.Routes());
            Assert.DoesNotContain(route, netlink.Routes());
            netlink.RemoveRoute(replaced);
            netlink.RemoveRoute(refused);
            Assert.DoesNotContain(netlink.Routes(), listed => listed.Table == 1000 || listed.Metric == 77);

            netlink.RemoveAddress(device.Index, own, 48);
            Assert.DoesNotContain(netlink.Addresses(), address => address.Link == device.Index);
            netlink.SetMtu(device.Index, 1300);
            netlink.SetUp(device.Index, up: false);
            link = netlink.GetLink("mesh0");
            Assert.Equal((1300, false), (link.Mtu, link.IsUp));
        });
    }

    [Fact]
    public void A_refusal_names_operation_object_and_reason()
    {
        using NetworkNamespace space = NeedsRoot.Namespace("a");
        space.Run(() =>
        {
            using TunDevice device = TunDevice.Open("mesh0", 1420);
            using var netlink = RouteNetlink.Open();
            Assert.Equal("Cannot find nowhere0: there is no such device.", Refusal(() => netlink.GetLink("nowhere0")));
            Assert.Equal("Cannot make the TUN device mesh0: it is in use by another process.", Refusal(() => TunDevice.Open("mesh0", 1420)));
            Assert.StartsWith("Cannot set the MTU 1 of mesh0: ", Refusal(() => netlink.SetMtu(device.Index, 1)), StringComparison.Ordinal);
            netlink.AddAddress(device.Index, IPAddress.Parse("2001:db8:1::1"), 48);
            Assert.StartsWith(
                "Cannot add the address 2001:db8:1::1/48 on mesh0: it exists already",
                Refusal(() => netlink.AddAddress(device.Index, IPAddress.Parse("2001:db8:1::1"), 48)), StringComparison.Ordinal);
            Assert.StartsWith(
                "Cannot remove the route to 2001:db8:9::/48: ",
                Refusal(() => netlink.RemoveRoute(new KernelRoute(IPAddress.Parse("2001:db8:9::"), 48))), StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("")]
    [InlineData("a-name-that-is-too-long")]
    [InlineData("netz-ü")]
    public void A_name_that_no_interface_can_have_is_refused(string name) => Assert.Throws<ArgumentException>(() => TunDevice.Open(name, 1420));

    private static IReadOnlyList<LinkInfo> Links()
    {
        using var netlink = RouteNetlink.Open();
        return netlink.Links();
    }

    private static string Refusal(Action action) => Assert.Throws<LinuxException>(action).Message;
}
