using System.Buffers.Binary;

namespace Mesh.Babel.Wire;

/// <summary>Walks the TLVs of one packet and keeps the parser state that lives as long as the packet (RFC 8966 section 4.5).</summary>
/// <remarks>
/// <code>
/// 42 | version 2 | body length u16 | body: TLVs | trailer
/// </code>
/// The trailer is not looked at: nothing in it belongs to RFC 8966, and the MACs in it have been checked before (<c>Mac</c>). So have the numbers and
/// challenges in the body (RFC 8967). Parser state: the default prefix of each family (Update with P), the next hop of
/// each family (Next Hop; IPv6 starts as the packet's source), and the router-id (Router-Id, or Update with R). It changes even when the TLV is ignored.
/// </remarks>
public ref struct PacketReader
{
    /// <summary>Octets of the packet header.</summary>
    public const int HeaderLength = 4;

    /// <summary>First octet of every packet.</summary>
    public const byte Magic = 42;

    /// <summary>Second octet of every packet.</summary>
    public const byte Version = 2;

    private ReadOnlySpan<byte> _rest;
    private UInt128 _defaultIpv4;
    private UInt128 _defaultIpv6;
    private bool _hasDefaultIpv4;
    private bool _hasDefaultIpv6;
    private BabelAddress _nextHopIpv4;
    private BabelAddress _nextHopIpv6;
    private bool _hasNextHopIpv4;
    private bool _isNextHopIpv6Named;
    private RouterId _routerId;

    private PacketReader(ReadOnlySpan<byte> body, BabelAddress source)
    {
        _rest = body;
        _nextHopIpv6 = source;
    }

    /// <summary>Why the last TLV was ignored.</summary>
    public IgnoreReason Reason { get; private set; }

    /// <summary>The last Acknowledgment Request.</summary>
    public AckRequestTlv AckRequest { get; private set; }

    /// <summary>The last Acknowledgment.</summary>
    public AckTlv Ack { get; private set; }

    /// <summary>The last Hello.</summary>
    public HelloTlv Hello { get; private set; }

    /// <summary>The last IHU.</summary>
    public IhuTlv Ihu { get; private set; }

    /// <summary>When the last Hello was sent, if it says so.</summary>
    public HelloTimestamp? HelloTimestamp { get; private set; }

    /// <summary>The Hello that the last IHU echoes, if it does.</summary>
    public IhuTimestamp? IhuTimestamp { get; private set; }

    /// <summary>The last Router-Id as it stood in the packet.</summary>
    public RouterIdTlv RouterIdTlv { get; private set; }

    /// <summary>The last Next Hop as it stood in the packet.</summary>
    public NextHopTlv NextHop { get; private set; }

    /// <summary>The last Update, completed.</summary>
    public ReceivedUpdate Update { get; private set; }

    /// <summary>The last Update as it stood in the packet.</summary>
    public UpdateTlv RawUpdate { get; private set; }

    /// <summary>The last Route Request.</summary>
    public RouteRequestTlv RouteRequest { get; private set; }

    /// <summary>The last Seqno Request.</summary>
    public SeqnoRequestTlv SeqnoRequest { get; private set; }

    /// <summary>Checks the header of <paramref name="packet"/>, a UDP payload that came from <paramref name="source"/>.</summary>
    public static PacketStatus TryOpen(ReadOnlySpan<byte> packet, BabelAddress source, out PacketReader reader)
    {
        reader = default;
        if (packet.Length < HeaderLength)
            return PacketStatus.TooShort;
        if (packet[0] != Magic)
            return PacketStatus.BadMagic;
        if (packet[1] != Version)
            return PacketStatus.BadVersion;
        int bodyLength = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        if (bodyLength > packet.Length - HeaderLength)
            return PacketStatus.BadLength;
        reader = new PacketReader(packet.Slice(HeaderLength, bodyLength), source);
        return PacketStatus.Valid;
    }

    /// <summary>Octets of header and body of a packet that <see cref="TryOpen"/> found valid; the rest is its trailer.</summary>
    public static int LengthWithoutTrailer(ReadOnlySpan<byte> packet) => HeaderLength + BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);

    /// <summary>Reads the next TLV.</summary>
    public TlvKind Read()
    {
        Reason = IgnoreReason.None;
        if (_rest.IsEmpty)
            return TlvKind.End;
        byte type = _rest[0];
        if (type == PadTlv.Pad1Type)
        {
            _rest = _rest[1..];
            return TlvKind.Pad;
        }

        if (_rest.Length < 2 || _rest.Length - 2 < _rest[1])
        {
            // What was read before stays valid (babeld and bird agree); nothing after this can be found.
            _rest = default;
            return Ignore(IgnoreReason.Truncated);
        }

        ReadOnlySpan<byte> body = _rest.Slice(2, _rest[1]);
        _rest = _rest[(2 + _rest[1])..];
        return ReadBody(type, body);
    }

    /// <summary>Reads the next TLV if it is an Update of the kind that tables are made of. It means what <see cref="Read"/> would make of it, and is read in a fraction of the time.</summary>
    /// <returns>False where it is anything else: nothing is read then.</returns>
    public bool TryReadPlain(out PlainUpdate update)
    {
        update = default;
        if (_isNextHopIpv6Named || !UpdateTlv.TryDecodePlain(_rest, out UpdateTlv tlv, out int length) || (tlv.Omitted > 0 && !_hasDefaultIpv6))
            return false;
        UInt128 bits = Complete(tlv);
        var prefix = new BabelPrefix(bits, tlv.PrefixLength);
        RouterId routerId = (tlv.Flags & UpdateTlv.RouterIdFlag) == 0 ? _routerId : new RouterId((ulong)bits);
        if (!routerId.IsValid || prefix.IsIpv4)
            return false;
        if ((tlv.Flags & UpdateTlv.PrefixFlag) != 0)
            (_defaultIpv6, _hasDefaultIpv6) = (bits, true);
        _routerId = routerId;
        _rest = _rest[length..];
        update = new PlainUpdate(prefix, routerId, tlv.Seqno, tlv.Metric, tlv.IntervalCentiseconds);
        return true;
    }

    private TlvKind ReadBody(byte type, ReadOnlySpan<byte> body)
    {
        int consumed;
        TlvKind kind;
        BabelPrefix source;
        switch (type)
        {
            case PadTlv.PadNType:
                return TlvKind.Pad;
            case AckRequestTlv.Type when AckRequestTlv.TryDecode(body, out AckRequestTlv ackRequest, out consumed):
                AckRequest = ackRequest;
                return WithSubTlvs(body, consumed, TlvKind.AckRequest);
            case AckTlv.Type when AckTlv.TryDecode(body, out AckTlv ack, out consumed):
                Ack = ack;
                return WithSubTlvs(body, consumed, TlvKind.Ack);
            case HelloTlv.Type when HelloTlv.TryDecode(body, out HelloTlv hello, out consumed):
                Hello = hello;
                return WithTimestamp(body[consumed..], TlvKind.Hello);
            case IhuTlv.Type when IhuTlv.TryDecode(body, out IhuTlv ihu, out consumed):
                Ihu = ihu;
                return WithTimestamp(body[consumed..], TlvKind.Ihu);
            case RouterIdTlv.Type when RouterIdTlv.TryDecode(body, out RouterIdTlv routerId, out consumed):
                RouterIdTlv = routerId;
                // An invalid one makes the router-id undefined. Keeping the previous one would attribute Updates to the wrong origin.
                _routerId = routerId.RouterId.IsValid ? routerId.RouterId : default;
                return WithSubTlvs(body, consumed, TlvKind.RouterId);
            case NextHopTlv.Type when NextHopTlv.TryDecode(body, out NextHopTlv nextHop, out consumed):
                ApplyNextHop(nextHop);
                return WithSubTlvs(body, consumed, TlvKind.NextHop);
            case UpdateTlv.Type when UpdateTlv.TryDecode(body, out UpdateTlv update, out consumed):
                return ReadUpdate(update, body, consumed);
            case RouteRequestTlv.Type when RouteRequestTlv.TryDecode(body, out RouteRequestTlv routeRequest, out consumed):
                kind = WithSource(body[consumed..], TlvKind.RouteRequest, (AddressEncoding)body[0], out source);
                RouteRequest = routeRequest with { Source = source };
                return kind;
            case SeqnoRequestTlv.Type when SeqnoRequestTlv.TryDecode(body, out SeqnoRequestTlv seqnoRequest, out consumed):
                kind = WithSource(body[consumed..], TlvKind.SeqnoRequest, (AddressEncoding)body[0], out source);
                SeqnoRequest = seqnoRequest with { Source = source };
                return kind;
            case PacketCounterTlv.Type or ChallengeRequestTlv.Type or ChallengeReplyTlv.Type:
                return TlvKind.Authentication;
            case MacTlv.Type:
                return Ignore(IgnoreReason.Misplaced);
            case IhuTlv.Type or NextHopTlv.Type or UpdateTlv.Type or RouteRequestTlv.Type or SeqnoRequestTlv.Type:
                return Ignore(body.Length > 0 && body[0] > (byte)AddressEncoding.LinkLocal ? IgnoreReason.UnknownEncoding : IgnoreReason.Malformed);
            case AckRequestTlv.Type or AckTlv.Type or HelloTlv.Type or RouterIdTlv.Type:
                return Ignore(IgnoreReason.Malformed);
            default:
                return Ignore(IgnoreReason.UnknownType);
        }
    }

    private void ApplyNextHop(NextHopTlv nextHop)
    {
        NextHop = nextHop;
        if (nextHop.Encoding == AddressEncoding.Ipv4)
            (_nextHopIpv4, _hasNextHopIpv4) = (nextHop.Address, true);
        else
            (_nextHopIpv6, _isNextHopIpv6Named) = (nextHop.Address, true);
    }

    private TlvKind ReadUpdate(in UpdateTlv update, ReadOnlySpan<byte> body, int consumed)
    {
        RawUpdate = update;
        bool isWildcard = update.Encoding == AddressEncoding.Wildcard;
        bool isIpv4 = update.Encoding == AddressEncoding.Ipv4;
        BabelPrefix prefix = default;
        if (!isWildcard)
        {
            if (update.Omitted > 0 && !(isIpv4 ? _hasDefaultIpv4 : _hasDefaultIpv6))
                return Ignore(IgnoreReason.NoDefaultPrefix);
            UInt128 bits = Complete(update);
            ApplyUpdateFlags(update.Flags, bits, isIpv4);
            prefix = AddressCodec.ToPrefix(update.Encoding, bits, update.PrefixLength);
        }

        // The R flag of a wildcard is meaningless (one implementation sets it) and must not touch the router-id.
        TlvKind kind = WithSource(body[consumed..], TlvKind.Update, update.Encoding, out BabelPrefix source);
        if (kind != TlvKind.Update)
            return kind;
        bool isRetraction = update.Metric == Metric.Infinity;
        if (isWildcard && (!isRetraction || update.PrefixLength != 0 || update.Omitted != 0))
            return Ignore(IgnoreReason.BadWildcard);
        if (AddressCodec.IsDisguised(update.Encoding, prefix))
            return Ignore(IgnoreReason.Malformed);
        if (!isRetraction && !_routerId.IsValid)
            return Ignore(IgnoreReason.NoRouterId);
        if (!isRetraction && isIpv4 && !_hasNextHopIpv4)
            return Ignore(IgnoreReason.NoNextHop);
        Update = new ReceivedUpdate(
            prefix, isWildcard, _routerId, isIpv4 ? _nextHopIpv4 : _nextHopIpv6, update.Seqno, update.Metric, update.IntervalCentiseconds, source);
        return TlvKind.Update;
    }

    /// <summary>The prefix with the octets that are omitted, left-aligned.</summary>
    private readonly UInt128 Complete(in UpdateTlv update)
    {
        UInt128 inherited = (update.Encoding == AddressEncoding.Ipv4 ? _defaultIpv4 : _defaultIpv6) & BabelPrefix.Mask(update.Omitted * 8);
        UInt128 present = update.Omitted == 16 ? UInt128.Zero : update.Octets >> (update.Omitted * 8);
        return (inherited | present) & BabelPrefix.Mask(update.PrefixLength);
    }

    private void ApplyUpdateFlags(byte flags, UInt128 bits, bool isIpv4)
    {
        if ((flags & UpdateTlv.PrefixFlag) != 0)
        {
            if (isIpv4)
                (_defaultIpv4, _hasDefaultIpv4) = (bits, true);
            else
                (_defaultIpv6, _hasDefaultIpv6) = (bits, true);
        }

        if ((flags & UpdateTlv.RouterIdFlag) == 0)
            return;
        var routerId = new RouterId(isIpv4 ? (ulong)(bits >> 96) : (ulong)bits);
        _routerId = routerId.IsValid ? routerId : default;
    }

    private TlvKind WithTimestamp(ReadOnlySpan<byte> subTlvs, TlvKind kind)
    {
        TlvKind outcome = WithSubTlvs(subTlvs, kind, Wire.HelloTimestamp.Type, out ReadOnlySpan<byte> timestamp, out _);
        if (kind == TlvKind.Hello)
            HelloTimestamp = Wire.HelloTimestamp.TryDecode(timestamp, out HelloTimestamp sent) ? sent : null;
        else
            IhuTimestamp = Wire.IhuTimestamp.TryDecode(timestamp, out IhuTimestamp echo) ? echo : null;
        return outcome;
    }

    /// <summary>RFC 9079 section 7.1: with a source prefix that is malformed, or two, or where there is no destination, the whole TLV is ignored.</summary>
    private TlvKind WithSource(ReadOnlySpan<byte> subTlvs, TlvKind kind, AddressEncoding encoding, out BabelPrefix source)
    {
        source = default;
        TlvKind outcome = WithSubTlvs(subTlvs, kind, SourcePrefix.Type, out ReadOnlySpan<byte> found, out int count);
        if (outcome != kind || count == 0)
            return outcome;
        if (count > 1 || !SourcePrefix.TryDecode(encoding, found, out SourcePrefix decoded))
            return Ignore(IgnoreReason.MalformedSubTlv);
        source = decoded.Prefix;
        return kind;
    }

    private TlvKind WithSubTlvs(ReadOnlySpan<byte> body, int consumed, TlvKind kind) => WithSubTlvs(body[consumed..], kind, wanted: 0, out _, out _);

    private TlvKind WithSubTlvs(ReadOnlySpan<byte> subTlvs, TlvKind kind, byte wanted, out ReadOnlySpan<byte> found, out int count) =>
        SubTlvReader.Check(subTlvs, wanted, out found, out count) switch
        {
            SubTlvOutcome.Accepted => kind,
            SubTlvOutcome.UnknownMandatory => Ignore(IgnoreReason.MandatorySubTlv),
            _ => Ignore(IgnoreReason.MalformedSubTlv),
        };

    private TlvKind Ignore(IgnoreReason reason)
    {
        Reason = reason;
        return TlvKind.Ignored;
    }
}
