namespace Mesh.Babel;

/// <summary>What is known of who a neighbour is.</summary>
public enum NeighbourAuthentication
{
    /// <summary>The interface has no keys.</summary>
    Off,

    /// <summary>Its last packet was not good under our keys, and was used only because the interface accepts anything. It would be lost if that ended now.</summary>
    Unverified,

    /// <summary>Its last packet had a good MAC and a number of today.</summary>
    Verified,
}
