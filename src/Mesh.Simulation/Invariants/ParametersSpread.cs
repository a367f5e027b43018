namespace Mesh.Simulation.Invariants;

/// <summary>See <c>docs/invariants/parameters-spread.md</c>.</summary>
internal sealed class ParametersSpread : Invariant
{
    public override string Name => "parameters-spread";

    public override string Says => "Every node that is awake and can reach the registry has new network parameters in time.";

    public override TimeSpan DefaultGrace => TimeSpan.FromSeconds(60);

    public override bool IsForExports => true;

    public override IEnumerable<Breach> Look(NetworkView network)
    {
        ulong newest = network.Registry?.Published ?? network.Nodes.Select(static node => node.ParametersVersion).DefaultIfEmpty().Max();
        TimeSpan published = network.Registry?.PublishedAt ?? TimeSpan.Zero;
        if (network.Now - published < Grace)
            yield break;
        foreach (NodeView node in network.Nodes)
        {
            if (node.ReachableSince is { } since && network.Now - since >= Grace && node.ParametersVersion < newest && !network.IsRevoked(node))
                yield return new Breach([node.Name], $"it uses version {node.ParametersVersion} of the network parameters, while {newest} was published {Grace.TotalSeconds:0.###} s ago or earlier");
        }
    }
}
