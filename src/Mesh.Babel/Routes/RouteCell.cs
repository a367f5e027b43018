using System.Runtime.InteropServices;

namespace Mesh.Babel.Routes;

/// <summary>What one neighbour announced for one prefix (RFC 8966 section 3.2.6). 32 octets; there is one per prefix and neighbour. Origin, next hop and penalty are in the table.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct RouteCell
{
    /// <summary>Next cell of the same row, or -1.</summary>
    public int Next;

    /// <summary>The row to which this belongs.</summary>
    public int Row;

    /// <summary>The cell of the same neighbour that was updated after this one the last time: a guess, checked before it is used.</summary>
    public int Follower;

    /// <summary>When this lapses, in centiseconds; set by a finite Update.</summary>
    public uint ExpiresAt;

    /// <summary>Up to when the smoothed metric has been computed, in centiseconds.</summary>
    public uint SmoothedAt;

    /// <summary>Slot of the neighbour.</summary>
    public ushort Neighbour;

    /// <summary>The metric the neighbour announced; set by Update.</summary>
    public ushort RefMetric;

    /// <summary>Metric as the hysteresis sees it.</summary>
    public ushort Smoothed;

    /// <summary>The interval that the last finite Update announced, in centiseconds.</summary>
    public ushort Interval;

    /// <summary>See the members.</summary>
    public CellFlags Flags;

    // As a number: a struct in a struct would be rounded up to eight octets.
    private ushort _seqno;

    /// <summary>The origin's number; set by a finite Update.</summary>
    public Seqno Seqno
    {
        readonly get => new(_seqno);
        set => _seqno = value.Value;
    }
}

/// <summary>Facts about a <see cref="RouteCell"/>.</summary>
[Flags]
internal enum CellFlags : ushort
{
    None = 0,

    /// <summary>The place in the pool is taken.</summary>
    InUse = 1,

    /// <summary>A request to repeat the route before it lapses has been sent.</summary>
    Requested = 2,

    /// <summary>The next hop is not the neighbour's address: it is kept in a table of exceptions.</summary>
    OtherNextHop = 4,

    /// <summary>A filter has put a price on it, which is kept in a table of exceptions.</summary>
    Penalised = 8,

    /// <summary>The origin is not that of the row: it is kept in a table of exceptions.</summary>
    OtherOrigin = 16,
}
