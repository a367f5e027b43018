using System.Runtime.InteropServices;

namespace Mesh.Babel.Routes;

/// <summary>One prefix, or one prefix and source: our feasibility distance, which route we use, and what we told others. 64 octets; whatever few rows have is in tables of exceptions.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct RouteRow
{
    // In parts: a prefix has 17 octets, but would be rounded up to 32, and so would a row.
    private ulong _high;
    private ulong _low;
    private byte _length;

    // The slot of a neighbour plus one, so that an empty row has none.
    private ushort _selected;

    // As numbers: a struct in a struct would be rounded up.
    private ushort _sentSeqno;
    private ushort _distanceSeqno;

    /// <summary>Origin of those cells that have no other one, and of the distance.</summary>
    public RouterId Origin;

    /// <summary>When the row is served next, in centiseconds modulo 2^32; belongs to <see cref="RowTimers"/>.</summary>
    public uint ArmedAt;

    /// <summary>Place among those who wait plus one, or 0 for none; belongs to <see cref="RowTimers"/>.</summary>
    public int Place;

    /// <summary>The next row of the same hash, or -1; belongs to the <see cref="PrefixIndex"/>.</summary>
    public int NextOfHash;

    /// <summary>The row that neighbours mention after this one: a guess, checked before it is used.</summary>
    public int Follower;

    /// <summary>When the distance lapses, in centiseconds modulo 2^32; belongs to the table of sources, as all of the distance.</summary>
    public uint DistanceExpiresAt;

    /// <summary>The smallest metric that we announced with <see cref="DistanceSeqno"/>.</summary>
    public ushort DistanceMetric;

    /// <summary>Metric in the last update we sent; infinity where we sent none.</summary>
    public ushort SentMetric;

    /// <summary>Metric of our own announcement.</summary>
    public ushort OwnMetric;

    /// <summary>See the members.</summary>
    public RowFlags Flags;

    /// <summary>Slot of the neighbour whose route is selected, or -1.</summary>
    public int Selected
    {
        readonly get => _selected - 1;
        set => _selected = (ushort)(value + 1);
    }

    /// <summary>Number in the last update we sent.</summary>
    public Seqno SentSeqno
    {
        readonly get => new(_sentSeqno);
        set => _sentSeqno = value.Value;
    }

    /// <summary>The newest number of the origin that we announced.</summary>
    public Seqno DistanceSeqno
    {
        readonly get => new(_distanceSeqno);
        set => _distanceSeqno = value.Value;
    }

    /// <summary>The prefix; the source, if there is one, is in the table.</summary>
    public BabelPrefix Prefix
    {
        readonly get => new(new UInt128(_high, _low), _length);
        init => (_high, _low, _length) = ((ulong)(value.Bits >> 64), (ulong)value.Bits, value.Length);
    }

    /// <summary>Whether we announce the prefix ourselves.</summary>
    public readonly bool IsOwn => Is(RowFlags.Own);

    /// <summary>Whether the prefix was retracted a short while ago.</summary>
    public readonly bool IsHeld => Is(RowFlags.Held);

    /// <summary>Whether this is the row's prefix; sooner known than by <see cref="Prefix"/>.</summary>
    public readonly bool IsTo(in BabelPrefix prefix) => (ulong)prefix.Bits == _low && (ulong)(prefix.Bits >> 64) == _high && prefix.Length == _length;

    /// <summary>Whether a fact holds.</summary>
    public readonly bool Is(RowFlags flag) => (Flags & flag) != RowFlags.None;
}

/// <summary>Facts about a <see cref="RouteRow"/>.</summary>
[Flags]
internal enum RowFlags : ushort
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

    /// <summary>There is a feasibility distance for the row's origin.</summary>
    Distance = 16,

    /// <summary>There are distances for other origins, in a table of exceptions.</summary>
    OtherDistances = 32,

    /// <summary>The last update that we sent named the row's origin.</summary>
    SentOrigin = 64,

    /// <summary>The last update that we sent named another one, which is in a table of exceptions.</summary>
    SentOther = 128,

    /// <summary>There are seqno requests for it.</summary>
    Requests = 256,
}
