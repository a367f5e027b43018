using System.Runtime.InteropServices;

namespace Mesh.Babel.Routes;

/// <summary>What one neighbour announced for one prefix (RFC 8966 section 3.2.6). 8 octets; there is one per prefix and neighbour. Whatever few of them have is in tables of exceptions.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct RouteCell
{
    /// <summary>The metric the neighbour announced; set by Update.</summary>
    public ushort RefMetric;

    /// <summary>When this lapses, in deciseconds modulo 2^16; set by a finite Update.</summary>
    public ushort ExpiresAt;

    /// <summary>How long this lives after an update, as <see cref="HoldTime"/> writes it; set by a finite Update.</summary>
    public byte Hold;

    /// <summary>See the members.</summary>
    public CellFlags Flags;

    // As a number: a struct in a struct would be rounded up.
    private ushort _seqno;

    /// <summary>The origin's number; set by a finite Update.</summary>
    public Seqno Seqno
    {
        readonly get => new(_seqno);
        set => _seqno = value.Value;
    }

    /// <summary>Whether a fact holds.</summary>
    public readonly bool Is(CellFlags flag) => (Flags & flag) != CellFlags.None;
}

/// <summary>Facts about a <see cref="RouteCell"/>.</summary>
[Flags]
internal enum CellFlags : byte
{
    None = 0,

    /// <summary>The neighbour has announced something, and it has not been forgotten.</summary>
    InUse = 1,

    /// <summary>A request to repeat the route before it lapses has been sent.</summary>
    Requested = 2,

    /// <summary>The next hop is not the neighbour's address: it is kept in a table of exceptions.</summary>
    OtherNextHop = 4,

    /// <summary>A filter has put a price on it, which is kept in a table of exceptions.</summary>
    Penalised = 8,

    /// <summary>The origin is not that of the row: it is kept in a table of exceptions.</summary>
    OtherOrigin = 16,

    /// <summary>The hysteresis does not see the announced metric yet, but one that is kept beside the cells.</summary>
    Settling = 32,
}
