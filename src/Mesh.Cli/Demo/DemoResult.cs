namespace Mesh.Cli.Demo;

/// <summary>What came of the demo.</summary>
/// <param name="Mode"><c>namespaces</c> for real processes, <c>simulation</c> where there was no root.</param>
/// <param name="IsOk">True where every pair could ping before and after the relay was killed.</param>
/// <param name="Nodes">The nodes.</param>
/// <param name="Phases">What was done.</param>
/// <param name="Before">Pings before.</param>
/// <param name="After">Pings after.</param>
/// <param name="Killed">The relay that was killed.</param>
/// <param name="HealedSeconds">Time from the kill until every pair was answered again; null where that did not happen.</param>
/// <param name="Seconds">Duration of all.</param>
internal sealed record DemoResult(
    string Mode, bool IsOk, IReadOnlyList<DemoNode> Nodes, IReadOnlyList<DemoPhase> Phases, DemoMatrix? Before, DemoMatrix? After, string? Killed, double? HealedSeconds, double Seconds);

/// <summary>A node of the demo.</summary>
internal sealed record DemoNode(string Name, string Underlay, string Address, bool IsBehindNat);

/// <summary>A phase that is over.</summary>
internal sealed record DemoPhase(string Title, double Seconds, string Outcome);

/// <summary>Who reaches whom.</summary>
/// <param name="Pairs">How many pairs were tried.</param>
/// <param name="Answered">How many answered.</param>
/// <param name="Rows">One row per pinging node.</param>
internal sealed record DemoMatrix(int Pairs, int Answered, IReadOnlyList<DemoMatrixRow> Rows)
{
    /// <summary>True where every pair answered.</summary>
    public bool IsComplete => Answered == Pairs;
}

/// <summary>Round trips from one node: null where nothing came back.</summary>
internal sealed record DemoMatrixRow(string From, IReadOnlyDictionary<string, double?> Milliseconds);
