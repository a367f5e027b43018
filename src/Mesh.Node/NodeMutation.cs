namespace Mesh.Node;

/// <summary>A mistake that is made on purpose, so that tests can show that somebody notices it.</summary>
internal enum NodeMutation
{
    /// <summary>None.</summary>
    None,

    /// <summary>After a start, the sequence numbers of the last one are used again.</summary>
    ReuseSeqnos,

    /// <summary>Versions of the network parameters are believed without a look at their signatures.</summary>
    BelieveUnsigned,

    /// <summary>The revocation list is passed over, and whoever is revoked goes on.</summary>
    AcceptRevoked,

    /// <summary>A tunnel that is to be destroyed is made unusable while routes use it.</summary>
    LockWithoutWaiting,

    /// <summary>Who asks for the end of a tunnel gets no answer.</summary>
    DropKillAnswer,

    /// <summary>Routing packets are signed with the key that others need not have yet.</summary>
    SignTooEarly,
}
