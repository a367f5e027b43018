using Mesh.Protocol.Addressing;

namespace Mesh.Simulation.Invariants;

/// <summary>See <c>docs/invariants/revoked-isolated.md</c>.</summary>
internal sealed class RevokedIsolated : Invariant
{
    private readonly Dictionary<string, TimeSpan> _since = new(StringComparer.Ordinal);   // when it was first seen that a node is revoked

    public override string Name => "revoked-isolated";

    public override string Says => "A revoked node is isolated in time.";

    public override TimeSpan DefaultGrace => TimeSpan.FromSeconds(60);

    public override bool IsForExports => true;

    public override IEnumerable<Breach> Look(NetworkView network)
    {
        foreach (NodeView revoked in network.Nodes.Where(node => !node.Prefix.IsEmpty && network.IsRevoked(node)))
        {
            _since.TryAdd(revoked.Name, network.Registry is null or { IsExport: true } ? TimeSpan.Zero : network.Now);
            if (network.Now - _since[revoked.Name] < Grace)
                continue;
            NodePrefix prefix = revoked.Prefix;
            if (network.Find(prefix) is { } owner && owner != revoked)
                continue;   // the prefix is somebody else's by now
            NodeView[] others = [.. network.Nodes.Where(node => node != revoked && node.IsRunning && !network.IsRevoked(node))];
            NodeView[] joined = [.. others.Where(node => node.Tunnels.Any(tunnel => tunnel.IsUp && tunnel.Peer == prefix))];
            foreach (NodeView node in joined.Where(node => KnowsBetter(network, node)))
                yield return new Breach([node.Name, revoked.Name], $"{node.Name} still has a tunnel with {revoked.Name}, which was revoked {Grace.TotalSeconds:0.###} s ago or earlier");
            // As long as somebody who could not hear of it has a tunnel, others may have a route through it.
            if (joined.Length > 0)
                continue;
            Ipv6Prefix subnet = prefix.Subnet(network.Network);
            foreach (NodeView node in others.Where(node => KnowsBetter(network, node) && node.RouteTo(subnet) is not null))
                yield return new Breach([node.Name, revoked.Name], $"{node.Name} still has a route to {revoked.Name}, which was revoked {Grace.TotalSeconds:0.###} s ago or earlier");
        }
    }

    private bool KnowsBetter(NetworkView network, NodeView node) => node.ReachableSince is { } since && network.Now - since >= Grace;
}
