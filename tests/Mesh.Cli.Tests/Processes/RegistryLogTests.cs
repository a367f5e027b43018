using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Mesh.Cli.Files;
using Mesh.Cli.Shell;
using Mesh.Cli.Tests.Registry;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Cli.Tests.Processes;

/// <summary>A registry with TLS, a mail server that is away, and a log that says everything but secrets.</summary>
public sealed class RegistryLogTests
{
    private const string Password = "correct-horse-battery";

    [Fact]
    public async Task Over_TLS_as_without_each_refusal_is_a_JSON_object_with_its_reason_and_no_secret_is_in_any_line()
    {
        using var folder = new TempFolder();
        using var key = PrivateKey.Generate();
        string dir = folder["registry"];
        JoiningTests.Done(await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", dir, "--email", "admin@example.org"));
        _ = await AuthorityRenewalTests.OpenSslAsync(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=registry.example.org", "-keyout", folder["registry/tls.key"], "-out", folder["registry/tls.crt"]);
        File.SetUnixFileMode(folder["registry/tls.key"], FileModes.Secret);
        _ = folder.Write("registry/password", Password + "\n");
        File.SetUnixFileMode(folder["registry/password"], FileModes.Secret);
        using X509Certificate2 served = X509CertificateLoader.LoadCertificateFromFile(folder["registry/tls.crt"]);

        await using MeshProcess registry = MeshProcess.Start([
            "registry", "run", "--dir", dir, "--listen", "127.0.0.1:0", .. Sets(
                "registry.local-node.port=0", "log.level=debug", "log.format=json", "registry.http.tls-endpoints=127.0.0.1:0", "registry.http.tls-certificate=tls.crt", "registry.http.tls-key=tls.key",
                "registry.mail.host=127.0.0.1:1", "registry.mail.user=jo", "registry.mail.password-file=password")]);
        string[] urls = [await registry.ReadLineAsync(), await registry.ReadLineAsync()];
        Assert.Equal(["http", "https"], urls.Select(static url => new Uri(url).Scheme).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        using var plain = new RegistryVisitor(urls.Single(static url => url.StartsWith("http:", StringComparison.Ordinal)));
        using var tls = new RegistryVisitor(urls.Single(static url => url.StartsWith("https:", StringComparison.Ordinal)), thumbprint => thumbprint == served.Thumbprint);

        string byControl = JoiningTests.Done(await CliRun.OfAsync("registry", "token", "add", "--dir", dir, "--note", "for the test")).Trim();
        Assert.Equal(HttpStatusCode.NoContent, (await tls.GetAsync(RegistryMethod.AddToken, ("email", ""), ("token", "tokenoverhttp"))).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await tls.GetAsync(RegistryMethod.AddToken, ("email", ""), ("token", "tokenthatgoes"))).Status);
        Assert.Equal("1", (await tls.GetAsync(RegistryMethod.IsToken, ("token", "tokenthatgoes"))).Text);
        Assert.Equal(HttpStatusCode.NoContent, (await plain.GetAsync(RegistryMethod.DeleteToken, ("token", "tokenthatgoes"))).Status);
        AuthorityCertificate authority = RegistryVisitor.ReadAuthority((await tls.GetAsync(RegistryMethod.GetCa)).Text);
        NodeCertificate first = await tls.JoinAsync(byControl, key), second = await plain.JoinAsync("tokenoverhttp", key);
        NetworkParameters parameters = await tls.ParametersAsync(first.Prefix, key, authority);
        _ = await plain.RenewAsync(second.Prefix, key, authority);
        Assert.True(key.TryDecrypt(parameters.BabelHmacSign!.Value.AsSpan(), out byte[]? routingKey));

        // Refusals, each for another reason.
        Assert.Equal(HttpStatusCode.NoContent, (await tls.GetAsync(RegistryMethod.AddToken, ("email", ""), ("token", "tokentwice"))).Status);
        Assert.Equal(HttpStatusCode.Conflict, (await tls.GetAsync(RegistryMethod.AddToken, ("email", ""), ("token", "tokentwice"))).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await tls.GetAsync(RegistryMethod.Hello, ("client_prefix", "1111"), ("protocol", "10"))).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await plain.GetAsync("noSuchMethod", ("token", "tokenofmistake"))).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await plain.GetAsync(RegistryMethod.GetDh, ("cn", first.Prefix.Bits))).Status);   // without a code
        Assert.Equal(HttpStatusCode.NoContent, (await plain.RequestAsync("tokenunknown", key)).Status);
        Assert.NotEqual(HttpStatusCode.NoContent, (await plain.GetAsync(RegistryMethod.RequestToken, ("email", "jo@example.org"))).Status);   // nobody takes the mail

        CliRun end = await registry.TerminateAsync();
        Assert.Equal(ExitCode.Ok, end.ExitCode);
        JsonElement[] lines = [.. end.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Parse)];
        Assert.All(lines, static line => Assert.True(line.TryGetProperty("time", out _) && line.TryGetProperty("level", out _) && line.TryGetProperty("message", out _)));
        JsonElement[] calls = [.. lines.Where(static line => line.TryGetProperty("fields", out JsonElement fields) && fields.ValueKind == JsonValueKind.Object).Select(static line => line.GetProperty("fields"))];
        (string? Method, int Status)[] refused = [.. calls.Where(static call => call.GetProperty("reason").ValueKind == JsonValueKind.String).Select(static call => (call.GetProperty("method").GetString(), call.GetProperty("status").GetInt32()))];
        Assert.All(
            [(RegistryMethod.AddToken, 409), (RegistryMethod.Hello, 404), (RegistryMethod.GetDh, 400), (RegistryMethod.RequestCertificate, 204)],
            expected => Assert.Contains(expected, refused));
        Assert.Contains(refused, static refusal => refusal.Method != RegistryMethod.GetDh && refusal.Status == 400);
        Assert.Contains(refused, static refusal => refusal.Method == RegistryMethod.RequestToken);
        Assert.All(calls, static call => Assert.True(call.GetProperty("reason").ValueKind == JsonValueKind.Null || call.GetProperty("reason").GetString()!.Length > 5));
        Assert.All(calls, static call => Assert.Equal("127.0.0.1", call.GetProperty("client").GetString()));
        Assert.True(calls.Length > refused.Length, "at level debug, what was not refused is there as well");

        string[] secrets =
        [
            byControl, "tokenoverhttp", "tokenthatgoes", "tokentwice", "tokenofmistake", "tokenunknown", Password, "PRIVATE KEY", Convert.ToBase64String(routingKey), Convert.ToHexString(routingKey),
            (await File.ReadAllLinesAsync(folder["registry/ca.key"], TestContext.Current.CancellationToken))[3], (await File.ReadAllLinesAsync(folder["registry/tls.key"], TestContext.Current.CancellationToken))[1],
        ];
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, end.Error, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task TLS_without_its_files_is_one_sentence()
    {
        using var folder = new TempFolder();
        JoiningTests.Done(await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", folder["r"]));
        (await CliRun.OfAsync("registry", "run", "--dir", folder["r"], "--listen", "127.0.0.1:0", "--set", "registry.http.tls-endpoints=127.0.0.1:0")).RefusesWith("TLS needs an address, a certificate and a key");
        (await CliRun.OfAsync([
            "registry", "run", "--dir", folder["r"], "--listen", "127.0.0.1:0", .. Sets("registry.local-node.port=0", "registry.http.tls-endpoints=127.0.0.1:0", "registry.http.tls-certificate=no.crt", "registry.http.tls-key=no.key")]))
            .FailsWith(folder["r/no.crt"]);
    }

    private static IEnumerable<string> Sets(params string[] sets) => sets.SelectMany(static set => (string[])["--set", set]);

    private static JsonElement Parse(string line)
    {
        using var json = JsonDocument.Parse(line);
        return json.RootElement.Clone();
    }
}
