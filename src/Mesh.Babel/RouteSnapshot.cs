using System.Runtime.InteropServices;

namespace Mesh.Babel;

/// <summary>A route at the moment of asking.</summary>
/// <param name="Prefix">Where it leads.</param>
/// <param name="RouterId">Who announces the prefix.</param>
/// <param name="Seqno">The origin's number.</param>
/// <param name="RefMetric">The neighbour's metric; 0 where the prefix is the neighbour's own.</param>
/// <param name="Metric">Our metric through that neighbour.</param>
/// <param name="SmoothedMetric">Metric as the hysteresis sees it.</param>
/// <param name="IsSelected">Whether it is in use.</param>
/// <param name="IsFeasible">Whether it might be.</param>
/// <param name="Interface">Where the neighbour is.</param>
/// <param name="Neighbour">The neighbour's link-local address.</param>
/// <param name="NextHop">Where packets go: the neighbour, unless it says otherwise; IPv4 for IPv4 prefixes.</param>
/// <param name="ExpiresIn">Time left until it lapses.</param>
/// <param name="Source">From where packets have to come for it (RFC 9079); default for an ordinary route.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct RouteSnapshot(
    BabelPrefix Prefix,
    RouterId RouterId,
    Seqno Seqno,
    ushort RefMetric,
    ushort Metric,
    ushort SmoothedMetric,
    bool IsSelected,
    bool IsFeasible,
    InterfaceId Interface,
    BabelAddress Neighbour,
    BabelAddress NextHop,
    TimeSpan ExpiresIn,
    BabelPrefix Source = default)
{
    /// <summary>What it is for.</summary>
    public RouteKey Key => new(Prefix, Source);
}

/// <summary>What to do with packets for a prefix.</summary>
public enum Reachability
{
    /// <summary>Nothing is known of it: a shorter prefix may apply.</summary>
    Unknown,

    /// <summary>It is announced by ourselves.</summary>
    Own,

    /// <summary>There is a selected route.</summary>
    Reachable,

    /// <summary>Its route was lost a short while ago: drop packets, and do not use a shorter prefix (RFC 8966 section 2.8).</summary>
    Unreachable,
}
