using System.Buffers.Binary;
using System.Net;
using Mesh.Node.AddressBook;
using Mesh.Node.PortMapping;
using Mesh.Node.RegistryClient;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <content>What neighbours tell each other about where nodes can be reached.</content>
public sealed partial class TunnelsActor
{
    // A frame holds 65,535 octets; a list that others made up must not make ours too long.
    private const int MaxSharedLength = 60_000;

    private AddressList _mapped = AddressList.Empty;

    private PeerAddresses PeersToShare(NodePrefix receiver)
    {
        PeerAddressEntry[] others = [.. _known.Where(p => p.Prefix != receiver && p.Prefix != _options.Self && p.Addresses.Count > 0)];
        Context.Random.Shuffle<PeerAddressEntry>(others);
        var shared = new List<PeerAddressEntry> { new(_options.Self, _advertised) };
        int length = LengthOf(shared[0]);
        foreach (PeerAddressEntry other in others.Take(Math.Min(_options.SharedPeers, PeerAddresses.MaxEntries - 1)))
        {
            length += LengthOf(other);
            if (length > MaxSharedLength)
                break;
            shared.Add(other);
        }

        return new PeerAddresses([.. shared]);
    }

    // Text is ASCII; a prefix and its lengths take at most 19 octets.
    private static int LengthOf(PeerAddressEntry entry) => entry.Addresses.ToString().Length + 19;

    private void OnPeersLearned(PeersLearned learned)
    {
        // Only a node itself may say that it cannot be reached; from others an empty list just means that they do not know.
        _addressBook.Tell(new PeersSeen([.. learned.Addresses.Entries.Where(p => p.Prefix == learned.From || p.Addresses.Count > 0)]));
    }

    private void OnSeenAt(ObservedEndpoint seen)
    {
        if (ToAddress(seen) is not { } address)
            return;
        OnOwnAddressSeen(address);
        if (_options.Listen is not { } listen || !_options.LocalAddresses.Contains(address))
            return;
        AdvertisedAddress advertised = InOurCountry(new AdvertisedAddress(address.ToString(), (ushort)listen.Port, AddressProtocol.Mesh));
        if (_advertised.Any(a => a.IsSamePlace(advertised)) || _advertised.Count >= AddressList.MaxCount)
            return;
        _advertised = new AddressList([.. _advertised, advertised]);
        AdvertisedChanged();
    }

    // What a gateway maps comes after what the operator has said; where both are the same place, it is the operator's and stays.
    private void OnMapped(MappedAddressesChanged changed)
    {
        _options = _options with { Tunnel = _options.Tunnel with { MappedUdpPort = changed.UdpPort } };
        AdvertisedAddress[] others = [.. _advertised.Where(a => !_mapped.Any(a.IsSamePlace))];
        _mapped = new AddressList(changed.Addresses.Where(a => !others.Any(a.IsSamePlace)));
        var advertised = new AddressList(others.Concat(_mapped.Select(InOurCountry)).Take(AddressList.MaxCount));
        if (advertised.Equals(_advertised))
            return;
        _advertised = advertised;
        AdvertisedChanged();
    }

    private void AdvertisedChanged()
    {
        Log.Info(_advertised.Count > 0 ? $"others can reach us at {_advertised}" : "others cannot reach us any more");
        _bootstrap.Tell(new AdvertisedAddressesChanged(_advertised));
        foreach (Entry tunnel in _tunnels.Values.Where(t => t.IsUp))
            tunnel.Actor.Tell(new TellPeers(new PeerAddresses([new PeerAddressEntry(_options.Self, _advertised)])));
    }

    private static IPAddress? ToAddress(ObservedEndpoint seen)
    {
        Span<byte> octets = stackalloc byte[16];
        switch (seen.Family)
        {
            case EndpointFamily.Ipv4:
                BinaryPrimitives.WriteUInt32BigEndian(octets, (uint)seen.Address);
                return new IPAddress(octets[..4]);
            case EndpointFamily.Ipv6:
                BinaryPrimitives.WriteUInt128BigEndian(octets, seen.Address);
                return new IPAddress(octets);
            default:
                return null;
        }
    }
}
