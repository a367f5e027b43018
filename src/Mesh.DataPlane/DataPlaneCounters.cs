using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Mesh.DataPlane;

/// <summary>What the data plane of a machine has done so far. Read while it works: the numbers are each right, but not of one instant.</summary>
/// <remarks>Where packets are collected and sent together, one that is refused then is in <see cref="ToHost"/> or its tunnel's <see cref="TunnelCounters"/> already, and in
/// <see cref="Drops"/> besides.</remarks>
/// <param name="FromHost">Packets taken from the host.</param>
/// <param name="ToHost">Packets handed to the host.</param>
/// <param name="Transit">Packets that went from one tunnel into another.</param>
/// <param name="IcmpErrorsSent">ICMPv6 errors generated here.</param>
/// <param name="IcmpErrorsSuppressed">ICMPv6 errors that the rate limit held back.</param>
/// <param name="Drops">By <see cref="DropReason"/>.</param>
public sealed record DataPlaneCounters(long FromHost, long ToHost, long Transit, long IcmpErrorsSent, long IcmpErrorsSuppressed, ImmutableArray<long> Drops)
{
    /// <summary>How many were dropped for a reason.</summary>
    public long this[DropReason reason] => Drops[(int)reason];

    /// <summary>How many were dropped in all.</summary>
    public long TotalDrops => Drops.Sum();
}

/// <summary>What a tunnel has carried so far, datagrams and stream together. Octets are of inner packets and control payloads.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct TunnelCounters(long SentPackets, long SentOctets, long ReceivedPackets, long ReceivedOctets);
