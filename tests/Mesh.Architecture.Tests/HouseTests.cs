using System.Text.RegularExpressions;

namespace Mesh.Architecture.Tests;

public sealed partial class HouseTests
{
    // Unfinished work, and paths of one person's machine. Written so that this file does not find itself.
    private static readonly string[] Unwanted = ["TO" + "DO", "FIX" + "ME", "HA" + "CK:", "XX" + "X ", "/wo" + "rk/", "/ho" + "me/", "/ro" + "ot/.", @"C:\Us" + "ers"];

    private static readonly string[] Texts = ["*.cs", "*.csproj", "*.props", "*.md", "*.conf", "*.service", "*.yml", "*.json", "*.sln", "*.txt", ".editorconfig", "mesh", "test", "run"];

    // Words of the kernel that every user of it writes; their files stand with what they work with.
    private static readonly string[] InParentNamespace = ["src/Mesh.Actors/Loop/EventLoop.cs", "src/Mesh.Actors/Loop/TimerHandle.cs"];

    public static TheoryData<string> Sources { get; } = [.. new[] { "src", "tests", "bench", "samples" }.Where(static folder => Directory.Exists(Path.Combine(SourceTree.Root, folder)))];

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        string solution = SourceTree.Read("Mesh.Actors.sln").Replace('\\', '/');
        Assert.All(SourceTree.Projects, project => Assert.Contains($"\"{project}\"", solution, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_product_has_tests() => Assert.All(
        SourceTree.Products, static product => Assert.Contains($"tests/{product}.Tests/{product}.Tests.csproj", SourceTree.Projects, StringComparer.Ordinal));

    [Fact]
    public void Every_project_commits_its_lock_file() =>
        Assert.All(SourceTree.Projects, static project => Assert.True(File.Exists(Path.Combine(SourceTree.Root, Path.GetDirectoryName(project)!, "packages.lock.json")), project));

    [Theory, MemberData(nameof(Sources))]
    public void Namespaces_are_folders(string below)
    {
        var wrong = new List<string>();
        foreach (string path in SourceTree.Files("*.cs", below))
        {
            Match declared = NamespaceLine().Match(SourceTree.Read(path));
            if (!declared.Success || InParentNamespace.Contains(path, StringComparer.Ordinal))
                continue;   // without a namespace: top-level statements
            string project = SourceTree.Projects.Last(candidate => path.StartsWith(Path.GetDirectoryName(candidate)!.Replace('\\', '/') + "/", StringComparison.Ordinal));
            string folder = Path.GetDirectoryName(path[(Path.GetDirectoryName(project)!.Length + 1)..])!;
            string expected = Path.GetFileNameWithoutExtension(project) + (folder.Length == 0 ? "" : "." + folder.Replace('/', '.'));
            if (declared.Groups["name"].Value != expected)
                wrong.Add($"{path}: {declared.Groups["name"].Value}, expected {expected}");
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void Nothing_is_unfinished_and_no_path_of_one_machine_is_written_down()
    {
        var found = new List<string>();
        foreach (string path in Texts.SelectMany(static pattern => SourceTree.Files(pattern)).Distinct(StringComparer.Ordinal))
        {
            string text = SourceTree.Read(path);
            found.AddRange(Unwanted.Where(word => text.Contains(word, StringComparison.Ordinal)).Select(word => $"{path}: {word}"));
        }
        Assert.Empty(found);
    }

    [Fact]
    public void No_project_turns_rules_off_wholesale()
    {
        // xUnit's own exceptions are stated once, for all tests.
        string[] switches = [.. SourceTree.Projects.Where(static project => SourceTree.Read(project).Contains("<NoWarn>", StringComparison.Ordinal))];
        Assert.Empty(switches);
    }

    [GeneratedRegex(@"^namespace (?<name>[\w.]+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NamespaceLine();
}
