using Mesh.Actors;

namespace Mesh.Simulation.Scenarios;

/// <summary>Makes a list of faults out of a wish for some, by a seed.</summary>
internal sealed class ChaosExpansion
{
    private const double MostAtOnce = 0.34;   // share of the nodes to which something is done at one time
    private const double LargestIsland = 0.5;   // share of the sites
    private const double MostRevoked = 0.1;
    private const double ShortestSeconds = 1, LongestSeconds = 120;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);   // for a machine between two faults

    private readonly Chaos _chaos;
    private readonly DeterministicRandom _random;
    private readonly string[] _nodes;
    private readonly string[] _sites;   // the first node of each
    private readonly List<TimedFault> _faults = [];

    private ChaosExpansion(Scenario scenario, Chaos chaos, ulong seed)
    {
        (_chaos, _random) = (chaos, new DeterministicRandom(seed));
        _nodes = [.. scenario.Sites.SelectMany(static site => Enumerable.Range(1, site.Nodes).Select(i => $"{site.Name}-{i}"))];
        _sites = [.. scenario.Sites.SelectMany(static site => Enumerable.Range(1, site.IsBehindNat ? 1 : site.Nodes).Select(i => $"{site.Name}-{i}"))];
    }

    /// <summary>The same scenario with lists of faults in place of wishes. Depends on the scenario and the seed alone.</summary>
    public static Scenario Expand(Scenario scenario, ulong seed)
    {
        if (!scenario.Steps.Any(static step => step is Chaos))
            return scenario;
        var random = new DeterministicRandom(seed);
        return scenario with { Steps = [.. scenario.Steps.Select(step => step is Chaos chaos ? new ChaosExpansion(scenario, chaos, random.NextUInt64()).Plan() : step)] };
    }

    private FaultPlan Plan()
    {
        for (TimeSpan at = Gap(); at < _chaos.Duration; at += Gap())
        {
            FaultKind kind = _chaos.Faults[_random.Next(_chaos.Faults.Count)];
            // Short ones as often as long ones; in whole milliseconds, so that a file can say it.
            double seconds = ShortestSeconds * Math.Pow(LongestSeconds / ShortestSeconds, _random.NextDouble());
            TimeSpan length = TimedFault.Lasts(kind) ? Milliseconds(Math.Min(seconds, (_chaos.Duration - at).TotalSeconds)) : TimeSpan.Zero;
            if (Choose(kind, at, length) is { } fault)
                _faults.Add(fault);
        }

        return new FaultPlan(_chaos.Duration, _faults);
    }

    private TimeSpan Gap() => Milliseconds(_chaos.Every.TotalSeconds * 2 * (1 - _random.NextDouble())) + TimeSpan.FromMilliseconds(1);

    private TimedFault? Choose(FaultKind kind, TimeSpan at, TimeSpan length)
    {
        switch (kind)
        {
            case FaultKind.Partition when !_faults.Exists(other => other.Kind == kind && Meet(other, at, length)):
                _random.Shuffle<string>(_sites);
                return new TimedFault(at, kind, [.. _sites.Take(1 + _random.Next(Math.Max(1, (int)(_sites.Length * LargestIsland))))], length);
            case FaultKind.Partition:
                return null;
            case FaultKind.SetParameters:
                return new TimedFault(at, kind, [], length, TimeSpan.FromSeconds(8 + _random.Next(13)));
            case FaultKind.RotateKeys:
                return new TimedFault(at, kind, [], length);
            case FaultKind.RegistryKill or FaultKind.RegistryOutage:
                bool isBusy = _faults.Exists(other => other.Kind is FaultKind.RegistryKill or FaultKind.RegistryOutage && Meet(other, at, length));
                return isBusy ? null : new TimedFault(at, kind, [], length);
            default:
                return ChooseNode(kind, at, length) is { } node ? new TimedFault(at, kind, [node], length) : null;
        }
    }

    private string? ChooseNode(FaultKind kind, TimeSpan at, TimeSpan length)
    {
        HashSet<string> busy = [.. _faults.Where(other => TimedFault.IsOfNode(other.Kind) && (other.Kind == FaultKind.Revoke || Meet(other, at, length))).Select(static other => other.Machines[0])];
        if (busy.Count >= Math.Max(1, _nodes.Length * MostAtOnce)
            || (kind == FaultKind.Revoke && _faults.Count(static other => other.Kind == FaultKind.Revoke) >= Math.Max(1, (int)(_nodes.Length * MostRevoked))))
        {
            return null;
        }

        string node = _nodes[_random.Next(_nodes.Length)];
        return busy.Contains(node) ? null : node;
    }

    private static bool Meet(TimedFault other, TimeSpan at, TimeSpan length) => other.At < at + length + Pause && at < other.At + other.For + Pause;

    private static TimeSpan Milliseconds(double seconds) => TimeSpan.FromMilliseconds(Math.Floor(seconds * 1000));
}
