using Mesh.Cli.Control;
using Mesh.Cli.Files;
using Mesh.Cli.Shell;

namespace Mesh.Cli.Node;

/// <summary>The way to a node that runs on this machine.</summary>
internal static class RunningNode
{
    /// <summary>Connects to the node of a directory.</summary>
    /// <exception cref="CommandFailedException">There is no such directory, or no node runs there.</exception>
    public static ControlClient Connect(string dir)
    {
        var checks = new Checks();
        checks.Directory("--dir", dir);
        checks.ThrowIfAny();
        var directory = new NodeDirectory(dir);
        return ControlClient.Connect(directory.ControlPath, "the node", $"mesh node run --dir {directory.DirectoryPath}");
    }
}
