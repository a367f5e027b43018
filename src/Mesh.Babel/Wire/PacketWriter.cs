using System.Buffers.Binary;

namespace Mesh.Babel.Wire;

/// <summary>Fills one packet at a time, compressing prefixes against what stands in the same packet (RFC 8966 section 4.6.9).</summary>
/// <remarks>
/// Each packet is self-contained: <see cref="Begin"/> forgets router-id, next hop and default prefix. Compression follows babeld, so that it is
/// known to be understood: P on the first IPv6 Update and on every one of at least 48 bits; IPv4 is never compressed.
/// Who signs packets keeps octets in reserve, for a last TLV of the body and for the trailer.
/// </remarks>
public sealed class PacketWriter
{
    /// <summary>Octets of IPv6 and UDP headers.</summary>
    public const int IpUdpOverhead = 48;

    /// <summary>Every node accepts payloads of this size whatever its MTU says (RFC 8966 section 4).</summary>
    public const int MinPayload = 512;

    private const int MinDefaultPrefixLength = 48;
    private readonly byte[] _buffer = new byte[ushort.MaxValue];
    private int _limit;
    private int _wholeLimit;
    private int _length;
    private RouterId _routerId;
    private BabelAddress _ipv4NextHop;
    private UInt128 _defaultPrefix;
    private bool _hasDefaultPrefix;

    /// <summary>Whether no TLV has been written since <see cref="Begin"/>.</summary>
    public bool IsEmpty => _length == PacketReader.HeaderLength;

    /// <summary>The largest UDP payload for an interface: never fragmented, yet at least <see cref="MinPayload"/>.</summary>
    public static int PayloadLimit(int interfaceMtu) => Math.Clamp(interfaceMtu - IpUdpOverhead, MinPayload, ushort.MaxValue - IpUdpOverhead);

    /// <summary>What <see cref="Finish"/> and <see cref="AppendReserved"/> have made of the packet, valid until the next <see cref="Begin"/>.</summary>
    public ReadOnlySpan<byte> Whole => _buffer.AsSpan(0, _length);

    /// <summary>Starts a packet of at most <paramref name="payloadLimit"/> octets, the last <paramref name="reserved"/> of which only <see cref="AppendReserved"/> gets.</summary>
    public void Begin(int payloadLimit, int reserved = 0)
    {
        _wholeLimit = payloadLimit;
        _limit = payloadLimit - reserved;
        _length = PacketReader.HeaderLength;
        _routerId = default;
        _ipv4NextHop = default;
        _hasDefaultPrefix = false;
    }

    /// <summary>Appends TLVs that are encoded already and do not touch the parser state.</summary>
    /// <returns>False where they do not fit: finish the packet, begin another, and append again.</returns>
    public bool TryAppend(ReadOnlySpan<byte> tlvs)
    {
        if (_limit - _length < tlvs.Length)
            return false;
        tlvs.CopyTo(_buffer.AsSpan(_length));
        _length += tlvs.Length;
        return true;
    }

    /// <summary>Appends a retraction of everything.</summary>
    /// <returns>False where it does not fit.</returns>
    public bool TryAppendWildcardRetraction(Seqno seqno)
    {
        Span<byte> tlv = stackalloc byte[2 + UpdateTlv.BodyLength];
        _ = new UpdateTlv(AddressEncoding.Wildcard, 0, 0, 0, Centiseconds.Never, seqno, Metric.Infinity, default).Encode(tlv);
        return TryAppend(tlv);
    }

    /// <summary>Appends an Update with whatever Router-Id and Next Hop it needs in front.</summary>
    /// <returns>False where they do not fit together; nothing is written then.</returns>
    public bool TryAppend(OutgoingUpdate update)
    {
        bool isIpv4 = update.Prefix.IsIpv4;
        if (!isIpv4 && update.Source == default)
            return TryAppend(update.Prefix, update.RouterId, update.IntervalCentiseconds, update.Seqno, update.Metric);
        byte flags = update.CarriesRouterId && update.RouterId != _routerId ? UpdateTlv.RouterIdFlag : (byte)0;
        bool needsRouterId = flags == 0 && update.RouterId != _routerId;
        bool needsNextHop = isIpv4 && update.Ipv4NextHop != default && update.Ipv4NextHop != _ipv4NextHop;
        byte wireLength = update.Prefix.WireLength;
        UInt128 bits = AddressCodec.ToLeftAligned(update.Prefix);
        int omitted = isIpv4 ? 0 : OmittedOf(update.Prefix, ref flags);
        var tlv = new UpdateTlv(
            isIpv4 ? AddressEncoding.Ipv4 : AddressEncoding.Ipv6,
            flags,
            wireLength,
            (byte)omitted,
            update.IntervalCentiseconds,
            update.Seqno,
            update.Metric,
            omitted == 16 ? UInt128.Zero : bits << (omitted * 8));
        var source = new SourcePrefix(update.Source);
        int needed = 2 + UpdateTlv.BodyLength + tlv.PresentOctets + source.EncodedLength + (needsRouterId ? 2 + RouterIdTlv.BodyLength : 0) + (needsNextHop ? 2 + NextHopTlv.BodyLength + 4 : 0);
        if (_limit - _length < needed)
            return false;

        if (needsRouterId)
            _length += new RouterIdTlv(update.RouterId).Encode(_buffer.AsSpan(_length));
        _routerId = update.RouterId;
        if (needsNextHop)
        {
            _length += new NextHopTlv(AddressEncoding.Ipv4, update.Ipv4NextHop).Encode(_buffer.AsSpan(_length));
            _ipv4NextHop = update.Ipv4NextHop;
        }

        _ = tlv.Encode(_buffer.AsSpan(_length));
        _length += source.AppendTo(_buffer.AsSpan(_length));
        if ((flags & UpdateTlv.PrefixFlag) != 0)
            (_defaultPrefix, _hasDefaultPrefix) = (bits, true);
        return true;
    }

    /// <summary>Appends an Update for an IPv6 prefix from everywhere, with the Router-Id that it may need in front: most of what is sent, in a fraction of the time that the general form takes.</summary>
    /// <returns>False where they do not fit together; nothing is written then.</returns>
    public bool TryAppend(in BabelPrefix prefix, RouterId routerId, ushort intervalCentiseconds, Seqno seqno, ushort metric)
    {
        byte flags = 0;
        bool needsRouterId = false;
        if (routerId != _routerId)
        {
            needsRouterId = !OutgoingUpdate.IsAddressOf(prefix, routerId);
            flags = needsRouterId ? (byte)0 : UpdateTlv.RouterIdFlag;
        }

        int omitted = OmittedOf(prefix, ref flags);
        UInt128 octets = omitted == 16 ? UInt128.Zero : prefix.Bits << (omitted * 8);
        var tlv = new UpdateTlv(AddressEncoding.Ipv6, flags, prefix.Length, (byte)omitted, intervalCentiseconds, seqno, metric, octets);
        if (_limit - _length < 2 + UpdateTlv.BodyLength + tlv.PresentOctets + (needsRouterId ? 2 + RouterIdTlv.BodyLength : 0))
            return false;
        if (needsRouterId)
            _length += new RouterIdTlv(routerId).Encode(_buffer.AsSpan(_length));
        _routerId = routerId;
        _length += tlv.Encode(_buffer.AsSpan(_length));
        if ((flags & UpdateTlv.PrefixFlag) != 0)
            (_defaultPrefix, _hasDefaultPrefix) = (prefix.Bits, true);
        return true;
    }

    /// <summary>Appends a TLV for which octets were reserved: to the body, or after <see cref="Finish"/> to the trailer.</summary>
    /// <exception cref="InvalidOperationException">More than was reserved: a mistake of ours.</exception>
    public void AppendReserved(ReadOnlySpan<byte> tlv)
    {
        if (_wholeLimit - _length < tlv.Length)
            throw new InvalidOperationException($"{tlv.Length} octets were not reserved: {_length} of {_wholeLimit} are written.");
        tlv.CopyTo(_buffer.AsSpan(_length));
        _length += tlv.Length;
    }

    // How many octets of an IPv6 prefix the last default prefix supplies, and whether this one is the next.
    private int OmittedOf(in BabelPrefix prefix, ref byte flags)
    {
        if (!_hasDefaultPrefix || prefix.Length >= MinDefaultPrefixLength)
            flags |= UpdateTlv.PrefixFlag;
        return _hasDefaultPrefix ? Math.Min((int)UInt128.LeadingZeroCount(prefix.Bits ^ _defaultPrefix) / 8, prefix.Length / 8) : 0;
    }

    /// <summary>Writes the header and returns header and body, which are valid until the next <see cref="Begin"/>.</summary>
    public ReadOnlySpan<byte> Finish()
    {
        (_buffer[0], _buffer[1]) = (PacketReader.Magic, PacketReader.Version);
        BinaryPrimitives.WriteUInt16BigEndian(_buffer.AsSpan(2), (ushort)(_length - PacketReader.HeaderLength));
        return Whole;
    }
}
