using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.Json;
using System.Xml.Linq;

namespace Mesh.Architecture.Tests;

public sealed class LayerTests
{
    public static TheoryData<string> Products { get; } = [.. SourceTree.Products];

    public static TheoryData<string> Pure { get; } = [.. Layers.Pure];

    [Fact]
    public void Every_project_has_a_floor_and_every_floor_has_its_projects() =>
        Assert.Equal(Layers.Of.Keys.Order(StringComparer.Ordinal), SourceTree.Products.Order(StringComparer.Ordinal), StringComparer.Ordinal);

    [Theory, MemberData(nameof(Products))]
    public void A_project_names_only_projects_of_lower_floors(string project)
    {
        foreach (string used in SourceTree.ReferencesOf($"src/{project}/{project}.csproj"))
            Assert.True(Layers.Allows(project, used), $"{project} (floor {Layers.Of[project]}) must not use {used} (floor {Layers.Of[used]})");
    }

    // What is used, however it came there: references of references count as well.
    [Theory, MemberData(nameof(Products))]
    public void An_assembly_uses_only_assemblies_of_lower_floors(string project)
    {
        string path = Path.Combine(AppContext.BaseDirectory, (project == "Mesh.Cli" ? "mesh" : project) + ".dll");
        Assert.True(File.Exists(path), $"{path} is not there: add the project to those that this one references");
        using var file = new PEReader(File.OpenRead(path));
        MetadataReader metadata = file.GetMetadataReader();
        foreach (AssemblyReferenceHandle handle in metadata.AssemblyReferences)
        {
            string used = metadata.GetString(metadata.GetAssemblyReference(handle).Name);
            if (Layers.Of.ContainsKey(used))
                Assert.True(Layers.Allows(project, used), $"{project} must not use {used}");
        }
    }

    [Theory, MemberData(nameof(Pure))]
    public void A_pure_project_is_watched_by_the_analyzer_of_banned_calls(string project)
    {
        string condition = (string)XDocument.Parse(SourceTree.Read("src/Directory.Build.props")).Descendants("IsPureLayer").Single().Attribute("Condition")!;
        Assert.Contains($"'{project}'", condition, StringComparison.Ordinal);
        // The lock file says what a build really has.
        using var locked = JsonDocument.Parse(SourceTree.Read($"src/{project}/packages.lock.json"));
        Assert.All(
            locked.RootElement.GetProperty("dependencies").EnumerateObject(),
            static framework => Assert.True(framework.Value.TryGetProperty("Microsoft.CodeAnalysis.BannedApiAnalyzers", out _)));
        // Its project file does not turn the rule off again.
        Assert.DoesNotContain("RS0030", SourceTree.Read($"src/{project}/{project}.csproj"), StringComparison.Ordinal);
        Assert.All(SourceTree.Files("*.cs", $"src/{project}"), static path => Assert.DoesNotContain("RS0030", SourceTree.Read(path), StringComparison.Ordinal));
    }

    [Fact]
    public void A_banned_call_is_an_error_and_only_the_kernels_edge_to_real_threads_may_make_some()
    {
        Assert.Contains("dotnet_diagnostic.RS0030.severity = error", SourceTree.Read(".editorconfig"), StringComparison.Ordinal);
        string[] below = [.. SourceTree.Files(".editorconfig", "src").Where(static path => SourceTree.Read(path).Contains("RS0030", StringComparison.Ordinal))];
        Assert.Equal("src/Mesh.Actors/.editorconfig", Assert.Single(below));
        Assert.Contains("[{RealTime/*.cs,Loop/Inbox.cs}]", SourceTree.Read(below[0]), StringComparison.Ordinal);
    }

    [Fact]
    public void The_clock_chance_threads_files_and_sockets_are_banned()
    {
        string banned = SourceTree.Read("src/BannedSymbols.txt");
        string[] expected = ["System.DateTime.UtcNow", "System.DateTimeOffset.UtcNow", "System.Random", "System.Guid.NewGuid", "System.Threading.Thread", "System.Threading.Tasks", "System.IO.File", "System.Net.Sockets.Socket"];
        Assert.All(expected, name => Assert.Contains(name, banned, StringComparison.Ordinal));
    }
}
