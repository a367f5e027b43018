namespace Mesh.Babel;

/// <summary>Arithmetic of costs and metrics: 0..65534, and one value for infinity.</summary>
public static class Metric
{
    /// <summary>Unreachable (RFC 8966 section 4.1).</summary>
    public const ushort Infinity = 0xFFFF;

    /// <summary>Metric of a route: what the neighbour announced plus the cost of the link to it, saturating at infinity (RFC 8966 section 3.5.2).</summary>
    public static ushort Add(ushort announced, ushort cost) => (ushort)Math.Min(announced + cost, Infinity);

    /// <summary>Applies a neighbour's cost multiplier.</summary>
    /// <remarks>Saturates below infinity, so that draining a link never cuts it; only multiplier 0 does.</remarks>
    /// <param name="cost">Cost of the link.</param>
    /// <param name="multiplier">In 1/256: 256 leaves the cost alone, 0 makes it infinite.</param>
    public static ushort Multiply(ushort cost, ushort multiplier)
    {
        if (cost == Infinity || multiplier == 0)
            return Infinity;
        return (ushort)Math.Clamp((long)cost * multiplier / 256, 1, Infinity - 1);
    }
}
