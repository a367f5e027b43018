namespace Mesh.Babel;

/// <summary>What an interface is: how its cost is computed, and what is the default of the rest.</summary>
public enum LinkKind
{
    /// <summary>
    /// A tunnel with one peer. It works or it does not: two of the last three Hellos (RFC 8966 appendix A.2.1), cost 96. No split horizon: what the peer can reach through us is
    /// worth knowing.
    /// </summary>
    Tunnel,

    /// <summary>A wired network with any number of peers, all of which hear each other: as a tunnel, but with split horizon (RFC 8966 section 3.7.4).</summary>
    Wired,

    /// <summary>
    /// A network that loses packets and whose peers do not all hear each other, such as radio: the cost is 256 for each transmission that a packet is expected to need, by the Hellos
    /// that arrive in each direction (ETX, RFC 8966 appendix A.2.2). No split horizon.
    /// </summary>
    Lossy,
}
