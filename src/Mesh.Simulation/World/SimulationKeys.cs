using Mesh.Security.Keys;

namespace Mesh.Simulation.World;

/// <summary>RSA keys of simulated machines: a fixed pool, because making keys is slow and cannot be seeded. Nodes take turns with them; what tells
/// nodes apart is their certificates.</summary>
internal static class SimulationKeys
{
    private const string EndMark = "-----END PRIVATE KEY-----";

    private static readonly PrivateKey[] Pool = Load();

    /// <summary>The key of the network's authority.</summary>
    public static PrivateKey Authority => Pool[0];

    /// <summary>The key of node number <paramref name="index"/>.</summary>
    public static PrivateKey OfNode(int index) => Pool[1 + (index % (Pool.Length - 1))];

    private static PrivateKey[] Load()
    {
        using Stream stream = typeof(SimulationKeys).Assembly.GetManifestResourceStream("simulation-keys.pem")
            ?? throw new InvalidOperationException("the pool of simulation keys is not in the assembly");
        using var reader = new StreamReader(stream);
        return [.. reader.ReadToEnd().Split(EndMark, StringSplitOptions.RemoveEmptyEntries)
            .Where(part => part.Contains("BEGIN", StringComparison.Ordinal))
            .Select(part => PrivateKey.TryFromPem(part[part.IndexOf("-----BEGIN", StringComparison.Ordinal)..] + EndMark, out PrivateKey? key)
                ? key
                : throw new InvalidOperationException("the pool of simulation keys is damaged"))];
    }
}
