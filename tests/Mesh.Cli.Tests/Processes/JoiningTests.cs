using System.Text.Json;
using Mesh.Cli.Files;
using Mesh.Cli.Shell;

namespace Mesh.Cli.Tests.Processes;

/// <summary>A registry and machines that join, as real processes on the loopback.</summary>
public sealed class JoiningTests
{
    [Fact]
    public async Task A_machine_joins_with_a_token_and_a_second_one_cannot_with_the_same()
    {
        using var folder = new TempFolder();
        string dir = folder["registry"];
        Done(await MeshProcess.RunAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", dir));
        await using MeshProcess registry = MeshProcess.Start("registry", "run", "--dir", dir, "--listen", "127.0.0.1:0");
        string url = await registry.ReadLineAsync();
        string fingerprint = Done(await CliRun.OfAsync("fingerprint", "--dir", dir)).Trim();
        string token = Done(await CliRun.OfAsync("registry", "token", "add", "--dir", dir, "--note", "for [one]", "--email", "jo@example.org", "--expires", "2d")).Trim();
        JsonElement listed = Json(await CliRun.OfAsync("registry", "token", "list", "--dir", dir, "--json")).EnumerateArray().Single();
        Assert.Equal((token, 1, "for [one]"), (listed.GetProperty("token").GetString(), listed.GetProperty("usesLeft").GetInt32(), listed.GetProperty("note").GetString()));
        Assert.Contains("for [one]", Done(await CliRun.OfAsync("registry", "token", "list", "--dir", dir)), StringComparison.Ordinal);

        // A wrong fingerprint stops before the token is sent.
        string other = "sha256:" + new string('0', 64);
        (await CliRun.OfAsync("join", "--registry", url, "--token", token, "--dir", folder["other"], "--fingerprint", other)).FailsWith("is not the one you expect");
        Assert.False(File.Exists(folder["other/node.key"]));

        CliRun joined = await MeshProcess.RunAsync("join", "--registry", url, "--token", token, "--dir", folder["one"], "--fingerprint", fingerprint, "--json");
        JsonElement report = Json(joined);
        Assert.Equal(("2001:db8:42::1", "0/16"), (report.GetProperty("address").GetString(), report.GetProperty("prefix").GetString()));
        Assert.Equal(FileModes.OwnDirectory, File.GetUnixFileMode(folder["one"]));
        Assert.Equal(FileModes.Secret, File.GetUnixFileMode(folder["one/node.key"]));
        Assert.All(["node.crt", "ca.crt", "node.conf"], name => Assert.Equal(FileModes.Readable, File.GetUnixFileMode(folder[$"one/{name}"])));
        Done(await CliRun.OfAsync("config", "check", folder["one/node.conf"]));
        Assert.Contains(url, await File.ReadAllTextAsync(folder["one/node.conf"], TestContext.Current.CancellationToken), StringComparison.Ordinal);

        (await CliRun.OfAsync("join", "--registry", url, "--token", token, "--dir", folder["two"]))
            .FailsWith("the registry does not know this token: it is mistyped, spent or expired; ask the registry's administrator for another");
        string key = await File.ReadAllTextAsync(folder["two/node.key"], TestContext.Current.CancellationToken);

        // Another token, and the key of the attempt that failed is used.
        string second = Done(await CliRun.OfAsync("registry", "token", "add", "--registry", url)).Trim();
        Done(await CliRun.OfAsync("join", "--registry", url, "--token", second, "--dir", folder["two"]));
        Assert.Equal(key, await File.ReadAllTextAsync(folder["two/node.key"], TestContext.Current.CancellationToken));

        JsonElement[] nodes = [.. Json(await CliRun.OfAsync("registry", "nodes", "--dir", dir, "--json")).EnumerateArray()];
        Assert.Equal(["2001:db8:42::1", "2001:db8:42:1::1"], nodes.Select(static node => node.GetProperty("address").GetString()), StringComparer.Ordinal);
        Assert.Equal("jo@example.org", nodes[0].GetProperty("email").GetString());
        Assert.Contains("2001:db8:42:1::/64", Done(await CliRun.OfAsync("registry", "nodes", "--dir", dir)), StringComparison.Ordinal);

        // A second registry of the same directory is refused, and leaves the first one's socket alone.
        (await MeshProcess.RunAsync("registry", "run", "--dir", dir, "--listen", "127.0.0.1:0")).FailsWith("another process holds it");
        CliRun end = await registry.TerminateAsync();
        Assert.Equal(ExitCode.Ok, end.ExitCode);
        Assert.DoesNotContain(token, end.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(second, end.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder["registry/control.sock"]));

        // What it promised is there after a restart, and a deleted token is gone.
        await using MeshProcess again = MeshProcess.Start("registry", "run", "--dir", dir, "--listen", "127.0.0.1:0", "--set", "log.format=json");
        url = await again.ReadLineAsync();
        Assert.Equal(2, Json(await CliRun.OfAsync("registry", "nodes", "--dir", dir, "--json")).GetArrayLength());
        string third = Done(await CliRun.OfAsync("registry", "token", "add", "--dir", dir, "--token", "chosen", "--uses", "5")).Trim();
        (await CliRun.OfAsync("registry", "token", "add", "--dir", dir, "--token", third)).FailsWith("there is such a token already");
        Done(await CliRun.OfAsync("registry", "token", "delete", third, "--dir", dir));
        (await CliRun.OfAsync("registry", "token", "delete", third, "--dir", dir)).FailsWith("there is no such token");
        (await CliRun.OfAsync("registry", "token", "delete", third, "--registry", url)).FailsWith("there is no such token");
        Assert.All((await again.TerminateAsync()).Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), static line => JsonDocument.Parse(line).Dispose());
    }

    [Fact]
    public async Task A_port_that_is_taken_ends_the_registry_with_a_sentence()
    {
        using var folder = new TempFolder();
        Done(await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", folder["r"]));
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        CliRun run = await MeshProcess.RunAsync("registry", "run", "--dir", folder["r"], "--listen", taken.LocalEndpoint.ToString()!);
        run.FailsWith("another program uses this port");
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_root_a_node_says_that_it_needs_it()
    {
        using var folder = new TempFolder();
        string dir = folder["registry"];
        Done(await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", dir));
        await using MeshProcess registry = MeshProcess.Start("registry", "run", "--dir", dir, "--listen", "127.0.0.1:0");
        string url = await registry.ReadLineAsync();
        string token = Done(await CliRun.OfAsync("registry", "token", "add", "--dir", dir)).Trim();
        Done(await CliRun.OfAsync("join", "--registry", url, "--token", token, "--dir", folder["node"]));
        (await CliRun.OfAsync("node", "run", "--dir", folder["node"])).FailsWith("mesh node run needs root");
        File.Delete(folder["node/ca.crt"]);
        (await CliRun.OfAsync("node", "run", "--dir", folder["node"])).RefusesWith("has no ca.crt");
    }

    internal static string Done(CliRun run)
    {
        Assert.True(run.ExitCode == ExitCode.Ok, $"status {run.ExitCode}: {run.Error}");
        return run.Out;
    }

    internal static JsonElement Json(CliRun run)
    {
        using var json = JsonDocument.Parse(Done(run));
        return json.RootElement.Clone();
    }
}
