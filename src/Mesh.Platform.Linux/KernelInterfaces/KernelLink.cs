using System.Net;
using Mesh.Platform.Linux.Native;
using Mesh.Platform.Linux.Netlink;

namespace Mesh.Platform.Linux.KernelInterfaces;

/// <summary>Makes a device of the kernel ready for the overlay.</summary>
internal static class KernelLink
{
    private const int LinkLocalLength = 64;

    // Nothing is learned from the link but by the routing protocol, no address is made up for it, and ours can be used at once.
    private static readonly (string Name, string Value)[] Settings = [("accept_ra", "0"), ("autoconf", "0"), ("accept_dad", "0"), ("addr_gen_mode", "1"), ("accept_redirects", "0")];

    /// <summary>Gives a device its MTU and its only address and brings it up, in the network namespace of the calling thread.</summary>
    /// <param name="device">The device's name.</param>
    /// <param name="mtu">Its MTU, octets.</param>
    /// <param name="linkLocal">Its address.</param>
    /// <param name="claims">Told the device's index before anything is changed.</param>
    /// <returns>Its index.</returns>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static int Configure(string device, int mtu, IPAddress linkLocal, Action<int>? claims = null)
    {
        foreach ((string name, string value) in Settings)
        {
            string path = $"/proc/sys/net/ipv6/conf/{device}/{name}";
            if (File.Exists(path))
                File.WriteAllText(path, value);
        }

        using var netlink = RouteNetlink.Open();
        int index = netlink.GetLink(device).Index;
        claims?.Invoke(index);
        netlink.SetMtu(index, mtu);
        netlink.SetUp(index, up: true);
        if (!netlink.Addresses().Any(address => address.Link == index && SameAddress(address.Address, linkLocal)))
            netlink.AddAddress(index, linkLocal, LinkLocalLength);
        return index;
    }

    private static bool SameAddress(IPAddress one, IPAddress other) => one.GetAddressBytes().AsSpan().SequenceEqual(other.GetAddressBytes());
}
