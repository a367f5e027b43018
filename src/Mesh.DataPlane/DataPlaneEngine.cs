namespace Mesh.DataPlane;

/// <summary>Placeholder declaration; see the contract.</summary>
public sealed partial class DataPlaneEngine
{
    /// <summary>How many tunnels a machine may have at a time.</summary>
    public const int MaxTunnels = 4096;
}

/// <summary>An immutable longest-prefix-match table.</summary>
public sealed partial class ForwardingTable;
