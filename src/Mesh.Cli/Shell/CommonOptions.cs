using System.CommandLine;

namespace Mesh.Cli.Shell;

/// <summary>Options that several commands have.</summary>
internal static class CommonOptions
{
    /// <summary>Shows where an unexpected error came from.</summary>
    public static Option<bool> Verbose { get; } = new("--verbose") { Description = "Show where an error came from.", Recursive = true };

    /// <summary>Results as JSON.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Write the result as JSON." };

    /// <summary>A directory that is needed.</summary>
    public static Option<string> Dir(string description) => new("--dir") { Description = description, Required = true, HelpName = "DIR" };

    /// <summary>Settings over those of files.</summary>
    public static Option<string[]> Sets() => new("--set")
    {
        Description = "Set one key of the configuration; may be repeated.",
        HelpName = "PATH=VALUE",
        DefaultValueFactory = _ => [],
    };

    /// <summary>The configuration file.</summary>
    public static Option<string?> Config(string description) => new("--config") { Description = description, HelpName = "FILE" };
}
