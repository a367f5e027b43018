using Mesh.Registry;

namespace Mesh.Simulation.Paper;

/// <summary>How the experiments are run. What is null is what was published, or run again, for each.</summary>
public sealed record PaperOptions
{
    /// <summary>Everything random follows from it. Each cell has its own source, so it does not matter which others are run.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>How many threads work. The numbers do not depend on it.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Numbers of nodes.</summary>
    public IReadOnlyList<int>? Nodes { get; init; }

    /// <summary>Tunnels that each node opens.</summary>
    public IReadOnlyList<int>? Tunnels { get; init; }

    /// <summary>Limit of the arity; default: three times the tunnels.</summary>
    public int? Cap { get; init; }

    /// <summary>Rounds after row 0 of the refresh experiments; default: 50 and 100.</summary>
    public int? Rounds { get; init; }

    /// <summary>Graphs of a cell of <c>kill</c> (default 100), runs of a refresh experiment with seeds of their own (default 3 and 5), whose mean is the row.</summary>
    public int? Replicates { get; init; }

    /// <summary>Latencies for so many nodes; default: <c>H</c>.</summary>
    public Func<int, Latencies>? Matrix { get; init; }

    /// <summary>Latencies of as many nodes as they are of, instead.</summary>
    public LatencyFile? Measured { get; init; }

    /// <summary>Bounds of the probabilities to reboot in a round of <c>refresh-latency</c>; default: nobody does.</summary>
    public (double Least, double Most) Churn { get; init; }

    /// <summary>Which tunnel <c>refresh-latency</c> replaces.</summary>
    public VictimRule Rule { get; init; }

    /// <summary>How round trips count in the routes of <c>refresh-nodes</c>, in the words of babeld; default: as a registry publishes it.</summary>
    public string BabelDefault { get; init; } = new RegistryOptions().BabelDefault;
}
