using System.Diagnostics;
using System.Net;
using Mesh.Cli.Shell;
using Mesh.Cli.Tests.Registry;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Http.Storage;
using Mesh.Registry.Http.Tests.Re6st;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Cli.Tests.Processes;

/// <summary>A network of re6st that was taken over, as its nodes meet the new registry.</summary>
public sealed class ImportedRegistryTests
{
    private static readonly NodePrefix A = NodePrefix.ParseCommonName("1/16"), Old = NodePrefix.ParseCommonName("4/16");

    [Fact]
    public async Task Nodes_go_on_with_the_new_registry_as_if_nothing_had_happened()
    {
        using var folder = new TempFolder();
        using var vectors = Re6stVectors.In(folder);
        using PrivateKey aKey = Re6stVectors.KeyOf("A"), bKey = Re6stVectors.KeyOf("B"), newKey = PrivateKey.Generate();
        AuthorityCertificate authority = Re6stVectors.Authority;
        vectors.Database.Set("last_config", ImportCommandTests.EverySetting);
        vectors.Database.Execute("INSERT INTO token VALUES ('fresh', 'jo@example.org', 16, $now)", ("$now", DateTimeOffset.UtcNow.ToUnixTimeSeconds()));
        // From before subjects had numbers, and about to expire; B's key serves it as well.
        NodeCertificate old = vectors.AddNode(bKey, Old, subjectSerial: null, serial: 7, DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.AddDays(10).ToUnixTimeSeconds()));
        JoiningTests.Done(await MeshProcess.RunAsync(vectors.Import()));

        NodeCertificate joined, renewed;
        byte[] sign;
        await using (MeshProcess registry = Start(folder))
        {
            using var visitor = new RegistryVisitor(await registry.ReadLineAsync());
            Assert.Equal(authority.ToPem(), (await visitor.GetAsync(RegistryMethod.GetCa)).Text);
            NetworkParameters parameters = await visitor.ParametersAsync(A, aKey, authority);
            Assert.Equal((2UL, "0/16"), (parameters.Version.Number, parameters.RegistryPrefix.CommonName));
            Assert.Equal([6UL], parameters.RevokedSerials);
            Assert.Equal(
                (2, TimeSpan.FromSeconds(20), 7, 9, TimeSpan.FromSeconds(600), false, "10.42.0.0/16", 8, "max-rtt-penalty 4000 rtt-max 400 rtt-decay 100"),
                (parameters.MinProtocol, parameters.Hello, parameters.ClientCount, parameters.MaxClients, parameters.TunnelRefresh, parameters.Encrypt, parameters.Ipv4, parameters.Ipv4SubnetLength!.Value, parameters.BabelDefault));
            Assert.Equal(["DE", "FR"], parameters.SameCountry!.Value, StringComparer.Ordinal);
            Assert.True(aKey.TryDecrypt(parameters.BabelHmacSign!.Value.AsSpan(), out byte[]? key));
            Assert.Equal(Re6stDatabaseFile.Key(1), sign = key);
            Assert.Null(parameters.BabelHmacAccept);
            Assert.Null(parameters.ValidUntil);

            Assert.Equal(Re6stDatabaseFile.PemOf("A"), await visitor.RenewAsync(A, aKey, authority));   // octet for octet: nodes compare
            renewed = RegistryVisitor.Read(await visitor.RenewAsync(Old, bKey, authority));
            Assert.Equal((8UL, Old, null), (renewed.SerialNumber, renewed.Prefix, renewed.SubjectSerial));
            Assert.Equal((old.PublicKey, true), (renewed.PublicKey, renewed.NotAfter > old.NotAfter.AddDays(300)));
            Assert.Equal(Subject(old), Subject(renewed));

            joined = await visitor.JoinAsync("fresh", newKey);
            Assert.Equal((9UL, 5U, 16), (joined.SerialNumber, joined.SubjectSerial!.Value, joined.Prefix.Length));
            Assert.All(["0/16", "1/16", "2/16", "196608/32", "32768/16", "4/16"], name => Assert.False(Overlap(joined.Prefix, NodePrefix.ParseCommonName(name))));
            Assert.Equal(HttpStatusCode.NoContent, (await visitor.RequestAsync("abcdefgh", newKey)).Status);   // it was too old there as well
            await registry.KillAsync();
        }

        // As it was, and nothing is published again.
        await using MeshProcess again = Start(folder);
        using var second = new RegistryVisitor(await again.ReadLineAsync());
        NetworkParameters after = await second.ParametersAsync(joined.Prefix, newKey, authority);
        Assert.Equal(2UL, after.Version.Number);
        Assert.True(newKey.TryDecrypt(after.BabelHmacSign!.Value.AsSpan(), out byte[]? same));
        Assert.Equal(sign, same);
        Assert.Equal((Re6stDatabaseFile.PemOf("A"), joined.ToPem(), renewed.ToPem()), (
            await second.RenewAsync(A, aKey, authority), await second.RenewAsync(joined.Prefix, newKey, authority), await second.RenewAsync(Old, bKey, authority)));
        Assert.Equal(7, JoiningTests.Json(await CliRun.OfAsync("registry", "nodes", "--dir", folder["registry"], "--json")).GetArrayLength());
        CliRun end = await again.TerminateAsync();
        Assert.Equal(ExitCode.Ok, end.ExitCode);
        Assert.DoesNotContain("ERROR", end.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_import_that_is_killed_leaves_a_registry_or_nothing_that_looks_like_one()
    {
        using var folder = new TempFolder();
        using var vectors = Re6stVectors.In(folder);
        vectors.Database.Execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) INSERT INTO token SELECT 'token' || i, '', 16, $now FROM n", ("$now", DateTimeOffset.UtcNow.ToUnixTimeSeconds()));
        await using MeshProcess import = MeshProcess.Start(vectors.Import());
        long start = Stopwatch.GetTimestamp();
        while (!File.Exists(folder["registry/registry.db"]) && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(60))
            await Task.Delay(1, TestContext.Current.CancellationToken);
        Assert.True(File.Exists(folder["registry/registry.db"]), import.Errors);
        await import.KillAsync();

        // Mostly it dies in the middle; where this machine was slow to kill it, it is complete.
        bool isComplete = File.Exists(folder["registry/ca.key"]);
        if (isComplete)
            new RegistryDirectory(folder["registry"]).Load().Dispose();
        else
            (await CliRun.OfAsync("registry", "run", "--dir", folder["registry"])).RefusesWith("is not the directory of a registry");
        (await CliRun.OfAsync(vectors.Import())).RefusesWith("registry.db exists already");
        Assert.Equal(isComplete, File.Exists(folder["registry/ca.key"]));
        Directory.Delete(folder["registry"], recursive: true);
        Assert.Contains("50002 tokens", JoiningTests.Done(await CliRun.OfAsync(vectors.Import())), StringComparison.Ordinal);
    }

    private static MeshProcess Start(TempFolder folder) => MeshProcess.Start("registry", "run", "--dir", folder["registry"], "--listen", "127.0.0.1:0", "--set", "registry.local-node.port=0");

    private static bool Overlap(NodePrefix one, NodePrefix other) => one.Covers(other) || other.Covers(one);

    private static byte[] Subject(NodeCertificate certificate)
    {
        using var other = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificate(certificate.Der.AsSpan());
        return other.SubjectName.RawData;
    }
}
