namespace Mesh.Babel;

/// <summary>What an interface is; decides defaults only.</summary>
public enum LinkKind
{
    /// <summary>A tunnel with one peer. No split horizon by default: what the peer can reach through us is worth knowing.</summary>
    PointToPointTunnel,

    /// <summary>A wired network with any number of peers, all of which hear each other: split horizon by default.</summary>
    Lan,
}
