using System.Text.Json;
using Mesh.Cli.Configuration;
using Mesh.Cli.Files;
using Mesh.Cli.Shell;
using Mesh.Cli.Tests.Processes;
using Mesh.Hocon.Schema;
using Mesh.Registry;
using Mesh.Registry.Http.Storage;
using Mesh.Registry.Http.Tests.Re6st;
using Mesh.Security.Keys;

namespace Mesh.Cli.Tests.Registry;

public sealed class ImportCommandTests : IDisposable
{
    /// <summary>What a registry of re6st publishes with every option set.</summary>
    internal const string EverySetting = """
        {"babel_default": "max-rtt-penalty 4000 rtt-max 400 rtt-decay 100", "client_count": 7, "crl": [6], "encrypt": false, "hello": 20, "ipv4": "10.42.0.0/16", "ipv4_sublen": 8,
         "max_clients": 9, "min_protocol": 2, "protocol": 10, "registry_prefix": "0000000000000000", "same_country": ["DE", "FR"], "tunnel_refresh": 600}
        """;

    private readonly TempFolder _folder = new();
    private readonly Re6stVectors _vectors;

    public ImportCommandTests() => _vectors = Re6stVectors.In(_folder);

    public void Dispose()
    {
        _vectors.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task What_was_taken_over_is_said_and_the_files_have_their_modes()
    {
        _vectors.Database.Set("last_config", EverySetting);
        byte[] before = await File.ReadAllBytesAsync(_vectors.Database.Path, TestContext.Current.CancellationToken);
        string said = JoiningTests.Done(await CliRun.OfAsync(_vectors.Import()));
        Assert.Contains($"network 2001:db8:42::/48 was taken over into {_folder["registry"]}", said, StringComparison.Ordinal);
        Assert.Contains("5 nodes (1 anonymous;", said, StringComparison.Ordinal);
        Assert.Contains($"mesh registry run --dir {_folder["registry"]}", said, StringComparison.Ordinal);
        Assert.Equal(FileModes.OwnDirectory, File.GetUnixFileMode(_folder["registry"]));
        Assert.Equal(FileModes.Secret, File.GetUnixFileMode(_folder["registry/ca.key"]));
        Assert.Equal(FileModes.Secret, File.GetUnixFileMode(_folder["registry/registry.db"]));   // it has tokens and routing keys
        Assert.Equal(Re6stDatabaseFile.AuthorityPem.Trim(), (await File.ReadAllTextAsync(_folder["registry/ca.crt"], TestContext.Current.CancellationToken)).Trim());
        Assert.Equal(before, await File.ReadAllBytesAsync(_vectors.Database.Path, TestContext.Current.CancellationToken));
        Assert.Single(Directory.GetFileSystemEntries(_vectors.Database.Folder));   // and nothing beside it

        RegistryOptions options = Settings();
        Assert.Equal(
            (2, TimeSpan.FromSeconds(20), 7, 9, TimeSpan.FromSeconds(600), false, "10.42.0.0/16", 8, "max-rtt-penalty 4000 rtt-max 400 rtt-decay 100"),
            (options.MinProtocol, options.Hello, options.ClientCount, options.MaxClients!.Value, options.TunnelRefresh, options.Encrypt, options.Ipv4, options.Ipv4SubnetLength, options.BabelDefault));
        Assert.Equal(["DE", "FR"], options.SameCountry, StringComparer.Ordinal);
    }

    [Fact]
    public async Task A_dry_run_says_the_same_and_makes_nothing()
    {
        JsonElement dry = JoiningTests.Json(await CliRun.OfAsync(_vectors.Import("--dry-run", "--json")));
        Assert.False(Directory.Exists(_folder["registry"]));
        Assert.Contains("network 2001:db8:42::/48 can be taken over", JoiningTests.Done(await CliRun.OfAsync(_vectors.Import("--dry-run"))), StringComparison.Ordinal);
        JsonElement wet = JoiningTests.Json(await CliRun.OfAsync(_vectors.Import("--json")));
        Assert.Equal(["network", "directory", "takenOver", "notes"], wet.EnumerateObject().Select(static member => member.Name), StringComparer.Ordinal);
        Assert.Equal(("2001:db8:42::/48", _folder["registry"]), (wet.GetProperty("network").GetString(), wet.GetProperty("directory").GetString()));
        Assert.Equal(JsonValueKind.Null, dry.GetProperty("directory").ValueKind);
        JsonElement taken = wet.GetProperty("takenOver");
        Assert.Equal(taken.GetRawText(), dry.GetProperty("takenOver").GetRawText());
        Assert.Equal((5, 2, 1, 6, 1, "stable"), (Number(taken, "nodes"), Number(taken, "tokens"), Number(taken, "revocations"), Number(taken, "lastSerial"), Number(taken, "version"), taken.GetProperty("keyState").GetString()));
    }

    [Fact]
    public async Task Nothing_is_overwritten_and_a_second_import_is_refused()
    {
        _ = Directory.CreateDirectory(_folder["registry"]);
        string path = _folder.Write("registry/registry.conf", "precious");
        (await CliRun.OfAsync(_vectors.Import())).RefusesWith($"{path} exists already");
        Assert.Equal(("precious", path), (await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken), Assert.Single(Directory.GetFileSystemEntries(_folder["registry"]))));
        File.Delete(path);
        JoiningTests.Done(await CliRun.OfAsync(_vectors.Import()));
        (await CliRun.OfAsync(_vectors.Import())).RefusesWith("ca.key exists already", "registry.db exists already");
        using var authority = new RegistryDirectory(_folder["registry"]).Load();
    }

    [Fact]
    public async Task Another_key_another_authority_and_missing_files_are_refused()
    {
        string certificate = _folder["vectors-ca.crt"], key = _folder["vectors-ca.key"];
        using var other = PrivateKey.Generate();
        string otherKey = _folder.Write("other.key", other.ToPem());
        (await CliRun.OfAsync(_vectors.ImportWith(certificate, otherKey))).RefusesWith("The key of the authority does not belong to its certificate");
        (await CliRun.OfAsync(_vectors.ImportWith(certificate, certificate))).RefusesWith("is not an unencrypted RSA key");
        (await CliRun.OfAsync(_vectors.ImportWith(key, key))).RefusesWith("is not a self-signed PEM certificate");
        (await CliRun.OfAsync(_vectors.ImportWith(_folder["none.crt"], _folder["none.key"]))).RefusesWith("--ca ", "none.crt", "--key ", "none.key");
        (await CliRun.OfAsync(_vectors.ImportWith(certificate, _folder.Write("long", new string('x', 70_000))))).RefusesWith("more than 65536 octets");

        // The authority of another network, complete with its key: the certificates of the database are not its own.
        JoiningTests.Done(await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", _folder["foreign"]));
        CliRun foreign = await CliRun.OfAsync(_vectors.ImportWith(_folder["foreign/ca.crt"], _folder["foreign/ca.key"]));
        foreign.RefusesWith("table cert, row '0000000000000001': its certificate is not signed by the given certificate authority", "table config, row 'version': version 1 is not signed");
        Assert.DoesNotContain("PRIVATE", foreign.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["registry"]));
    }

    [Theory]
    [InlineData("UPDATE cert SET cert = 'nonsense' WHERE email = 'A@example.com'", "the certificate cannot be read")]
    [InlineData("UPDATE config SET value = 3 WHERE name = 'serial'", "the next one could be given twice")]
    [InlineData("DROP TABLE crl", "table crl is not that of a re6st registry")]
    public async Task A_database_that_is_not_right_is_refused(string sql, string problem)
    {
        _vectors.Database.Execute(sql);
        (await CliRun.OfAsync(_vectors.Import())).RefusesWith(problem);
        Assert.False(Directory.Exists(_folder["registry"]));
    }

    [Fact]
    public async Task A_database_in_use_and_a_damaged_one_are_refused()
    {
        await File.WriteAllTextAsync(_vectors.Database.Path + "-wal", "", TestContext.Current.CancellationToken);
        (await CliRun.OfAsync(_vectors.Import())).RefusesWith("is in use");
        File.Delete(_vectors.Database.Path + "-wal");
        byte[] octets = await File.ReadAllBytesAsync(_vectors.Database.Path, TestContext.Current.CancellationToken);
        for (int index = 4096; index < octets.Length; index++)
            octets[index] ^= 0x55;
        await File.WriteAllBytesAsync(_vectors.Database.Path, octets, TestContext.Current.CancellationToken);
        (await CliRun.OfAsync(_vectors.Import())).RefusesWith(_vectors.Database.Path);
        await File.WriteAllBytesAsync(_vectors.Database.Path, octets[..50], TestContext.Current.CancellationToken);
        (await CliRun.OfAsync(_vectors.Import())).RefusesWith("is not an SQLite database");
        Assert.False(Directory.Exists(_folder["registry"]));
    }

    [Fact]
    public async Task An_import_that_is_cancelled_leaves_nothing()
    {
        using StringWriter output = new(), error = new();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        Assert.Equal(ExitCode.Failed, await MeshCommandLine.RunAsync(_vectors.Import(), new CliContext { Out = output, Error = error }, cancelled.Token));
        Assert.Contains("mesh: stopped", error.ToString(), StringComparison.Ordinal);
        Assert.True(!Directory.Exists(_folder["registry"]) || Directory.GetFileSystemEntries(_folder["registry"]).Length == 0);
    }

    [Fact]
    public async Task What_an_interrupted_import_left_is_neither_a_registry_nor_overwritten()
    {
        // The key comes last: so far it had come.
        _ = Directory.CreateDirectory(_folder["registry"]);
        foreach (string name in (string[])["registry.db", "registry.conf", "ca.crt"])
        {
            _ = _folder.Write($"registry/{name}", name == "ca.crt" ? Re6stDatabaseFile.AuthorityPem : "");
            (await CliRun.OfAsync("registry", "run", "--dir", _folder["registry"])).RefusesWith("is not the directory of a registry", "ca.key");
        }

        (await CliRun.OfAsync(_vectors.Import())).RefusesWith("registry.db exists already", "ca.crt exists already");
        Assert.False(File.Exists(_folder["registry/ca.key"]));
    }

    [Theory]
    [InlineData("a \\\"quoted\\\" word")]
    [InlineData("${HOME} and ${?HOME}")]
    [InlineData("# no comment // either")]
    [InlineData("\\\"\\\"\\\"")]
    [InlineData("a } registry { prefix-length = 1")]
    [InlineData("x\\\", \\\"prefix-length\\\" = 1")]
    [InlineData("back\\\\slash \\u00e9 \\/ é €")]
    [InlineData("include \\\"/etc/passwd\\\"")]
    [InlineData("  kept  ")]
    public async Task Words_that_mean_something_in_a_configuration_are_read_back_as_they_were(string json)
    {
        _vectors.Database.Set("last_config", $$"""{"babel_default": "{{json}}"}""");
        JoiningTests.Done(await CliRun.OfAsync(_vectors.Import()));
        RegistryOptions options = Settings(), untouched = new();
        Assert.Equal((JsonSerializer.Deserialize<string>($"\"{json}\""), untouched.PrefixLength, untouched.Hello), (options.BabelDefault, options.PrefixLength, options.Hello));
    }

    [Theory]
    [InlineData("babel_default", "\"a\\nb\"", "registry.babel-default")]
    [InlineData("babel_default", "\"\\u001b[31m\"", "registry.babel-default")]
    [InlineData("babel_default", "\"\"", "registry.babel-default")]
    [InlineData("babel_default", "{\"a\": 1}", "registry.babel-default")]
    [InlineData("hello", "\"15 m\"", "registry.hello")]
    [InlineData("hello", "\"1 m }\\nlog.level = debug\\nx {\"", "registry.hello")]
    [InlineData("hello", "{\"a\": 1}", "")]
    [InlineData("hello", "[15]", "")]
    [InlineData("hello", "15.5", "registry.hello")]
    [InlineData("hello", "-15", "registry.hello")]
    [InlineData("hello", "1e400", "registry.hello")]
    [InlineData("hello", "null", "registry.hello")]
    [InlineData("tunnel_refresh", "1", "registry.tunnel-refresh")]
    [InlineData("client_count", "[]", "registry.client-count")]
    [InlineData("client_count", "{\"include\": \"x\"}", "registry.client-count")]
    [InlineData("client_count", "99999999999999999999", "registry.client-count")]
    [InlineData("max_clients", "0", "registry.max-clients")]
    [InlineData("min_protocol", "11", "registry.min-protocol")]
    [InlineData("encrypt", "[true]", "registry.encrypt")]
    [InlineData("ipv4", "\"fd00::/16\"", "registry.ipv4")]
    [InlineData("ipv4", "\"10.42.0.0/16\"", "ipv4-subnet-length is 0")]
    [InlineData("ipv4", "\"10.42.0.1/16\"", "registry.ipv4")]
    [InlineData("ipv4_sublen", "8", "ipv4-subnet-length needs ipv4")]
    [InlineData("same_country", "[\"fr\"]", "registry.same-country")]
    [InlineData("same_country", "[[\"FR\"]]", "registry.same-country")]
    public async Task Settings_that_mean_nothing_here_are_refused_before_anything_is_made(string name, string value, string key)
    {
        _vectors.Database.Set("last_config", $$"""{"{{name}}": {{value}}}""");
        CliRun run = await CliRun.OfAsync(_vectors.Import());
        run.RefusesWith("row 'last_config'", key, "re6st-registry");
        Assert.DoesNotContain(run.Error.Replace("\n", "", StringComparison.Ordinal), char.IsControl);
        Assert.False(Directory.Exists(_folder["registry"]));
        (await CliRun.OfAsync(_vectors.Import("--dry-run"))).RefusesWith("row 'last_config'");
    }

    [Fact]
    public async Task Wrong_usage_is_refused()
    {
        (await CliRun.OfAsync("registry", "import", "--re6st", "x")).RefusesWith("--ca", "--key", "--dir");
        (await CliRun.OfAsync(_vectors.Import("--drei"))).RefusesWith("there is no option '--drei'");
    }

    private RegistryOptions Settings()
    {
        ConfigResult result = MeshSchema.Schema.Resolve(new ConfigSources { Files = [_folder["registry/registry.conf"]] });
        Assert.Empty(result.Problems);
        return RegistryKeys.Map(result.Config);
    }

    private static long Number(JsonElement element, string name) => element.GetProperty(name).GetInt64();
}
