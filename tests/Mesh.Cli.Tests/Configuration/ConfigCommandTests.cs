using System.Text.Json;
using Mesh.Cli.Configuration;
using Mesh.Cli.Shell;
using Mesh.Hocon.Schema;

namespace Mesh.Cli.Tests.Configuration;

public sealed class ConfigCommandTests
{
    [Fact]
    public async Task The_committed_reference_is_what_the_program_writes()
    {
        CliRun run = await CliRun.OfAsync("config", "reference");
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(SourceTree.Root, "hocon", "reference.conf"), TestContext.Current.CancellationToken), run.Out);
    }

    [Fact]
    public void Every_key_says_what_it_means() => Assert.All(MeshSchema.Schema.Keys, static key =>
    {
        Assert.EndsWith(".", key.Meaning, StringComparison.Ordinal);
        Assert.True(key.Cost.Length == 0 || key.Cost.EndsWith('.'), $"{key}: {key.Cost}");
    });

    [Theory]
    [InlineData("reference.conf")]
    [InlineData("node.conf")]
    [InlineData("registry.conf")]
    [InlineData("registry-cluster.conf")]
    [InlineData("simulation.conf")]
    public async Task Every_committed_configuration_is_right(string name)
    {
        CliRun run = await CliRun.OfAsync("config", "check", Path.Combine(SourceTree.Root, "hocon", name));
        Assert.Equal((ExitCode.Ok, ""), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task Every_mistake_is_reported_with_file_line_and_key()
    {
        using var folder = new TempFolder();
        string file = folder.Write("node.conf", "node {\n  tunels.tick = 5 s\n  tunnels.tick = 5\n  device.mtu = 100\n}\nlog.level = loud\n");
        CliRun run = await CliRun.OfAsync("config", "check", file);
        run.RefusesWith(
            $"{file}:2:3: node.tunels: there is no such key; did you mean node.tunnels?", $"{file}:3:18: node.tunnels.tick: expected a duration with a unit",
            $"{file}:4:16: node.device.mtu: expected 1280 to 65535, found 100", $"{file}:6:13: log.level: expected one of debug, info, warning, error");
    }

    [Fact]
    public async Task Mistakes_can_be_had_as_JSON()
    {
        using var folder = new TempFolder();
        CliRun run = await CliRun.OfAsync("config", "check", folder.Write("a.conf", "node.accept = perhaps"), "--json");
        Assert.Equal(ExitCode.Usage, run.ExitCode);
        using var json = JsonDocument.Parse(run.Out);
        Assert.False(json.RootElement.GetProperty("ok").GetBoolean());
        JsonElement problem = json.RootElement.GetProperty("problems").EnumerateArray().Single();
        Assert.Equal(("node.accept", 1), (problem.GetProperty("key").GetString(), problem.GetProperty("line").GetInt32()));
    }

    [Fact]
    public async Task A_missing_file_is_named() => (await CliRun.OfAsync("config", "check", "/nowhere/node.conf")).RefusesWith("/nowhere/node.conf", "there is no such file");

    [Fact]
    public async Task A_rule_between_keys_is_checked() =>
        (await CliRun.OfAsync("config", "show", "--set", "registry.certificate-lifetime=1d", "--set", "registry.renew-period=2d")).RefusesWith("registry.certificate-lifetime", "have to live longer");

    [Theory]
    [InlineData("[eth0, eth0]", "node.interfaces: expected names of 1 to 15")]   // twice
    [InlineData("[a23456789012345x]", "each once")]
    [InlineData("[\"\"]", "node.interfaces: expected names")]
    [InlineData("[\"a/b\"]", "node.interfaces: expected names")]
    [InlineData("[\"..\"]", "node.interfaces: expected names")]
    [InlineData("[eth0, tun7]", "node.interfaces: the node's own TUN device is no interface of a LAN")]
    public async Task An_interface_of_the_LAN_that_cannot_be_one_is_a_mistake(string names, string problem)
    {
        using var folder = new TempFolder();
        (await CliRun.OfAsync("config", "check", folder.Write("a.conf", $"node {{ device.name = tun7, interfaces = {names} }}"))).RefusesWith(problem);
    }

    [Fact]
    public async Task The_command_line_is_over_the_environment_and_that_over_the_file()
    {
        using var folder = new TempFolder();
        string file = folder.Write("a.conf", "node.tunnels { client-count = 3, max-clients = 4, shared-peers = 5 }");
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["MESH_NODE__TUNNELS__CLIENT_COUNT"] = "30",
            ["MESH_NODE__TUNNELS__MAX_CLIENTS"] = "40",
            ["MESH_ROOT"] = "/somewhere",
            ["MESH_TESTS_NO_SKIP"] = "1",
        };
        CliRun run = await CliRun.OfAsync(
            context => context with { Environment = environment }, "config", "show", "--origin", "--changed", file, "--set", "node.tunnels.client-count=300");
        Assert.Equal((ExitCode.Ok, ""), (run.ExitCode, run.Error));
        Assert.Contains("client-count = 300  # command line", run.Out, StringComparison.Ordinal);
        Assert.Contains("max-clients = 40  # environment MESH_NODE__TUNNELS__MAX_CLIENTS", run.Out, StringComparison.Ordinal);
        Assert.Contains($"shared-peers = 5  # from {file}:1", run.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("babel", run.Out, StringComparison.Ordinal);   // has its defaults
    }

    [Fact]
    public async Task The_whole_configuration_is_JSON()
    {
        CliRun run = await CliRun.OfAsync("config", "show", "--json");
        using var json = JsonDocument.Parse(run.Out);
        Assert.Equal("info", json.RootElement.GetProperty("log").GetProperty("level").GetString());
        Assert.Equal(0.0, json.RootElement.GetProperty("simulation").GetProperty("internet").GetProperty("loss").GetDouble());
    }

    [Fact]
    public void Defaults_of_the_schema_are_those_of_the_options()
    {
        ResolvedConfig config = MeshSchema.Schema.Resolve(new ConfigSources()).Config;
        Assert.Equal(new Mesh.Babel.BabelOptions(), BabelKeys.Map(config));
        Assert.Equal(new Mesh.Simulation.Underlay.InternetOptions(), SimulationKeys.MapInternet(config));
        Assert.Equivalent(new Mesh.Registry.RegistryOptions(), RegistryKeys.Map(config), strict: true);
        Assert.Equal(new Mesh.Node.Peers.PeersOptions(), PeersKeys.Map(config));
        Assert.Equivalent(new Mesh.Node.Tunnels.TunnelOptions(), TunnelKeys.Map(config).Tunnel, strict: true);
    }

    // An option that grows later gets its key, or this fails.
    [Theory]
    [InlineData(typeof(Mesh.Node.Tunnels.TunnelOptions), "node.tunnel.", "UdpPort MappedUdpPort DeviceMtu")]
    [InlineData(typeof(Mesh.Node.PortMapping.PortMappingOptions), "node.port-mapping.", "Ports AcceptsPrivate")]
    [InlineData(typeof(Mesh.Node.Tunnels.TunnelsOptions), "node.tunnels.", "Self Network Listen Advertised LocalAddresses Encrypts Tunnel")]
    [InlineData(typeof(Mesh.Node.Tunnels.OpenVpn.OpenVpnOptions), "node.openvpn.", "Servers Disabled")]
    [InlineData(typeof(Mesh.Node.Peers.PeersOptions), "node.peers.", "IsVersionToldInTunnels Protocol")]
    [InlineData(typeof(Mesh.Babel.BabelOptions), "node.babel.", "")]
    [InlineData(typeof(Mesh.Registry.RegistryOptions), "registry.", "DhParameters Mail")]
    [InlineData(typeof(Mesh.Registry.Http.RegistryServerOptions), "registry.http.", "Endpoints AccessLog Warn Clock")]
    [InlineData(typeof(Mesh.Simulation.Underlay.InternetOptions), "simulation.internet.", "Latency")]   // of a scenario
    public void Every_option_has_a_key(Type options, string section, string fromElsewhere)
    {
        string[] expected =
        [
            .. options.GetProperties().Where(static property => property.CanWrite).Select(static property => property.Name)
                .Except(fromElsewhere.Split(' '), StringComparer.Ordinal).Select(name => section + JsonNamingPolicy.KebabCaseLower.ConvertName(name)),
        ];
        Assert.NotEmpty(expected);
        Assert.Empty(expected.Except(MeshSchema.Schema.Keys.Select(static key => key.ToString()), StringComparer.Ordinal));
    }

    // A key that nothing reads would be a promise that nobody keeps: here every key of a section changes what is made from it.
    [Theory]
    [InlineData("node.babel.")]
    [InlineData("node.tunnel")]
    [InlineData("node.peers.")]
    [InlineData("registry.")]
    [InlineData("simulation.internet.")]
    public void Every_key_changes_what_is_read(string section)
    {
        foreach (ConfigKey key in MeshSchema.Schema.Keys.Where(key => key.ToString().StartsWith(section, StringComparison.Ordinal) && !key.ToString().Contains("journal", StringComparison.Ordinal)).Except([.. RegistryPortKeys.All, RegistryKeys.TlsEndpoints, RegistryKeys.TlsCertificate, RegistryKeys.TlsKey]))   // see RegistryEquipmentTests
        {
            string standard = Everything(MeshSchema.Schema.Resolve(new ConfigSources()).Config);
            bool isRead = Candidates.Any(value =>
            {
                ConfigResult result = MeshSchema.Schema.Resolve(new ConfigSources { Sets = [$"{key}={value}"] });
                return result.Problems.Count == 0 && Everything(result.Config) != standard;
            });
            Assert.True(isRead, $"{key} is read by nothing");
        }
    }

    private static readonly string[] Candidates =
        ["17", "3", "4", "0.5", "7 s", "33 s", "45 ms", "61 s", "400 days", "3 days", "2 h", "false", "[::1]:99", "10.0.0.9", "10.42.0.0/16", "FR", "text", "http://127.0.0.1:1", "chacha20-poly1305", "192.0.2.1:80", "2/16", "5 ms", "300 ms", "1400", "3 s"];

    private static string Everything(ResolvedConfig config) => JsonSerializer.Serialize(new
    {
        babel = BabelKeys.Map(config),
        peers = PeersKeys.Map(config),
        tunnels = Describe(TunnelKeys.Map(config)),
        registry = RegistryKeys.Map(config),
        server = RegistryKeys.MapServer(config) with { Clock = null!, Endpoints = [] },
        listen = RegistryKeys.MapServer(config).Endpoints.Select(static endpoint => endpoint.ToString()),
        threads = config.Get(RegistryKeys.WorkThreads),
        sqlite = JournalKeys.Registry.Map(config, static _ => { }) with { Warning = null },
        postgresql = ClusterKeys.MapJournal(config, static _ => { }) with { Warning = null },
        cluster = ClusterKeys.Map(config, static _ => { }) with { Log = null },
        url = config.TryGet(ClusterKeys.Url, out Uri? url) ? url : null,
        internet = SimulationKeys.MapInternet(config),
    });

    private static object Describe(Mesh.Node.Tunnels.TunnelsOptions tunnels) =>
        new { tunnels.ClientCount, tunnels.MaxClients, tunnels.Tick, tunnels.MinRetryDelay, tunnels.MaxRetryDelay, tunnels.MaxIsolatedRetryDelay, tunnels.MinBootstrapDelay, tunnels.MaxMoreDelay, tunnels.SharedPeers, tunnels.TellsVersion, tunnels.Tunnel, neighbours = tunnels.Neighbours.Select(static n => n.CommonName), tunnels.Country, tunnels.Refresh, tunnels.RefreshInterval };
}
