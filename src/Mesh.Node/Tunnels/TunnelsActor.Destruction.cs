using Mesh.DataPlane;
using Mesh.Node.Peers;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <content>
/// Tunnels that are to go, but not under anybody's traffic: <see cref="KillersActor"/> moves the routes away at both ends first. What must not wait is closed at once:
/// tunnels of nodes that may not take part, and tunnels that the other end has forgotten.
/// </content>
public sealed partial class TunnelsActor
{
    // A peer that is refused for longer does not wait any more.
    private static readonly TimeSpan RefusalTime = TimeSpan.FromSeconds(60);

    // After that the stream of a tunnel whose peer has forgotten it is reset.
    private static readonly TimeSpan DoubtTime = TimeSpan.FromSeconds(2);

    private void Destroy(Entry tunnel, CloseReason reason, string text, bool isForced)
    {
        // The end that opened a tunnel of OpenVPN is the one that closes it, and comes to the same answer; one of re6st is not even asked.
        if (tunnel is { SerialNumber: not null, IsClient: false } && !isForced)
            return;
        tunnel.Destruction ??= KillerState.Waiting;
        _killer.Tell(new DestroyTunnel(ToDoomed(tunnel), reason, text, isForced), Self);
    }

    private void OnCloseAsked(Entry tunnel, CloseAsked asked)
    {
        if (!tunnel.IsUp || tunnel.IsClosing)
            return;
        if (tunnel.Destruction is null && WhyNeeded(tunnel, asked.Reason) is { } why)
        {
            Log.Debug($"{tunnel.Peer} would like to close its tunnel with us, but {why}");
            tunnel.Actor.Tell(new AnswerToClose(asked.Reason, asked.Text, asked.Round, Agrees: false, Context.Now + RefusalTime));
            return;
        }

        tunnel.Destruction ??= KillerState.Waiting;
        _killer.Tell(new PeerWantsDestruction(ToDoomed(tunnel), asked.Round, asked.Reason, asked.Text), Self);
    }

    // Which of two tunnels between the two nodes it is the peer says; a node of re6st means the one that it opened.
    private void OnKillRequested(PeerKillRequested asked)
    {
        if (FindOpenVpn(asked.Peer, isClient: asked.Kill?.IsServer ?? false) is { } tunnel)
            OnCloseAsked(tunnel, new CloseAsked(tunnel.Index, asked.Kill?.Round ?? Killer.NoRound, asked.Kill?.Reason ?? CloseReason.Retired, "it asks in a message between nodes"));
        else
            Log.Debug($"{asked.Peer} would like to close a tunnel of OpenVPN that we do not have");
    }

    private void OnKillAnswered(PeerKillAnswered answered)
    {
        if (FindOpenVpn(answered.Peer, isClient: answered.Kill?.IsServer ?? true) is { Destruction: not null } tunnel)
            _killer.Tell(new PeerAnsweredDestruction(tunnel.Index, answered.Kill?.Round, answered.Kill?.Agrees ?? true), Self);
    }

    private Entry? FindOpenVpn(NodePrefix peer, bool isClient) =>
        _tunnels.Values.Where(t => t.Peer == peer && t.IsClient == isClient && t is { SerialNumber: not null, IsUp: true, IsClosing: false }).MaxBy(static t => t.UpSince);

    private string? WhyNeeded(Entry tunnel, CloseReason reason)
    {
        if (reason == CloseReason.Duplicate)
            return null;   // where it is none, its routes find no other way
        if (_options.Neighbours.Contains(tunnel.Peer))
            return "it is to be a neighbour";
        return _tunnels.Values.Any(t => t != tunnel && IsToStay(t)) ? null : "there is no other tunnel";
    }

    private static bool IsToStay(Entry tunnel) => tunnel is { IsUp: true, IsClosing: false, Destruction: null };

    private void OnDestructionChanged(DestructionChanged changed)
    {
        if (_tunnels.TryGetValue(changed.Index, out Entry? tunnel))
            tunnel.Destruction = changed.State;
    }

    private void OnDestructionForced(DestructionForced forced)
    {
        if (_tunnels.TryGetValue(forced.Index, out Entry? tunnel) && !tunnel.IsClosing)
            Close(tunnel, forced.Reason, forced.Text);
    }

    private void TellGone(TunnelIndex index, Entry tunnel)
    {
        if (tunnel.Destruction is not null)
            _killer.Tell(new DoomedTunnelGone(index), Self);
    }

    // Of two tunnels between two nodes one goes, but not at once: a peer that has been switched off and on does not know the older one, which may not have noticed yet. Where the one
    // that is to stay is such a ghost, the routes would be moved into it. Nor may the routes have had another way when it was tried before.
    private void EndDuplicates()
    {
        foreach (IGrouping<NodePrefix, Entry> pair in _tunnels.Values.Where(IsToStay).GroupBy(static t => t.Peer).Where(static g => g.Count() > 1).ToArray())
        {
            Entry[] two = [.. pair.OrderBy(static t => t.UpSince).Take(2)];
            if (Context.Now - two[1].UpSince < DoubtTime)
                continue;
            Destroy(LoserOf(two[1], two[0]), CloseReason.Duplicate, DuplicateText, isForced: false);
        }
    }

    private DoomedTunnel ToDoomed(Entry tunnel) => new(tunnel.Index, tunnel.Peer, tunnel.Actor);
}
