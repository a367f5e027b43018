using Mesh.Actors;

namespace Mesh.Simulation.Paper;

/// <summary>How far an experiment is.</summary>
/// <param name="Experiment">Which.</param>
/// <param name="What">What it is at.</param>
/// <param name="Done">How much of that is done.</param>
/// <param name="Total">Of how much.</param>
public readonly record struct PaperProgress(PaperExperiment Experiment, string What, int Done, int Total);

/// <summary>What an experiment is given, and where it puts its rows.</summary>
internal sealed class PaperContext(PaperExperiment experiment, PaperOptions options, Action<PaperRow> add, Action<PaperProgress>? progress, Action<string> note, CancellationToken cancellation)
{
    public PaperOptions Options => options;

    public CancellationToken Cancellation => cancellation;

    public void Add(OrderedDictionary<string, double> key, OrderedDictionary<string, double> values, IReadOnlyList<Comparison> comparisons) =>
        add(new PaperRow(experiment, key, values, comparisons));

    /// <summary>May be called from any thread.</summary>
    public void Progress(string what, int done, int total) => progress?.Invoke(new PaperProgress(experiment, what, done, total));

    public void Note(string sentence) => note(sentence);

    /// <summary>The seed of a graph: the same whichever others are made.</summary>
    public ulong SeedOf(OverlayShape shape, int replicate = 0)
    {
        var digest = new Digest();
        digest.Add(options.Seed);
        digest.Add(experiment.ToString());
        digest.Add((ulong)shape.Nodes);
        digest.Add((ulong)shape.Tunnels);
        digest.Add((ulong)shape.Cap);
        digest.Add((ulong)replicate);
        return digest.Value;
    }

    /// <summary>A fresh overlay by <see cref="OverlayBuilder"/>.</summary>
    public TunnelGraph Build(OverlayShape shape, int replicate = 0) => TunnelGraph.Of(shape.Nodes, OverlayBuilder.Draw(shape, new DeterministicRandom(SeedOf(shape, replicate))));

    /// <summary>What identifies a cell.</summary>
    public static OrderedDictionary<string, double> Key(OverlayShape shape) => new(StringComparer.Ordinal) { ["n"] = shape.Nodes, ["k"] = shape.Tunnels, ["cap"] = shape.Cap };
}
