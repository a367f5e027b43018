using System.Text.RegularExpressions;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Parameters;
using Mesh.Registry.Revocation;
using Mesh.Registry.Rotation;

namespace Mesh.Registry.Tests;

/// <summary>docs/states/registry.md shows what the code does. MESH_UPDATE_DOCS=1 rewrites the generated diagrams.</summary>
public sealed class StateDiagramTests
{
    private const string Begin = "```mermaid\n", End = "```\n<!-- end of diagram -->";

    [Fact]
    public void The_rotation_is_drawn_from_the_keys_and_from_the_actor_that_turns_them() => Check("rotation", "stateDiagram-v2\n" + string.Concat(Rotation()));

    [Fact]
    public void The_kinds_of_revocations_are_drawn_from_the_actor_that_lists_them() => Check("revocation", "stateDiagram-v2\n" + string.Concat(Revocations()));

    [Fact]
    public void Every_arrow_has_a_rule_and_every_rule_an_arrow()
    {
        string[] sections = Read().Split("<!-- diagram: ")[1..];
        Assert.Equal(["prefix", "token", "revocation", "rotation", "parameters", "session"], sections.Select(static s => Regex.Match(s, "^[a-z]+", RegexOptions.NonBacktracking).Value), StringComparer.Ordinal);
        foreach (string section in sections)
        {
            HashSet<string> arrows = [.. Regex.Matches(section, @"(?m)^    (?<from>\S+) --> (?<to>\w+|\[\*\])", RegexOptions.NonBacktracking).Select(static m => $"{m.Groups["from"].Value} to {m.Groups["to"].Value}")];
            HashSet<string> rules = [.. Regex.Matches(section, @"\*\*(?<rule>(?:\w+ )?to \w+)\*\*", RegexOptions.NonBacktracking).Select(static m => m.Groups["rule"].Value)];
            Assert.Superset(arrows.Where(static a => !a.Contains("[*]", StringComparison.Ordinal)).ToHashSet(StringComparer.Ordinal), rules);
            Assert.All(rules, rule => Assert.Contains(rule.StartsWith("to ", StringComparison.Ordinal) ? "[*] " + rule : rule.Replace("to end", "to [*]", StringComparison.Ordinal), arrows));
        }
    }

    // What the keys say about each step, and what the actor says about the time that has to pass before it.
    private static IEnumerable<string> Rotation()
    {
        Assert.Equal(RotationState.Stable, StatusOf(Network(isNew: true)).State);
        Assert.Equal(RotationState.None, StatusOf(Network(isNew: false)).State);
        yield return "    [*] --> None\n    [*] --> Stable\n";
        RegistryWorld world = Network(isNew: false);
        var names = new Dictionary<string, char>(StringComparer.Ordinal);
        byte drawn = 0;
        BabelKeys keys = BabelKeys.None;
        var seen = new HashSet<RotationState>();
        while (seen.Add(keys.State))
        {
            RotationStatus before = StatusOf(world);
            Assert.Equal(keys.State, before.State);
            BabelKeys next = keys.Next(() => [.. Enumerable.Repeat(++drawn, BabelKeys.KeyLength)]);
            Assert.Equal(next.State, world.Ask<KeysStepped>(world.Actors.Hmac, new UpdateHmac()).Status.State);
            string wait = before.SafeAt == before.Since ? "at any time" : $"{(before.SafeAt - before.Since).TotalHours:0} h later";
            yield return $"    {keys.State} --> {next.State}: {wait}, signs {Name(next.Sign)}, accepts {(next.Accept is { Length: 0 } ? "anything" : next.Accept is null ? Name(next.Sign) : $"{Name(next.Sign)} and {Name(next.Accept)}")}\n";
            keys = next;
        }

        Assert.Equal(Enum.GetValues<RotationState>().ToHashSet(), seen);

        char Name(byte[]? key) => names.TryGetValue(Convert.ToHexString(key!), out char name) ? name : names[Convert.ToHexString(key!)] = (char)('A' + names.Count);
    }

    private static IEnumerable<string> Revocations()
    {
        var world = new RegistryWorld();
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        RevocationKind[] kinds = Enum.GetValues<RevocationKind>();
        DateTimeOffset end = world.UtcNow + TimeSpan.FromDays(1);
        ulong serial = 0;
        var changes = new List<string>();
        foreach (RevocationKind first in kinds)
        {
            yield return $"    [*] --> {first}\n";
            foreach (RevocationKind second in kinds)
            {
                world.Ask<RevocationRecorded>(world.Actors.Crl, new AddRevocation(++serial, end, first));
                Assert.Equal(first, List(world)[serial].Kind);
                world.Ask<RevocationRecorded>(world.Actors.Crl, new AddRevocation(serial, end, second));
                if (List(world)[serial].Kind != first)
                    changes.Add($"    {first} --> {List(world)[serial].Kind}\n");
            }
        }

        foreach (string change in changes)
            yield return change;
        Assert.Equal(9, List(world).Count);
        world.Kit.Advance(TimeSpan.FromDays(1) + TimeSpan.FromHours(1));
        Assert.Empty(List(world));
        foreach (RevocationKind kind in kinds)
            yield return $"    {kind} --> [*]\n";
    }

    private static System.Collections.Immutable.ImmutableSortedDictionary<ulong, RevokedCertificate> List(RegistryWorld world) =>
        world.Ask<RevocationList>(world.Actors.Crl, new GetRevocations()).Entries;

    private static RegistryWorld Network(bool isNew)
    {
        var world = new RegistryWorld(new RegistryOptions { BabelAuthentication = isNew });
        NodePrefix node = world.Join().Prefix;
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(isNew, world.Parameters<ParametersGiven>(node).SignKey is not null);
        return world;
    }

    private static RotationStatus StatusOf(RegistryWorld world) => world.Ask<RotationStatus>(world.Actors.Hmac, new GetRotation());

    private static void Check(string diagram, string expected)
    {
        string text = Read();
        int section = text.IndexOf($"<!-- diagram: {diagram}, generated", StringComparison.Ordinal);
        Assert.True(section >= 0, $"there is no diagram '{diagram}' that is generated");
        int from = text.IndexOf(Begin, section, StringComparison.Ordinal) + Begin.Length, to = text.IndexOf(End, section, StringComparison.Ordinal);
        string updated = text[..from] + expected + text[to..];
        if (updated != text && Environment.GetEnvironmentVariable("MESH_UPDATE_DOCS") == "1")
            File.WriteAllText(PagePath(), text = updated);
        Assert.Equal(updated, text);
    }

    private static string Read() => File.ReadAllText(PagePath()).ReplaceLineEndings("\n");

    private static string PagePath()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Mesh.Actors.sln")))
                return Path.Combine(folder.FullName, "docs", "states", "registry.md");
        }

        throw new InvalidOperationException("the tests run outside of the project's folder");
    }
}
