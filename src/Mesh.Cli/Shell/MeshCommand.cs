using System.CommandLine;

namespace Mesh.Cli.Shell;

/// <summary>A command with what its help says beyond its options.</summary>
internal sealed class MeshCommand(string name, string description) : Command(name, description)
{
    /// <summary>Sentences below the description, one paragraph each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Command lines to paste.</summary>
    public IReadOnlyList<string> Examples { get; init; } = [];
}
