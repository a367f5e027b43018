using Mesh.Hocon.Schema;
using static Mesh.Hocon.Tests.SchemaExample;

namespace Mesh.Hocon.Tests;

/// <summary>A secret appears nowhere: in no rendering, in no problem, whatever else is wrong.</summary>
public sealed class RedactionTests
{
    private const string Secret = "Zebra-7319";

    [Theory]
    [InlineData("node { registry = \"https://a/\", password = Zebra-7319 }")]
    [InlineData("node { registry = \"https://a/\", password = Zebra-7319, interface = ${node.password} }")]
    [InlineData("node { registry = \"https://a/\", password = Zebra-7319, interface = x${node.password} }")]
    [InlineData("node { registry = \"https://Zebra-7319:x@a/\", password = Zebra-7319, names = [y, ${node.password}] }")]
    [InlineData("node { password = Zebra-7319, registry = ${node.password}, prefix = ${node.password}, encrypt = ${node.password} }")]
    [InlineData("node { password = [Zebra-7319] }")]
    [InlineData("node { password { Zebra-7319 = Zebra-7319 } }")]
    [InlineData("node { pin = Zebra-7319, tokens = Zebra-7319 }")]
    [InlineData("node { tokens = [{x = Zebra-7319}], interface = ${node.tokens} }")]
    [InlineData("node { tokens = [Zebra-7319], tokens += other, names = ${node.tokens} }")]
    [InlineData("node { password = Zebra-7319 ]")]
    [InlineData("node { password = \"Zebra-7319 }")]
    [InlineData("node { password = \"\"\"Zebra-7319 }")]
    [InlineData("node { password = Zebra-7319\"\\q\" }")]
    [InlineData("node { password = Zebra-7319 {a:1} }")]
    [InlineData("node { password = [Zebra-7319] {a:1} }")]
    [InlineData("node { password = Zebra-7319, password += Zebra-7319 }")]
    [InlineData("node { password = Zebra-7319 = Zebra-7319 }")]
    [InlineData("node { password = Zebra-7319, password = ${node.password}-2, interface = ${node.password} }")]
    [InlineData("node { password = Zebra-7319, password = other, interface = Zebra-7319 }")]
    [InlineData("node { pasword = Zebra-7319, pasword2.x = Zebra-7319 }")]
    [InlineData("node = Zebra-7319")]
    public void In_files(string text) => Hidden(Sources(text), text);

    [Fact]
    public void In_the_environment_and_on_the_command_line()
    {
        Hidden(Sources("node.interface = ${node.password}") with { Environment = Variables(("MESH_NODE__PASSWORD", Secret)) }, "environment");
        Hidden(Sources("node.interface = ${node.password}") with { Sets = [$"node.password={Secret}"] }, "set");
        Hidden(Sources() with { Sets = [$"node.password {Secret}", Secret, $"{Secret}=", $"node.pin={Secret}", $"node.pasword={Secret}"], Environment = Variables(("MESH_NODE__TOKENS", $"a,{Secret}"), ("MESH_NODE", Secret)) }, "wrong set");
    }

    [Fact]
    public void Numbers_too()
    {
        ConfigResult result = Example.Resolve(Sources("node { registry = \"https://a/\", pin = 731973197, interface = ${node.pin}, factor = ${node.pin} }"));
        Assert.NotEmpty(result.Problems);
        Assert.All(Renderings(result), text => Assert.DoesNotContain("731973197", text, StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_shown_instead_says_that_there_is_something()
    {
        ResolvedConfig config = Example.Resolve(Sources($"node {{ registry = \"https://a/\", password = {Secret}, interface = ${{node.password}}, pin = 5555 }}")).Config;
        Assert.Contains("  password = \"***\"\n", config.Show(), StringComparison.Ordinal);
        Assert.Contains("  interface = \"***\"\n", config.Show(), StringComparison.Ordinal);
        Assert.Contains("  tokens = null\n", config.Show(), StringComparison.Ordinal);
        Assert.Contains("\"password\": {\"value\": \"***\", \"origin\": \"from node.conf:1\"}", config.ToJson(withOrigin: true), StringComparison.Ordinal);
        // The program itself gets the real one.
        Assert.Equal((Secret, 5555L), (config.Get(Password), config.Get(Pin)));
    }

    private static void Hidden(ConfigSources sources, string text)
    {
        ConfigResult result = Example.Resolve(sources);
        Assert.All(Renderings(result), rendering => Assert.False(rendering.Contains(Secret, StringComparison.Ordinal), $"{text}\n{rendering}"));
    }

    private static IEnumerable<string> Renderings(ConfigResult result)
        =>
        [
            result.Config.Show(), result.Config.Show(withOrigin: true, onlyChanged: true), result.Config.ToJson(), result.Config.ToJson(withOrigin: true),
            .. result.Problems.Select(problem => problem.ToString()), ReferenceWriter.Write(Example),
        ];
}
