using System.CommandLine;
using System.Net.Sockets;
using Mesh.Cli.Configuration;
using Mesh.Cli.Shell;
using Mesh.Cli.Simulation;
using Mesh.Hocon.Schema;
using Mesh.Platform.Linux.Native;
using Mesh.Registry;
using Mesh.Simulation.Scenarios;

namespace Mesh.Cli.Demo;

/// <summary><c>mesh demo</c>: a small overlay on this machine, from nothing to healed.</summary>
internal static class DemoCommand
{
    private const int PublicNodes = 2;
    private const int Sites = 2;

    public static Command Create(CliContext context)
    {
        var nodes = new Option<int>("--nodes") { Description = "Nodes besides the one on the registry's machine: two with public addresses, the others behind two NAT routers; an even number.", HelpName = "N", DefaultValueFactory = _ => 8 };
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("demo", "Bring up a small overlay on this machine and show it heal.")
        {
            Notes =
            [
                "As root it makes network namespaces (a registry with a node beside it, two public nodes, two sites behind NAT), runs real processes with real TUN devices in them, pings every pair, " +
                "kills a relay, waits until every pair answers again, and removes all it made, also after Ctrl-C. The machine's own network is not touched.",
                "Without root it runs the same in the simulator and says so. Ends with status 0 only if every pair could ping before and after.",
            ],
            Examples = ["sudo ./mesh demo", "./mesh demo --nodes 6 --json"],
        };
        command.Options.Add(nodes);
        command.Options.Add(json);
        command.SetAction(async (parsed, cancellation) =>
        {
            int count = parsed.GetValue(nodes);
            var checks = new Checks();
            checks.Range("--nodes", count, PublicNodes + Sites, 32);
            if (count % Sites != 0)
                checks.Add($"--nodes {count}: expected an even number, since both sites have as many");
            checks.ThrowIfAny();
            bool isJson = parsed.GetValue(json);
            var view = new DemoView(context, isJson);
            int perSite = (count - PublicNodes) / Sites;
            DemoResult result = context.IsRoot
                ? await RunForRealAsync(view, perSite, cancellation)
                : Simulate(context, view, perSite, isJson, cancellation);
            if (isJson)
                context.Out.WriteLine(JsonText.Text(result));
            else
                view.Say(result.IsOk ? "ok: every pair could ping before and after" : "FAILED: not every pair could ping");
            return result.IsOk ? ExitCode.Ok : ExitCode.Failed;
        });
        return command;
    }

    private static async Task<DemoResult> RunForRealAsync(DemoView view, int perSite, CancellationToken cancellation)
    {
        await DemoPackages.EnsureAsync(view.Say, cancellation);
        DemoOverlay.RemoveLeftovers();
        if (DemoNetwork.RemoveLeftovers() is > 0 and int count)
            view.Say($"removed {count} namespaces of a demo that was killed");
        view.Say($"a registry with a node, {PublicNodes} public nodes and {Sites} sites of {perSite} behind NAT, in network namespaces of their own");
        try
        {
            using DemoOverlay overlay = DemoOverlay.Prepare(DemoProgram.Self, perSite);
            return await new DemoRun(view, overlay).RunAsync(cancellation);
        }
        catch (Exception e) when (e is LinuxException or SocketException)
        {
            throw CommandFailedException.Failed($"this machine does not let the demo make its network: {e.Message}", e);
        }
        finally
        {
            if (cancellation.IsCancellationRequested)
                view.Say("stopped; everything that the demo made is removed");
        }
    }

    private static DemoResult Simulate(CliContext context, DemoView view, int perSite, bool isQuiet, CancellationToken cancellation)
    {
        view.Say("not root, so no TUN devices: the same runs in the simulator, with the same actors on a simulated underlay");
        const string Victim = "relay-1";
        ResolvedConfig config = MeshSchema.Load(context, [], []);
        var scenario = new Scenario
        {
            Name = "demo",
            Description = "two public nodes and two sites behind NAT; a relay is killed",
            Registry = new RegistryOptions { ClientCount = 2, MaxClients = 10, Hello = TimeSpan.FromSeconds(4) },
            Internet = SimulationKeys.MapInternet(config),
            Sites = [new Site("relay", IsBehindNat: false, PublicNodes), new Site("paris", IsBehindNat: true, perSite), new Site("tokyo", IsBehindNat: true, perSite)],
            JoinSpread = TimeSpan.FromSeconds(5),
            Steps =
            [
                new AwaitRoutes(TimeSpan.FromSeconds(90)), new PingAll(Attempts: 3), new PassTime(TimeSpan.FromSeconds(20)),
                new Inflict(MachineFault.Kill, Victim), new AwaitRoutes(TimeSpan.FromSeconds(60)), new PingAll(Attempts: 3),
            ],
        };
        ScenarioResult result = SimCommands.Carry(context, scenario, (ulong)config.Get(SimulationKeys.Seed), isQuiet, cancellation);
        foreach (StepResult step in result.Steps)
            view.Say($"virtual {step.EndedSeconds:0.0} s: {step.Title}: {step.Outcome}");
        double? healed = result.Steps is [.., _, { Title: var title } kill, { IsGood: true } routes, _] && title.StartsWith("kill", StringComparison.Ordinal)
            ? routes.EndedSeconds - kill.EndedSeconds
            : null;
        return new DemoResult(
            "simulation", result is { IsClean: true, IsPartial: false }, [.. result.Topology.Select(n => new DemoNode(n.Name, "", n.Prefix ?? "", n.Name[0] != 'r'))],
            [.. result.Steps.Select(s => new DemoPhase(s.Title, s.EndedSeconds - s.StartedSeconds, s.Outcome))], null, null, Victim, healed, view.Elapsed.TotalSeconds);
    }
}
