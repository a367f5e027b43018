using Mesh.Cli.Files;
using Mesh.Cli.Shell;
using Mesh.Security.Certificates;

namespace Mesh.Cli.Tests.Join;

public sealed class JoinCommandTests
{
    private const string Url = "http://127.0.0.1:9";

    [Fact]
    public async Task All_wrong_arguments_are_reported_at_once_and_nothing_is_made()
    {
        using var folder = new TempFolder();
        CliRun run = await CliRun.OfAsync(
            "join", "--registry", "ftp://example.org", "--token", "two words", "--dir", folder["node"], "--fingerprint", "md5:00", "--subject", "X", "--subject", "shoe=43", "--subject", "C=France");
        run.RefusesWith(
            "--registry ftp://example.org: expected the base URL", "--token: a token has 1 to 256 characters", "--fingerprint: ", "--subject X: expected NAME=VALUE",
            "there is no name 'shoe'", "--subject C=France");
        Assert.DoesNotContain("two words", run.Error, StringComparison.Ordinal);   // a token is a secret
        Assert.False(Directory.Exists(folder["node"]));
    }

    [Theory]
    [InlineData("example.org")]
    [InlineData("http://")]
    [InlineData("http://u:p@example.org")]
    [InlineData("http://example.org/?x=1")]
    [InlineData("file:///etc/passwd")]
    public async Task A_bad_URL_is_refused(string url)
    {
        using var folder = new TempFolder();
        (await CliRun.OfAsync("join", "--registry", url, "--token", "abc", "--dir", folder["node"])).RefusesWith($"--registry {url}: expected the base URL of a registry");
    }

    [Theory]
    [InlineData("0123")]
    [InlineData("sha256:0123")]
    [InlineData("sha256:zz")]
    [InlineData("crc:00")]
    public async Task A_bad_fingerprint_is_refused(string fingerprint)
    {
        using var folder = new TempFolder();
        (await CliRun.OfAsync("join", "--registry", Url, "--token", "abc", "--dir", folder["node"], "--fingerprint", fingerprint)).RefusesWith("--fingerprint: ");
    }

    [Fact]
    public async Task A_token_or_the_wish_for_none_is_needed()
    {
        using var folder = new TempFolder();
        (await CliRun.OfAsync("join", "--registry", Url, "--dir", folder["node"])).RefusesWith("--token is needed; ask the registry's administrator");
        (await CliRun.OfAsync("join", "--registry", Url, "--dir", folder["node"], "--token", "x", "--anonymous")).RefusesWith("exclude each other");
    }

    [Fact]
    public async Task A_directory_that_has_joined_is_left_alone()
    {
        using var folder = new TempFolder();
        folder.Write("node.crt", "precious");
        (await CliRun.OfAsync("join", "--registry", Url, "--token", "abc", "--dir", folder.Path)).RefusesWith("has a node.crt already");
        Assert.Equal("precious", await File.ReadAllTextAsync(folder["node.crt"], TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_file_in_place_of_the_directory_is_named()
    {
        using var folder = new TempFolder();
        (await CliRun.OfAsync("join", "--registry", Url, "--token", "abc", "--dir", folder.Write("node", ""))).RefusesWith("this is a file, and a directory is expected");
    }

    [Fact]
    public async Task A_key_that_is_none_or_that_others_can_read_is_refused_before_anything_is_sent()
    {
        using var folder = new TempFolder();
        string key = folder.Write("node.key", "not a key");
        File.SetUnixFileMode(key, FileModes.Readable);
        (await CliRun.OfAsync("join", "--registry", Url, "--token", "abc", "--dir", folder.Path)).RefusesWith("it has to have mode 600");
        File.SetUnixFileMode(key, FileModes.Secret);
        (await CliRun.OfAsync("join", "--registry", Url, "--token", "abc", "--dir", folder.Path)).RefusesWith("is not an unencrypted RSA key in PEM");
    }

    [Fact]
    public async Task A_registry_that_is_not_there_is_a_failure_with_its_URL()
    {
        using var folder = new TempFolder();
        // Port 9 (discard) of the loopback: nobody listens there.
        CliRun run = await CliRun.OfAsync("join", "--registry", Url, "--token", "abc", "--dir", folder["node"]);
        run.FailsWith($"the registry at {Url} cannot be reached");
        Assert.Empty(Directory.GetFileSystemEntries(folder["node"]));
    }

    [Fact]
    public async Task The_fingerprint_of_a_new_network_is_that_of_its_certificate()
    {
        using var folder = new TempFolder();
        Assert.Equal(ExitCode.Ok, (await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", folder["r"])).ExitCode);
        Assert.True(AuthorityCertificate.TryParsePem(await File.ReadAllTextAsync(folder["r/ca.crt"], TestContext.Current.CancellationToken), out AuthorityCertificate? authority));
        CliRun byDirectory = await CliRun.OfAsync("fingerprint", "--dir", folder["r"]), byFile = await CliRun.OfAsync("fingerprint", folder["r/ca.crt"]);
        Assert.Equal(Fingerprint.Of(authority.Der.AsSpan()) + "\n", byDirectory.Out);
        Assert.Equal(byDirectory, byFile);
    }

    [Fact]
    public async Task A_fingerprint_needs_one_place_with_a_certificate()
    {
        using var folder = new TempFolder();
        (await CliRun.OfAsync("fingerprint")).RefusesWith("one of --dir and FILE is needed");
        (await CliRun.OfAsync("fingerprint", "a", "--dir", "b")).RefusesWith("exclude each other");
        (await CliRun.OfAsync("fingerprint", folder["ca.crt"])).RefusesWith("ca.crt does not exist");
        (await CliRun.OfAsync("fingerprint", folder.Write("ca.crt", "hello"))).RefusesWith("is not the certificate of a network's authority");
    }
}
