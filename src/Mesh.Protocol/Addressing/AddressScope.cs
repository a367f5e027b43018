using System.Net;
using System.Net.Sockets;

namespace Mesh.Protocol.Addressing;

/// <summary>How far an address reaches.</summary>
public static class AddressScope
{
    /// <summary>Whether the whole Internet can reach it, firewalls apart: no private, shared, loopback, link-local or multicast address (RFC 1918, RFC 6598, RFC 3927; RFC 4193, RFC 4291 section 2.5).</summary>
    public static bool IsPublic(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        byte[] octets = address.GetAddressBytes();
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
            return octets[0] >> 5 == 1;   // 2000::/3
        return (octets[0], octets[1]) switch
        {
            (10 or 127 or 0, _) => false,
            (172, >= 16 and < 32) => false,
            (192, 168) => false,
            (100, >= 64 and < 128) => false,
            (169, 254) => false,
            ( >= 224, _) => false,
            _ => true,
        };
    }

    /// <summary>Whether it is one that a machine can have in a network: neither unspecified, loopback, link-local nor multicast.</summary>
    public static bool IsUnicast(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        byte[] octets = address.GetAddressBytes();
        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? octets[0] != 0 && octets[0] != 0xFF && !address.IsIPv6LinkLocal
            : octets[0] is not (0 or 127 or >= 224) && (octets[0], octets[1]) is not (169, 254);
    }
}
