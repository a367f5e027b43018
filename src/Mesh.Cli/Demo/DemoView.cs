using System.Diagnostics;
using System.Globalization;
using Mesh.Cli.Shell;
using Spectre.Console;

namespace Mesh.Cli.Demo;

/// <summary>Tells a person what the demo does. With <c>--json</c> it tells nothing, and with no terminal it writes plain lines.</summary>
internal sealed class DemoView(CliContext context, bool isQuiet)
{
    private const int LineWidth = 118;
    private static readonly TimeSpan PlainInterval = TimeSpan.FromSeconds(3);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private TimeSpan _lastPlain = -PlainInterval;
    private string _lastLine = "";

    /// <summary>Time since the demo began.</summary>
    public TimeSpan Elapsed => _clock.Elapsed;

    private bool IsLive => context.IsTerminal && !isQuiet;

    /// <summary>A remark.</summary>
    public void Say(string text)
    {
        if (isQuiet)
            return;
        EraseLive();
        context.Out.WriteLine($"{Time()}  {text}");
    }

    /// <summary>A phase is over.</summary>
    public void Done(DemoPhase phase) => Say($"{phase.Title}: {phase.Outcome} ({phase.Seconds.ToString("0.0", CultureInfo.InvariantCulture)} s)");

    /// <summary>How far a phase is: redrawn in place on a terminal, written now and then otherwise.</summary>
    public void Progress(string title, double share, string details)
    {
        if (isQuiet)
            return;
        const int BarWidth = 24;
        int full = (int)Math.Round(Math.Clamp(share, 0, 1) * BarWidth);
        string line = $"{Time()}  {title}  [{new string('#', full)}{new string('.', BarWidth - full)}]  {details}";
        if (IsLive)
        {
            context.Out.Write($"\r{Fit(line)}");
            context.Out.Flush();
        }
        else if (_clock.Elapsed - _lastPlain >= PlainInterval && line[8..] != _lastLine)
        {
            _lastPlain = _clock.Elapsed;
            _lastLine = line[8..];
            context.Out.WriteLine(line);
        }
    }

    /// <summary>Everybody's tunnels and routes.</summary>
    public void ShowNodes(IReadOnlyList<DemoNodeState> nodes)
    {
        if (isQuiet)
            return;
        EraseLive();
        var table = new Table().Border(TableBorder.Simple);
        foreach (string column in (string[])["node", "underlay", "overlay", "tunnels", "routes"])
            table.AddColumn(column);
        foreach (DemoNodeState node in nodes)
            table.AddRow(Markup.Escape(node.Name), Markup.Escape(node.Underlay), Markup.Escape(node.Address), Markup.Escape(string.Join(", ", node.Tunnels)), $"{node.Routes}");
        context.Tables().Write(table);
    }

    /// <summary>A ping matrix.</summary>
    public void ShowMatrix(string title, DemoMatrix matrix)
    {
        if (isQuiet)
            return;
        EraseLive();
        string[] names = [.. matrix.Rows.Select(r => r.From)];
        var table = new Table().Border(TableBorder.Simple).Title(Markup.Escape($"{title}: round trips in ms, {matrix.Answered} of {matrix.Pairs} pairs"));
        table.AddColumn("from \\ to");
        foreach (string name in names)
            table.AddColumn(new TableColumn(Markup.Escape(name)).RightAligned());
        foreach (DemoMatrixRow row in matrix.Rows)
        {
            IEnumerable<string> cells = names.Select(to => to == row.From ? "-"
                : row.Milliseconds.GetValueOrDefault(to) is { } ms ? ms.ToString("0.0", CultureInfo.InvariantCulture) : "lost");
            table.AddRow([Markup.Escape(row.From), .. cells]);
        }

        context.Tables().Write(table);
    }

    private static string Fit(string line) => line.Length > LineWidth ? line[..LineWidth] : line.PadRight(LineWidth);

    private string Time() => _clock.Elapsed.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture).PadLeft(5) + " s";

    private void EraseLive()
    {
        if (IsLive)
            context.Out.Write($"\r{new string(' ', LineWidth)}\r");
    }
}

/// <summary>A node as the demo sees it while it waits.</summary>
/// <param name="Name">The machine.</param>
/// <param name="Underlay">Its underlay address.</param>
/// <param name="Address">Its overlay address.</param>
/// <param name="Tunnels">Whom it has tunnels with, and over what.</param>
/// <param name="Routes">How many nodes it has a route to.</param>
internal sealed record DemoNodeState(string Name, string Underlay, string Address, IReadOnlyList<string> Tunnels, int Routes);
