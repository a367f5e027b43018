using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Mesh.Cli.Configuration;
using Mesh.Cli.Ping;
using Mesh.Cli.Shell;

namespace Mesh.Cli.Demo;

/// <summary>An overlay of real processes on the machines of a <see cref="DemoNetwork"/>: a registry, a node beside it, and the other nodes.</summary>
internal sealed class DemoOverlay : IDisposable
{
    /// <summary>The overlay's addresses.</summary>
    public const string OverlayPrefix = "2001:db8:42::/48";

    /// <summary>How many tunnels a node opens.</summary>
    public const int ClientCount = 2;

    private const string DirectoryLabel = "mesh-demo-";
    private const string RegistryLog = "registry-server";
    private const int NodePort = 1326;
    private const int JoinsAtATime = 3;

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SpareLimit = TimeSpan.FromSeconds(15);   // for a second tunnel, once all routes are there

    private readonly DirectoryInfo _directory;
    private readonly DemoProgram _program;
    private readonly Dictionary<DemoMachine, NodeInRun> _nodes = [];
    private string _fingerprint = "";
    private string _token = "";

    private DemoOverlay(DemoNetwork network, DirectoryInfo directory, IReadOnlyList<string> program)
    {
        (Network, _directory) = (network, directory);
        _program = new DemoProgram(directory.FullName, program);
    }

    /// <summary>The machines.</summary>
    public DemoNetwork Network { get; }

    /// <summary>Where nodes reach the registry.</summary>
    public string RegistryUrl => $"http://{Network.Registry.Address}:{RegistryKeys.DefaultPort}";

    /// <summary>The registry's directory.</summary>
    public string RegistryDirectory => Path.Combine(_directory.FullName, "registry");

    /// <summary>The registry's process, once it is started.</summary>
    public Process? Registry { get; private set; }

    /// <summary>The node on a machine, once it has joined.</summary>
    public NodeInRun this[DemoMachine machine] => _nodes[machine];

    /// <summary>Builds the underlay.</summary>
    /// <param name="program">The mesh program and its first arguments.</param>
    /// <param name="nodesPerSite">How many nodes each NAT router has behind it.</param>
    public static DemoOverlay Prepare(IReadOnlyList<string> program, int nodesPerSite)
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory($"{DirectoryLabel}{Environment.ProcessId}-");
        try
        {
            return new DemoOverlay(DemoNetwork.Build(nodesPerSite), directory, program);
        }
        catch
        {
            directory.Delete(recursive: true);
            throw;
        }
    }

    /// <summary>Removes the files that a demo left behind because it was killed itself.</summary>
    public static void RemoveLeftovers()
    {
        foreach (string path in Directory.GetDirectories(Path.GetTempPath(), $"{DirectoryLabel}*"))
        {
            string owner = Path.GetFileName(path)[DirectoryLabel.Length..].Split('-')[0];
            if (!Directory.Exists($"/proc/{owner}"))
                Directory.Delete(path, recursive: true);
        }
    }

    /// <summary>Kills the processes and removes namespaces and files.</summary>
    public void Dispose()
    {
        Network.Dispose();
        _directory.Delete(recursive: true);
    }

    /// <summary>Makes the network and serves it.</summary>
    /// <param name="cancellation">Stops it.</param>
    /// <param name="settings">As for <see cref="StartRegistry"/>.</param>
    public async Task MakeRegistryAsync(CancellationToken cancellation, params IEnumerable<string> settings)
    {
        (_, string made, _) = await RunAsync(Network.Registry, mayFail: false, cancellation, "registry", "init", "--network", OverlayPrefix, "--dir", RegistryDirectory, "--json");
        _fingerprint = JsonDocument.Parse(made).RootElement.GetProperty("fingerprint").GetString()!;
        StartRegistry(settings);
        string uses = Network.Nodes.Count.ToString(CultureInfo.InvariantCulture);
        string token = await AwaitRegistryAsync(cancellation, "registry", "token", "add", "--dir", RegistryDirectory, "--uses", uses, "--json");
        _token = JsonDocument.Parse(token).RootElement.GetProperty("token").GetString()!;
    }

    /// <summary>Starts the registry's process. It listens on all addresses of its machine, that of the overlay among them.</summary>
    /// <param name="settings">Settings beyond those of the demo, as PATH=VALUE.</param>
    public void StartRegistry(params IEnumerable<string> settings)
    {
        string[] all = [$"registry.client-count={ClientCount}", "registry.max-clients=10", "registry.hello=4s", .. settings];
        Registry = _program.StartDaemon(
            Network.Registry.Namespace, RegistryLog,
            ["registry", "run", "--dir", RegistryDirectory, .. all.SelectMany(static setting => (string[])["--set", setting])]);
    }

    /// <summary>Gives the registry an order, as soon as it takes any.</summary>
    /// <returns>What the command wrote to its output.</returns>
    /// <exception cref="CommandFailedException">It does not come up.</exception>
    public async Task<string> AwaitRegistryAsync(CancellationToken cancellation, params string[] order)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            (int exitCode, string output, string error) = await RunAsync(Network.Registry, mayFail: true, cancellation, order);
            if (exitCode == 0)
                return output;
            if (Registry!.HasExited || clock.Elapsed > StartLimit)
                throw CommandFailedException.Failed($"the registry did not come up: {error}\n{_program.LastWordsOf(RegistryLog)}");
            await Task.Delay(Poll, cancellation);
        }
    }

    /// <summary>Runs a command on a machine to its end.</summary>
    /// <inheritdoc cref="DemoProgram.RunAsync"/>
    public Task<(int ExitCode, string Output, string Error)> RunAsync(DemoMachine machine, bool mayFail, CancellationToken cancellation, params string[] arguments) =>
        _program.RunAsync(machine.Namespace, mayFail, cancellation, arguments);

    /// <summary>Gives every node its key and certificate.</summary>
    /// <param name="progress">Told how many have them.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task JoinAllAsync(Action<int> progress, CancellationToken cancellation)
    {
        int joined = 1;
        // The one beside the registry alone: who joins first is the registry's own node, and hears the news from it.
        await JoinAsync(Network.Registry, cancellation);
        await Parallel.ForEachAsync(Network.Nodes.Skip(1), new ParallelOptions { MaxDegreeOfParallelism = JoinsAtATime, CancellationToken = cancellation }, async (machine, stop) =>
        {
            await JoinAsync(machine, stop);
            progress(Interlocked.Increment(ref joined));
        });
    }

    /// <summary>Starts all nodes.</summary>
    public void StartNodes(CancellationToken cancellation)
    {
        foreach (DemoMachine machine in Network.Nodes)
        {
            cancellation.ThrowIfCancellationRequested();
            StartNode(machine);
        }
    }

    /// <summary>Starts the node of a machine.</summary>
    public void StartNode(DemoMachine machine)
    {
        string[] advertise = machine.IsBehindNat ? [] : ["--advertise", $"{machine.Address}:{NodePort}"];
        NodeInRun node = _nodes[machine];
        node.Process = _program.StartDaemon(
            machine.Namespace, machine.Name, ["node", "run", "--dir", node.Directory, "--registry", RegistryUrl, "--listen", $"0.0.0.0:{NodePort}", .. advertise]);
    }

    /// <summary>The last lines that a machine's node wrote.</summary>
    public string LastWordsOf(DemoMachine machine) => _program.LastWordsOf(machine.Name);

    /// <summary>Asks nodes how they are.</summary>
    public async Task<NodeInRun[]> LookAsync(IReadOnlyCollection<DemoMachine> machines, CancellationToken cancellation)
    {
        NodeInRun[] nodes = [.. machines.Select(machine => _nodes[machine])];
        await Task.WhenAll(nodes.Select(node => node.LookAsync(cancellation)));
        return nodes;
    }

    /// <summary>Waits until every node has a route to every other, and for a while until each has a spare tunnel, too.</summary>
    /// <param name="machines">The nodes.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="progress">Told how many tunnels and routes there are.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>How many tunnels there are, and whether each node has a spare one.</returns>
    /// <exception cref="CommandFailedException">A node has ended, or it took too long.</exception>
    public async Task<(int Tunnels, bool IsRedundant)> AwaitRoutesAsync(IReadOnlyCollection<DemoMachine> machines, TimeSpan limit, Action<int, int> progress, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        TimeSpan? complete = null;
        int wanted = machines.Count - 1;
        while (true)
        {
            NodeInRun[] nodes = await LookAsync(machines, cancellation);
            int tunnels = nodes.Sum(n => n.Tunnels.Count) / 2;
            progress(tunnels, nodes.Sum(n => Math.Min(n.Routes, wanted)));
            bool isRedundant = nodes.All(n => n.Tunnels.Count >= ClientCount);
            if (nodes.All(n => n.Routes >= wanted) && (isRedundant || (complete ??= clock.Elapsed) + SpareLimit < clock.Elapsed))
                return (tunnels, isRedundant);
            foreach (NodeInRun node in nodes.Where(n => n.Process!.HasExited))
                throw CommandFailedException.Failed($"{node.Machine.Name} has ended:\n{LastWordsOf(node.Machine)}");
            if (clock.Elapsed > limit)
            {
                NodeInRun slow = nodes.MinBy(n => n.Routes)!;
                throw CommandFailedException.Failed($"{slow.Machine.Name} has {slow.Routes} of {wanted} routes after {limit.TotalSeconds:0} s; its last words:\n{LastWordsOf(slow.Machine)}");
            }

            await Task.Delay(Poll, cancellation);
        }
    }

    /// <summary>Lets every node ping every other.</summary>
    public async Task<DemoMatrix> PingAllAsync(IReadOnlyCollection<DemoMachine> machines, CancellationToken cancellation)
    {
        DemoMatrixRow[] rows = await Task.WhenAll(machines.Select(from => PingFromAsync(from, machines, cancellation)));
        return new DemoMatrix(machines.Count * (machines.Count - 1), rows.Sum(r => r.Milliseconds.Count(m => m.Value is not null)), rows);
    }

    private async Task JoinAsync(DemoMachine machine, CancellationToken cancellation)
    {
        string directory = Path.Combine(_directory.FullName, "nodes", machine.Name);
        await RunAsync(machine, mayFail: false, cancellation, "join", "--registry", RegistryUrl, "--token", _token, "--dir", directory, "--fingerprint", _fingerprint);
        lock (_nodes)
            _nodes.Add(machine, new NodeInRun(machine, directory));
    }

    private async Task<DemoMatrixRow> PingFromAsync(DemoMachine from, IReadOnlyCollection<DemoMachine> machines, CancellationToken cancellation)
    {
        DemoMachine[] targets = [.. machines.Where(m => m != from)];
        (_, string output, string error) = await RunAsync(
            from, mayFail: true, cancellation, ["ping", .. targets.Select(t => _nodes[t].Address), "--count", "3", "--interval", "200", "--timeout", "1000", "--json"]);
        if (output.Length == 0)
            throw CommandFailedException.Failed($"'mesh ping' at {from.Name} failed: {error}");
        var byAddress = JsonText.Read<PingReport[]>(output).ToDictionary(r => r.Address, r => r.MedianMilliseconds, StringComparer.Ordinal);
        return new DemoMatrixRow(from.Name, targets.ToDictionary(t => t.Name, t => byAddress.GetValueOrDefault(_nodes[t].Address), StringComparer.Ordinal));
    }
}
