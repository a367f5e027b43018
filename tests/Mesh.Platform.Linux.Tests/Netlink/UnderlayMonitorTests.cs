using System.Net;
using Mesh.Platform.Linux.Namespaces;
using Mesh.Platform.Linux.Netlink;
using Mesh.Platform.Linux.Tun;

namespace Mesh.Platform.Linux.Tests.Netlink;

public sealed class UnderlayMonitorTests
{
    [Fact]
    public void Changes_of_the_underlay_are_told_and_those_of_our_own_device_are_not()
    {
        using NetworkNamespace space = NeedsRoot.Namespace("a"), other = NeedsRoot.Namespace("b");
        space.Connect("eth0", IPAddress.Parse("192.0.2.1"), other, "eth0", IPAddress.Parse("192.0.2.2"), 24);
        using var told = new SemaphoreSlim(0);
        TunDevice device = space.Run(static () => TunDevice.Open("mesh%d", 1420));
        using UnderlayMonitor monitor = space.Run(() => new UnderlayMonitor(index => index == device.Index, () => told.Release()));
        while (told.Wait(300))
        {
            // What making the link and the device brings along may still come.
        }

        space.Configure(device.Name, IPAddress.Parse("2001:db8:1::1"), 64);
        space.Run(static () =>
        {
            using var netlink = RouteNetlink.Open();   // the way to a gateway of the network that is on the LAN
            netlink.AddRoute(new KernelRoute(IPAddress.IPv6Any, 0) { FromPrefix = IPAddress.Parse("2001:db8:42::"), FromLength = 48, Gateway = IPAddress.Parse("fe80::2"), Link = netlink.GetLink("eth0").Index });
        });
        Assert.False(told.Wait(500));
        space.Configure("eth0", IPAddress.Parse("198.51.100.1"), 24);
        Assert.True(told.Wait(5000));
        space.Run(static () =>
        {
            using var netlink = RouteNetlink.Open();
            netlink.RemoveAddress(netlink.GetLink("eth0").Index, IPAddress.Parse("198.51.100.1"), 24);
        });
        Assert.True(told.Wait(5000));
        other.Run(static () =>
        {
            using var netlink = RouteNetlink.Open();
            netlink.SetUp(netlink.GetLink("eth0").Index, up: false);
        });
        Assert.True(told.Wait(5000));   // the cable was pulled at the other end
        device.Dispose();
    }
}
