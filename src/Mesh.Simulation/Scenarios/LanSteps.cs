namespace Mesh.Simulation.Scenarios;

/// <summary>The LANs of some sites, and of those that have come of them, become one, or each site has one of its own again.</summary>
/// <param name="Sites">Their names.</param>
/// <param name="Merges">Whether they become one.</param>
public sealed record PlugLans(IReadOnlyList<string> Sites, bool Merges) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title => $"{string.Join(", ", Sites)} {(Merges ? "become one LAN" : "have LANs of their own")}";
}
