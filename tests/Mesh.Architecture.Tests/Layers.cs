namespace Mesh.Architecture.Tests;

/// <summary>The house: which project stands on which floor. A project uses only lower ones.</summary>
/// <remarks>
/// <code>
/// 4  the command           Mesh.Cli
/// 3  the world, tools      Mesh.Actors.Persistence  Mesh.Actors.TestKit  Mesh.Platform.Linux  Mesh.Registry.Http  Mesh.Simulation
/// 2  actors that decide    Mesh.Registry  Mesh.Node
/// 1  what they know        Mesh.Security  Mesh.Babel  Mesh.DataPlane
/// 0  ground                Mesh.Actors  Mesh.Protocol  Mesh.Hocon
/// </code>
/// </remarks>
internal static class Layers
{
    /// <summary>The floor of each project.</summary>
    public static IReadOnlyDictionary<string, int> Of { get; } = new Dictionary<string, int>(StringComparer.Ordinal)
    {
        ["Mesh.Actors"] = 0,
        ["Mesh.Protocol"] = 0,
        ["Mesh.Hocon"] = 0,
        ["Mesh.Security"] = 1,
        ["Mesh.Babel"] = 1,
        ["Mesh.DataPlane"] = 1,
        ["Mesh.Registry"] = 2,
        ["Mesh.Node"] = 2,
        ["Mesh.Actors.Persistence"] = 3,
        ["Mesh.Actors.TestKit"] = 3,
        ["Mesh.Platform.Linux"] = 3,
        ["Mesh.Registry.Http"] = 3,
        ["Mesh.Simulation"] = 3,
        ["Mesh.Cli"] = 4,
    };

    /// <summary>Projects without I/O and without a clock: floors 0 to 2, apart from the reader of configuration files.</summary>
    public static IEnumerable<string> Pure => Of.Where(static project => project.Value <= 2 && project.Key != "Mesh.Hocon").Select(static project => project.Key);

    /// <summary>Whether one project may use another.</summary>
    public static bool Allows(string user, string used) => Of[used] < Of[user] || (user == "Mesh.Registry.Http" && Of[used] == 3);
}
