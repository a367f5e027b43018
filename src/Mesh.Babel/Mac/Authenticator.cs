using System.Buffers.Binary;
using System.Security.Cryptography;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Mac;

/// <summary>The authentication of one interface: its keys, the numbers of our packets, and what is known of those of others (RFC 8967 section 3).</summary>
internal sealed class Authenticator
{
    /// <summary>Octets of our index: two runs have the same one by chance once in 2^64 pairs.</summary>
    public const int IndexLength = sizeof(ulong);

    private readonly List<MacPeer> _peers = [];
    private readonly byte[] _index = new byte[IndexLength];
    private readonly Func<ulong> _random;
    private uint _counter;

    public Authenticator(MacKeys keys, Func<ulong> random, uint firstCounter)
    {
        (Keys, _random, _counter) = (keys, random, firstCounter);
        DrawIndex();
    }

    /// <summary>The keys. Index and counters stay when they change, ours and those of the peers: they are about packets, not about keys.</summary>
    public MacKeys Keys { get; set; }

    /// <summary>Senders of good MACs.</summary>
    public IReadOnlyList<MacPeer> Peers => _peers;

    /// <summary>Octets that a packet needs beyond what is in it: a PC TLV, and a MAC TLV for each key to sign with.</summary>
    public int Overhead
    {
        get
        {
            int overhead = 2 + PacketCounterTlv.BodyLength + IndexLength;
            foreach (MacKey key in Keys.Sign)
                overhead += 2 + key.MacLength;
            return overhead;
        }
    }

    /// <summary>Numbers and signs the packet that is being written, which was begun with <see cref="Overhead"/> octets in reserve.</summary>
    /// <returns>Whether that was the last number of its index, and the next packet has a new one.</returns>
    public bool Seal(PacketWriter writer, BabelAddress source, BabelAddress destination)
    {
        Span<byte> tlv = stackalloc byte[2 + MacKey.MaxMacLength];
        writer.AppendReserved(tlv[..new PacketCounterTlv(_counter, _index).Encode(tlv)]);
        ReadOnlySpan<byte> signed = writer.Finish();
        Span<byte> mac = stackalloc byte[MacKey.MaxMacLength];
        foreach (MacKey key in Keys.Sign)
        {
            key.Compute(source, destination, signed, mac);
            writer.AppendReserved(tlv[..new MacTlv(mac[..key.MacLength]).Encode(tlv)]);
        }

        _counter++;
        if (_counter != 0)
            return false;
        DrawIndex();
        return true;
    }

    /// <summary>Compares the MACs of a packet with those under our keys.</summary>
    /// <param name="source">Where it came from.</param>
    /// <param name="destination">Where it was sent to; null where only its MAC can tell whether to all or to <paramref name="own"/>.</param>
    /// <param name="own">Our address.</param>
    /// <param name="signed">Header and body.</param>
    /// <param name="trailer">What follows.</param>
    /// <remarks>Each key is computed with once, or once for each destination that is possible, however many MACs there are.</remarks>
    public MacMatch Verify(BabelAddress source, BabelAddress? destination, BabelAddress own, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> trailer)
    {
        if (!HasMac(trailer))
            return MacMatch.Missing;
        BabelAddress likely = destination ?? BabelAddress.Multicast;
        if (IsGood(source, likely, signed, trailer))
            return likely == BabelAddress.Multicast ? MacMatch.Multicast : MacMatch.Unicast;
        return destination is null && IsGood(source, own, signed, trailer) ? MacMatch.Unicast : MacMatch.Wrong;
    }

    /// <summary>The peer with this address, or null.</summary>
    public MacPeer? Find(BabelAddress address)
    {
        foreach (MacPeer peer in _peers)
        {
            if (peer.Address == address)
                return peer;
        }

        return null;
    }

    /// <summary>Makes room for a sender whose MAC was good.</summary>
    public MacPeer Add(BabelAddress address)
    {
        var peer = new MacPeer(address);
        _peers.Add(peer);
        return peer;
    }

    /// <summary>Forgets what is too old (section 4.4).</summary>
    /// <param name="isNeighbour">Whether an address belongs to a neighbour, whose index and counters live as long as it does.</param>
    /// <param name="now">Monotonic time.</param>
    public void Expire(Predicate<BabelAddress> isNeighbour, TimeSpan now) =>
        _peers.RemoveAll(peer => peer.IsIdle(now) && !isNeighbour(peer.Address) && peer.Expire(now));

    private static bool HasMac(ReadOnlySpan<byte> trailer)
    {
        var walker = new TlvWalker(trailer);
        while (walker.MoveNext())
        {
            if (walker.Type == MacTlv.Type)
                return true;
        }

        return false;
    }

    private bool IsGood(BabelAddress source, BabelAddress destination, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> trailer)
    {
        Span<byte> room = stackalloc byte[MacKey.MaxMacLength];
        foreach (MacKey key in Keys.Good)
        {
            Span<byte> mac = room[..key.MacLength];
            bool isComputed = false;
            var walker = new TlvWalker(trailer);
            while (walker.MoveNext())
            {
                if (walker.Type != MacTlv.Type || walker.Body.Length != mac.Length)
                    continue;
                if (!isComputed)
                    key.Compute(source, destination, signed, mac);
                isComputed = true;
                if (CryptographicOperations.FixedTimeEquals(mac, walker.Body))
                    return true;
            }
        }

        return false;
    }

    private void DrawIndex() => BinaryPrimitives.WriteUInt64BigEndian(_index, _random());
}
