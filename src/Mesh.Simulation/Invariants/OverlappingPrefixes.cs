using Mesh.Protocol.Addressing;

namespace Mesh.Simulation.Invariants;

/// <summary>See <c>docs/invariants/overlapping-prefixes.md</c>.</summary>
internal sealed class OverlappingPrefixes : Invariant
{
    public override string Name => "overlapping-prefixes";

    public override string Says => "No two nodes own overlapping prefixes.";

    public override TimeSpan Interval => TimeSpan.FromSeconds(5);

    public override TimeSpan DefaultGrace => TimeSpan.Zero;

    public override bool IsForExports => true;

    public override IEnumerable<Breach> Look(NetworkView network)
    {
        // A prefix that covers another one has the same begin or an earlier one: beside each other in this order stands, before a prefix, one that covers it, or one that is covered by the same.
        (UInt128 Begin, NodeView Node)[] sorted = [.. network.Nodes.Where(node => node.IsRunning && !node.Prefix.IsEmpty && !network.IsRevoked(node))
            .Select(node => (node.Prefix.Subnet(network.Network).Bits, node)).OrderBy(static one => one.Bits).ThenBy(static one => one.node.Prefix.Length)];
        NodeView? widest = null;
        foreach ((UInt128 _, NodeView node) in sorted)
        {
            if (widest is not null && widest.Prefix.Covers(node.Prefix))
                yield return new Breach([widest.Name, node.Name], $"their prefixes {widest.Prefix} and {node.Prefix} overlap");
            else
                widest = node;
        }
    }
}
