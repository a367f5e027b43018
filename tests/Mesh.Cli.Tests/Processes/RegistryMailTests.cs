using System.Net;
using System.Text.RegularExpressions;
using Mesh.Cli.Files;
using Mesh.Cli.Tests.Registry;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Cli.Tests.Processes;

/// <summary>A stranger asks for a token, finds it in a mail, and joins with it.</summary>
public sealed partial class RegistryMailTests
{
    [Fact]
    public async Task A_token_comes_by_mail_once_an_interval_and_lets_one_node_join()
    {
        using var folder = new TempFolder();
        using var key = PrivateKey.Generate();
        JoiningTests.Done(await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", folder["registry"], "--email", "admin@example.org"));
        await using MeshProcess registry = Start(folder, $"registry.mail.host={folder["mbox"]}");
        using var visitor = new RegistryVisitor(await registry.ReadLineAsync());
        foreach (string wrong in (string[])["", "jo", "@", "jo@example.org, x@example.org", "jo@example.org\nBcc: x@example.org", $"{new string('x', 300)}@example.org"])
            Assert.Equal(HttpStatusCode.BadRequest, (await visitor.GetAsync(RegistryMethod.RequestToken, ("email", wrong))).Status);
        Assert.False(File.Exists(folder["mbox"]));

        Assert.Equal(HttpStatusCode.NoContent, (await visitor.GetAsync(RegistryMethod.RequestToken, ("email", "jo@example.org"))).Status);
        string mail = await File.ReadAllTextAsync(folder["mbox"], TestContext.Current.CancellationToken);   // it is in the file before it is confirmed
        Assert.Equal(FileModes.Secret, File.GetUnixFileMode(folder["mbox"]));
        Assert.All(["\nFrom: admin@example.org\n", "\nTo: jo@example.org\n", "\nSubject: [re6stnet] Token Request\n"], header => Assert.Contains(header, mail, StringComparison.Ordinal));
        string token = Assert.Single(TokenLine().Matches(mail)).Groups["token"].Value;

        VisitorAnswer again = await visitor.GetAsync(RegistryMethod.RequestToken, ("email", "JO@example.org"));
        Assert.Equal(HttpStatusCode.TooManyRequests, again.Status);
        Assert.InRange(again.RetryAfter!.Value, TimeSpan.FromMinutes(9), TimeSpan.FromMinutes(10));
        Assert.Equal(mail, await File.ReadAllTextAsync(folder["mbox"], TestContext.Current.CancellationToken));
        Assert.Equal(HttpStatusCode.NoContent, (await visitor.GetAsync(RegistryMethod.RequestToken, ("email", "other@example.org"))).Status);
        Assert.Equal(2, TokenLine().Count(await File.ReadAllTextAsync(folder["mbox"], TestContext.Current.CancellationToken)));

        NodeCertificate joined = await visitor.JoinAsync(token, key);
        Assert.Equal(("0/16", 1UL), (joined.Prefix.CommonName, joined.SerialNumber));
        Assert.Equal("0/16", (await visitor.GetAsync(RegistryMethod.GetNodePrefix, ("email", "jo@example.org"))).Text);
        using var other = PrivateKey.Generate();
        Assert.Equal(HttpStatusCode.NoContent, (await visitor.RequestAsync(token, other)).Status);   // spent
        await registry.KillAsync();
        Assert.DoesNotContain(token, registry.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_mail_nobody_is_sent_a_token()
    {
        using var folder = new TempFolder();
        JoiningTests.Done(await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", folder["registry"]));
        await using MeshProcess registry = Start(folder, "registry.prefix-length=16");
        using var visitor = new RegistryVisitor(await registry.ReadLineAsync());
        Assert.Equal(HttpStatusCode.Forbidden, (await visitor.GetAsync(RegistryMethod.RequestToken, ("email", "jo@example.org"))).Status);
        Assert.Equal(0, JoiningTests.Json(await CliRun.OfAsync("registry", "token", "list", "--dir", folder["registry"], "--json")).GetArrayLength());
        await registry.KillAsync();
    }

    private static MeshProcess Start(TempFolder folder, string set) => MeshProcess.Start(
        "registry", "run", "--dir", folder["registry"], "--listen", "127.0.0.1:0", "--set", "registry.local-node.port=0", "--set", "log.level=debug", "--set", set);

    [GeneratedRegex("^.*: (?<token>[a-z]{8})$", RegexOptions.Multiline | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5_000)]
    private static partial Regex TokenLine();
}
