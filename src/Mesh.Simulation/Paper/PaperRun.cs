using System.Diagnostics;

namespace Mesh.Simulation.Paper;

/// <summary>Runs experiments one after the other and puts their rows together.</summary>
public sealed class PaperRun(PaperOptions options, CancellationToken cancellation = default)
{
    /// <summary>Called with each row when it is there, on the thread that runs.</summary>
    public Action<PaperRow>? RowEnded { get; init; }

    /// <summary>Called from any thread, often.</summary>
    public Action<PaperProgress>? Progress { get; init; }

    /// <summary>Runs them. When it is cancelled, the rows that are there are the result, which says that it is partial.</summary>
    /// <exception cref="OverlayException">An overlay cannot be built.</exception>
    public PaperResult Run(IEnumerable<PaperExperiment> experiments)
    {
        ArgumentNullException.ThrowIfNull(experiments);
        var rows = new List<PaperRow>();
        var notes = new List<string>();
        var seconds = new OrderedDictionary<string, double>(StringComparer.Ordinal);
        bool isPartial = false;
        foreach (PaperExperiment experiment in experiments)
        {
            var clock = Stopwatch.StartNew();
            var context = new PaperContext(experiment, options, Add, Progress, notes.Add, cancellation);
            try
            {
                cancellation.ThrowIfCancellationRequested();
                Action<PaperContext> run = experiment switch
                {
                    PaperExperiment.Hops => HopsExperiment.Run,
                    PaperExperiment.Kill => KillExperiment.Run,
                    PaperExperiment.Cut => CutExperiment.Run,
                    PaperExperiment.RefreshHops => RefreshHopsExperiment.Run,
                    PaperExperiment.RefreshLatency => RefreshLatencyExperiment.Run,
                    PaperExperiment.RefreshNodes => RefreshNodesExperiment.Run,
                    _ => throw new ArgumentOutOfRangeException(nameof(experiments)),
                };
                run(context);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                isPartial = true;
            }

            seconds[PaperNames.Of(experiment)] = clock.Elapsed.TotalSeconds;
            if (isPartial)
                break;
        }

        return new PaperResult(options.Seed, options.Threads, rows, seconds, isPartial, notes);

        void Add(PaperRow row)
        {
            rows.Add(row);
            RowEnded?.Invoke(row);
        }
    }
}
