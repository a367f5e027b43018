using Mesh.Babel.Routes;
using Mesh.Babel.Sending;

namespace Mesh.Babel.Neighbours;

/// <summary>What is known of one neighbour on one interface (RFC 8966 section 3.2.4).</summary>
internal sealed class Neighbour(int slot, BabelInterface link, BabelAddress address, TimeSpan now)
{
    /// <summary>Multicast Hellos; set by Hello.</summary>
    public HelloHistory Hellos = new();

    /// <summary>The cost as the hysteresis sees it, while it is finite.</summary>
    public SmoothedMetric SmoothedCost;

    /// <summary>Unicast Hellos; set by Hello with the unicast flag.</summary>
    public HelloHistory UnicastHellos = new();

    /// <summary>Round-trip time; set by Hello and IHU with timestamps.</summary>
    public RoundTrip RoundTrip = new();

    /// <summary>Index by which routes name this neighbour; reused after it is gone.</summary>
    public int Slot { get; } = slot;

    /// <summary>The interface on which it is.</summary>
    public BabelInterface Link { get; } = link;

    /// <summary>Its link-local address.</summary>
    public BabelAddress Address { get; } = address;

    /// <summary>When the entry was made: one without any Hello does not live long.</summary>
    public TimeSpan CreatedAt { get; } = now;

    /// <summary>What we cost to it, from its last IHU; infinite until then and after the IHU has lapsed.</summary>
    public ushort TxCost { get; set; } = Metric.Infinity;

    /// <summary>When the last IHU lapses.</summary>
    public TimeSpan IhuDeadline { get; set; } = TimeSpan.MaxValue;

    /// <summary>The rxcost that we sent in our last IHU.</summary>
    public ushort AnnouncedRxCost { get; set; } = Metric.Infinity;

    /// <summary>Whether an IHU for it leaves with the next packet to all.</summary>
    public bool IsIhuDue { get; set; }

    /// <summary>In 1/256; set by the operator or a tunnel being drained.</summary>
    public ushort CostMultiplier { get; set; } = 256;

    /// <summary>Cost of the link, multiplier included; what routes are computed with.</summary>
    public ushort Cost { get; set; } = Metric.Infinity;

    /// <summary>Whether its last packet had a good MAC and number.</summary>
    public bool IsVerified { get; set; }

    /// <summary>The row that it mentioned last, or -1. Neighbours go through their tables in the same order each time, so the next one can be guessed.</summary>
    public int LastRow { get; set; } = -1;

    /// <summary>The interval that its last update announced, in centiseconds; what follows from it is <see cref="Hold"/>.</summary>
    public ushort UpdateInterval { get; private set; }

    /// <summary>How long its routes live with that interval, as <see cref="HoldTime"/> writes it.</summary>
    public byte Hold { get; private set; }

    /// <summary>When it last got the whole table on request.</summary>
    public TimeSpan LastDump { get; set; } = TimeSpan.MinValue;

    /// <summary>TLVs for its unicast address, waiting for the end of the current input.</summary>
    public ControlQueue Control { get; } = new(link);

    /// <summary>Updates for its unicast address.</summary>
    public UpdateQueue Updates { get; } = new(link);

    /// <summary>Cost of receiving from it, by the better of its two series of Hellos: 2-out-of-3 (RFC 8966 appendix A.2.1), or ETX where the link is lossy (A.2.2).</summary>
    public ushort RxCost
    {
        get
        {
            ushort cost = Link.Parameters.EffectiveCost;
            if (Link.Parameters.Kind == LinkKind.Lossy)
                return Math.Min(ExpectedTransmissions.RxCost(Hellos.Bits, cost), ExpectedTransmissions.RxCost(UnicastHellos.Bits, cost));
            return Hellos.HasTwoOfThree || UnicastHellos.HasTwoOfThree ? cost : Metric.Infinity;
        }
    }

    /// <summary>Whether any Hello is remembered or awaited.</summary>
    public bool IsHeard => Hellos.Bits != 0 || UnicastHellos.Bits != 0;

    /// <summary>Whether an IHU is worth sending with every Hello: the link is bad, or a recent Hello was lost.</summary>
    public bool IsMarginal => TxCost >= 384 || Hellos.Bits >> 12 != 0xF;

    /// <summary>When this neighbour has to be looked at next.</summary>
    public TimeSpan NextDeadline
    {
        get
        {
            TimeSpan next = Min(Hellos.Deadline, UnicastHellos.Deadline);
            next = Min(next, Min(IhuDeadline, RoundTrip.Deadline));
            next = Min(next, Updates.FlushAt);
            return IsHeard ? next : Min(next, CreatedAt + (Link.Parameters.HelloInterval * 4));
        }
    }

    /// <summary>Cost of the link before the multiplier: by what arrives in both directions, and what the round-trip time adds.</summary>
    public ushort LinkCost
    {
        get
        {
            ushort rxCost = RxCost;
            ushort cost = Link.Parameters.Kind == LinkKind.Lossy ? ExpectedTransmissions.LinkCost(TxCost, rxCost) : rxCost == Metric.Infinity ? Metric.Infinity : TxCost;
            return cost == Metric.Infinity ? cost : (ushort)Math.Min(cost + RttCost, Metric.Infinity - 1);
        }
    }

    /// <summary>What the round-trip time adds to the cost.</summary>
    public ushort RttCost => Link.Parameters.Rtt is { } rtt && RoundTrip.Counted is { } counted ? rtt.PenaltyOf(counted) : (ushort)0;

    /// <summary>An update announced this interval.</summary>
    public void NoteInterval(ushort centiseconds)
    {
        if (centiseconds != UpdateInterval)
            (UpdateInterval, Hold) = (centiseconds, HoldTime.Encode(centiseconds));
    }

    private static TimeSpan Min(TimeSpan left, TimeSpan right) => left < right ? left : right;
}
