using System.Net;

namespace Mesh.Platform.Linux.Netlink;

/// <summary>What the kernel does with packets to a prefix (linux/rtnetlink.h).</summary>
public enum KernelRouteKind : byte
{
    /// <summary>Sends them out of a link.</summary>
    Unicast = 1,

    /// <summary>Keeps them: they are for an address of this machine.</summary>
    Local = 2,

    /// <summary>Drops them without a word.</summary>
    Blackhole = 6,

    /// <summary>Refuses them with Destination Unreachable.</summary>
    Unreachable = 7,
}

/// <summary>A route of the kernel.</summary>
/// <param name="Prefix">The destination prefix.</param>
/// <param name="Length">How many bits of it count.</param>
public sealed record KernelRoute(IPAddress Prefix, int Length)
{
    /// <summary>The main routing table.</summary>
    public const uint MainTable = 254;

    /// <summary>The table of the machine's own addresses, which is looked at first.</summary>
    public const uint LocalTable = 255;

    /// <summary>What routing daemons call themselves in the protocol field where they speak Babel.</summary>
    public const byte BabelProtocol = 42;

    /// <summary>The prefix that a packet's source has to lie in (CONFIG_IPV6_SUBTREES, RFC 9079), or null for any source.</summary>
    public IPAddress? FromPrefix { get; init; }

    /// <summary>How many bits of <see cref="FromPrefix"/> count; 0 for any source.</summary>
    public int FromLength { get; init; }

    /// <summary>What becomes of the packets.</summary>
    public KernelRouteKind Kind { get; init; } = KernelRouteKind.Unicast;

    /// <summary>The index of the link to leave by, or 0.</summary>
    public int Link { get; init; }

    /// <summary>The next hop, or null.</summary>
    public IPAddress? Gateway { get; init; }

    /// <summary>The address that this machine's own packets get as their source, or null for the kernel's choice.</summary>
    public IPAddress? Source { get; init; }

    /// <summary>Lower is better; 0 lets the kernel choose (1024).</summary>
    public uint Metric { get; init; }

    /// <summary>The routing table.</summary>
    public uint Table { get; init; } = MainTable;

    /// <summary>Who installed it.</summary>
    public byte Protocol { get; init; } = BabelProtocol;

    /// <inheritdoc/>
    public override string ToString() => FromLength > 0 ? $"{Prefix}/{Length} from {FromPrefix}/{FromLength}" : $"{Prefix}/{Length}";
}
