namespace Mesh.Simulation.Paper;

/// <summary>One of our numbers beside one of theirs.</summary>
/// <param name="Quantity">What: one of the values of the row.</param>
/// <param name="Source">Where theirs comes from: published, re-run (their program, run again), restated (another program with the same rules) or formula.</param>
/// <param name="Ours">Our number.</param>
/// <param name="Theirs">Their number.</param>
/// <param name="Tolerance">How far ours may be away; null where theirs is shown only for the reader.</param>
/// <param name="IsRelative">Whether the tolerance is a part of theirs; otherwise it has the unit of the numbers.</param>
public sealed record Comparison(string Quantity, string Source, double Ours, double Theirs, double? Tolerance = null, bool IsRelative = false)
{
    /// <summary>How much larger ours is, in percent of theirs; null where theirs is 0.</summary>
    public double? DifferencePercent => Theirs == 0 ? null : 100 * (Ours - Theirs) / Theirs;

    /// <summary>Whether ours is near enough; null where that is not asked.</summary>
    public bool? Agrees => Tolerance is { } tolerance ? Math.Abs(Ours - Theirs) <= (IsRelative ? tolerance * Math.Abs(Theirs) : tolerance) : null;
}

/// <summary>One cell of a table, or one round.</summary>
/// <param name="Experiment">Its experiment.</param>
/// <param name="Key">What identifies the row, as <c>n</c> and <c>k</c>.</param>
/// <param name="Values">What was measured.</param>
/// <param name="Comparisons">Some of it beside the numbers of others.</param>
public sealed record PaperRow(PaperExperiment Experiment, OrderedDictionary<string, double> Key, OrderedDictionary<string, double> Values, IReadOnlyList<Comparison> Comparisons);
