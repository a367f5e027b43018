using Mesh.Cli.Shell;
using Mesh.Hocon.Schema;

namespace Mesh.Cli.Configuration;

/// <summary>Every key of the program's configuration. hocon/reference.conf is its text, and a test holds the two equal.</summary>
internal static class MeshSchema
{
    /// <summary>The sections of log, node, registry and simulation together, so that one file can hold them all.</summary>
    public static ConfigSchema Schema { get; } = new(
        [
            .. LogKeys.All, .. NodeKeys.All, .. TunnelKeys.All, .. OpenVpnKeys.All, .. PortMappingKeys.All, .. PeersKeys.All, .. BabelKeys.All, .. JournalKeys.Node.All,
            .. RegistryKeys.All, .. RegistryPortKeys.All, .. ClusterKeys.All, .. JournalKeys.Registry.All, .. SimulationKeys.All,
        ],
        [.. NodeKeys.Rules, .. TunnelKeys.Rules, .. OpenVpnKeys.Rules, .. PortMappingKeys.Rules, .. PeersKeys.Rules, .. BabelKeys.Rules, .. RegistryKeys.Rules, .. RegistryPortKeys.Rules, .. ClusterKeys.Rules]);

    // Ours, and no keys.
    private static readonly string[] OtherVariables = [CliContext.SourceRootVariable, "MESH_TESTS_NO_SKIP"];

    /// <summary>The text of reference.conf.</summary>
    public static string Reference { get; } =
        "# Every key with its default. Do not edit: `mesh config reference` writes this text.\n"
        + "# A file needs only the keys that differ. Over files stand environment variables (MESH_NODE__TUNNELS__CLIENT_COUNT\n"
        + "# is node.tunnels.client-count), over these --set PATH=VALUE.\n\n"
        + ReferenceWriter.Write(Schema);

    /// <summary>Reads a configuration with all its sources.</summary>
    public static ConfigResult Resolve(CliContext context, IReadOnlyList<string> files, IReadOnlyList<string> sets) => Schema.Resolve(new ConfigSources
    {
        Files = files,
        Environment = context.Environment,
        IgnoredVariables = OtherVariables,
        Sets = sets,
    });

    /// <summary>Reads a configuration that has to be right.</summary>
    /// <exception cref="CommandFailedException">It is not: with every problem, its file, line and key.</exception>
    public static ResolvedConfig Load(CliContext context, IReadOnlyList<string> files, IReadOnlyList<string> sets)
    {
        ConfigResult result = Resolve(context, files, sets);
        return result.Problems.Count == 0
            ? result.Config
            : throw CommandFailedException.Usage([.. result.Problems.Select(static problem => problem.ToString())]);
    }
}
