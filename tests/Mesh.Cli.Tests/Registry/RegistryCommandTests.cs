using System.Text.Json;
using Mesh.Cli.Files;
using Mesh.Cli.Shell;

namespace Mesh.Cli.Tests.Registry;

public sealed class RegistryCommandTests
{
    [Fact]
    public async Task A_new_network_has_a_secret_key_and_a_public_certificate()
    {
        using var folder = new TempFolder();
        CliRun run = await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", folder["r"], "--json");
        Assert.Equal((ExitCode.Ok, ""), (run.ExitCode, run.Error));
        using var json = JsonDocument.Parse(run.Out);
        Assert.Equal("2001:db8:42::/48", json.RootElement.GetProperty("network").GetString());
        Assert.StartsWith("sha256:", json.RootElement.GetProperty("fingerprint").GetString(), StringComparison.Ordinal);
        Assert.Equal(FileModes.OwnDirectory, File.GetUnixFileMode(folder["r"]));
        Assert.Equal(FileModes.Secret, File.GetUnixFileMode(folder["r/ca.key"]));
        Assert.Equal(FileModes.Readable, File.GetUnixFileMode(folder["r/ca.crt"]));
        Assert.Equal(ExitCode.Ok, (await CliRun.OfAsync("config", "check", folder["r/registry.conf"])).ExitCode);
    }

    [Fact]
    public async Task Nothing_that_exists_is_overwritten()
    {
        using var folder = new TempFolder();
        folder.Write("ca.key", "precious");
        (await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", folder.Path)).RefusesWith("ca.key exists already");
        Assert.Equal("precious", await File.ReadAllTextAsync(folder["ca.key"], TestContext.Current.CancellationToken));
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task All_wrong_arguments_of_init_are_reported_at_once()
    {
        using var folder = new TempFolder();
        (await CliRun.OfAsync("registry", "init", "--network", "10.0.0.0/8", "--dir", folder["r"], "--email", "nobody", "--key-size", "512"))
            .RefusesWith("--network 10.0.0.0/8: expected an IPv6 prefix", "'nobody' is not an e-mail address", "the key has 512 bits");
        Assert.False(Directory.Exists(folder["r"]));
    }

    [Fact]
    public async Task Running_needs_the_directory_of_a_registry()
    {
        using var folder = new TempFolder();
        (await CliRun.OfAsync("registry", "run", "--dir", folder["none"])).RefusesWith("there is no such directory");
        (await CliRun.OfAsync("registry", "run", "--dir", folder.Path)).RefusesWith("is not the directory of a registry", "mesh registry init");
    }

    [Fact]
    public async Task Running_refuses_a_broken_address_and_a_broken_configuration()
    {
        using var folder = new TempFolder();
        _ = await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", folder["r"]);
        (await CliRun.OfAsync("registry", "run", "--dir", folder["r"], "--listen", "localhost")).RefusesWith("--listen localhost: expected ADDRESS:PORT");
        string file = folder.Write("broken.conf", "registry {\n  prefix-length = long\n}\n");
        (await CliRun.OfAsync("registry", "run", "--dir", folder["r"], "--config", file)).RefusesWith($"{file}:2:19: registry.prefix-length: expected a whole number");
        (await CliRun.OfAsync("registry", "run", "--dir", folder["r"], "--set", "registry.prefix-length=100")).RefusesWith("prefix-length is 100; a /48 network has room");
    }

    [Theory]
    [InlineData("registry", "token", "list")]
    [InlineData("registry", "nodes")]
    [InlineData("registry", "token", "add")]
    [InlineData("registry", "token", "delete", "abc")]
    public async Task Asking_a_registry_that_does_not_run_says_how_to_start_it(params string[] command)
    {
        using var folder = new TempFolder();
        (await CliRun.OfAsync([.. command, "--dir", folder.Path])).FailsWith("the registry in", "is not running; start it with: mesh registry run --dir");
    }

    [Fact]
    public async Task A_token_needs_one_registry_and_options_that_it_has()
    {
        (await CliRun.OfAsync("registry", "token", "add")).RefusesWith("one of --dir and --registry is needed");
        (await CliRun.OfAsync("registry", "token", "add", "--registry", "http://localhost", "--uses", "0", "--expires", "soon", "--note", "x"))
            .RefusesWith("--uses 0: expected a number from 1", "--expires soon: expected a duration", "--uses needs --dir", "--expires needs --dir", "--note needs --dir");
        (await CliRun.OfAsync("registry", "token", "add", "--registry", "http://127.0.0.1:9")).FailsWith("the registry at http://127.0.0.1:9 cannot be reached");
    }
}
