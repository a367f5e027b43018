namespace Mesh.Node.Tunnels.Killers;

/// <summary>The destruction of a tunnel has begun. Stored.</summary>
/// <param name="Tunnel">Number of the tunnel.</param>
/// <param name="Peer">The node at its other end, <c>INT/LEN</c>.</param>
/// <param name="Run">Which run of the node the number belongs to.</param>
/// <param name="IsOurs">Whether we want it gone, or only the peer does.</param>
/// <param name="Reason">Number of the reason.</param>
/// <param name="Text">Why.</param>
/// <param name="IsForced">Whether it is closed even where routes do not move.</param>
public sealed record DestructionBegan(int Tunnel, string Peer, string Run, bool IsOurs, int Reason, string Text, bool IsForced);

/// <summary>No route of ours can use the tunnel any more. Stored before the other end is asked or gets our agreement.</summary>
/// <param name="Tunnel">Number of the tunnel.</param>
/// <param name="IsOurs">Whether we want it gone.</param>
/// <param name="AgreedTo">The peer's request that we agree to, or null.</param>
public sealed record DestructionLocked(int Tunnel, bool IsOurs, long? AgreedTo);

/// <summary>The tunnel is gone, or stays. Stored.</summary>
/// <param name="Tunnel">Number of the tunnel.</param>
public sealed record DestructionEnded(int Tunnel);

/// <summary>All destructions that have not ended. Stored as a snapshot.</summary>
public sealed record DestructionsSnapshot(IReadOnlyList<DestructionBegan> Begun, IReadOnlyList<DestructionLocked> Locked);
