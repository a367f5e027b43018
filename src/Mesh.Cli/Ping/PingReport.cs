namespace Mesh.Cli.Ping;

/// <summary>What came of the requests to one address.</summary>
/// <param name="Address">The address.</param>
/// <param name="Sent">Requests sent.</param>
/// <param name="Received">Answers in time.</param>
/// <param name="MinMilliseconds">The shortest round trip, or null without answer.</param>
/// <param name="MedianMilliseconds">The middle one.</param>
/// <param name="MaxMilliseconds">The longest one.</param>
/// <param name="Problem">What the network said instead, or null.</param>
internal sealed record PingReport(string Address, int Sent, int Received, double? MinMilliseconds, double? MedianMilliseconds, double? MaxMilliseconds, string? Problem)
{
    /// <summary>A report over measured round trips.</summary>
    public static PingReport Of(string address, int sent, IReadOnlyCollection<double> roundTrips, string? problem)
    {
        double[] sorted = [.. roundTrips.Order()];
        return sorted.Length == 0
            ? new PingReport(address, sent, 0, null, null, null, problem)
            : new PingReport(address, sent, sorted.Length, sorted[0], sorted[sorted.Length / 2], sorted[^1], problem);
    }
}
