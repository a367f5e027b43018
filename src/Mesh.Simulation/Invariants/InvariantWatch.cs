using Mesh.Simulation.World;

namespace Mesh.Simulation.Invariants;

/// <summary>Has invariants look at a simulated network while it runs, and keeps what they find. It only looks: with and without it the same happens.</summary>
/// <param name="world">What is looked at.</param>
/// <param name="invariants">Who looks.</param>
internal sealed class InvariantWatch(SimulatedNetwork world, IReadOnlyList<Invariant> invariants)
{
    private const int MaxOfEach = 10;   // a broken thing is broken at many places

    private readonly List<InvariantViolation> _violations = [];
    private readonly HashSet<(string, string)> _told = [];
    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);
    private readonly TimeSpan[] _next = new TimeSpan[invariants.Count];
    private readonly SimulatedRegistryView _registry = new(world);
    private SimulatedNodeView[] _nodes = [];
    private Dictionary<SimulatedNode, SimulatedNodeView> _views = [];

    /// <summary>What was found, of each invariant the first few and at each place once.</summary>
    public IReadOnlyList<InvariantViolation> Violations => _violations;

    /// <summary>How often each invariant was violated at another place.</summary>
    public IReadOnlyDictionary<string, int> Counts => _counts;

    /// <summary>Something is done to a node: what it does not know now is not the network's fault.</summary>
    public void Disturb(SimulatedNode node)
    {
        if (_views.TryGetValue(node, out SimulatedNodeView? view))
            view.Disturb(world.Engine.Now);
    }

    /// <summary>Looks, where it is time for somebody.</summary>
    public void Look()
    {
        TimeSpan now = world.Engine.Now;
        bool isTime = false;
        foreach (TimeSpan next in _next)
            isTime |= next <= now;
        if (!isTime)
            return;
        NetworkView network = See(now);
        for (int i = 0; i < invariants.Count; i++)
        {
            if (_next[i] > now)
                continue;
            _next[i] = now + invariants[i].Interval;
            foreach (Breach breach in invariants[i].Look(network))
                Add(invariants[i], breach, now);
        }
    }

    private NetworkView See(TimeSpan now)
    {
        if (_nodes.Length != world.Nodes.Count)
        {
            _nodes = [.. world.Nodes.Select(static node => new SimulatedNodeView(node))];
            _views = _nodes.ToDictionary(static view => view.Node);
        }

        TimeSpan? up = _registry.UpSince;
        foreach (SimulatedNodeView view in _nodes)
            view.Update(now, up is not null && !world.Internet.IsCut(view.Node.Machine.Gateway, world.Registry.Machine), up ?? now);
        return new NetworkView(
            world.Network, now, _nodes, _registry, (a, b) => world.Internet.IsCut(((SimulatedNodeView)a).Node.Machine.Gateway, ((SimulatedNodeView)b).Node.Machine.Gateway));
    }

    // A place where something is wrong is told once, whatever else is wrong there later.
    private void Add(Invariant invariant, Breach breach, TimeSpan now)
    {
        if (!_told.Add((invariant.Name, string.Join(' ', breach.Machines))))
            return;
        int count = _counts[invariant.Name] = _counts.GetValueOrDefault(invariant.Name) + 1;
        if (count <= MaxOfEach)
            _violations.Add(new InvariantViolation(now.TotalSeconds, invariant.Name, breach.Machines, breach.Details));
    }
}
