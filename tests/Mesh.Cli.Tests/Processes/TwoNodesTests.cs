using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Mesh.Cli.Shell;
using Mesh.Platform.Linux.Namespaces;

namespace Mesh.Cli.Tests.Processes;

/// <summary>A registry and two nodes as real processes, each node in a network namespace of its own.</summary>
public sealed class TwoNodesTests
{
    // With Hellos every 15 s a node that had to wait for a periodic update would not have its first route by then.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Two_machines_join_connect_and_ping_each_other_and_stop_cleanly()
    {
        NeedsRoot.Check();
        using var folder = new TempFolder();
        using NetworkNamespace left = NetworkNamespace.Create("meshcli-l"), right = NetworkNamespace.Create("meshcli-r");
        left.Connect("under", IPAddress.Parse("10.99.0.1"), right, "under", IPAddress.Parse("10.99.0.2"), 24);
        JoiningTests.Done(await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", folder["r"]));
        await using MeshProcess registry = Start(left, "registry", "run", "--dir", folder["r"], "--listen", "10.99.0.1:6680");
        string url = await registry.ReadLineAsync();
        string token = JoiningTests.Done(await CliRun.OfAsync("registry", "token", "add", "--dir", folder["r"], "--uses", "2")).Trim();
        JoiningTests.Done(await RunAsync(left, "join", "--registry", url, "--token", token, "--dir", folder["a"]));
        JoiningTests.Done(await RunAsync(right, "join", "--registry", url, "--token", token, "--dir", folder["b"]));

        await using MeshProcess a = Start(left, "node", "run", "--dir", folder["a"], "--advertise", "10.99.0.1:6626");
        await using MeshProcess b = Start(right, "node", "run", "--dir", folder["b"], "--set", "node.advertise-own=all");
        JsonElement status = await RouteAsync(folder["b"], b);
        Assert.Equal(("1/16", 1), (status.GetProperty("prefix").GetString(), status.GetProperty("parameters").GetProperty("used").GetInt32()));
        JsonElement tunnel = status.GetProperty("tunnels").EnumerateArray().Single();
        Assert.Equal(("0/16", "up"), (tunnel.GetProperty("peer").GetString(), tunnel.GetProperty("state").GetString()));
        await RouteAsync(folder["a"], a);
        Assert.Contains("2001:db8:42::/64", JoiningTests.Done(await CliRun.OfAsync("status", "--dir", folder["b"])), StringComparison.Ordinal);

        JsonElement route = JoiningTests.Json(await CliRun.OfAsync("routes", "--dir", folder["b"], "--via", "0/16", "--json")).GetProperty("routes").EnumerateArray().Single();
        Assert.Equal(("2001:db8:42::/64", "selected", 0), (route.GetProperty("prefix").GetString(), route.GetProperty("verdict").GetString(), route.GetProperty("refMetric").GetInt32()));
        JsonElement neighbour = JoiningTests.Json(await CliRun.OfAsync("neighbours", "--dir", folder["b"], "--json")).GetProperty("neighbours").EnumerateArray().Single();
        Assert.Equal(("0/16", tunnel.GetProperty("index").GetInt32(), 1), (neighbour.GetProperty("node").GetString(), neighbour.GetProperty("tunnel").GetInt32(), neighbour.GetProperty("routes").GetInt32()));
        string why = JoiningTests.Done(await CliRun.OfAsync("explain", "2001:db8:42::1", "--dir", folder["b"]));
        Assert.Contains("2001:db8:42::1 is routed: packets go to node 0/16 through tunnel ", why, StringComparison.Ordinal);
        Assert.Contains("it is the only one that can be used", why, StringComparison.Ordinal);
        Assert.Contains("is this node's own", JoiningTests.Done(await CliRun.OfAsync("explain", "2001:db8:42:1::1", "--dir", folder["b"])), StringComparison.Ordinal);
        Assert.Contains("is unreachable", JoiningTests.Done(await CliRun.OfAsync("explain", "2001:db8:42:77::1", "--dir", folder["b"])), StringComparison.Ordinal);

        await using MeshProcess watching = MeshProcess.Start("neighbours", "--dir", folder["b"], "--watch", "--json");
        for (int i = 0; i < 2; i++)
            Assert.Contains("\"node\":\"0/16\"", await watching.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Equal(ExitCode.Ok, (await watching.TerminateAsync()).ExitCode);

        // Whether there is a session depends on whether one of them had something to say by now.
        JsonElement peers = JoiningTests.Json(await CliRun.OfAsync("peers", "--dir", folder["b"], "--json"));
        Assert.InRange(peers.GetProperty("peers").GetArrayLength(), 0, 1);
        Assert.Contains("datagrams received", JoiningTests.Done(await CliRun.OfAsync("peers", "--dir", folder["b"])), StringComparison.Ordinal);

        JsonElement[] pings = [.. JoiningTests.Json(await RunAsync(right, "ping", "2001:db8:42::1", "--count", "5", "--interval", "50", "--json")).EnumerateArray()];
        Assert.True(pings.Single().GetProperty("received").GetInt32() >= 1);
        CliRun lost = await RunAsync(right, "ping", "2001:db8:42::1", "2001:db8:42:77::1", "--count", "1", "--timeout", "1000");
        Assert.Equal(ExitCode.Failed, lost.ExitCode);
        Assert.Contains("no route to the destination", lost.Out, StringComparison.Ordinal);

        // What has to hold in a simulation holds here.
        Assert.Equal("2 nodes, 7 invariants, 0 violations\n", JoiningTests.Done(await CliRun.OfAsync("check", "--dir", folder["a"], "--dir", folder["b"], "--registry", folder["r"])));

        Assert.Equal(ExitCode.Ok, (await a.TerminateAsync()).ExitCode);
        Assert.Equal(ExitCode.Ok, (await b.TerminateAsync()).ExitCode);
        Assert.False(File.Exists(folder["a/control.sock"]));

        // The node's own port is held by somebody else: one sentence, status 1.
        Socket taken = left.Run(static () =>
        {
            var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.IPv6Any, 6626));
            socket.Listen();
            return socket;
        });
        using (taken)
            (await RunAsync(left, "node", "run", "--dir", folder["a"])).FailsWith("mesh: tunnels cannot be accepted at [::]:6626", "Address already in use");
    }

    private static MeshProcess Start(NetworkNamespace space, params string[] args) => MeshProcess.Of(space.Start(MeshProcess.Command(args)));

    private static async Task<CliRun> RunAsync(NetworkNamespace space, params string[] args)
    {
        await using MeshProcess process = Start(space, args);
        return await process.EndAsync();
    }

    // Asks until the node has a route; it is a real network, which takes its time.
    private static async Task<JsonElement> RouteAsync(string dir, MeshProcess node)
    {
        long start = Stopwatch.GetTimestamp();
        string last = "";
        while (Stopwatch.GetElapsedTime(start) < Limit)
        {
            CliRun run = await CliRun.OfAsync("status", "--dir", dir, "--json");
            if (run.ExitCode == ExitCode.Ok && JoiningTests.Json(run) is var status && status.GetProperty("routes").GetArrayLength() > 0
                && status.GetProperty("tunnels").GetArrayLength() == 1)   // both may have called at the same time; then one of the two tunnels goes
            {
                return status;
            }

            last = run.Out;
            await Task.Delay(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);
        }

        throw new TimeoutException($"no route over one tunnel within {Limit.TotalSeconds} s, but {last}: {node.Errors}");
    }
}
