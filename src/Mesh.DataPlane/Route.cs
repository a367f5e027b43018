using System.Runtime.InteropServices;

namespace Mesh.DataPlane;

/// <summary>What becomes of packets to a prefix.</summary>
public enum RouteKind : byte
{
    /// <summary>They are refused with Destination Unreachable. Also the answer where no prefix matches.</summary>
    Unreachable = 0,

    /// <summary>They are dropped without a word.</summary>
    Blackhole = 1,

    /// <summary>They are for this machine or a network behind it.</summary>
    Local = 2,

    /// <summary>They leave through a tunnel.</summary>
    Tunnel = 3,
}

/// <summary>Where packets to a prefix go. The default value is <see cref="Unreachable"/>.</summary>
public readonly record struct Route
{
    // Kinds other than Tunnel are -kind or 0, a tunnel is its index: four octets, because tables are many and long.
    private readonly int _value;

    private Route(int value) => _value = value;

    /// <summary>Refused with Destination Unreachable.</summary>
    public static Route Unreachable => default;

    /// <summary>Dropped without a word.</summary>
    public static Route Blackhole => new(-(int)RouteKind.Blackhole);

    /// <summary>For this machine or a network behind it.</summary>
    public static Route Local => new(-(int)RouteKind.Local);

    /// <summary>Which kind of route.</summary>
    public RouteKind Kind => _value > 0 ? RouteKind.Tunnel : (RouteKind)(-_value);

    /// <summary>The tunnel to leave by; index 0 where <see cref="Kind"/> is another.</summary>
    public TunnelIndex Tunnel => new(Math.Max(_value, 0));

    /// <summary>Through <paramref name="tunnel"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The index is not in 1..<see cref="DataPlaneEngine.MaxTunnels"/>.</exception>
    public static Route Through(TunnelIndex tunnel)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tunnel.Value, 1, nameof(tunnel));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tunnel.Value, DataPlaneEngine.MaxTunnels, nameof(tunnel));
        return new Route(tunnel.Value);
    }

    /// <inheritdoc/>
    public override string ToString() => Kind == RouteKind.Tunnel ? Tunnel.ToString() : Kind.ToString();
}

/// <summary>One line of a forwarding table.</summary>
/// <param name="Prefix">The prefix; bits beyond <paramref name="Length"/> are zero.</param>
/// <param name="Length">0..128 bits.</param>
/// <param name="Route">Where packets to it go.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ForwardingEntry(UInt128 Prefix, int Length, Route Route);
