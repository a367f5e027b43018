using System.Runtime.InteropServices;

namespace Mesh.Babel.Wire;

/// <summary>An Update of the kind that tables are made of: complete, with a finite metric, for an IPv6 prefix from everywhere, the next hop being the sender. See <see cref="ReceivedUpdate"/> for all kinds.</summary>
/// <param name="Prefix">The prefix.</param>
/// <param name="RouterId">The origin.</param>
/// <param name="Seqno">The origin's sequence number.</param>
/// <param name="Metric">The sender's metric.</param>
/// <param name="IntervalCentiseconds">When it will be sent again.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct PlainUpdate(BabelPrefix Prefix, RouterId RouterId, Seqno Seqno, ushort Metric, ushort IntervalCentiseconds)
{
    /// <summary>The same in the general form.</summary>
    /// <param name="sender">The source of the packet.</param>
    public ReceivedUpdate From(BabelAddress sender) => new(Prefix, false, RouterId, sender, Seqno, Metric, IntervalCentiseconds);
}
