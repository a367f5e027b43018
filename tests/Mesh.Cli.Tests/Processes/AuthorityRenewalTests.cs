using System.Diagnostics;
using Mesh.Cli.Shell;
using Mesh.Cli.Tests.Registry;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Http.Storage;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Cli.Tests.Processes;

/// <summary><c>mesh registry renew-ca</c>: an authority that is about to end, before and after.</summary>
public sealed class AuthorityRenewalTests
{
    [Fact]
    public async Task Certificates_of_before_and_after_are_good_under_both_and_new_ones_last_beyond_the_old_end()
    {
        using var folder = new TempFolder();
        using PrivateKey oldKey = PrivateKey.Generate(), newKey = PrivateKey.Generate();
        string dir = folder["registry"], certificateFile = folder["registry/ca.crt"];
        var now = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        DateTimeOffset oldEnd = now.AddDays(100);
        using (var made = CertificateAuthority.Create(NetworkPrefix.Parse("2001:db8:42::/48"), PrivateKey.Generate(), "ending", "ca@example.org", now.AddYears(-10), oldEnd))
            new RegistryDirectory(dir).Adopt(made, "", static () => { });
        AuthorityCertificate before = RegistryVisitor.ReadAuthority(await ReadAsync(certificateFile));

        NodeCertificate old;
        await using (MeshProcess registry = Start(dir))
        {
            using var visitor = new RegistryVisitor(await registry.ReadLineAsync());
            Assert.Equal(before.ToPem(), (await visitor.GetAsync(RegistryMethod.GetCa)).Text);
            old = await visitor.JoinAsync(await TokenAsync(dir), oldKey);
            Assert.Equal(oldEnd, old.NotAfter);
            Assert.Equal(old.ToPem(), await visitor.RenewAsync(old.Prefix, oldKey, before));   // a new one would not last longer
            await registry.KillAsync();
        }

        string said = JoiningTests.Done(await CliRun.OfAsync("registry", "renew-ca", "--dir", dir, "--years", "30"));
        AuthorityCertificate after = RegistryVisitor.ReadAuthority(await ReadAsync(certificateFile));
        string kept = $"{certificateFile}.{oldEnd:yyyy-MM-dd}";
        Assert.Contains($"is valid until {after.NotAfter:yyyy-MM-dd}; the one before is {kept}", said, StringComparison.Ordinal);
        Assert.Contains($"fingerprint, for mesh join: {JoiningTests.Done(await CliRun.OfAsync("fingerprint", "--dir", dir)).Trim()}", said, StringComparison.Ordinal);
        Assert.Equal(before.ToPem(), await ReadAsync(kept));
        Assert.True(after.IsRenewalOf(before) && after.NotAfter > now.AddYears(29));
        foreach (string field in (string[])["-subject", "-issuer", "-serial", "-pubkey"])
            Assert.Equal(await OpenSslAsync("x509", "-noout", field, "-in", kept), await OpenSslAsync("x509", "-noout", field, "-in", certificateFile));

        await using MeshProcess again = Start(dir);
        using var second = new RegistryVisitor(await again.ReadLineAsync());
        Assert.Equal(after.ToPem(), (await second.GetAsync(RegistryMethod.GetCa)).Text);
        NodeCertificate joined = await second.JoinAsync(await TokenAsync(dir), newKey), renewed = RegistryVisitor.Read(await second.RenewAsync(old.Prefix, oldKey, before));
        Assert.All([joined, renewed], certificate => Assert.True(certificate.NotAfter > oldEnd.AddDays(200), $"{certificate} ends at {certificate.NotAfter:u}"));
        Assert.Equal(old.Prefix, renewed.Prefix);
        _ = await second.ParametersAsync(joined.Prefix, newKey, before);   // what the key signs is good for who has the old certificate only

        string[] files = [folder.Write("old.crt", old.ToPem()), folder.Write("joined.crt", joined.ToPem()), folder.Write("renewed.crt", renewed.ToPem())];
        foreach (string authority in (string[])[kept, certificateFile])
            Assert.Equal(string.Concat(files.Select(static file => $"{file}: OK\n")), await OpenSslAsync(["verify", "-CAfile", authority, .. files]));
        string[] beyond = ["verify", "-attime", $"{oldEnd.AddDays(1).ToUnixTimeSeconds()}", "-CAfile", certificateFile, files[1], files[2]];
        Assert.Contains("joined.crt: OK", await OpenSslAsync(beyond), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_usage_is_refused_and_the_result_is_there_as_JSON()
    {
        using var folder = new TempFolder();
        string dir = folder["registry"];
        (await CliRun.OfAsync("registry", "renew-ca", "--dir", dir)).RefusesWith("there is no such directory");
        (await CliRun.OfAsync("registry", "renew-ca", "--dir", folder.Path)).RefusesWith("is not the directory of a registry");
        JoiningTests.Done(await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", dir));
        string before = await ReadAsync(folder["registry/ca.crt"]);
        (await CliRun.OfAsync("registry", "renew-ca", "--dir", dir, "--years", "0")).RefusesWith("--years 0: expected a number from 1 to 100");
        (await CliRun.OfAsync("registry", "renew-ca", "--dir", dir, "--years", "101")).RefusesWith("--years 101: expected a number from 1 to 100");
        (await CliRun.OfAsync("registry", "renew-ca", "--dir", dir, "--years", "10")).RefusesWith("has to end later than that");
        (await CliRun.OfAsync("registry", "renew-ca", "--dir", dir, "--year", "30")).RefusesWith("did you mean '--years'?");
        Assert.Equal((before, 3), (await ReadAsync(folder["registry/ca.crt"]), Directory.GetFileSystemEntries(dir).Length));

        var json = JoiningTests.Json(await CliRun.OfAsync("registry", "renew-ca", "--dir", dir, "--years", "100", "--json"));
        Assert.Equal(["notAfter", "fingerprint", "kept"], json.EnumerateObject().Select(static member => member.Name), StringComparer.Ordinal);
        AuthorityCertificate after = RegistryVisitor.ReadAuthority(await ReadAsync(folder["registry/ca.crt"]));
        Assert.Equal((after.NotAfter, before), (json.GetProperty("notAfter").GetDateTimeOffset(), await ReadAsync(json.GetProperty("kept").GetString()!)));
        Assert.Equal(JoiningTests.Done(await CliRun.OfAsync("fingerprint", "--dir", dir)).Trim(), json.GetProperty("fingerprint").GetString());
    }

    private static MeshProcess Start(string dir) => MeshProcess.Start(
        "registry", "run", "--dir", dir, "--listen", "127.0.0.1:0", "--set", "registry.local-node.port=0", "--set", "registry.renew-period=120 d");

    private static async Task<string> TokenAsync(string dir) => JoiningTests.Done(await CliRun.OfAsync("registry", "token", "add", "--dir", dir)).Trim();

    private static Task<string> ReadAsync(string path) => File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);

    /// <summary>What OpenSSL makes of it.</summary>
    internal static async Task<string> OpenSslAsync(params string[] args)
    {
        var start = new ProcessStartInfo("openssl") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (string arg in args)
            start.ArgumentList.Add(arg);
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == ExitCode.Ok, $"openssl {string.Join(' ', args)}: {output}{await errors}");
        return output;
    }
}
