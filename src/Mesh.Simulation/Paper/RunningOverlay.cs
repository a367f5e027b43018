using Mesh.Actors;
using Mesh.Node;
using Mesh.Node.Routing;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Paper;

/// <summary>What is measured of running nodes at one moment.</summary>
/// <param name="MeanMicroseconds">Mean round trip along the next hops that the nodes have published, each node's to itself included, over the pairs that are reached.</param>
/// <param name="WorstMicroseconds">The longest of them.</param>
/// <param name="BestMicroseconds">The same mean along the quickest ways that the tunnels of this moment allow.</param>
/// <param name="MeanHops">Mean number of next hops that are followed, each node's to itself included.</param>
/// <param name="Loops">Ordered pairs between which next hops lead in a circle.</param>
/// <param name="DeadEnds">Ordered pairs between which they end somewhere else.</param>
/// <param name="MissingTunnels">How many tunnels of their own nodes are short of.</param>
/// <param name="Arity">Tunnels of the nodes, opened and received.</param>
public readonly record struct RunningRow(double MeanMicroseconds, int WorstMicroseconds, double BestMicroseconds, double MeanHops, long Loops, long DeadEnds, int MissingTunnels, ArityCounts Arity);

/// <summary>Real nodes in a simulated world whose delays are a matrix: one way takes half of an entry, and nothing else takes time or is lost on the way.</summary>
/// <remarks>The first node runs on the registry's computer, and so the registry stands where it stands. Cryptography is modelled; all timers are those of real nodes.</remarks>
public sealed class RunningOverlay
{
    private static readonly TimeSpan JoinSpread = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StartLimit = TimeSpan.FromHours(1);
    private static readonly TimeSpan Never = TimeSpan.FromDays(1);   // the longest that a registry may say
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly NetworkPrefix Network = NetworkPrefix.Parse("2001:db8:42::/48");

    private readonly OverlayShape _shape;
    private readonly Latencies _latencies;
    private readonly SimulatedNetwork _world;
    private readonly TimeSpan _refresh;
    private readonly CancellationToken _cancellation;

    /// <summary>A world in which nobody is switched on but the registry.</summary>
    /// <param name="shape">Nodes, tunnels that each opens, and cap: what is left of it above the tunnels is how many a node accepts.</param>
    /// <param name="latencies">The matrix.</param>
    /// <param name="refresh">How often a node replaces a tunnel, from <see cref="BeginRefresh"/> on.</param>
    /// <param name="babelDefault">How round trips count in routes, in the words of <see cref="RegistryOptions.BabelDefault"/>.</param>
    /// <param name="seed">What everything random follows from.</param>
    /// <param name="cancellation">Ends <see cref="Start"/> and <see cref="RunFor"/>.</param>
    /// <exception cref="OverlayException">The cap is no more than the tunnels that a node opens.</exception>
    public RunningOverlay(OverlayShape shape, Latencies latencies, TimeSpan refresh, string babelDefault, ulong seed, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(latencies);
        if (shape.Cap <= shape.Tunnels)
            throw OverlayException.NoneReceived(shape);
        if (latencies.Nodes != shape.Nodes)
            throw new ArgumentException($"the matrix has {latencies.Nodes} nodes, and the shape {shape.Nodes}", nameof(latencies));
        (_shape, _latencies, _refresh, _cancellation) = (shape, latencies, refresh, cancellation);
        var registry = new RegistryOptions { ClientCount = shape.Tunnels, MaxClients = shape.Cap - shape.Tunnels, TunnelRefresh = Never, BabelDefault = babelDefault };
        var internet = new InternetOptions { BaseLatency = TimeSpan.FromMicroseconds(1), Jitter = TimeSpan.Zero, Latency = new MatrixLatency(latencies) };
        _world = new SimulatedNetwork(
            seed, Network, internet, diameter: 0, registry, new NodeOptions { RegistryUrl = "" }, shape.Nodes, cryptography: SimulatedCryptography.Modelled, registrySite: At(0));
        _world.AddRegistryNode();
        for (int node = 1; node < shape.Nodes; node++)
            _world.AddPublicNodes($"node-{node}", 1, At(node));
    }

    /// <summary>Tunnels that were replaced in order since the beginning.</summary>
    public int Replaced => _world.Nodes.Sum(static node => node.OrderlyEnds) / 2;   // both ends see it

    /// <summary>Switches all nodes on within half a minute, and waits until each has the tunnels that it wants and reaches all others.</summary>
    /// <exception cref="OverlayException">They have not after an hour.</exception>
    /// <exception cref="OperationCanceledException">It was ended.</exception>
    public void Start()
    {
        DeterministicRandom random = _world.ForkRandom();
        _world.Boot(_world.RegistryNode!);
        RunFor(TimeSpan.FromSeconds(2));
        foreach (SimulatedNode node in _world.Nodes.Skip(1))
            _world.Engine.At(_world.Engine.Now + random.NextTimeSpan(TimeSpan.Zero, JoinSpread), () => _world.Boot(node));
        RunFor(JoinSpread);
        TimeSpan limit = _world.Engine.Now + StartLimit;
        while (Incomplete() is { } problem)
        {
            if (_world.Engine.Now >= limit)
                throw new OverlayException($"{_shape.Nodes} running nodes with {_shape.Tunnels} tunnels each, cap {_shape.Cap}: after {StartLimit.TotalHours:0} hour {problem}");
            RunFor(Look);
        }
    }

    /// <summary>From now on nodes replace tunnels: the registry publishes the interval, and each node takes it from when it hears of it. Before, the mesh is as its nodes drew it.</summary>
    public void BeginRefresh()
    {
        _world.Registry.Options = _world.Registry.Options with { TunnelRefresh = _refresh };
        _world.Registry.Machine.Kill();
        _world.BootRegistry();
    }

    /// <summary>Lets virtual time pass.</summary>
    /// <exception cref="OperationCanceledException">It was ended.</exception>
    public void RunFor(TimeSpan duration)
    {
        for (TimeSpan left = duration; left > TimeSpan.Zero; left -= Look)
        {
            _cancellation.ThrowIfCancellationRequested();
            _world.Engine.RunUntil(_world.Engine.Now + (left < Look ? left : Look));
        }
    }

    /// <summary>Measures the network as it stands, from what the nodes have published.</summary>
    public RunningRow Measure()
    {
        TunnelMesh mesh = Tunnels();
        int missing = 0;
        int[] arities = new int[_shape.Nodes];
        for (int node = 0; node < _shape.Nodes; node++)
        {
            arities[node] = mesh.Arity(node);
            missing += Math.Max(0, _shape.Tunnels - mesh.Opened(node).Length);
        }

        var ways = NextHopWays.Follow(NextHops(), _latencies);
        return new RunningRow(ways.MeanMicroseconds, ways.WorstMicroseconds, Best(mesh), ways.MeanHops, ways.Loops, ways.DeadEnds, missing, ArityCounts.Of(arities, _shape));
    }

    // What there is not yet, or null.
    private string? Incomplete()
    {
        if (_world.Nodes.FirstOrDefault(static node => !node.IsRunning) is { } absent)
            return $"{absent.Machine.Name} has not joined: {absent.JoinProblem}";
        TunnelMesh mesh = Tunnels();
        for (int node = 0; node < _shape.Nodes; node++)
        {
            // Whom nobody has opened a tunnel to holds itself for unreachable, and opens few until somebody does (protocol reference 7.5).
            if (mesh.Opened(node).Length < RefreshChoice.Limit(_shape.Tunnels, isReachable: mesh.Received(node).Length > 0, isConnected: true))
                return $"{_world.Nodes[node].Machine.Name} has opened {mesh.Opened(node).Length} tunnels and received {mesh.Received(node).Length}";
        }

        NextHopWays ways = NextHopWays.Follow(NextHops(), _latencies);
        return ways is { Loops: 0, DeadEnds: 0 } ? null : $"next hops lead nowhere for {ways.Loops + ways.DeadEnds} pairs";
    }

    // A tunnel counts where both ends have it.
    private TunnelMesh Tunnels()
    {
        var mesh = new TunnelMesh(_shape.Nodes, _shape.Nodes, _shape.Nodes);
        Dictionary<NodePrefix, int> numbers = Numbers();
        for (int node = 0; node < _shape.Nodes; node++)
        {
            foreach (TunnelStatus tunnel in _world.Nodes[node].Tunnels.Where(static tunnel => tunnel is { IsClient: true, State: TunnelState.Up }))
            {
                if (numbers.TryGetValue(tunnel.Peer, out int peer) && !mesh.AreNeighbours(node, peer) && HasTunnelFrom(_world.Nodes[peer], _world.Nodes[node]))
                    mesh.Open(node, peer);
            }
        }

        return mesh;
    }

    private static bool HasTunnelFrom(SimulatedNode one, SimulatedNode other) =>
        one.Tunnels.Any(tunnel => tunnel is { IsClient: false, State: TunnelState.Up } && tunnel.Peer == other.Identity!.Prefix);

    private Dictionary<NodePrefix, int> Numbers() =>
        _world.Nodes.Index().Where(static node => node.Item.Identity is not null).ToDictionary(static node => node.Item.Identity!.Prefix, static node => node.Index);

    // Whom a node (row) sends to that has something for another (column): a node's number, itself for itself, -1 for nobody.
    private int[][] NextHops()
    {
        Dictionary<NodePrefix, int> numbers = Numbers();
        Ipv6Prefix[] subnets = [.. _world.Nodes.Select(static node => node.Identity!.Prefix.Subnet(Network))];
        return [.. _world.Nodes.Select((node, number) => subnets.Select((subnet, destination) => destination == number ? number
            : NodeRoutes.Find(node.Routes, subnet) is { } route ? numbers.GetValueOrDefault(route.Via, -1) : -1).ToArray())];
    }

    private double Best(TunnelMesh mesh)
    {
        SortedArcs arcs = SortedArcs.Of(mesh, _latencies);
        var tree = new RouteTree(_shape.Nodes);
        long sum = 0, reached = 0;
        for (int node = 0; node < _shape.Nodes; node++)
        {
            tree.Run(arcs, node);
            foreach (int distance in tree.Distances)
            {
                sum += distance == RouteTree.Unreached ? 0 : distance;
                reached += distance == RouteTree.Unreached ? 0 : 1;
            }
        }

        return (double)sum / reached;
    }

    private static SiteOptions At(int row) => SiteOptions.Anywhere with { Place = MatrixLatency.Row(row) };
}
