namespace Mesh.Registry.LocalNode;

/// <summary>What nodes are asked and told, protocol reference 4.4; only the codes that a registry uses.</summary>
public static class PeerCode
{
    /// <summary>The network has other parameters: ask the registry. No answer.</summary>
    public const byte Version = 0;

    /// <summary>Where can you be reached? Answer: an address list.</summary>
    public const byte Address = 1;

    /// <summary>What software do you run? Answer: a text.</summary>
    public const byte Information = 4;

    /// <summary>With whom do you have tunnels? Answer: <see cref="TopologyReport"/>.</summary>
    public const byte Topology = 5;
}
