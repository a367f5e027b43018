using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Mesh.Cli.Shell;
using Mesh.Cli.Tests.Registry;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Cli.Tests.Processes;

/// <summary>What an administrator orders a running registry, and what nodes notice of it.</summary>
public sealed class RegistryOrdersTests
{
    private static readonly string[] ReportMembers = ["state", "since", "safeAt", "isRotating", "validUntil", "version", "nodes", "notFetchedBy"];

    [Fact]
    public async Task Nodes_are_shut_out_or_made_to_renew_and_whatever_makes_no_sense_is_refused_with_a_reason()
    {
        using var folder = new TempFolder();
        using var key = PrivateKey.Generate();
        string dir = folder["registry"];
        await using MeshProcess registry = await StartNewAsync(dir);
        using var visitor = new RegistryVisitor(await registry.ReadLineAsync());
        AuthorityCertificate authority = RegistryVisitor.ReadAuthority((await visitor.GetAsync(RegistryMethod.GetCa)).Text);
        string token = JoiningTests.Done(await CliRun.OfAsync("registry", "token", "add", "--dir", dir, "--uses", "4")).Trim();
        NodeCertificate[] nodes = [await visitor.JoinAsync(token, key), await visitor.JoinAsync(token, key), await visitor.JoinAsync(token, key), await visitor.JoinAsync(token, key)];
        Assert.Equal(["0/16", "1/16", "2/16", "3/16"], nodes.Select(static node => node.Prefix.CommonName), StringComparer.Ordinal);

        Task<CliRun> RevokeAsync(params string[] args) => CliRun.OfAsync(["registry", "revoke", "--dir", dir, .. args]);
        (await RevokeAsync("x")).RefusesWith("x: expected a node as INT/LEN, as in 3/16, or a serial number");
        (await RevokeAsync("-1")).RefusesWith("there is no option '-1'");
        (await RevokeAsync("1/16", "--renewable")).RefusesWith("--renewable needs the serial number of a certificate");
        (await RevokeAsync()).RefusesWith("NODE");
        (await RevokeAsync("99/16")).FailsWith("there is no such node");
        (await RevokeAsync("1/17")).FailsWith("there is no such node");
        (await RevokeAsync("99")).RefusesWith("no present certificate has serial number 99");
        (await RevokeAsync("0/16")).RefusesWith("0/16 is the node next to the registry");
        (await RevokeAsync("1")).RefusesWith("it can only be made to renew");
        Assert.Equal(1UL, (await visitor.ParametersAsync(nodes[0].Prefix, key, authority)).Version.Number);   // nothing of that happened

        Assert.Equal("revoked\n", JoiningTests.Done(await RevokeAsync("1/16")));
        Assert.Equal("revoked\n", JoiningTests.Done(await RevokeAsync("3")));
        Assert.Equal("revoked\n", JoiningTests.Done(await RevokeAsync("4", "--renewable")));
        Assert.Equal("revoked\n", JoiningTests.Done(await RevokeAsync("3")));   // as often as one likes
        (await RevokeAsync("1/16")).FailsWith("there is no such node");
        JsonElement[] listed = [.. JoiningTests.Json(await CliRun.OfAsync("registry", "nodes", "--dir", dir, "--json")).EnumerateArray()];
        Assert.Equal([("0/16", false), ("2/16", true), ("3/16", false)], listed.Select(static node => (node.GetProperty("prefix").GetString()!, node.GetProperty("isRevoked").GetBoolean())));
        Assert.Equal(HttpStatusCode.NotFound, (await visitor.CallAsync(nodes[1].Prefix, key, authority, RegistryMethod.RenewCertificate)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await visitor.CallAsync(nodes[2].Prefix, key, authority, RegistryMethod.RenewCertificate)).Status);
        NodeCertificate renewed = RegistryVisitor.Read(await visitor.RenewAsync(nodes[3].Prefix, key, authority));
        Assert.Equal((5UL, nodes[3].Prefix, nodes[3].NotAfter), (renewed.SerialNumber, renewed.Prefix, renewed.NotAfter));
        Assert.Equal([2UL, 3, 4], (await visitor.ParametersAsync(nodes[0].Prefix, key, authority)).RevokedSerials);

        CliRun end = await registry.TerminateAsync();
        Assert.Equal(ExitCode.Ok, end.ExitCode);
        (await RevokeAsync("3/16")).FailsWith("is not running; start it with: mesh registry run --dir");
    }

    [Fact]
    public async Task Keys_rotate_by_order_by_force_and_by_themselves_across_a_restart()
    {
        using var folder = new TempFolder();
        using var key = PrivateKey.Generate();
        string dir = folder["registry"];
        AuthorityCertificate authority;
        NodeCertificate node;
        byte[] first, second;
        await using (MeshProcess registry = await StartNewAsync(dir))
        {
            using var visitor = new RegistryVisitor(await registry.ReadLineAsync());
            authority = RegistryVisitor.ReadAuthority((await visitor.GetAsync(RegistryMethod.GetCa)).Text);
            node = await visitor.JoinAsync(JoiningTests.Done(await CliRun.OfAsync("registry", "token", "add", "--dir", dir)).Trim(), key);
            first = Plain(key, (await visitor.ParametersAsync(node.Prefix, key, authority)).BabelHmacSign);

            JsonElement status = await OrderAsync(dir, "status");
            Assert.Equal(ReportMembers, status.EnumerateObject().Select(static member => member.Name), StringComparer.Ordinal);
            Assert.Equal(("stable", 1, 1, 0, false), (State(status), status.GetProperty("version").GetInt32(), status.GetProperty("nodes").GetInt32(), status.GetProperty("notFetchedBy").GetArrayLength(), IsRotating(status)));
            Assert.Contains("safe at any time", JoiningTests.Done(await CliRun.OfAsync("registry", "hmac", "status", "--dir", dir)), StringComparison.Ordinal);

            JsonElement prepared = await OrderAsync(dir, "advance");
            Assert.Equal(("prepare", 2, "0/16"), (State(prepared), prepared.GetProperty("version").GetInt32(), Assert.Single(prepared.GetProperty("notFetchedBy").EnumerateArray()).GetString()));
            Assert.Equal(TimeSpan.FromHours(1), prepared.GetProperty("validUntil").GetDateTimeOffset() - prepared.GetProperty("since").GetDateTimeOffset());
            Assert.Equal(TimeSpan.FromHours(2), prepared.GetProperty("safeAt").GetDateTimeOffset() - prepared.GetProperty("since").GetDateTimeOffset());
            NetworkParameters parameters = await visitor.ParametersAsync(node.Prefix, key, authority);
            Assert.Equal(first, Plain(key, parameters.BabelHmacSign));
            second = Plain(key, parameters.BabelHmacAccept);
            Assert.NotEqual(first, second);
            Assert.Contains("asked for by 1 of 1 nodes", JoiningTests.Done(await CliRun.OfAsync("registry", "hmac", "status", "--dir", dir)), StringComparison.Ordinal);

            foreach (string[] more in (string[][])[[], ["--json"]])
            {
                (await CliRun.OfAsync(["registry", "hmac", "advance", "--dir", dir, .. more])).FailsWith(
                    "the keys are in state prepare since", "the next step is safe from", "a node that has not got the new key yet does not accept it", "--force takes the step nevertheless");
            }

            Assert.Equal(("switch", 3), (State(await OrderAsync(dir, "advance", "--force")), (int)(await visitor.ParametersAsync(node.Prefix, key, authority)).Version.Number));
            Assert.True(IsRotating(await OrderAsync(dir, "rotate")));
            Assert.False(IsRotating(await OrderAsync(dir, "halt")));
            JsonElement rotating = await OrderAsync(dir, "rotate");
            Assert.Equal(("switch", true), (State(rotating), IsRotating(rotating)));
            Assert.Contains("taken by itself", JoiningTests.Done(await CliRun.OfAsync("registry", "hmac", "status", "--dir", dir)), StringComparison.Ordinal);
            (await CliRun.OfAsync("registry", "hmac", "advance", "--dir", dir)).FailsWith("a node that still signs with the old key would lose its neighbours");
            await registry.KillAsync();
            Assert.Contains("routing keys are forced out of Prepare before", registry.Errors, StringComparison.Ordinal);
        }

        (await CliRun.OfAsync("registry", "hmac", "status", "--dir", dir)).FailsWith("is not running; start it with: mesh registry run --dir");
        // Started with a shorter wait, so that the test does not take hours; the rotation goes on by itself.
        await using MeshProcess again = Run(dir, "--set", "registry.rotation-step-time=10s");
        using var later = new RegistryVisitor(await again.ReadLineAsync());
        Assert.Equal(second, Plain(key, (await later.ParametersAsync(node.Prefix, key, authority)).BabelHmacSign));
        JsonElement report = await OrderAsync(dir, "status");
        long start = Stopwatch.GetTimestamp();
        while (State(report) != "stable" && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(60))
        {
            Assert.Equal(("switch", true), (State(report), IsRotating(report)));
            DateTimeOffset safeAt = report.GetProperty("safeAt").GetDateTimeOffset();
            await Task.Delay(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);
            report = await OrderAsync(dir, "status");
            if (State(report) == "stable")
                Assert.True(report.GetProperty("since").GetDateTimeOffset() >= safeAt, "the step was taken before it was safe");
        }

        Assert.Equal(("stable", false), (State(report), IsRotating(report)));
        NetworkParameters done = await later.ParametersAsync(node.Prefix, key, authority);
        while (done.Version.Number < 4 && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(70))   // the step is reported before it is published
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);
            done = await later.ParametersAsync(node.Prefix, key, authority);
        }

        Assert.Equal((4UL, null), (done.Version.Number, (object?)done.BabelHmacAccept));
        Assert.Equal(second, Plain(key, done.BabelHmacSign));
    }

    [Fact]
    public async Task Wrong_usage_of_hmac_is_refused()
    {
        using var folder = new TempFolder();
        (await CliRun.OfAsync("registry", "hmac")).RefusesWith("a command must follow: status, advance, rotate, halt");
        (await CliRun.OfAsync("registry", "hmac", "rotat", "--dir", folder.Path)).RefusesWith("did you mean 'rotate'?");
        (await CliRun.OfAsync("registry", "hmac", "rotate", "--dir", folder.Path, "--force")).RefusesWith("there is no option '--force'");
        (await CliRun.OfAsync("registry", "hmac", "advance")).RefusesWith("--dir");
        (await CliRun.OfAsync("registry", "hmac", "advance", "--dir", folder["none"])).RefusesWith("there is no such directory");
    }

    private static async Task<MeshProcess> StartNewAsync(string dir)
    {
        JoiningTests.Done(await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", dir));
        return Run(dir);
    }

    private static MeshProcess Run(string dir, params string[] more) =>
        MeshProcess.Start(["registry", "run", "--dir", dir, "--listen", "127.0.0.1:0", "--set", "registry.local-node.port=0", .. more]);

    private static async Task<JsonElement> OrderAsync(string dir, params string[] order) => JoiningTests.Json(await CliRun.OfAsync(["registry", "hmac", .. order, "--dir", dir, "--json"]));

    private static string State(JsonElement report) => report.GetProperty("state").GetString()!;

    private static bool IsRotating(JsonElement report) => report.GetProperty("isRotating").GetBoolean();

    private static byte[] Plain(PrivateKey key, System.Collections.Immutable.ImmutableArray<byte>? encrypted)
    {
        Assert.True(key.TryDecrypt(encrypted!.Value.AsSpan(), out byte[]? plain));
        Assert.Equal(16, plain.Length);
        return plain;
    }
}
