using System.Diagnostics;
using System.Globalization;
using Mesh.Cli.Demo;
using Mesh.Cli.Registry;
using Mesh.Cli.Shell;

namespace Mesh.Cli.Tests.Processes;

/// <summary>The demo's network for tests: a registry with a node beside it, two public nodes and one node behind each of two NAT routers, all real processes.</summary>
internal sealed class RunningOverlay : IDisposable
{
    private static readonly TimeSpan RoutesLimit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    private RunningOverlay(DemoOverlay overlay) => Overlay = overlay;

    public DemoOverlay Overlay { get; }

    public IReadOnlyList<DemoMachine> Machines => Overlay.Network.Nodes;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Starts it, and waits until every node has a route to every other and a spare tunnel.</summary>
    /// <param name="settings">Settings of the registry from the beginning, as PATH=VALUE.</param>
    public static async Task<RunningOverlay> StartAsync(params string[] settings)
    {
        var running = new RunningOverlay(DemoOverlay.Prepare(["dotnet", Path.Combine(AppContext.BaseDirectory, "mesh.dll")], nodesPerSite: 1));
        try
        {
            await running.Overlay.MakeRegistryAsync(Cancellation, settings);
            await running.Overlay.JoinAllAsync(static _ => { }, Cancellation);
            running.Overlay.StartNodes(Cancellation);
            (_, bool isRedundant) = await running.Overlay.AwaitRoutesAsync(running.Machines, RoutesLimit, static (_, _) => { }, Cancellation);
            Assert.True(isRedundant, "a node has only one tunnel");
            return running;
        }
        catch
        {
            running.Dispose();
            throw;
        }
    }

    /// <summary>Stops the registry in order, and starts it with other settings.</summary>
    public async Task RestartRegistryAsync(params IEnumerable<string> settings)
    {
        Process before = Overlay.Registry!;
        using (Process kill = Process.Start("kill", ["-TERM", before.Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync(Cancellation);
        await before.WaitForExitAsync(Cancellation);
        Assert.Equal(ExitCode.Ok, before.ExitCode);
        Overlay.StartRegistry(settings);
        _ = await RotationAsync("status");
    }

    /// <summary>An order about the routing keys: status, advance and so on.</summary>
    public async Task<HmacReport> RotationAsync(string order, params string[] options) =>
        JsonText.Read<HmacReport>(await Overlay.AwaitRegistryAsync(Cancellation, ["registry", "hmac", order, "--dir", Overlay.RegistryDirectory, "--json", .. options]));

    /// <summary>Waits until every node uses that version of the parameters.</summary>
    public Task AwaitVersionAsync(ulong version, TimeSpan limit) => AwaitAsync($"version {version}", Machines, node => node.Status!.Parameters.Used >= version, limit);

    /// <summary>Waits until something is so at all of these nodes.</summary>
    public async Task AwaitAsync(string what, IReadOnlyCollection<DemoMachine> machines, Func<NodeInRun, bool> condition, TimeSpan limit)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            NodeInRun[] nodes = await Overlay.LookAsync(machines, Cancellation);
            NodeInRun? slow = nodes.FirstOrDefault(node => !condition(node));
            if (slow is null)
                return;
            if (Stopwatch.GetElapsedTime(start) > limit)
                throw new TimeoutException($"{slow.Machine.Name}: not {what} within {limit.TotalSeconds:0} s: {JsonText.Line(slow.Status)}\n{Overlay.LastWordsOf(slow.Machine)}");
            await Task.Delay(Poll, Cancellation);
        }
    }

    /// <summary>Every node has a route to every other.</summary>
    public async Task CheckRoutesAsync()
    {
        foreach (NodeInRun node in await Overlay.LookAsync(Machines, Cancellation))
            Assert.True(node.Routes == Machines.Count - 1, $"{node.Machine.Name} has {node.Routes} routes");
    }

    public void Dispose() => Overlay.Dispose();
}
