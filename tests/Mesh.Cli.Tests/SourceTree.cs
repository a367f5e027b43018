namespace Mesh.Cli.Tests;

/// <summary>The clone that the tests were built from.</summary>
internal static class SourceTree
{
    /// <summary>Its directory.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        DirectoryInfo? at = new(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "Mesh.Actors.sln")))
            at = at.Parent;
        return at?.FullName ?? throw new DirectoryNotFoundException("the tests do not run inside a clone");
    }
}
