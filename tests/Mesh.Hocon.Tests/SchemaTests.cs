using System.Net;
using System.Text.Json;
using Mesh.Hocon.Schema;
using static Mesh.Hocon.Tests.SchemaExample;

namespace Mesh.Hocon.Tests;

public sealed class SchemaTests
{
    [Fact]
    public void Defaults_hold_where_nothing_is_said()
    {
        ConfigResult result = Example.Resolve(Sources());
        Assert.Empty(result.Problems);
        Assert.Equal(10, result.Config.Get(ClientCount));
        Assert.Equal(TimeSpan.FromSeconds(4), result.Config.Get(Hello));
        Assert.Equal(new Uri("https://registry.example/"), result.Config.Get(Registry));
        Assert.False(result.Config.TryGet(Password, out _));
        _ = Assert.Throws<InvalidOperationException>(() => result.Config.Get(Password));
    }

    [Fact]
    public void Later_sources_override_earlier_ones_and_each_value_knows_its_own()
    {
        ConfigSources sources = Sources("node { registry = \"https://a/\", tunnels.client-count = 2, factor = 2, buffer = 2 KiB, interface = one }", ("two.conf", "\nnode { factor = 3, buffer = 3 KiB, interface = two }")) with
        {
            Environment = Variables(("MESH_NODE__BUFFER", "4 KiB"), ("MESH_NODE__INTERFACE", "three"), ("MESH_NODE__TOKENS", ""), ("PATH", "/bin"), ("MESH_CONFIG", "x")),
            IgnoredVariables = ["MESH_CONFIG"],
            Sets = ["node.interface=four", "node.interface=five"],
        };
        ConfigResult result = Example.Resolve(sources);
        Assert.Empty(result.Problems);
        string shown = result.Config.Show(withOrigin: true);
        Assert.Contains("client-count = 2  # from node.conf:1\n", shown, StringComparison.Ordinal);
        Assert.Contains("factor = 3  # from two.conf:2\n", shown, StringComparison.Ordinal);
        Assert.Contains("buffer = \"4 KiB\"  # environment MESH_NODE__BUFFER\n", shown, StringComparison.Ordinal);
        Assert.Contains("interface = \"five\"  # command line\n", shown, StringComparison.Ordinal);
        Assert.Contains("max-clients = 20  # default\n", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("max-clients", result.Config.Show(onlyChanged: true), StringComparison.Ordinal);
        Assert.Equal("MESH_NODE__TUNNELS__CLIENT_COUNT", sources.VariableOf(ClientCount));
    }

    [Fact]
    public void Environment_and_command_line_take_values_as_they_are()
    {
        ConfigResult result = Example.Resolve(Sources() with
        {
            Environment = Variables(("MESH_NODE__LISTEN", "[::1]:99"), ("MESH_NODE__NAMES", "x, y,z"), ("MESH_NODE__TUNNELS__CLIENT_COUNT", "3")),
            Sets = ["node.babel.hello-interval=250 ms", "node.interface=a=b#c"],
        });
        Assert.Empty(result.Problems);
        Assert.Contains("listen = \"[::1]:99\"", result.Config.Show(), StringComparison.Ordinal);
        Assert.Contains("names = [\"x\", \"y\", \"z\"]", result.Config.Show(), StringComparison.Ordinal);
        Assert.Equal((3, "a=b#c", TimeSpan.FromMilliseconds(250)), (result.Config.Get(ClientCount), result.Config.Get(Interface), result.Config.Get(Hello)));
    }

    [Fact]
    public void Substitutions_see_all_sources_defaults_included()
    {
        ConfigSources sources = Sources("vars.base = https://registry.example\nnode { registry = ${vars.base}/r, tunnels.max-clients = ${node.tunnels.client-count}, interface = ${IF} }".Replace("https://registry.example", "\"https://registry.example\"", StringComparison.Ordinal)) with
        {
            Environment = Variables(("IF", "eth1")),
            Sets = ["node.tunnels.client-count=12"],
        };
        ConfigResult result = Example.Resolve(sources);
        Assert.Empty(result.Problems);
        Assert.Equal((12, "eth1", "https://registry.example/r"), (result.Config.Get(MaxClients), result.Config.Get(Interface), result.Config.Get(Registry).ToString()));
    }

    [Fact]
    public void All_problems_are_reported_at_once_each_with_its_place()
    {
        const string Text = """
            node {
              tunels.client-count = 5
              tunnels { clientCount = 5, max-clients = -1 }
              babel.hello-interval = 4
              factor = 11
              buffer = 1 KB
              lock = hard
              listen = "[::1]"
              prefix = "2001:db8::1/32"
              names = x
              encrypt = maybe
              interface = "an-interface-name-that-is-too-long"
            }
            log = debug
            zzz { a = 1, b = 2 }
            """;
        ConfigResult result = Example.Resolve(Sources(Text) with { Environment = Variables(("MESH_NODE__FACTR", "1"), ("MESH_", "x")), Sets = ["node.buffer", "=x"] });
        string[] expected =
        [
            "command line: --set number 1: expected path=value",
            "command line: --set number 2: expected path=value",
            "environment MESH_: expected a key after MESH_, as in MESH_SECTION__KEY",
            "environment MESH_NODE__FACTR: node.factr: there is no such key; did you mean node.factor?",
            "node.conf:10:11: node.names: expected a list of strings, found \"x\"",
            "node.conf:11:13: node.encrypt: expected a boolean (true, yes, on, false, no, off), found \"maybe\"",
            "node.conf:12:15: node.interface: expected 1 to 15 characters, found \"an-interface-name-that-is-too-long\"",
            "node.conf:14:7: log: expected a section with keys, found \"debug\"",
            "node.conf:15:1: zzz: there is no such key",
            "node.conf:2:3: node.tunels: there is no such key; did you mean node.tunnels?",
            "node.conf:3:13: node.tunnels.clientCount: there is no such key; did you mean node.tunnels.client-count?",
            "node.conf:3:44: node.tunnels.max-clients: expected at least 0, found -1",
            "node.conf:4:26: node.babel.hello-interval: expected a duration with a unit (ns, us, ms, s, m, h, d), found 4",
            "node.conf:5:12: node.factor: expected 1 to 10, found 11",
            "node.conf:6:12: node.buffer: expected a size with a unit (B, kB, MB, GB, KiB, MiB, GiB), found \"1 KB\"",
            "node.conf:7:10: node.lock: expected one of none, soft-lock, hard-lock, found \"hard\"",
            "node.conf:8:12: node.listen: expected an address with a port such as [::1]:326 or 192.0.2.1:326, found \"[::1]\"",
            "node.conf:9:12: node.prefix: expected an IP prefix such as 2001:db8::/32, without bits after its length, found \"2001:db8::1/32\"",
        ];
        Assert.Equal(string.Join('\n', expected), string.Join('\n', result.Problems.Select(problem => problem.ToString()).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void A_missing_required_key_is_a_problem_and_null_does_not_help()
    {
        ConfigProblem problem = Assert.Single(Example.Resolve(Sources("")).Problems);
        Assert.Equal(("", 0, "node.registry", ConfigProblem.Required), (problem.File, problem.Line, problem.Key, problem.Rule));
        Assert.Equal("configuration: node.registry: this key is required: expected an http or https URL", problem.ToString());
        problem = Assert.Single(Example.Resolve(Sources("node.registry = null")).Problems);
        Assert.Equal(("node.conf", 1, ConfigProblem.Required), (problem.File, problem.Line, problem.Rule));
    }

    [Fact]
    public void Null_unsets_an_optional_key_and_is_wrong_for_one_with_a_default()
    {
        Assert.Empty(Example.Resolve(Sources("node { registry = \"https://a/\", password = x, password = null }")).Problems);
        Assert.Equal("node.factor", Assert.Single(Example.Resolve(Sources("node { registry = \"https://a/\", factor = null }")).Problems).Key);
    }

    [Fact]
    public void Rules_between_keys_are_asked_only_if_their_keys_are_valid()
    {
        ConfigProblem problem = Assert.Single(Example.Resolve(Sources("node { registry = \"https://a/\"\n tunnels { max-clients = 3 }\n tunnels.client-count = 4 }")).Problems);
        Assert.Equal(("node.conf", 3, "clients-fit"), (problem.File, problem.Line, problem.Rule));
        problem = Assert.Single(Example.Resolve(Sources("node { registry = \"https://a/\"\n tunnels { max-clients = 3, client-count = 1000 } }")).Problems);
        Assert.Equal(ConfigProblem.Range, problem.Rule);
    }

    [Fact]
    public void Every_file_that_cannot_be_read_is_reported_and_nothing_is_called_missing_then()
    {
        ConfigSources sources = Sources("node {", ("two.conf", "a = ]"), ("three.conf", "[1]"), ("four.conf", "node.factor = 99")) with { };
        ConfigResult result = Example.Resolve(sources with { Files = [.. sources.Files, "none.conf"] });
        Assert.Equal(
            [("node.conf", 1, "syntax"), ("two.conf", 1, "syntax"), ("three.conf", 1, "syntax"), ("none.conf", 1, "syntax"), ("four.conf", 1, "range")],
            result.Problems.Select(problem => (problem.File, problem.Line, problem.Rule)));
    }

    [Fact]
    public void Every_substitution_that_fails_is_reported_once()
    {
        ConfigResult result = Example.Resolve(Sources("node { registry = ${nope}\n interface = ${node.registry}\n factor = ${?nope}\n buffer = ${also.nope}\n encrypt = 7 }"));
        Assert.Equal(
            [(1, "syntax"), (4, "syntax"), (5, "type")],
            result.Problems.Select(problem => (problem.Line, problem.Rule)));
    }

    [Fact]
    public void The_reference_sets_every_default_and_has_no_problem_of_its_own()
    {
        string reference = ReferenceWriter.Write(Example);
        ConfigResult result = Example.Resolve(Sources("node.registry = \"https://a/\"") with { Files = ["reference.conf", "node.conf"], Options = Hocon.Files(("reference.conf", reference), ("node.conf", "node.registry = \"https://a/\"")) });
        Assert.Empty(result.Problems);
        string defaults = Example.Resolve(Sources("node.registry = \"https://a/\"")).Config.Show();
        Assert.Equal(defaults, result.Config.Show());
        Assert.Contains(
            """
                client-count = 10

            """, reference, StringComparison.Ordinal);
        Assert.Contains("    # Range: 100 ms to 5 m.\n    # Default: \"4 s\".\n    # Cost: Shorter finds failures sooner and costs bandwidth.\n", reference, StringComparison.Ordinal);
        // The only thing that the reference alone lacks is what it cannot know.
        ConfigProblem problem = Assert.Single(Example.Resolve(new ConfigSources { Files = ["reference.conf"], Options = Hocon.Files(("reference.conf", reference)) }).Problems);
        Assert.Equal(ConfigProblem.Required, problem.Rule);
        Assert.All(Example.Keys, key => Assert.Contains(key.Meaning, reference, StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_shown_is_a_configuration_with_the_same_meaning()
    {
        ConfigSources sources = Sources("node { registry = \"https://a/\", listen = \"10.0.0.1:1\", names = [\"x # y\", \"\\\"\"], babel.hello-interval = 1500 ms, buffer = 1025 }");
        ResolvedConfig config = Example.Resolve(sources).Config;
        ConfigResult again = Example.Resolve(Sources(config.Show(withOrigin: true)));
        Assert.Empty(again.Problems);
        Assert.Equal(config.Show(), again.Config.Show());
        using var json = JsonDocument.Parse(config.ToJson());
        Assert.Equal("10.0.0.1:1", json.RootElement.GetProperty("node").GetProperty("listen").GetString());
        using var origins = JsonDocument.Parse(config.ToJson(withOrigin: true));
        Assert.Equal("from node.conf:1", origins.RootElement.GetProperty("node").GetProperty("listen").GetProperty("origin").GetString());
    }

    [Fact]
    public void Mistakes_in_the_schema_throw()
    {
        KeyOptions<int> fine = new() { Meaning = "x", Default = 1 };
        _ = Assert.Throws<ArgumentException>(() => ConfigKey.Int("a", fine, min: 2));
        _ = Assert.Throws<ArgumentException>(() => ConfigKey.Int("a", fine with { Secret = true }));
        _ = Assert.Throws<ArgumentException>(() => ConfigKey.Int("a", fine with { Required = true }));
        _ = Assert.Throws<ArgumentException>(() => ConfigKey.Int("a", fine with { Meaning = "" }));
        _ = Assert.Throws<ArgumentException>(() => ConfigKey.Int("a", fine with { Check = n => n > 0 }));
        _ = Assert.Throws<ArgumentException>(() => ConfigKey.Int("a_b", fine));
        _ = Assert.Throws<ArgumentException>(() => new ConfigSchema([ConfigKey.Int("a", fine), ConfigKey.Int("a", fine)]));
        _ = Assert.Throws<ArgumentException>(() => new ConfigSchema([ConfigKey.Int("a", fine), ConfigKey.Int("a.b", fine)]));
    }

    [Theory]
    [InlineData("node.tunnels.client-cuont", "node.tunnels.client-count")]
    [InlineData("node.tunnels.client_count", "node.tunnels.client-count")]
    [InlineData("client-count", "node.tunnels.client-count")]
    [InlineData("nodes", "node")]
    [InlineData("something.else", null)]
    public void Near_misses_are_found(string wrong, string? meant)
        => Assert.Equal(meant, NearMiss.Find(wrong, ["node", "node.tunnels", "node.tunnels.client-count", "log.level"]));

    [Theory]
    [InlineData("90 s", "90 s")]
    [InlineData("120 s", "2 m")]
    [InlineData("1 d", "1 d")]
    [InlineData("0 s", "0 s")]
    [InlineData("100 ns", "100 ns")]
    [InlineData("-1500 ms", "-1500 ms")]
    public void Durations_are_written_in_their_largest_whole_unit(string text, string expected)
    {
        Assert.True(HoconConvert.TryToDuration(Hocon.Object($"a = {text}").Find("a")!, out TimeSpan value));
        Assert.Equal(expected, ConfigTypes.DurationText(value));
    }

    [Fact]
    public void End_points_keep_their_family()
        => Assert.Equal(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 326), ReadEndPoint("192.0.2.1:326"));

    private static IPEndPoint? ReadEndPoint(string text)
        => ConfigTypes.EndPoint.TryRead(Hocon.Object($"a = \"{text}\"").Find("a")!, out IPEndPoint? result) ? result : null;
}
