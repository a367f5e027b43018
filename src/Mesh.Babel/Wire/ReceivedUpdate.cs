using System.Runtime.InteropServices;

namespace Mesh.Babel.Wire;

/// <summary>An Update after the parser state has completed it (RFC 8966 section 4.6.9).</summary>
/// <param name="Prefix">The prefix; default for a retraction of everything.</param>
/// <param name="IsWildcard">Whether this retracts all routes of the sender.</param>
/// <param name="RouterId">The origin; not meaningful in a retraction.</param>
/// <param name="NextHop">Where packets should go; not meaningful in a retraction.</param>
/// <param name="Seqno">The origin's sequence number; not meaningful in a retraction.</param>
/// <param name="Metric">The sender's metric; infinity is a retraction.</param>
/// <param name="IntervalCentiseconds">When it will be sent again.</param>
/// <param name="Source">Of packets from where, if not from everywhere.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ReceivedUpdate(
    BabelPrefix Prefix,
    bool IsWildcard,
    RouterId RouterId,
    BabelAddress NextHop,
    Seqno Seqno,
    ushort Metric,
    ushort IntervalCentiseconds,
    BabelPrefix Source = default)
{
    /// <summary>What the route is for.</summary>
    public RouteKey Key => new(Prefix, Source);

    /// <summary>Whether the sender takes back what it announced.</summary>
    public bool IsRetraction => Metric == Babel.Metric.Infinity;
}
