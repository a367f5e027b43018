using System.Diagnostics;
using System.Globalization;

namespace Mesh.Benchmarks.Babel;

/// <summary>Our speaker and babeld as processes, at the same time, each in machines of its own with real packets between them.</summary>
internal static class BesideBabeld
{
    private const string Peer = "babeld";
    private const int Rings = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Processor time of each in a network where nothing changes, for the same packets.</summary>
    public static IEnumerable<Metric> ProcessorTime(BenchmarkOptions options)
    {
        TimeSpan duration = options.IsQuick ? TimeSpan.FromSeconds(2) : BabelDaemon.UpdateInterval * 2;
        (string Suffix, int Prefixes, int Senders)[] cases = options.IsQuick
            ? [("", 100, 2)]
            : [("", 10_000, 2), ("_1k_2", 1_000, 2), ("_1k_20", 1_000, 20)];
        var lans = new List<(string Suffix, BabelLan Lan)>();
        try
        {
            foreach ((string suffix, int prefixes, int senders) in cases)
                lans.Add((suffix, new BabelLan(prefixes, senders)));
            foreach ((_, BabelLan lan) in lans)
                Await(() => lan.IsLearned, () => $"what was announced, in {lan}");
            // What they learned last may be told once more, and code that runs often is compiled again, which takes a minute where little happens.
            Thread.Sleep(options.IsQuick ? TimeSpan.Zero : BabelDaemon.UpdateInterval * 5);
            (TimeSpan Ours, TimeSpan Theirs)[] before = [.. lans.Select(static entry => entry.Lan.ProcessorTime)];
            Thread.Sleep(duration);
            (TimeSpan Ours, TimeSpan Theirs)[] after = [.. lans.Select(static entry => entry.Lan.ProcessorTime)];
            for (int i = 0; i < lans.Count; i++)
            {
                (string suffix, BabelLan lan) = lans[i];
                Await(() => lan.IsLearned, () => $"what must have been there all the time, in {lan}");
                double ours = (after[i].Ours - before[i].Ours) / duration, theirs = (after[i].Theirs - before[i].Theirs) / duration;
                yield return Metric.Of($"cpu_ratio_to_babeld{suffix}", "", Better.Lower, [ours / theirs]) with { Target = 1 };
                yield return Metric.Of($"cpu_ms_per_second{suffix}", "ms/s", Better.Lower, [ours * 1000]) with { Peer = Peer, PeerValue = theirs * 1000 };
            }
        }
        finally
        {
            foreach ((_, BabelLan lan) in lans)
                lan.Dispose();
        }
    }

    /// <summary>Seconds without an answer after a link of a ring of ten was cut.</summary>
    public static IEnumerable<Metric> Convergence(BenchmarkOptions options)
    {
        var rings = new List<BabelRing>();
        var probes = new List<RingProbe>();
        try
        {
            for (int i = 0; i < (options.IsQuick ? 1 : Rings); i++)
                rings.AddRange([new BabelRing(isOurs: true), new BabelRing(isOurs: false)]);
            probes.AddRange(rings.Select(static ring => ring.StartProbe()));
            Await(() => probes.TrueForAll(static probe => probe.IsAnswered), () => "a route across each ring");
            if (!options.IsQuick)
            {
                // babeld may first go the other way around, and stay there for half a minute.
                Await(() => rings.TrueForAll(static ring => ring.TakesShortWay), () => "the shorter way across each ring");
                Thread.Sleep(BabelDaemon.HelloInterval);
            }

            double[] seconds = [.. MeasureCuts(rings, probes)];
            double[] ours = [.. seconds.Where((_, i) => i % 2 == 0)], theirs = [.. seconds.Where((_, i) => i % 2 == 1)];
            Metric own = Metric.Of("convergence_seconds_ring10", "s", Better.Lower, ours), other = Metric.Of("", "s", Better.Lower, theirs);
            return
            [
                own with { Peer = string.Create(CultureInfo.InvariantCulture, $"{Peer} ({other.Min:0.0} to {other.Max:0.0} s)"), PeerValue = other.Value },
                Metric.Of("convergence_ratio_to_babeld", "", Better.Lower, ours.Select(value => value / other.Value)) with { Target = 1 },
            ];
        }
        finally
        {
            foreach (RingProbe probe in probes)
                probe.Dispose();
            foreach (BabelRing ring in rings)
                ring.Dispose();
        }
    }

    // At different times of their Hellos: one after the other within one interval.
    private static IEnumerable<double> MeasureCuts(List<BabelRing> rings, List<RingProbe> probes)
    {
        for (int i = 0; i < rings.Count; i++)
        {
            probes[i].Reset();
            rings[i].Cut();
            Thread.Sleep(BabelDaemon.HelloInterval / rings.Count);
        }

        Thread.Sleep(TimeSpan.FromSeconds(2));
        Await(() => probes.TrueForAll(static probe => probe.IsAnswered), () => "a route the other way around each ring");
        return probes.Select(static probe => probe.LongestGap.TotalSeconds);
    }

    // Longer than anything else takes: routes come with periodic updates.
    private static void Await(Func<bool> condition, Func<string> what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > Patience)
                throw new TimeoutException($"{what()} did not come within {Patience.TotalSeconds} s");
            Thread.Sleep(TimeSpan.FromSeconds(1));
        }
    }
}
