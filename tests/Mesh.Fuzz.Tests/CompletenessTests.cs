using System.Reflection;
using System.Text.RegularExpressions;
using Mesh.Fuzz.Tests.Harness;
using Mesh.Fuzz.Tests.Targets;

namespace Mesh.Fuzz.Tests;

/// <summary>A new decoder cannot be forgotten.</summary>
public sealed partial class CompletenessTests
{
    private static readonly Type[] Inputs =
        [typeof(ReadOnlySpan<byte>), typeof(Span<byte>), typeof(ReadOnlyMemory<byte>), typeof(Memory<byte>), typeof(byte[]), typeof(ReadOnlySpan<char>), typeof(ReadOnlyMemory<char>), typeof(string), typeof(Stream)];

    // Each with its reason: it is given nothing from outside, or it is run through another one.
    private static readonly Dictionary<string, string> Excluded = new(StringComparer.Ordinal)
    {
        ["Mesh.Actors.Persistence.Sqlite.JournalFile.Open"] = "the name of a file; what SQLite finds in it is read by SQLite, and the payloads are a target",
        ["Mesh.Actors.Persistence.Sqlite.JournalReader.Open"] = "the name of a file, as for JournalFile",
        ["Mesh.Actors.Persistence.Sqlite.SqliteJournal.Open"] = "the name of a file, as for JournalFile",
        ["Mesh.Babel.BabelAddress.FromOctets"] = "given sixteen octets by callers that have counted them, which are targets",
        ["Mesh.Babel.RouterId.FromOctets"] = "given eight octets by callers that have counted them, which are targets",
        ["Mesh.Cli.Files.NodeDirectory.ReadAuthority"] = "the name of a file; its text goes to AuthorityCertificate.TryParsePem",
        ["Mesh.Cli.Registry.RegistryEquipment.Open"] = "the name of a directory; each file in it has a parser of its own that is a target",
        ["Mesh.Hocon.HoconDocument.Load"] = "the name of a file; its text goes to HoconDocument.Parse",
        ["Mesh.Platform.Linux.Native.Libc.Open"] = "open(2): the name of a file or device that is ours",
        ["Mesh.Platform.Linux.Native.LinuxException.FromLastError"] = "words of our own for a message",
        ["Mesh.Platform.Linux.Tun.TunDevice.Open"] = "the name of a device that is ours",
        ["Mesh.Registry.Http.Geography.CountryFile.Open"] = "the name of a file; its octets go to CountryDatabase.TryOpen",
        ["Mesh.Registry.Http.Re6st.Re6stDatabase.Open"] = "the name of a file that SQLite reads; an operator takes it over once",
        ["Mesh.Registry.Http.Re6st.Re6stRegistryReader.Read"] = "the name of a database that an operator takes over once; Mesh.Registry.Http.Tests has one row for each thing that can be wrong",
        ["Mesh.Cli.Simulation.SimCommands.Load"] = "the name of a file; its text goes where ScenarioReader.Parse sends it",
        ["Mesh.Simulation.Paper.LatencyFile.Load"] = "the name of a file; its text goes where LatencyFile.Parse sends it",
        ["Mesh.Security.Keys.ModelledKeys.Expand"] = "fills memory with octets that follow from a digest; reads nothing",
        ["Mesh.Simulation.Scenarios.TimedFault.TryParseKind"] = "one word of a scenario, given by ScenarioReader.Parse, which is a target",
        ["Mesh.Simulation.Scenarios.ScenarioTree.Load"] = "the name of a file that ScenarioReader has read; its text goes where ScenarioTree.Parse sends it",
        ["Mesh.Simulation.Scenarios.ScenarioReader.Load"] = "the name of a file; its text goes where ScenarioReader.Parse sends it",
    };

    [Fact]
    public void Every_method_that_reads_what_comes_from_outside_has_a_target_or_a_reason()
    {
        string[] found = [.. Readers().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        Assert.InRange(found.Length, 50, 500);
        string[] covered = [.. AllTargets.List.SelectMany(static target => target.Covers)];
        string[] forgotten = [.. found.Except(covered, StringComparer.Ordinal).Except(Excluded.Keys, StringComparer.Ordinal)];
        Assert.True(forgotten.Length == 0, $"neither a target nor a reason: {string.Join(", ", forgotten)}");
        Assert.Empty(Excluded.Keys.Except(found, StringComparer.Ordinal));   // gone, or renamed
        Assert.Empty(Excluded.Keys.Intersect(covered, StringComparer.Ordinal));
        Assert.All(Excluded.Values, static reason => Assert.True(reason.Length > 20, reason));
    }

    [Fact]
    public void Every_target_has_a_name_of_its_own_and_a_corpus() => Assert.Multiple(
        static () => Assert.Equal(AllTargets.List.Count, AllTargets.List.Select(static target => target.Name).Distinct(StringComparer.Ordinal).Count()),
        static () => Assert.All(AllTargets.List, static target => Assert.NotEmpty(target.Corpus)));

    private static IEnumerable<string> Readers() =>
        from file in Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll")
        let name = Path.GetFileNameWithoutExtension(file)
        where name == "mesh" || (name.StartsWith("Mesh.", StringComparison.Ordinal) && !name.EndsWith(".Tests", StringComparison.Ordinal))
        from type in Assembly.Load(name).GetTypes()
        where !type.IsSpecialName && !type.Name.Contains('<', StringComparison.Ordinal)
        from method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        where !method.IsPrivate && ReaderName().IsMatch(method.Name) && method.GetParameters().Any(static parameter => Inputs.Contains(parameter.ParameterType))
        select Methods.Name(method);

    [GeneratedRegex("^(Try)?(Decode|Parse|Read|From|Deserialize|Expand|Decrypt|Load|Open)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ReaderName();
}
