using System.Diagnostics;
using Mesh.Cli.Shell;
using Mesh.Simulation.Paper;

namespace Mesh.Cli.Simulation;

/// <summary>Writes rows as they come, theirs beside ours, and a line of progress where a person looks.</summary>
internal sealed class PaperPrinter(CliContext context, bool isQuiet) : IDisposable
{
    private const int LineWidth = 110;

    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly bool _shows = context.IsTerminal && !isQuiet;
    private readonly Stopwatch _sinceProgress = new();   // begins with the first, which is shown at once
    private PaperExperiment? _current;
    private bool _isLineThere;

    /// <summary>A row is there.</summary>
    public void Row(PaperRow row)
    {
        // Of a curve, only what can be compared is worth a line; JSON has all rows.
        if (isQuiet || (row.Comparisons.Count == 0 && row.Key.TryGetValue("row", out double number) && number % 10 != 0))
            return;
        lock (_gate)
        {
            Clear();
            if (_current != row.Experiment)
            {
                _current = row.Experiment;
                context.Out.WriteLine(PaperNames.Of(row.Experiment));
                context.Out.WriteLine($"  {"",-44} {"",-10} {"ours",12}  {"theirs",12} {"difference",10} {"tolerance",11}");
            }

            string key = string.Join(' ', row.Key.Select(static one => $"{one.Key}={one.Value:0.###}"));
            if (row.Comparisons.Count == 0)
            {
                (string name, double value) = row.Values.First(static one => one.Key is "mean_hops" or "mean_us" or "pair" or "cut");
                context.Out.WriteLine($"  {key,-44} {name,-10} {Text(value),12}");
            }

            foreach (Comparison one in row.Comparisons)
            {
                string verdict = one.Agrees switch { true => "ok", false => "OUTSIDE", null => "" };
                context.Out.WriteLine($"  {key,-44} {one.Quantity,-10} {Text(one.Ours),12}  {Text(one.Theirs),12} {Difference(one),10} {Tolerance(one),11}  {one.Source,-16} {verdict}".TrimEnd());
                key = "";
            }
        }
    }

    /// <summary>Something is being worked on. From any thread.</summary>
    public void Progress(PaperProgress now)
    {
        if (!_shows)
            return;
        lock (_gate)
        {
            if (_sinceProgress.IsRunning && _sinceProgress.Elapsed < ProgressInterval)
                return;
            _sinceProgress.Restart();
            string line = $"{PaperNames.Of(now.Experiment)}: {now.What}, {now.Done:N0} of {now.Total:N0}";
            context.Error.Write($"\r{line,-LineWidth}");
            _isLineThere = true;
        }
    }

    /// <summary>All rows are there.</summary>
    public void End(PaperResult result)
    {
        lock (_gate)
        {
            Clear();
            foreach (string note in result.Notes)
                context.Out.WriteLine($"note: {note}");
            context.Out.WriteLine($"{string.Join(", ", result.Seconds.Select(static one => $"{one.Key} {one.Value:0.0} s"))}; {result.Threads} threads, seed {result.Seed}");
            if (result.IsPartial)
                context.Out.WriteLine("stopped before the end");
            context.Out.WriteLine($"{result.Compared - result.Outside} of {result.Compared} numbers are within their tolerance");
            context.Out.WriteLine($"digest {result.Digest}");
        }
    }

    public void Dispose()
    {
        lock (_gate)
            Clear();
    }

    private void Clear()
    {
        if (_isLineThere)
            context.Error.Write($"\r{new string(' ', LineWidth)}\r");
        _isLineThere = false;
    }

    private static string Text(double value) => value == 0 ? "0" : Math.Abs(value) switch
    {
        >= 1000 => $"{value:#,0}",
        >= 0.01 => $"{value:0.#####}",
        _ => $"{value:0.00E-0}",
    };

    private static string Difference(Comparison one) => one.DifferencePercent is { } percent ? $"{Math.Round(percent, 2) + 0.0:+0.00;-0.00} %" : "";   // + 0.0: zero without a sign of its own

    private static string Tolerance(Comparison one) => one.Tolerance switch
    {
        null => "",
        { } part when one.IsRelative => $"{part * 100:0.#} %",
        { } distance => Text(distance),
    };
}
