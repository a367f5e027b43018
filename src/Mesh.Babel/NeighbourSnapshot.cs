using System.Runtime.InteropServices;

namespace Mesh.Babel;

/// <summary>A neighbour at the moment of asking.</summary>
/// <param name="Interface">Where it is.</param>
/// <param name="Address">Its link-local address.</param>
/// <param name="Reach">Which of its last 16 multicast Hellos arrived; newest in bit 15.</param>
/// <param name="UnicastReach">The same for unicast Hellos.</param>
/// <param name="RxCost">What it costs us to receive from it.</param>
/// <param name="TxCost">What it says it costs to receive from us.</param>
/// <param name="Cost">Cost of the link, round trip and multiplier included.</param>
/// <param name="CostMultiplier">In 1/256.</param>
/// <param name="Authentication">Whether its packets are known to be its own.</param>
/// <param name="Rtt">Smoothed round-trip time; null where it is not measured.</param>
/// <param name="RttCost">What it adds to the cost before the multiplier. It follows <paramref name="Rtt"/> in steps, so that a delay that swings a little moves no route.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct NeighbourSnapshot(
    InterfaceId Interface,
    BabelAddress Address,
    ushort Reach,
    ushort UnicastReach,
    ushort RxCost,
    ushort TxCost,
    ushort Cost,
    ushort CostMultiplier,
    NeighbourAuthentication Authentication = NeighbourAuthentication.Off,
    TimeSpan? Rtt = null,
    ushort RttCost = 0);
