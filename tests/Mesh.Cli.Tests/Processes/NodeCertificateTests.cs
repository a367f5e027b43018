using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Mesh.Cli.Shell;
using Mesh.Cli.Tests.Registry;
using Mesh.Platform.Linux.Namespaces;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Http.Storage;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Cli.Tests.Processes;

/// <summary>Certificates of running nodes: real processes, each node in a network namespace of its own.</summary>
public sealed class NodeCertificateTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task A_running_node_that_is_made_to_renew_is_back_with_another_serial_number_by_itself()
    {
        NeedsRoot.Check();
        await using Network network = await Network.StartAsync();
        JsonElement before = await network.AwaitAsync("b", static status => IsConnected(status) && State(status) == "valid");
        Assert.Equal(2, Serial(before));
        JoiningTests.Done(await CliRun.OfAsync("registry", "revoke", "2", "--renewable", "--dir", network.Folder["r"]));
        await network.RestartAsync("a");   // its peer knows the list from its start on

        JsonElement after = await network.AwaitAsync("b", static status => IsConnected(status) && Serial(status) != 2);
        Assert.Equal(("valid", 3), (State(after), Serial(after)));
        Assert.Equal(Certificate(before).GetProperty("until").GetDateTimeOffset(), Certificate(after).GetProperty("until").GetDateTimeOffset());
        Assert.Equal(JsonValueKind.Null, Certificate(after).GetProperty("problem").ValueKind);
        await network.PingAsync();
        Assert.Equal("serial=03\n", await AuthorityRenewalTests.OpenSslAsync("x509", "-noout", "-serial", "-in", network.Folder["b/node.crt"]));
        Assert.Contains($"{network.Folder["b/node.crt"]}: OK", await AuthorityRenewalTests.OpenSslAsync("verify", "-CAfile", network.Folder["b/ca.crt"], network.Folder["b/node.crt"]), StringComparison.Ordinal);
        Assert.Contains("this node has a new certificate 3", network["b"].Errors, StringComparison.Ordinal);
        Assert.Contains("certificate 3 until ", JoiningTests.Done(await CliRun.OfAsync("status", "--dir", network.Folder["b"])), StringComparison.Ordinal);

        await network.RestartAsync("b");
        Assert.Equal(3, Serial(await network.AwaitAsync("b", IsConnected)));
    }

    [Fact]
    public async Task A_running_node_that_is_shut_out_stops_its_service_and_says_so()
    {
        NeedsRoot.Check();
        await using Network network = await Network.StartAsync();
        await network.AwaitAsync("b", IsConnected);
        JoiningTests.Done(await CliRun.OfAsync("registry", "revoke", "2", "--dir", network.Folder["r"]));
        await network.RestartAsync("a");

        JsonElement status = await network.AwaitAsync("b", static status => State(status) == "revoked" && status.GetProperty("tunnels").GetArrayLength() == 0);
        Assert.Equal(2, Serial(status));
        Assert.Equal(0, status.GetProperty("routes").GetArrayLength());
        Assert.Contains("the authority has signed that it is revoked", Certificate(status).GetProperty("problem").GetString(), StringComparison.Ordinal);
        Assert.Contains("so this node is out of service", JoiningTests.Done(await CliRun.OfAsync("status", "--dir", network.Folder["b"])), StringComparison.Ordinal);
        Assert.Contains("certificate 2 of this node is revoked, and the registry gives no other: this node is out of service", network["b"].Errors, StringComparison.Ordinal);
        await network.AwaitAsync("a", static status => status.GetProperty("parameters").GetProperty("used").GetInt32() == 2 && status.GetProperty("tunnels").GetArrayLength() == 0);
        CliRun lost = await network.RunAsync("b", "ping", "2001:db8:42::1", "--count", "1", "--timeout", "1000");
        Assert.Equal(ExitCode.Failed, lost.ExitCode);
        Assert.Equal(ExitCode.Ok, (await network["b"].TerminateAsync()).ExitCode);
    }

    [Fact]
    public async Task A_running_node_fetches_the_authoritys_new_certificate_and_keeps_its_tunnels()
    {
        NeedsRoot.Check();
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using var made = CertificateAuthority.Create(NetworkPrefix.Parse("2001:db8:42::/48"), PrivateKey.Generate(), "ending", "ca@example.org", now.AddYears(-10), now.AddDays(20));
        await using Network network = await Network.StartAsync(made, async (directory, restart) =>
        {
            // After the nodes have joined, and before they run.
            JoiningTests.Done(await CliRun.OfAsync("registry", "renew-ca", "--dir", directory));
            await restart();
        });
        AuthorityCertificate renewed = RegistryVisitor.ReadAuthority(await File.ReadAllTextAsync(network.Folder["r/ca.crt"], TestContext.Current.CancellationToken));
        Assert.True(renewed.NotAfter > now.AddYears(10));
        foreach (string node in (string[])["a", "b"])
        {
            JsonElement status = await network.AwaitAsync(node, status => IsConnected(status) && Certificate(status).GetProperty("authorityUntil").GetDateTimeOffset() == renewed.NotAfter);
            Assert.Equal("valid", State(status));
            Assert.Equal(renewed.ToPem(), await File.ReadAllTextAsync(network.Folder[$"{node}/ca.crt"], TestContext.Current.CancellationToken));
            Assert.Contains("the authority has a new certificate, valid until", network[node].Errors, StringComparison.Ordinal);
        }

        await network.PingAsync();
    }

    private static JsonElement Certificate(JsonElement status) => status.GetProperty("certificate");

    private static int Serial(JsonElement status) => Certificate(status).GetProperty("serial").GetInt32();

    private static string State(JsonElement status) => Certificate(status).GetProperty("state").GetString()!;

    private static bool IsConnected(JsonElement status) =>
        status.GetProperty("routes").GetArrayLength() > 0 && status.GetProperty("tunnels") is var tunnels && tunnels.GetArrayLength() == 1 && tunnels[0].GetProperty("state").GetString() == "up";

    /// <summary>A registry with node a beside it, and node b on another machine.</summary>
    private sealed class Network : IAsyncDisposable
    {
        private readonly NetworkNamespace _left = NetworkNamespace.Create("meshcli-l");
        private readonly NetworkNamespace _right = NetworkNamespace.Create("meshcli-r");
        private readonly Dictionary<string, MeshProcess> _processes = new(StringComparer.Ordinal);

        public TempFolder Folder { get; } = new();

        public MeshProcess this[string name] => _processes[name];

        public static async Task<Network> StartAsync(CertificateAuthority? authority = null, Func<string, Func<Task>, Task>? joined = null)
        {
            var network = new Network();
            try
            {
                await network.BeginAsync(authority, joined);
                return network;
            }
            catch
            {
                await network.DisposeAsync();
                throw;
            }
        }

        public async Task RestartAsync(string name)
        {
            Assert.Equal(ExitCode.Ok, (await _processes[name].TerminateAsync()).ExitCode);
            await _processes[name].DisposeAsync();
            Start(name);
        }

        public async Task<CliRun> RunAsync(string node, params string[] args)
        {
            await using MeshProcess process = MeshProcess.Of(SpaceOf(node).Start(MeshProcess.Command(args)));
            return await process.EndAsync();
        }

        public async Task<JsonElement> AwaitAsync(string node, Func<JsonElement, bool> condition)
        {
            long start = Stopwatch.GetTimestamp();
            JsonElement? last = null;
            while (Stopwatch.GetElapsedTime(start) < Limit)
            {
                CliRun run = await CliRun.OfAsync("status", "--dir", Folder[node], "--json");
                if (run.ExitCode == ExitCode.Ok)
                {
                    last = JoiningTests.Json(run);
                    if (condition(last.Value))
                        return last.Value;
                }

                await Task.Delay(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);
            }

            throw new TimeoutException($"not within {Limit.TotalSeconds} s; node {node}: {last}\n{_processes[node].Errors}");
        }

        public async Task PingAsync()
        {
            JsonElement[] pings = [.. JoiningTests.Json(await RunAsync("b", "ping", "2001:db8:42::1", "--count", "5", "--interval", "50", "--json")).EnumerateArray()];
            Assert.True(pings.Single().GetProperty("received").GetInt32() >= 1);
        }

        public async ValueTask DisposeAsync()
        {
            foreach (MeshProcess process in _processes.Values)
                await process.DisposeAsync();
            _left.Dispose();
            _right.Dispose();
            Folder.Dispose();
        }

        private async Task BeginAsync(CertificateAuthority? authority, Func<string, Func<Task>, Task>? joined)
        {
            _left.Connect("under", IPAddress.Parse("10.99.0.1"), _right, "under", IPAddress.Parse("10.99.0.2"), 24);
            if (authority is null)
                JoiningTests.Done(await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", Folder["r"]));
            else
                new RegistryDirectory(Folder["r"]).Adopt(authority, "", static () => { });
            Start("r");
            string url = await _processes["r"].ReadLineAsync();
            string token = JoiningTests.Done(await CliRun.OfAsync("registry", "token", "add", "--dir", Folder["r"], "--uses", "2")).Trim();
            foreach (string node in (string[])["a", "b"])
                JoiningTests.Done(await RunAsync(node, "join", "--registry", url, "--token", token, "--dir", Folder[node]));
            if (joined is not null)
            {
                await joined(Folder["r"], async () =>
                {
                    await RestartAsync("r");
                    await _processes["r"].ReadLineAsync();
                });
            }

            Start("a");
            Start("b");
        }

        private void Start(string name) => _processes[name] = MeshProcess.Of(SpaceOf(name).Start(MeshProcess.Command(name switch
        {
            "r" => ["registry", "run", "--dir", Folder["r"], "--listen", "10.99.0.1:6680"],
            "a" => ["node", "run", "--dir", Folder["a"], "--advertise", "10.99.0.1:6626"],
            _ => ["node", "run", "--dir", Folder["b"], "--set", "node.advertise-own=all"],
        })));

        private NetworkNamespace SpaceOf(string name) => name == "b" ? _right : _left;
    }
}
