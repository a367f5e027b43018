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
    private readonly RegistryView _registry = world.Engine.HasRanks ? new ToldRegistryView(world) : new SimulatedRegistryView(world);
    private SimulatedNodeView[] _nodes = [];
    private Dictionary<SimulatedNode, SimulatedNodeView> _views = [];

    /// <summary>The registry, as invariants see it.</summary>
    public RegistryView Registry => _registry;

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

        TellInside();
        TimeSpan? up = _registry.UpSince;
        foreach (SimulatedNodeView view in _nodes)
            view.Update(now, up is not null && !world.Internet.IsCut(view.Node.Machine.Gateway, world.Registry.Machine), up ?? now);
        return new NetworkView(
            world.Network, now, _nodes, _registry, (a, b) => world.Internet.IsCut(((SimulatedNodeView)a).Node.Machine.Gateway, ((SimulatedNodeView)b).Node.Machine.Gateway));
    }

    // What only a look into actors shows, at the rank that has them.
    private void TellInside() => world.Engine.Ask(
        writer => writer.List([.. _nodes.Index().Where(static one => one.Item.Node.Machine.IsLocal)], one =>
        {
            writer.Int(one.Index);
            one.Item.WriteInside(writer);
        }),
        reader =>
        {
            for (int left = reader.Int(); left > 0; left--)
            {
                int index = reader.Int();
                if (index < 0 || index >= _nodes.Length)
                    throw reader.Wrong($"node {index} of {_nodes.Length}");
                _nodes[index].ReadInside(reader);
            }
        });

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
