using System.CommandLine;
using Mesh.Cli.Bench;
using Mesh.Cli.Configuration;
using Mesh.Cli.Demo;
using Mesh.Cli.Join;
using Mesh.Cli.Node;
using Mesh.Cli.Ping;
using Mesh.Cli.Registry;
using Mesh.Cli.Simulation;

namespace Mesh.Cli.Shell;

/// <summary>All commands, in the order of the help. A new group of commands is a folder with a factory, and a line here.</summary>
internal static class CommandCatalogue
{
    /// <summary>One factory for each command below <c>mesh</c>.</summary>
    public static IReadOnlyList<Func<CliContext, Command>> Factories { get; } =
    [
        RegistryCommands.Create,
        JoinCommand.Create,
        FingerprintCommand.Create,
        NodeCommands.Create,
        StatusCommand.Create,
        RoutesCommand.Create,
        NeighboursCommand.Create,
        ExplainCommand.Create,
        PeersCommand.Create,
        PingCommand.Create,
        CheckCommand.Create,
        ConfigCommands.Create,
        SimCommands.Create,
        DemoCommand.Create,
        BenchCommand.Create,
    ];
}
