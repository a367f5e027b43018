using System.Runtime.InteropServices;

namespace Mesh.Babel.Wire;

/// <summary>An Update to be written, with all that the parser state would otherwise supply.</summary>
/// <param name="Prefix">The prefix.</param>
/// <param name="RouterId">The origin; written even before a retraction, because some old speakers ignore one without it.</param>
/// <param name="Seqno">The origin's sequence number.</param>
/// <param name="Metric">The metric; infinity retracts.</param>
/// <param name="IntervalCentiseconds">When it will be sent again.</param>
/// <param name="Ipv4NextHop">The next hop to announce for IPv4 prefixes; a retraction does without. Not used for IPv6, where it is the packet's source.</param>
/// <param name="Source">Of packets from where, if not from everywhere.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct OutgoingUpdate(
    BabelPrefix Prefix,
    RouterId RouterId,
    Seqno Seqno,
    ushort Metric,
    ushort IntervalCentiseconds,
    BabelAddress Ipv4NextHop = default,
    BabelPrefix Source = default)
{
    /// <summary>Whether the router-id can be given by the R flag instead of a TLV of its own.</summary>
    public bool CarriesRouterId => IsAddressOf(Prefix, RouterId);

    /// <summary>Whether a prefix is one address whose lower half is the router-id.</summary>
    internal static bool IsAddressOf(BabelPrefix prefix, RouterId origin) => !prefix.IsIpv4 && prefix.Length == 128 && (ulong)prefix.Bits == origin.Value;
}
