using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Scenarios;

/// <summary>Pairs of nodes that ping each other while other things happen, and the count of what was lost.</summary>
internal sealed class PingTraffic(SimulatedNetwork world)
{
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private readonly Dictionary<SimulatedNode, TimeSpan> _disturbed = [];
    private readonly Queue<Flight> _flights = [];
    private readonly Dictionary<(SimulatedNode, SimulatedNode), int> _losses = [];
    private (SimulatedNode From, SimulatedNode To)[] _pairs = [];
    private readonly HashSet<SimulatedNode> _excluded = [];
    private readonly List<double> _roundTrips = [];
    private readonly List<double> _stretches = [];
    private TimeSpan _interval;
    private int _octets;
    private int _generation;

    /// <summary>Pings sent since the begin, those that do not count left out.</summary>
    public int Sent { get; private set; }

    /// <summary>Pings without an answer between nodes to which nothing was done meanwhile.</summary>
    public int Lost => _losses.Values.Sum();

    /// <summary>The pair with most losses, or null.</summary>
    public string? Worst => Lost == 0 ? null : _losses.MaxBy(static pair => pair.Value) is var ((from, to), lost) ? $"{lost} from {from.Machine.Name} to {to.Machine.Name}" : null;

    /// <summary>Round trips of those that were answered, in milliseconds.</summary>
    public IReadOnlyList<double> RoundTrips => _roundTrips;

    /// <summary>How many times as long as straight through the underlay they took, between different sites.</summary>
    public IReadOnlyList<double> Stretches => _stretches;

    /// <summary>Begins anew with these pairs.</summary>
    public void Begin((SimulatedNode From, SimulatedNode To)[] pairs, TimeSpan interval, int octets)
    {
        (_pairs, _interval, _octets, Sent) = (pairs, interval, octets, 0);
        _roundTrips.Clear();
        _stretches.Clear();
        _flights.Clear();
        _losses.Clear();
        int generation = ++_generation;
        for (int i = 0; i < pairs.Length; i++)   // not all at the same instant
            Schedule(generation, pairs[i], interval * (i + 1) / pairs.Length);
    }

    /// <summary>No more pings. Those that are under way are counted by <see cref="Count"/> after <see cref="Timeout"/>.</summary>
    public void End() => _generation++;

    /// <summary>Something is done to a node: what it loses now is not the network's fault.</summary>
    public void Disturb(SimulatedNode node) => _disturbed[node] = world.Engine.Now;

    /// <summary>A node is no part of the network any more: nobody pings it, and it pings nobody.</summary>
    public void Exclude(SimulatedNode node)
    {
        Disturb(node);
        _excluded.Add(node);
    }

    /// <summary>When something was done to a node last, or zero.</summary>
    public TimeSpan DisturbedAt(SimulatedNode node) => _disturbed.GetValueOrDefault(node);

    /// <summary>Counts the pings whose time is over.</summary>
    public void Count()
    {
        while (_flights.TryPeek(out Flight? flight) && world.Engine.Now - flight.SentAt >= Timeout)
        {
            _flights.Dequeue();
            if (flight.Echo.RoundTrip is { } roundTrip)
            {
                CountAnswer(flight, roundTrip);
            }
            else if (!WasDisturbed(flight.From, flight.SentAt) && !WasDisturbed(flight.To, flight.SentAt))
            {
                Sent++;
                _losses[(flight.From, flight.To)] = _losses.GetValueOrDefault((flight.From, flight.To)) + 1;
            }
        }
    }

    private void Schedule(int generation, (SimulatedNode From, SimulatedNode To) pair, TimeSpan delay) => world.Engine.At(world.Engine.Now + delay, () =>
    {
        if (generation != _generation)
            return;
        Count();
        Schedule(generation, pair, _interval);
        if (!pair.From.IsRunning || !pair.To.IsRunning || _excluded.Contains(pair.From) || _excluded.Contains(pair.To))
            return;
        _flights.Enqueue(new Flight(pair.From, pair.To, world.Engine.Now, pair.From.Ping(pair.To.Identity!.Address, _octets)));
    });

    private void CountAnswer(Flight flight, TimeSpan roundTrip)
    {
        Sent++;
        _roundTrips.Add(roundTrip.TotalMilliseconds);
        UnderlayNode from = flight.From.Machine.Gateway, to = flight.To.Machine.Gateway;
        if (from != to)
            _stretches.Add(roundTrip / world.Internet.RoundTrip(from, to));
    }

    private bool WasDisturbed(SimulatedNode node, TimeSpan sentAt) => !node.IsRunning || DisturbedAt(node) >= sentAt;

    private sealed record Flight(SimulatedNode From, SimulatedNode To, TimeSpan SentAt, Echo Echo);
}
