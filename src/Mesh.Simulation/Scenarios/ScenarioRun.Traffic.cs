using Mesh.Simulation.World;

namespace Mesh.Simulation.Scenarios;

/// <content>Pings.</content>
public sealed partial class ScenarioRun
{
    private readonly PingTraffic _traffic;
    private string _trafficLabel = "";
    private int _orderlyEnds;   // when the traffic began

    private (string Outcome, bool IsGood) PingAll(PingAll ping)
    {
        (SimulatedNode From, SimulatedNode To)[] pairs = ChoosePairs(ping.Pairs);
        var echoes = new List<Echo>[pairs.Length];   // a late answer counts as well
        var answers = new TimeSpan?[pairs.Length];
        bool AllAnswered()
        {
            for (int i = 0; i < pairs.Length; i++)
                answers[i] ??= echoes[i]?.Select(static echo => echo.RoundTrip).FirstOrDefault(static roundTrip => roundTrip is not null);
            return Array.TrueForAll(answers, static answer => answer is not null);
        }
        for (int attempt = 0; attempt < ping.Attempts && !AllAnswered(); attempt++)
        {
            for (int i = 0; i < pairs.Length; i++)
            {
                if (answers[i] is null)
                    (echoes[i] ??= []).Add(pairs[i].From.Ping(pairs[i].To.Identity!.Address));
            }

            RunFor(PingTraffic.Timeout, AllAnswered);
        }

        int missing = answers.Count(static answer => answer is null);
        if (missing > 0)
        {
            (SimulatedNode from, SimulatedNode to) = pairs[Array.FindIndex(answers, static answer => answer is null)];
            return ($"{missing} of {pairs.Length} pairs got no answer, for example {from.Machine.Name} from {to.Machine.Name}", false);
        }

        if (pairs.Length == 0)
            return ("there is nobody to ping", true);
        Measure measure = Measure.Of("round trip", "ms", [.. answers.Select(static answer => answer!.Value.TotalMilliseconds)]);
        _measures.Add(measure);
        return ($"{pairs.Length} pairs answered, median round trip {measure.P50:0.0} ms, worst {measure.Max:0.0} ms", true);
    }

    private (string Outcome, bool IsGood) BeginTraffic(Traffic traffic)
    {
        _traffic.Begin(
            traffic.Pattern switch
            {
                TrafficPattern.Gravity => ChooseByWeight(traffic.Pairs),
                TrafficPattern.Hub => ChooseHub(traffic.Pairs, _world.Find(traffic.Hub!)!),
                _ => ChoosePairs(traffic.Pairs),
            },
            traffic.Interval,
            traffic.Octets);
        _trafficLabel = traffic.Label.Length > 0 ? $" {traffic.Label}" : "";
        _orderlyEnds = _world.Nodes.Sum(static n => n.OrderlyEnds);
        return ("done", true);
    }

    private (string Outcome, bool IsGood) EndTraffic(StopTraffic stop)
    {
        _traffic.End();
        RunFor(PingTraffic.Timeout, static () => false);
        _traffic.Count();
        _measures.Add(Measure.Of("pings lost", "of a run", [_traffic.Lost]));
        int destroyed = (_world.Nodes.Sum(static n => n.OrderlyEnds) - _orderlyEnds) / 2;   // each tunnel has two ends
        _measures.Add(Measure.Of("tunnels destroyed in order", "of a run", [destroyed]));
        string outcome = $"{_traffic.Sent} pings, {_traffic.Lost} lost{(_traffic.Worst is { } worst ? $", most of a pair: {worst}" : "")}; {destroyed} tunnels destroyed in order";
        double share = _traffic.Sent == 0 ? 0 : (double)_traffic.Lost / _traffic.Sent;
        bool isFast = true;
        if (_traffic.RoundTrips.Count > 0)
        {
            double mean = _traffic.RoundTrips.Average();
            _measures.Add(Measure.Of($"share of pings lost{_trafficLabel}", "%", [100 * share]));
            _measures.Add(Measure.Of($"mean round trip of traffic{_trafficLabel}", "ms", [mean]));
            if (_traffic.Stretches.Count > 0)
                _measures.Add(Measure.Of($"round trip of traffic over that of the underlay{_trafficLabel}", "times", _traffic.Stretches));
            outcome += $"; mean round trip {mean:0.0} ms";
            isFast = stop.Mean is not { } longest || mean <= longest.TotalMilliseconds;
        }

        return (outcome, isFast && share <= (stop.MaxLostShare ?? 1) && _traffic.Sent > 0 && _traffic.Lost <= (stop.MaxLost ?? int.MaxValue) && destroyed >= stop.MinDestroyed);
    }

    private (SimulatedNode From, SimulatedNode To)[] ChooseHub(int count, SimulatedNode hub)
    {
        SimulatedNode[] others = [.. Running().Where(node => node != hub)];
        _random.Shuffle<SimulatedNode>(others);
        return [.. others.Take(count).Select(other => (other, hub))];
    }

    // A pair may be drawn twice: it talks twice as much.
    private (SimulatedNode From, SimulatedNode To)[] ChooseByWeight(int count)
    {
        SimulatedNode[] running = Running();
        if (running.Length < 2)
            return [];
        _random.Shuffle<SimulatedNode>(running);
        double[] upTo = new double[running.Length];
        for (int i = 0; i < running.Length; i++)
            upTo[i] = (i == 0 ? 0 : upTo[i - 1]) + (1.0 / (i + 1));
        var pairs = new List<(SimulatedNode, SimulatedNode)>(count);
        while (pairs.Count < count)
        {
            SimulatedNode from = Draw(), to = Draw();
            if (from != to)
                pairs.Add((from, to));
        }

        return [.. pairs];

        SimulatedNode Draw()
        {
            int place = Array.BinarySearch(upTo, _random.NextDouble() * upTo[^1]);
            return running[Math.Min(place < 0 ? ~place : place, running.Length - 1)];
        }
    }

    // All pairs, or some of them.
    private (SimulatedNode From, SimulatedNode To)[] ChoosePairs(int? count)
    {
        SimulatedNode[] running = Running();
        long all = (long)running.Length * (running.Length - 1);
        if (count is not { } wanted || wanted >= all)
            return [.. running.SelectMany(from => running.Where(to => to != from).Select(to => (from, to)))];
        var chosen = new HashSet<(SimulatedNode, SimulatedNode)>();
        var pairs = new List<(SimulatedNode, SimulatedNode)>(wanted);
        while (pairs.Count < wanted)
        {
            SimulatedNode from = running[_random.Next(running.Length)], to = running[_random.Next(running.Length)];
            if (from != to && chosen.Add((from, to)))
                pairs.Add((from, to));
        }

        return [.. pairs];
    }
}
