using System.Diagnostics;
using System.Globalization;
using Mesh.Node.Tunnels;

namespace Mesh.Cli.Demo;

/// <summary>The demo with real processes in network namespaces: a network is made, nodes join and reach each other, a relay dies, traffic heals.</summary>
internal sealed class DemoRun(DemoView view, DemoOverlay overlay)
{
    private static readonly TimeSpan RoutesLimit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan HealLimit = TimeSpan.FromSeconds(60);

    private readonly List<DemoPhase> _phases = [];

    private List<DemoMachine> Machines => overlay.Network.Nodes;

    /// <summary>Carries the demo out.</summary>
    public async Task<DemoResult> RunAsync(CancellationToken cancellation)
    {
        DemoMatrix? before = null, after = null;
        double? healed = null;
        await PhaseAsync("registry", async () =>
        {
            await overlay.MakeRegistryAsync(cancellation);
            return $"{DemoOverlay.OverlayPrefix}, serving at {overlay.RegistryUrl}";
        });
        await PhaseAsync("nodes join", async () =>
        {
            await overlay.JoinAllAsync(joined => view.Progress("nodes join", joined / (double)Machines.Count, $"{joined} of {Machines.Count}"), cancellation);
            return $"{Machines.Count} nodes have keys and certificates";
        });
        await PhaseAsync("nodes start", () =>
        {
            overlay.StartNodes(cancellation);
            return Task.FromResult($"{Machines.Count} processes");
        });
        await PhaseAsync("tunnels and routes", () => AwaitRoutesAsync(cancellation));
        view.ShowNodes([.. Machines.Select(StateOf)]);
        await PhaseAsync("every node pings every other", async () =>
        {
            before = await overlay.PingAllAsync(Machines, cancellation);
            return $"{before.Answered} of {before.Pairs} pairs answered";
        });
        view.ShowMatrix("before", before!);
        // The relay that most depend on: killing it is what hurts.
        _ = await overlay.LookAsync(Machines, cancellation);
        DemoMachine victim = Machines.Where(m => !m.IsBehindNat && m != overlay.Network.Registry).MaxBy(m => overlay[m].Tunnels.Count)!;
        await PhaseAsync($"{victim.Name} is killed, traffic heals", async () =>
        {
            (after, healed) = await KillAndHealAsync(victim, cancellation);
            return healed is { } seconds ? $"every pair answers again {seconds.ToString("0.0", CultureInfo.InvariantCulture)} s after the kill" : $"only {after.Answered} of {after.Pairs} pairs answer";
        });
        view.ShowMatrix("after", after!);
        bool isOk = before!.IsComplete && after!.IsComplete;
        return new DemoResult(
            "namespaces", isOk, [.. Machines.Select(m => new DemoNode(m.Name, m.Address.ToString(), overlay[m].Address, m.IsBehindNat))],
            _phases, before, after, victim.Name, healed, view.Elapsed.TotalSeconds);
    }

    private async Task PhaseAsync(string title, Func<Task<string>> work)
    {
        var clock = Stopwatch.StartNew();
        string outcome = await work();
        var phase = new DemoPhase(title, clock.Elapsed.TotalSeconds, outcome);
        _phases.Add(phase);
        view.Done(phase);
    }

    private async Task<string> AwaitRoutesAsync(CancellationToken cancellation)
    {
        int wanted = Machines.Count * (Machines.Count - 1);
        (int tunnels, bool isRedundant) = await overlay.AwaitRoutesAsync(
            Machines, RoutesLimit, (up, routes) => view.Progress("tunnels and routes", routes / (double)wanted, $"{up} tunnels, {routes} of {wanted} routes"), cancellation);
        return $"{tunnels} tunnels, every node has a route to every other{(isRedundant ? $" and {DemoOverlay.ClientCount} tunnels at least" : "")}";
    }

    private async Task<(DemoMatrix After, double? HealedSeconds)> KillAndHealAsync(DemoMachine victim, CancellationToken cancellation)
    {
        DemoMachine[] survivors = [.. Machines.Where(m => m != victim)];
        overlay[victim].Process!.Kill();
        var clock = Stopwatch.StartNew();
        DemoMatrix matrix;
        do
        {
            matrix = await overlay.PingAllAsync(survivors, cancellation);
            view.Progress($"{victim.Name} is dead", matrix.Answered / (double)matrix.Pairs, $"{matrix.Answered} of {matrix.Pairs} pairs answer");
        }
        while (!matrix.IsComplete && clock.Elapsed < HealLimit);
        return (matrix, matrix.IsComplete ? clock.Elapsed.TotalSeconds : null);
    }

    private DemoNodeState StateOf(DemoMachine machine)
    {
        NodeInRun node = overlay[machine];
        var names = Machines.ToDictionary(m => overlay[m].Prefix, m => m.Name, StringComparer.Ordinal);
        IEnumerable<string> tunnels = node.Tunnels.Select(t => $"{names.GetValueOrDefault(t.Peer, t.Peer)} ({(t.Path == TunnelPathKind.Datagram ? "udp" : "tls")})");
        return new DemoNodeState(machine.Name, $"{machine.Address}{(machine.IsBehindNat ? " behind NAT" : "")}", node.Address, [.. tunnels.Order(StringComparer.Ordinal)], node.Routes);
    }
}
