using System.Net;
using System.Net.Sockets;
using Mesh.Node;
using Mesh.Platform.Linux.Native;
using Mesh.Platform.Linux.Netlink;
using Mesh.Protocol.Addressing;

namespace Mesh.Cli.Node;

/// <summary>What the machine's kernel has to know about the overlay: the node's address and the route to the network.</summary>
/// <remarks>
/// <code>
/// NODE/128                on the TUN device
/// NETWORK                 leaves by the TUN device
/// SUBNET::  local         the first address of the node's subnet, where other nodes send their messages to, is taken as its own
/// SUBNET    unreachable   our own addresses that nobody here has must not go into the overlay, from where they would come back
/// </code>
/// The first three go away with the device; the last route is removed here.
/// </remarks>
internal sealed class OverlayDevice : IDisposable
{
    private readonly KernelRoute? _own;

    private OverlayDevice(KernelRoute? own) => _own = own;

    /// <summary>Gives the device its address and routes.</summary>
    public static OverlayDevice Configure(string name, int index, NodeIdentity identity)
    {
        using var netlink = RouteNetlink.Open();
        IPAddress address = ToIPAddress(identity.Address);
        if (netlink.Addresses().FirstOrDefault(other => other.Address.Equals(address)) is { } taken)
        {
            string other = netlink.Links().FirstOrDefault(link => link.Index == taken.Link)?.Name ?? "another link";
            throw new AddressTakenException($"{other} has this node's address {address} already: is another process running this node?");
        }
        netlink.AddAddress(index, address, Ipv6Prefix.MaxLength);
        Ipv6Prefix network = identity.Network.Prefix;
        netlink.ReplaceRoute(new KernelRoute(ToIPAddress(network.First), network.Length) { Link = index });
        Ipv6Prefix subnet = identity.Prefix.Subnet(identity.Network);
        if (subnet.Length == Ipv6Prefix.MaxLength)
            return new OverlayDevice(null);
        netlink.ReplaceRoute(new KernelRoute(ToIPAddress(subnet.First), Ipv6Prefix.MaxLength) { Kind = KernelRouteKind.Local, Link = index, Table = KernelRoute.LocalTable });
        var own = new KernelRoute(ToIPAddress(subnet.First), subnet.Length) { Kind = KernelRouteKind.Unreachable, Metric = LowPriority };
        netlink.ReplaceRoute(own);
        return new OverlayDevice(own);
    }

    // Below any route to the subnet that the operator sets for machines behind this one.
    private const uint LowPriority = 0x7FFF_FFFF;

    /// <summary>The addresses of this machine at which an underlay can reach it: neither loopback, link-local nor of the overlay itself.</summary>
    public static IReadOnlySet<IPAddress> UnderlayAddresses(NetworkPrefix network)
    {
        using var netlink = RouteNetlink.Open();
        return netlink.Addresses().Select(static address => address.Address)
            .Where(address => !IPAddress.IsLoopback(address) && !address.IsIPv6LinkLocal && !IsOf(network, address)).ToHashSet();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_own is null)
            return;
        try
        {
            using var netlink = RouteNetlink.Open();
            netlink.RemoveRoute(_own);
        }
        catch (LinuxException)
        {
            // Somebody else has removed it.
        }
    }

    private static bool IsOf(NetworkPrefix network, IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 && Ipv6Address.TryParse(address.ToString(), out Ipv6Address parsed) && network.Contains(parsed);

    private static IPAddress ToIPAddress(Ipv6Address address)
    {
        byte[] octets = new byte[Ipv6Address.Length];
        address.Write(octets);
        return new IPAddress(octets);
    }
}

/// <summary>A link of this machine has the address that the node is about to take.</summary>
internal sealed class AddressTakenException(string message) : IOException(message);
