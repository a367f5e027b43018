namespace Mesh.Protocol.Tunnel;

/// <summary>Why a tunnel ends. The values are on the wire; a value that is not listed is kept and treated as <see cref="Unspecified"/>.</summary>
public enum CloseReason : byte
{
    /// <summary>Said nothing.</summary>
    Unspecified = 0,

    /// <summary>The tunnel was chosen to make room for a better one.</summary>
    Retired = 1,

    /// <summary>The node stops.</summary>
    ShuttingDown = 2,

    /// <summary>There is another tunnel between the two nodes, which stays.</summary>
    Duplicate = 3,

    /// <summary>No slot is free.</summary>
    Busy = 4,

    /// <summary>The peer's certificate is revoked or no longer valid.</summary>
    NotAllowed = 5,

    /// <summary>The two sides have no cipher or version in common.</summary>
    Incompatible = 6,

    /// <summary>The peer sent something that the protocol does not allow.</summary>
    ProtocolError = 7,

    /// <summary>The peer was silent for too long.</summary>
    TimedOut = 8,

    /// <summary>Parameters of the network changed; the node comes back.</summary>
    Reconfiguring = 9,
}
