using System.Xml.Linq;

namespace Mesh.Architecture.Tests;

/// <summary>The clone that the tests were built from.</summary>
internal static class SourceTree
{
    private static readonly string[] Built = ["bin", "obj", "artifacts", ".git", ".vs", ".idea", "TestResults", "BenchmarkDotNet.Artifacts"];

    /// <summary>Its directory.</summary>
    public static string Root { get; } = Find();

    /// <summary>All project files, relative to the root, with forward slashes.</summary>
    public static IReadOnlyList<string> Projects { get; } = [.. Files("*.csproj")];

    /// <summary>Names of the projects below src.</summary>
    public static IReadOnlyList<string> Products { get; } =
        [.. Projects.Where(static path => path.StartsWith("src/", StringComparison.Ordinal)).Select(static path => Path.GetFileNameWithoutExtension(path))];

    /// <summary>All files of a pattern that are not built, relative to the root.</summary>
    public static IEnumerable<string> Files(string pattern, string below = ".")
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        string start = Path.Combine(Root, below);
        if (!Directory.Exists(start))
            return [];
        return Directory.EnumerateFiles(start, pattern, options)
            .Select(static path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Where(static path => !path.Split('/').Any(static part => Built.Contains(part, StringComparer.Ordinal)))
            .Order(StringComparer.Ordinal);
    }

    /// <summary>A file's text.</summary>
    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>The projects that a project names in its file.</summary>
    public static IEnumerable<string> ReferencesOf(string project) => XDocument.Parse(Read(project)).Descendants("ProjectReference")
        .Select(static reference => Path.GetFileNameWithoutExtension(((string)reference.Attribute("Include")!).Replace('\\', '/')));

    private static string Find()
    {
        DirectoryInfo? at = new(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "Mesh.Actors.sln")))
            at = at.Parent;
        return at?.FullName ?? throw new DirectoryNotFoundException("the tests do not run inside a clone");
    }
}
