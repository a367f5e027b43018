using System.Net;

namespace Mesh.Registry.Calls;

/// <summary>Where a request comes from, and whether that is near enough for private methods.</summary>
public static class Origins
{
    /// <summary>True where the peer is in the list and, when a proxy says for whom it asks, the whole of what it says is in the list too (protocol reference 3.2).</summary>
    public static bool IsAllowed(IReadOnlySet<string> authorized, RegistryRequest request)
    {
        ArgumentNullException.ThrowIfNull(authorized);
        ArgumentNullException.ThrowIfNull(request);
        return IsListed(authorized, request.Peer)
            && (request.ForwardedFor is null || (IPAddress.TryParse(request.ForwardedFor, out IPAddress? forwarded) && IsListed(authorized, forwarded)));
    }

    /// <summary>True where an address is in the list. IPv4 addresses mapped into IPv6 are IPv4 addresses.</summary>
    public static bool IsListed(IReadOnlySet<string> authorized, IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(authorized);
        return authorized.Contains(Plain(address).ToString());
    }

    /// <summary>The client as the first proxy saw it, else the peer.</summary>
    public static string ClientOf(RegistryRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        string first = request.ForwardedFor?.Split(',')[0].Trim() ?? "";
        return IPAddress.TryParse(first, out IPAddress? client) ? Plain(client).ToString() : Plain(request.Peer).ToString();
    }

    /// <summary>Who has to answer for the load of a request: the peer, or, where that is an authorized proxy, whom this proxy saw (the last of its list).</summary>
    public static IPAddress ResponsibleFor(IReadOnlySet<string> authorized, RegistryRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        string last = request.ForwardedFor?.Split(',')[^1].Trim() ?? "";
        return Plain(IsListed(authorized, request.Peer) && IPAddress.TryParse(last, out IPAddress? seen) ? seen : request.Peer);
    }

    /// <summary>The address without the IPv6 wrapping of an IPv4 one, and without a zone.</summary>
    public static IPAddress Plain(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4();
        return address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 && address.ScopeId != 0 ? new IPAddress(address.GetAddressBytes()) : address;
    }
}
