namespace Mesh.Babel.Neighbours;

/// <summary>The cost of a link that loses packets: how often a packet has to be sent until it arrives, ETX (RFC 8966 appendix A.2.2), in babeld's integers.</summary>
internal static class ExpectedTransmissions
{
    /// <summary>What one transmission costs.</summary>
    public const ushort Unit = 256;

    /// <summary>Hellos that have been missing for so long say nothing any more.</summary>
    private const ushort Recent = 0xFFF0;

    /// <summary>The cost of receiving, by the Hellos that arrived: <paramref name="cost"/> where all did, infinity where none of the newest twelve did.</summary>
    /// <param name="bits">Newest Hello in bit 15. The newest bits weigh a quarter and a half of what they would as a number, so that one lost Hello does not double the cost.</param>
    /// <param name="cost">Of receiving without loss.</param>
    public static ushort RxCost(ushort bits, ushort cost)
    {
        if ((bits & Recent) == 0)
            return Metric.Infinity;
        int received = ((bits & 0x8000) >> 2) + ((bits & 0x4000) >> 1) + (bits & 0x3FFF);
        return (ushort)Math.Min(0x8000 * cost / (received + 1), Metric.Infinity);
    }

    /// <summary>The cost of the link: losses of both directions multiply. A link without losses costs what the peer says.</summary>
    /// <param name="txCost">The peer's rxcost.</param>
    /// <param name="rxCost">Ours.</param>
    public static ushort LinkCost(ushort txCost, ushort rxCost)
    {
        if (txCost == Metric.Infinity || rxCost == Metric.Infinity)
            return Metric.Infinity;
        if (txCost < Unit && rxCost < Unit)
            return txCost;
        long product = (long)Math.Max(txCost, Unit) * Math.Max(rxCost, Unit);
        return (ushort)Math.Min((product + (Unit / 2)) / Unit, Metric.Infinity);
    }
}
