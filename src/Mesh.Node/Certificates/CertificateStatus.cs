using Mesh.Actors;

namespace Mesh.Node.Certificates;

/// <summary>States of a node's own certificate, and of a <see cref="CertificateActor"/>.</summary>
public enum CertificateState
{
    /// <summary>It is good for longer.</summary>
    Valid,

    /// <summary>It is to be replaced, because it ends soon or is on the revocation list, and the registry is being asked.</summary>
    Renewing,

    /// <summary>It is revoked, and the registry gives no other.</summary>
    Revoked,

    /// <summary>It, or the authority's, has ended.</summary>
    Expired,
}

/// <summary>A node's own certificate at one moment. Published on the event stream when the node starts and whenever something about it changes.</summary>
/// <remarks>While <see cref="MayServe"/> is false nobody should accept the node as a peer, and it behaves so: its parts close its tunnels, open and accept none, and advertise no address.</remarks>
/// <param name="State">Its state.</param>
/// <param name="Since">When the state began, by the wall clock.</param>
/// <param name="SerialNumber">Its serial number.</param>
/// <param name="Until">Its end.</param>
/// <param name="AuthorityUntil">End of the authority's certificate.</param>
/// <param name="Problem">Why the last question to the registry has not led to what is needed, a sentence; or null.</param>
public sealed record CertificateStatus(CertificateState State, DateTimeOffset Since, ulong SerialNumber, DateTimeOffset Until, DateTimeOffset AuthorityUntil, string? Problem)
{
    /// <summary>Whether the node may have tunnels and forward packets of others.</summary>
    public bool MayServe => State is CertificateState.Valid or CertificateState.Renewing;
}

/// <summary>Published by an actor that was restarted and has to know the status.</summary>
/// <param name="By">Gets a <see cref="CertificateStatus"/>.</param>
public sealed record CertificateStatusWanted(ActorRef By);
