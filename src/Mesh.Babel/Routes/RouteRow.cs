using System.Runtime.InteropServices;

namespace Mesh.Babel.Routes;

/// <summary>One prefix, or one prefix and source: its routes, its feasibility distances, and what we told others about it.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct RouteRow
{
    // In parts: a prefix has 17 octets, but would be rounded up to 32, and so would a row.
    private ulong _high;
    private ulong _low;
    private byte _length;

    /// <summary>Origin of those cells that have no other one.</summary>
    public RouterId Origin;

    /// <summary>Origin in the last update we sent.</summary>
    public RouterId SentRouterId;

    /// <summary>When the row is served next, in centiseconds; <see cref="long.MaxValue"/> for never.</summary>
    public long ArmedAt;

    /// <summary>Until when the prefix is unreachable rather than unknown, in centiseconds.</summary>
    public long HoldUntil;

    /// <summary>When the retraction is repeated, in centiseconds.</summary>
    public long ResendAt;

    /// <summary>First cell, or -1.</summary>
    public int FirstCell;

    /// <summary>The selected cell, or -1.</summary>
    public int Selected;

    /// <summary>The next row of the same hash, or -1; belongs to the <see cref="PrefixIndex"/>.</summary>
    public int NextOfHash;

    /// <summary>First feasibility distance, or -1.</summary>
    public int FirstSource;

    /// <summary>First pending seqno request, or -1.</summary>
    public int FirstRequest;

    /// <summary>Metric in the last update we sent; infinity where we sent none.</summary>
    public ushort SentMetric;

    /// <summary>Number in the last update we sent.</summary>
    public Seqno SentSeqno;

    /// <summary>Metric of our own announcement.</summary>
    public ushort OwnMetric;

    /// <summary>Repetitions of the retraction still to be sent.</summary>
    public byte ResendsLeft;

    /// <summary>See the members.</summary>
    public RowFlags Flags;

    /// <summary>The prefix; the source, if there is one, is in the table.</summary>
    public BabelPrefix Prefix
    {
        readonly get => new(new UInt128(_high, _low), _length);
        init => (_high, _low, _length) = ((ulong)(value.Bits >> 64), (ulong)value.Bits, value.Length);
    }

    /// <summary>Whether this is the row's prefix; sooner known than by <see cref="Prefix"/>.</summary>
    public readonly bool IsTo(in BabelPrefix prefix) => (ulong)prefix.Bits == _low && (ulong)(prefix.Bits >> 64) == _high && prefix.Length == _length;

    /// <summary>Whether we announce the prefix ourselves.</summary>
    public readonly bool IsOwn => (Flags & RowFlags.Own) != RowFlags.None;

    /// <summary>Whether the prefix was retracted a short while ago.</summary>
    public readonly bool IsHeld => (Flags & RowFlags.Held) != RowFlags.None;
}

/// <summary>Facts about a <see cref="RouteRow"/>.</summary>
[Flags]
internal enum RowFlags : byte
{
    None = 0,

    /// <summary>The place in the pool is taken.</summary>
    InUse = 1,

    /// <summary>We announce the prefix.</summary>
    Own = 2,

    /// <summary>We retracted it, and some neighbour may still believe the old announcement.</summary>
    Held = 4,

    /// <summary>It is for packets from one source prefix only.</summary>
    SourceSpecific = 8,
}
