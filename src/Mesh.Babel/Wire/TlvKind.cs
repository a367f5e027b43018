namespace Mesh.Babel.Wire;

/// <summary>What <see cref="PacketReader.Read"/> found.</summary>
public enum TlvKind
{
    /// <summary>The body is over.</summary>
    End,

    /// <summary>A TLV without effect beyond the parser state; see <see cref="PacketReader.Reason"/>.</summary>
    Ignored,

    /// <summary>Pad1 or PadN.</summary>
    Pad,

    /// <summary>See <see cref="PacketReader.AckRequest"/>.</summary>
    AckRequest,

    /// <summary>See <see cref="PacketReader.Ack"/>.</summary>
    Ack,

    /// <summary>See <see cref="PacketReader.Hello"/>.</summary>
    Hello,

    /// <summary>See <see cref="PacketReader.Ihu"/>.</summary>
    Ihu,

    /// <summary>A Router-Id: it has gone into the parser state.</summary>
    RouterId,

    /// <summary>A Next Hop: it has gone into the parser state.</summary>
    NextHop,

    /// <summary>See <see cref="PacketReader.Update"/>.</summary>
    Update,

    /// <summary>See <see cref="PacketReader.RouteRequest"/>.</summary>
    RouteRequest,

    /// <summary>See <see cref="PacketReader.SeqnoRequest"/>.</summary>
    SeqnoRequest,

    /// <summary>PC, Challenge Request or Challenge Reply (RFC 8967): they are for who checks the packet before it is read.</summary>
    Authentication,
}

/// <summary>Why a TLV was ignored.</summary>
public enum IgnoreReason
{
    /// <summary>It was not.</summary>
    None,

    /// <summary>A type that is neither in RFC 8966 nor in RFC 8967.</summary>
    UnknownType,

    /// <summary>Too short, or a length or value that its layout does not allow.</summary>
    Malformed,

    /// <summary>An address encoding that is unknown, or not allowed in this TLV.</summary>
    UnknownEncoding,

    /// <summary>It carries a mandatory sub-TLV that is not understood.</summary>
    MandatorySubTlv,

    /// <summary>Its sub-TLVs are cut short.</summary>
    MalformedSubTlv,

    /// <summary>A compressed prefix without a default prefix before it.</summary>
    NoDefaultPrefix,

    /// <summary>A finite Update without a valid router-id before it.</summary>
    NoRouterId,

    /// <summary>A finite IPv4 Update without an IPv4 next hop before it.</summary>
    NoNextHop,

    /// <summary>An Update for "everything" that is not a retraction, or has a prefix length.</summary>
    BadWildcard,

    /// <summary>A TLV that runs past the body; reading ends there.</summary>
    Truncated,

    /// <summary>A MAC, which counts in the trailer only (RFC 8967 section 6.1).</summary>
    Misplaced,
}

/// <summary>Whether a datagram is a Babel packet at all (RFC 8966 section 4.2).</summary>
public enum PacketStatus
{
    /// <summary>It is.</summary>
    Valid,

    /// <summary>Shorter than the header.</summary>
    TooShort,

    /// <summary>The first octet is not 42.</summary>
    BadMagic,

    /// <summary>The version is not 2.</summary>
    BadVersion,

    /// <summary>The body would be longer than the datagram.</summary>
    BadLength,
}
