using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Mesh.Actors.Persistence.Tests.Postgres;
using Mesh.Cli.Shell;
using Mesh.Cli.Tests.Processes;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Cli.Tests.Registry;

/// <summary>Two registry processes with one PostgreSQL database, of which one leads.</summary>
public sealed class ClusterProcessTests
{
    // What is promised; a busy machine may take longer for other reasons, and that is not what is looked at here.
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly Lazy<string> Request = new(static () =>
    {
        using PrivateKey key = PrivateKey.Generate();
        return new CertificateRequestBuilder().ToPem(key);
    });

    [Fact]
    public async Task Either_process_answers_and_the_other_one_leads_soon_after_the_leader_is_killed_or_frozen()
    {
        using var folder = new TempFolder();
        string schema = PostgresServer.NewSchema(), dir = folder["one"];
        CliRun made = await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", dir);
        Assert.Equal((ExitCode.Ok, ""), (made.ExitCode, made.Error));
        Copy(dir, folder["two"]);
        int firstPort = FreePort(), secondPort = FreePort();
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(20) };
        await using MeshProcess first = Start(dir, firstPort, schema);
        _ = await first.ReadLineAsync();
        await UntilAsync(async () => await BodyAsync(http, firstPort, "/healthz") == "ok, leads");
        await using MeshProcess second = Start(folder["two"], secondPort, schema);
        _ = await second.ReadLineAsync();
        await UntilAsync(async () => (await BodyAsync(http, secondPort, "/healthz"))?.StartsWith("ok, follows", StringComparison.Ordinal) == true);

        // A token of the leader is good at the follower, and private methods stay private to this machine, which both are on.
        string token = Done(await CliRun.OfAsync("registry", "token", "add", "--dir", dir, "--uses", "100")).Trim();
        (await CliRun.OfAsync("registry", "token", "list", "--dir", folder["two"])).FailsWith($"another process leads, which serves at http://127.0.0.1:{firstPort}/");
        var given = new List<string> { await JoinAsync(http, secondPort, token), await JoinAsync(http, firstPort, token) };

        // Killed: the follower gives the next certificate.
        var watch = Stopwatch.StartNew();
        using (var victim = Process.GetProcessById(first.Id))
            victim.Kill();
        given.Add(await JoinUntilAsync(http, secondPort, token));
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, Promised);
        _ = await first.EndAsync();

        // Frozen: a third process takes over, and the frozen one can do no harm when it wakes up.
        await using MeshProcess third = Start(dir, firstPort, schema);
        _ = await third.ReadLineAsync();
        await UntilAsync(async () => (await BodyAsync(http, firstPort, "/healthz"))?.StartsWith("ok, follows", StringComparison.Ordinal) == true);
        Signal(second.Id, "-STOP");
        watch.Restart();
        given.Add(await JoinUntilAsync(http, firstPort, token));
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, Promised);
        Signal(second.Id, "-CONT");
        await UntilAsync(async () => (await BodyAsync(http, secondPort, "/healthz"))?.StartsWith("ok, follows", StringComparison.Ordinal) == true);
        given.Add(await JoinAsync(http, secondPort, token));

        // Nothing acknowledged is missing, nothing was given twice.
        JsonElement[] nodes = [.. JsonDocument.Parse(Done(await CliRun.OfAsync("registry", "nodes", "--dir", dir, "--json"))).RootElement.EnumerateArray()];
        string[] prefixes = [.. nodes.Select(static node => node.GetProperty("prefix").GetString()!)];
        Assert.All(given, prefix => Assert.Contains(prefix, prefixes, StringComparer.Ordinal));
        Assert.Equal(given.Count, given.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(nodes.Length, nodes.Select(static node => node.GetProperty("serial").GetUInt64()).Distinct().Count());

        CliRun end = await third.TerminateAsync();
        Assert.Equal(ExitCode.Ok, end.ExitCode);
        Assert.DoesNotContain(PostgresServer.Password, end.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Ok, (await second.TerminateAsync()).ExitCode);
    }

    [Fact]
    public async Task What_a_cluster_needs_is_asked_for_and_a_password_is_never_shown()
    {
        using var folder = new TempFolder();
        _ = await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", folder["r"]);
        (await CliRun.OfAsync("registry", "run", "--dir", folder["r"], "--set", "registry.journal=postgresql"))
            .RefusesWith("a journal in PostgreSQL needs registry.postgresql.connection and registry.cluster.url");
        CliRun broken = await CliRun.OfAsync(
            "registry", "run", "--dir", folder["r"], "--set", "registry.journal=postgresql", "--set", "registry.cluster.url=http://127.0.0.1:1", "--set", "registry.postgresql.connection=Password=hunter2;Nonsense=1");
        broken.RefusesWith("the connection string cannot be read");
        Assert.DoesNotContain("hunter2", broken.Error, StringComparison.Ordinal);
        CliRun shown = await CliRun.OfAsync("config", "show", "--set", "registry.postgresql.connection=Password=hunter2;Host=h");
        Assert.DoesNotContain("hunter2", shown.Out, StringComparison.Ordinal);
    }

    private static MeshProcess Start(string dir, int port, string schema) => MeshProcess.Start(
        "registry", "run", "--dir", dir, "--listen", $"127.0.0.1:{port}", "--set", "registry.journal=postgresql", "--set", $"registry.cluster.url=http://127.0.0.1:{port}",
        "--set", $"registry.postgresql.connection={PostgresServer.Shared.ConnectionString}", "--set", $"registry.postgresql.schema={schema}", "--set", "registry.local-node.port=0",
        "--set", "registry.cluster.change-patience=1 s");

    private static void Copy(string from, string to)
    {
        _ = Directory.CreateDirectory(to);
        foreach (string name in (string[])["ca.key", "ca.crt"])
            File.Copy(Path.Combine(from, name), Path.Combine(to, name));
    }

    private static async Task<string> JoinUntilAsync(HttpClient http, int port, string token)
    {
        string? prefix = null;
        await UntilAsync(async () => (prefix = await TryJoinAsync(http, port, token)) is not null);
        return prefix!;
    }

    private static async Task<string> JoinAsync(HttpClient http, int port, string token) => await TryJoinAsync(http, port, token) ?? throw new InvalidOperationException("no certificate");

    private static async Task<string?> TryJoinAsync(HttpClient http, int port, string token)
    {
        string target = RegistryCall.Create(RegistryMethod.RequestCertificate, ("token", token), ("req", Request.Value), ("location", ""), ("ip", "")).Target;
        return await BodyAsync(http, port, target) is { } pem && NodeCertificate.TryParsePem(pem, out NodeCertificate? certificate) ? certificate.Prefix.CommonName : null;
    }

    private static async Task<string?> BodyAsync(HttpClient http, int port, string target)
    {
        try
        {
            using HttpResponseMessage response = await http.GetAsync(new Uri($"http://127.0.0.1:{port}{target}"), TestContext.Current.CancellationToken);
            return response.StatusCode == HttpStatusCode.OK ? (await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).TrimEnd() : null;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(watch.Elapsed < Patience, "it did not come about in time");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    private static string Done(CliRun run)
    {
        Assert.Equal((ExitCode.Ok, ""), (run.ExitCode, run.Error));
        return run.Out;
    }

    private static void Signal(int process, string signal)
    {
        using Process kill = Process.Start("kill", [signal, $"{process}"]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
