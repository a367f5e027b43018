using System.Net;
using System.Net.Sockets;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tunnels;

/// <content>
/// The address at which servers of OpenVPN see this node (<c>external_ip</c>, protocol reference 6). Where nothing else says where our own servers of that family can be reached, they are advertised there.
/// An address of this machine is believed whoever says so. Another one may be that of a NAT box which leads to us, or a lie that would send others elsewhere: two nodes have to say the same.
/// </content>
public sealed partial class TunnelsActor
{
    private const int Witnesses = 2;

    private AddressList _external = AddressList.Empty;

    private void OnExternalAddress(Entry tunnel, IPAddress? seen)
    {
        tunnel.SeenAt = seen;
        if (seen is null)
            return;
        OnOwnAddressSeen(seen);
        if (_options.LocalAddresses.Contains(seen) || _tunnels.Values.Where(t => t.IsUp && seen.Equals(t.SeenAt)).DistinctBy(static t => t.Peer).Count() >= Witnesses)
            AdvertiseServersAt(seen);
    }

    private void AdvertiseServersAt(IPAddress address)
    {
        bool IsOfFamily(AddressProtocol protocol) => FamilyOf(protocol) == address.AddressFamily;
        AdvertisedAddress[] others = [.. _advertised.Where(a => !_external.Any(a.IsSamePlace))];
        if (others.Any(a => IsOfFamily(a.Protocol)))
            return;   // the operator has said it, or the machine's own addresses do
        IEnumerable<AdvertisedAddress> places = _ports.OpenVpn!.Options.EnabledServers
            .Where(server => IsOfFamily(server.Protocol))
            .Select(server => new AdvertisedAddress(address.ToString(), server.Port, server.Protocol));
        _external = new AddressList(_external.Where(e => !IsOfFamily(e.Protocol)).Concat(places));
        var advertised = new AddressList(others.Concat(_external.Select(InOurCountry)).Take(AddressList.MaxCount));
        if (advertised.Equals(_advertised))
            return;
        _advertised = advertised;
        AdvertisedChanged();
    }

    private static AddressFamily? FamilyOf(AddressProtocol protocol) => protocol switch
    {
        AddressProtocol.Udp or AddressProtocol.Tcp => AddressFamily.InterNetwork,
        AddressProtocol.Udp6 or AddressProtocol.Tcp6 => AddressFamily.InterNetworkV6,
        _ => null,
    };
}
