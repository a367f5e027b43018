using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;

namespace Mesh.Simulation.Invariants;

/// <summary>See <c>docs/invariants/orderly-closure.md</c>.</summary>
internal sealed class OrderlyClosure : Invariant
{
    private readonly Dictionary<string, int> _seen = new(StringComparer.Ordinal);
    private Dictionary<(NodePrefix, NodePrefix), TimeSpan> _locked = [];

    public override string Name => "orderly-closure";

    public override string Says => "An orderly end of a tunnel takes no route and no packet with it, and comes to its end.";

    public override TimeSpan DefaultGrace => TimeSpan.FromSeconds(30);

    public override bool IsForExports => true;

    public override IEnumerable<Breach> Look(NetworkView network)
    {
        var locked = new Dictionary<(NodePrefix, NodePrefix), TimeSpan>();
        foreach (NodeView node in network.Nodes.Where(static node => node.IsRunning))
        {
            foreach (Breach loss in Losses(network, node))
                yield return loss;
            foreach (TunnelView tunnel in node.Tunnels.Where(static tunnel => tunnel is { IsUp: true, Destruction: KillerState.Locked }))
            {
                if (node.Routes.FirstOrDefault(route => route.Tunnel.Value == tunnel.Index) is { } route)
                    yield return new Breach([node.Name], $"it routes {route.Destination} over tunnel {tunnel.Index} with {tunnel.Peer}, which it has told to be locked");
                if (network.Find(tunnel.Peer) is { } peer && node.Prefix < peer.Prefix && IsLocked(node, peer) && IsLocked(peer, node))
                    locked[(node.Prefix, peer.Prefix)] = _locked.GetValueOrDefault((node.Prefix, peer.Prefix), network.Now);
            }
        }

        foreach (((NodePrefix a, NodePrefix b), TimeSpan since) in locked)
        {
            NodeView one = network.Find(a)!, other = network.Find(b)!;
            if (network.Now - since == Grace || (network.Now - since > Grace && network.Now - since < Grace + Interval + Interval))
            {
                if (network.IsQuiet(one, Grace) && network.IsQuiet(other, Grace) && !network.AreApart(one, other))
                    yield return new Breach([one.Name, other.Name], $"both ends have locked the tunnel between them since {since.TotalSeconds:0.0} s, and neither cuts it");
            }
        }

        _locked = locked;
    }

    // All tunnels between the two, so that two ends do not wait for each other over different ones.
    private static bool IsLocked(NodeView node, NodeView peer)
    {
        TunnelView[] between = [.. node.Tunnels.Where(tunnel => tunnel.IsUp && tunnel.Peer == peer.Prefix)];
        return between.Length == 1 && between[0].Destruction == KillerState.Locked;
    }

    private IEnumerable<Breach> Losses(NetworkView network, NodeView node)
    {
        IReadOnlyList<LockLoss> losses = node.LockLosses;
        for (int i = _seen.GetValueOrDefault(node.Name); i < losses.Count; i++)
        {
            string[] stranded = [.. losses[i].Destinations.Select(subnet => NodePrefix.TryFromSubnet(network.Network, subnet, out NodePrefix owner) ? network.Find(owner) : null)
                .Where(owner => owner is not null && network.IsQuiet(owner, Grace) && !network.IsRevoked(owner) && !network.AreApart(node, owner)).Select(static owner => owner!.Name)];
            if (stranded.Length > 0 && network.IsQuiet(node, Grace))
                yield return new Breach([node.Name], $"at {losses[i].At.TotalSeconds:0.000} s it locked tunnel {losses[i].Tunnel} and had no other way to {string.Join(", ", stranded.Take(5))}{(stranded.Length > 5 ? $" and {stranded.Length - 5} more" : "")}");
        }

        _seen[node.Name] = losses.Count;
    }
}
