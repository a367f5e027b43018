using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.Routing;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels.Killers;

/// <summary>Destroy a tunnel in an orderly way, as soon as nobody routes over it. What becomes of it: <see cref="DestructionChanged"/>.</summary>
/// <param name="Tunnel">The tunnel, as its manager has it.</param>
/// <param name="Reason">What the other end is told.</param>
/// <param name="Text">Why, for the log; at most 255 octets.</param>
/// <param name="IsForced">Where routes do not move in time, or the other end does not agree, the tunnel is closed all the same: <see cref="DestructionForced"/>.</param>
public sealed record DestroyTunnel(DoomedTunnel Tunnel, CloseReason Reason, string Text, bool IsForced);

/// <summary>The other end wants a tunnel gone.</summary>
/// <param name="Tunnel">The tunnel.</param>
/// <param name="Round">Number of its request, <see cref="Killer.NoRound"/> where it cannot number it.</param>
/// <param name="Reason">What it says.</param>
/// <param name="Text">What it says for the log.</param>
public sealed record PeerWantsDestruction(DoomedTunnel Tunnel, uint Round, CloseReason Reason, string Text);

/// <summary>A tunnel that may be destroyed.</summary>
/// <param name="Index">Its number on this machine.</param>
/// <param name="Peer">The node at the other end.</param>
/// <param name="Actor">The tunnel.</param>
public sealed record DoomedTunnel(TunnelIndex Index, NodePrefix Peer, ActorRef Actor);

/// <summary>The other end has answered.</summary>
/// <param name="Index">The tunnel.</param>
/// <param name="Round">To which request, or null where the other end cannot tell.</param>
/// <param name="Agrees">Whether it agrees.</param>
public sealed record PeerAnsweredDestruction(TunnelIndex Index, uint? Round, bool Agrees);

/// <summary>A tunnel has ended.</summary>
public sealed record DoomedTunnelGone(TunnelIndex Index);

/// <summary>The manager has begun anew, and with it all its tunnels are gone.</summary>
public sealed record TunnelsLost;

/// <summary>Published by an actor that was restarted in the middle of destructions: which tunnels are there? Answer: <see cref="TunnelsThere"/>.</summary>
public sealed record TunnelsWanted(ActorRef By);

/// <summary>The tunnels that are up.</summary>
public sealed record TunnelsThere(IReadOnlyList<DoomedTunnel> Tunnels);

/// <summary>Published on the event stream: how far the destruction of a tunnel is.</summary>
/// <param name="Index">The tunnel.</param>
/// <param name="State">Null: it is over, and where the tunnel is still there, it costs what it did before.</param>
public sealed record DestructionChanged(TunnelIndex Index, KillerState? State);

/// <summary>To the manager: this tunnel has to be closed now, whether its routes have moved or not.</summary>
public sealed record DestructionForced(TunnelIndex Index, CloseReason Reason, string Text);

/// <summary>To a tunnel: ask the other end to move its traffic away; nothing changes here until it answers.</summary>
/// <param name="Reason">What it is told.</param>
/// <param name="Text">What it is told for its log.</param>
/// <param name="Round">Number of the request.</param>
/// <param name="Until">When nobody waits for an answer any more, monotonic.</param>
public sealed record AskToClose(CloseReason Reason, string Text, uint Round, TimeSpan Until);

/// <summary>To a tunnel: answer the other end's request.</summary>
/// <param name="Reason">The reason of the request.</param>
/// <param name="Text">The text of the request.</param>
/// <param name="Round">Its number, <see cref="Killer.NoRound"/> where it had none.</param>
/// <param name="Agrees">True: the other end may cut.</param>
/// <param name="Until">When an agreement is over, monotonic: it must not be said later.</param>
public sealed record AnswerToClose(CloseReason Reason, string Text, uint Round, bool Agrees, TimeSpan Until);

/// <summary>To a tunnel: tell the other end that it need not wait for us, since we no longer want what we have asked for.</summary>
/// <param name="Reason">The reason of the request.</param>
/// <param name="Round">Its number.</param>
/// <param name="Until">When the other end does not wait any more anyway, monotonic.</param>
public sealed record TakeBackRequest(CloseReason Reason, uint Round, TimeSpan Until);

/// <summary>To a tunnel: both ends have moved their traffic away. What is under way may still arrive, then it is cut.</summary>
public sealed record CutTunnel(string Text);
