using System.Net;
using System.Net.Sockets;
using Mesh.Protocol.Addressing;

namespace Mesh.Cli.Configuration;

/// <summary>Which of a machine's own addresses its node advertises.</summary>
internal enum OwnAddresses
{
    /// <summary>None.</summary>
    None,

    /// <summary>Those that the whole Internet can reach, firewalls apart.</summary>
    Public,

    /// <summary>Private ones too.</summary>
    All,
}

/// <summary>Finds what to advertise.</summary>
internal static class OwnAddressesExtensions
{
    /// <summary>The places at which a node that listens at <paramref name="listen"/> can be reached.</summary>
    /// <param name="which">Which addresses count.</param>
    /// <param name="underlay">The machine's addresses.</param>
    /// <param name="listen">Where it listens.</param>
    public static IEnumerable<AdvertisedAddress> Select(this OwnAddresses which, IEnumerable<IPAddress> underlay, IPEndPoint listen)
    {
        if (which == OwnAddresses.None)
            return [];
        bool isAny = listen.Address.Equals(IPAddress.IPv6Any) || listen.Address.Equals(IPAddress.Any);
        return underlay
            .Where(address => isAny ? listen.AddressFamily == AddressFamily.InterNetworkV6 || address.AddressFamily == listen.AddressFamily : address.Equals(listen.Address))
            .Where(address => which == OwnAddresses.All || AddressScope.IsPublic(address))
            .Order(Comparer<IPAddress>.Create(static (a, b) => string.CompareOrdinal(a.ToString(), b.ToString())))
            .Select(address => new AdvertisedAddress(address.ToString(), (ushort)listen.Port, AddressProtocol.Mesh));
    }
}
