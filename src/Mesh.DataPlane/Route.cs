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
    private const int FirstBySource = -16;

    // Kinds other than Tunnel are -kind or 0, a tunnel is its index: four octets, because tables are many and long. What depends on the source is at most FirstBySource and never leaves the table.
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

    /// <summary>A place of <see cref="ForwardingTable"/> where the packet's source decides.</summary>
    internal static Route BySource(int index) => new(FirstBySource - index);

    /// <summary>The index given to <see cref="BySource"/>, or a negative number for other routes.</summary>
    internal int SourceIndex => FirstBySource - _value;

    /// <inheritdoc/>
    public override string ToString() => Kind == RouteKind.Tunnel ? Tunnel.ToString() : Kind.ToString();
}

/// <summary>One line of a forwarding table.</summary>
/// <param name="Prefix">The prefix; bits beyond <paramref name="Length"/> are zero.</param>
/// <param name="Length">0..128 bits.</param>
/// <param name="Route">Where packets to it go.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ForwardingEntry(UInt128 Prefix, int Length, Route Route)
{
    /// <summary>The prefix that a packet's source has to lie in (RFC 9079); bits beyond <see cref="SourceLength"/> are zero.</summary>
    public UInt128 Source { get; init; }

    /// <summary>0..128 bits; with 0, packets of any source take the route.</summary>
    public int SourceLength { get; init; }
}
