namespace Mesh.Simulation.Invariants;

/// <summary>See <c>docs/invariants/published-versions.md</c>.</summary>
internal sealed class PublishedVersions : Invariant
{
    public override string Name => "published-versions";

    public override string Says => "Nobody believes in a version of the network parameters that the registry has not published.";

    public override TimeSpan DefaultGrace => TimeSpan.FromSeconds(5);

    public override IEnumerable<Breach> Look(NetworkView network)
    {
        // A registry that has just signed a version may tell it before it is written down here.
        if (network.Registry is not { UpSince: { } up } registry || network.Now - up < Grace)
            yield break;
        foreach (NodeView node in network.Nodes.Where(node => node.IsRunning && node.NewestVersion > registry.Published))
            yield return new Breach([node.Name], $"it believes in version {node.NewestVersion}; the registry has published {registry.Published}");
    }
}
