using System.Runtime.InteropServices;

namespace Mesh.Babel;

/// <summary>Which routes are taken from whom, at what price, and which are told where. Asked during the speaker's inputs; must not call the speaker back.</summary>
/// <remarks>
/// It is asked for each announcement, repetitions included, so what it says of a route counts from the next one on: within an update interval. The answers must not depend on
/// anything that changes by the moment, or routes flap.
/// </remarks>
public interface IBabelFilter
{
    /// <summary>What is added to the metric of a route that a neighbour offers (RFC 8966 section 3.5.2).</summary>
    /// <returns>0 for nothing; <see cref="Metric.Infinity"/> refuses the route, as if it had been taken back.</returns>
    ushort PenaltyOf(OfferedRoute offer);

    /// <summary>Whether a route of ours, own or selected, is announced on an interface. It is not taken back there: neighbours forget it when it lapses, or ask.</summary>
    bool IsAnnounced(InterfaceId link, RouteKey key, RouterId routerId, ushort metric);
}

/// <summary>A finite announcement of a neighbour.</summary>
/// <param name="Interface">Where the neighbour is.</param>
/// <param name="Neighbour">Its link-local address.</param>
/// <param name="Key">What it announces.</param>
/// <param name="RouterId">The origin that it names.</param>
/// <param name="RefMetric">Its metric; 0 where it says that the prefix is its own.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct OfferedRoute(InterfaceId Interface, BabelAddress Neighbour, RouteKey Key, RouterId RouterId, ushort RefMetric);
