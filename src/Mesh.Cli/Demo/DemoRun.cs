using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Mesh.Cli.Ping;
using Mesh.Cli.Shell;
using Mesh.Node.Tunnels;

namespace Mesh.Cli.Demo;

/// <summary>The demo with real processes in network namespaces: a network is made, nodes join and reach each other, a relay dies, traffic heals.</summary>
internal sealed class DemoRun : IDisposable
{
    private const string DirectoryLabel = "mesh-demo-";
    private const string OverlayPrefix = "2001:db8:42::/48";
    private const int RegistryPort = 6680;
    private const int NodePort = 1326;
    private const int JoinsAtATime = 3;
    private const int ClientCount = 2;

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RoutesLimit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan SpareLimit = TimeSpan.FromSeconds(15);   // for a second tunnel, once all routes are there
    private static readonly TimeSpan HealLimit = TimeSpan.FromSeconds(60);

    private readonly DemoView _view;
    private readonly DemoNetwork _network;
    private readonly DirectoryInfo _directory;
    private readonly DemoProgram _program;
    private readonly List<DemoPhase> _phases = [];
    private readonly Dictionary<DemoMachine, NodeInRun> _nodes = [];
    private string _fingerprint = "";
    private string _token = "";

    private DemoRun(DemoView view, DemoNetwork network, DirectoryInfo directory)
    {
        (_view, _network, _directory) = (view, network, directory);
        _program = new DemoProgram(directory.FullName);
    }

    private string RegistryUrl => $"http://{_network.Registry.Address}:{RegistryPort}";

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

    /// <summary>Builds the underlay.</summary>
    public static DemoRun Prepare(DemoView view, int nodesPerSite)
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory($"{DirectoryLabel}{Environment.ProcessId}-");
        try
        {
            return new DemoRun(view, DemoNetwork.Build(nodesPerSite), directory);
        }
        catch
        {
            directory.Delete(recursive: true);
            throw;
        }
    }

    /// <summary>Carries the demo out.</summary>
    public async Task<DemoResult> RunAsync(CancellationToken cancellation)
    {
        DemoMatrix? before = null, after = null;
        double? healed = null;
        await PhaseAsync("registry", () => StartRegistryAsync(cancellation));
        await PhaseAsync("nodes join", () => JoinAllAsync(cancellation));
        await PhaseAsync("nodes start", () => StartNodesAsync(cancellation));
        await PhaseAsync("tunnels and routes", () => AwaitRoutesAsync([.. _network.Nodes], RoutesLimit, cancellation));
        _view.ShowNodes([.. _network.Nodes.Select(m => StateOf(_nodes[m]))]);
        await PhaseAsync("every node pings every other", async () =>
        {
            before = await PingAllAsync([.. _network.Nodes], cancellation);
            return $"{before.Answered} of {before.Pairs} pairs answered";
        });
        _view.ShowMatrix("before", before!);
        // The public node that most depend on: killing it is what hurts.
        await Task.WhenAll(_nodes.Values.Select(n => n.LookAsync(cancellation)));
        DemoMachine victim = _network.Nodes.Where(m => !m.IsBehindNat).MaxBy(m => _nodes[m].Tunnels.Count)!;
        await PhaseAsync($"{victim.Name} is killed, traffic heals", async () =>
        {
            (after, healed) = await KillAndHealAsync(victim, cancellation);
            return healed is { } seconds ? $"every pair answers again {seconds.ToString("0.0", CultureInfo.InvariantCulture)} s after the kill" : $"only {after.Answered} of {after.Pairs} pairs answer";
        });
        _view.ShowMatrix("after", after!);
        bool isOk = before!.IsComplete && after!.IsComplete;
        return new DemoResult(
            "namespaces", isOk, [.. _network.Nodes.Select(m => new DemoNode(m.Name, m.Address.ToString(), _nodes[m].Address, m.IsBehindNat))],
            _phases, before, after, victim.Name, healed, _view.Elapsed.TotalSeconds);
    }

    /// <summary>Kills the processes and removes namespaces and files.</summary>
    public void Dispose()
    {
        _network.Dispose();
        _directory.Delete(recursive: true);
    }

    private async Task PhaseAsync(string title, Func<Task<string>> work)
    {
        var clock = Stopwatch.StartNew();
        string outcome = await work();
        var phase = new DemoPhase(title, clock.Elapsed.TotalSeconds, outcome);
        _phases.Add(phase);
        _view.Done(phase);
    }

    private async Task<string> StartRegistryAsync(CancellationToken cancellation)
    {
        string directory = Path.Combine(_directory.FullName, "registry");
        (_, string made, _) = await DemoProgram.RunAsync(_network.Registry.Namespace, mayFail: false, cancellation, "registry", "init", "--network", OverlayPrefix, "--dir", directory, "--json");
        _fingerprint = JsonDocument.Parse(made).RootElement.GetProperty("fingerprint").GetString()!;
        Process registry = _program.StartDaemon(
            _network.Registry.Namespace, "registry", "registry", "run", "--dir", directory, "--listen", $"{_network.Registry.Address}:{RegistryPort}",
            "--set", $"registry.client-count={ClientCount}", "--set", "registry.max-clients=10", "--set", "registry.hello=4s");
        var clock = Stopwatch.StartNew();
        while (true)
        {
            (int exitCode, string output, string error) = await DemoProgram.RunAsync(
                _network.Registry.Namespace, mayFail: true, cancellation, "registry", "token", "add", "--dir", directory, "--uses", _network.Nodes.Count.ToString(CultureInfo.InvariantCulture), "--json");
            if (exitCode == 0)
            {
                _token = JsonDocument.Parse(output).RootElement.GetProperty("token").GetString()!;
                return $"{OverlayPrefix}, serving at {RegistryUrl}";
            }

            if (registry.HasExited || clock.Elapsed > StartLimit)
                throw CommandFailedException.Failed($"the registry did not come up: {error}\n{_program.LastWordsOf("registry")}");
            await Task.Delay(Poll, cancellation);
        }
    }

    private async Task<string> JoinAllAsync(CancellationToken cancellation)
    {
        int joined = 0;
        // The first one alone: its prefix becomes the registry's own node.
        await JoinAsync(_network.Nodes[0], cancellation);
        await Parallel.ForEachAsync(_network.Nodes.Skip(1), new ParallelOptions { MaxDegreeOfParallelism = JoinsAtATime, CancellationToken = cancellation }, async (machine, stop) =>
        {
            await JoinAsync(machine, stop);
            int count = Interlocked.Increment(ref joined) + 1;
            _view.Progress("nodes join", count / (double)_network.Nodes.Count, $"{count} of {_network.Nodes.Count}");
        });
        return $"{_network.Nodes.Count} nodes have keys and certificates";
    }

    private async Task JoinAsync(DemoMachine machine, CancellationToken cancellation)
    {
        string directory = Path.Combine(_directory.FullName, machine.Name);
        await DemoProgram.RunAsync(
            machine.Namespace, mayFail: false, cancellation, "join", "--registry", RegistryUrl, "--token", _token, "--dir", directory, "--fingerprint", _fingerprint);
        lock (_nodes)
            _nodes.Add(machine, new NodeInRun(machine, directory));
    }

    private Task<string> StartNodesAsync(CancellationToken cancellation)
    {
        foreach (DemoMachine machine in _network.Nodes)
        {
            cancellation.ThrowIfCancellationRequested();
            NodeInRun node = _nodes[machine];
            string[] advertise = machine.IsBehindNat ? [] : ["--advertise", $"{machine.Address}:{NodePort}"];
            node.Process = _program.StartDaemon(
                machine.Namespace, machine.Name, ["node", "run", "--dir", node.Directory, "--registry", RegistryUrl, "--listen", $"0.0.0.0:{NodePort}", .. advertise]);
        }

        return Task.FromResult($"{_network.Nodes.Count} processes");
    }

    private async Task<string> AwaitRoutesAsync(DemoMachine[] machines, TimeSpan limit, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        TimeSpan? complete = null;
        int wanted = machines.Length - 1;
        while (true)
        {
            await Task.WhenAll(machines.Select(m => _nodes[m].LookAsync(cancellation)));
            NodeInRun[] nodes = [.. machines.Select(m => _nodes[m])];
            int routes = nodes.Sum(n => Math.Min(n.Routes, wanted));
            int tunnels = nodes.Sum(n => n.Tunnels.Count) / 2;
            _view.Progress("tunnels and routes", routes / (double)(machines.Length * wanted), $"{tunnels} tunnels, {routes} of {machines.Length * wanted} routes");
            bool isRedundant = nodes.All(n => n.Tunnels.Count >= ClientCount);
            if (nodes.All(n => n.Routes >= wanted) && (isRedundant || (complete ??= clock.Elapsed) + SpareLimit < clock.Elapsed))
                return $"{tunnels} tunnels, every node has a route to every other{(isRedundant ? $" and {ClientCount} tunnels at least" : "")}";
            foreach (NodeInRun node in nodes.Where(n => n.Process!.HasExited))
                throw CommandFailedException.Failed($"{node.Machine.Name} has ended:\n{_program.LastWordsOf(node.Machine.Name)}");
            if (clock.Elapsed > limit)
            {
                NodeInRun slow = nodes.MinBy(n => n.Routes)!;
                throw CommandFailedException.Failed($"{slow.Machine.Name} has {slow.Routes} of {wanted} routes after {limit.TotalSeconds:0} s; its last words:\n{_program.LastWordsOf(slow.Machine.Name)}");
            }

            await Task.Delay(Poll, cancellation);
        }
    }

    private async Task<DemoMatrix> PingAllAsync(DemoMachine[] machines, CancellationToken cancellation)
    {
        DemoMatrixRow[] rows = await Task.WhenAll(machines.Select(from => PingFromAsync(from, machines, cancellation)));
        return new DemoMatrix(machines.Length * (machines.Length - 1), rows.Sum(r => r.Milliseconds.Count(m => m.Value is not null)), rows);
    }

    private async Task<DemoMatrixRow> PingFromAsync(DemoMachine from, DemoMachine[] machines, CancellationToken cancellation)
    {
        DemoMachine[] targets = [.. machines.Where(m => m != from)];
        (_, string output, string error) = await DemoProgram.RunAsync(
            from.Namespace, mayFail: true, cancellation, ["ping", .. targets.Select(t => _nodes[t].Address), "--count", "3", "--interval", "200", "--timeout", "1000", "--json"]);
        if (output.Length == 0)
            throw CommandFailedException.Failed($"'mesh ping' at {from.Name} failed: {error}");
        var byAddress = JsonText.Read<PingReport[]>(output).ToDictionary(r => r.Address, r => r.MedianMilliseconds, StringComparer.Ordinal);
        return new DemoMatrixRow(from.Name, targets.ToDictionary(t => t.Name, t => byAddress.GetValueOrDefault(_nodes[t].Address), StringComparer.Ordinal));
    }

    private async Task<(DemoMatrix After, double? HealedSeconds)> KillAndHealAsync(DemoMachine victim, CancellationToken cancellation)
    {
        DemoMachine[] survivors = [.. _network.Nodes.Where(m => m != victim)];
        _nodes[victim].Process!.Kill();
        var clock = Stopwatch.StartNew();
        DemoMatrix matrix;
        do
        {
            matrix = await PingAllAsync(survivors, cancellation);
            _view.Progress($"{victim.Name} is dead", matrix.Answered / (double)matrix.Pairs, $"{matrix.Answered} of {matrix.Pairs} pairs answer");
        }
        while (!matrix.IsComplete && clock.Elapsed < HealLimit);
        return (matrix, matrix.IsComplete ? clock.Elapsed.TotalSeconds : null);
    }

    private DemoNodeState StateOf(NodeInRun node)
    {
        var names = _nodes.Values.ToDictionary(n => n.Prefix, n => n.Machine.Name, StringComparer.Ordinal);
        IEnumerable<string> tunnels = node.Tunnels.Select(t => $"{names.GetValueOrDefault(t.Peer, t.Peer)} ({(t.Path == TunnelPathKind.Datagram ? "udp" : "tls")})");
        return new DemoNodeState(node.Machine.Name, $"{node.Machine.Address}{(node.Machine.IsBehindNat ? " behind NAT" : "")}", node.Address, [.. tunnels.Order(StringComparer.Ordinal)], node.Routes);
    }
}
