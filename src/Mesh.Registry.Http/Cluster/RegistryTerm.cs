namespace Mesh.Registry.Http.Cluster;

/// <summary>A registry of one epoch: its actors, and how to take them apart.</summary>
/// <param name="actors">Started; they may still be reading their state back.</param>
/// <param name="endAsync">Stops the loop, closes the journal, gives ports and files free. Called once, also where nothing of that answers any more; must not throw.</param>
public sealed class RegistryTerm(RegistryActors actors, Func<Task> endAsync)
{
    /// <summary>The actors that answer.</summary>
    public RegistryActors Actors => actors;

    internal Task EndAsync() => endAsync();
}
