using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Peers;

/// <summary>A session was established. Stored: the certificate spares half of the next handshake, and an old secret that somebody sends again after our restart is told from a new one.</summary>
/// <param name="Peer">The node, <c>INT/LEN</c>.</param>
/// <param name="Certificate">Its certificate, DER.</param>
/// <param name="SecretTime">When the session's secret was made.</param>
public sealed record PeerRemembered(string Peer, byte[] Certificate, DateTimeOffset SecretTime);

/// <summary>A peer was forgotten to make room, or because it may not take part any more. Stored.</summary>
/// <param name="Peer">The node, <c>INT/LEN</c>.</param>
public sealed record PeerDropped(string Peer);

/// <summary>All that is remembered. Stored as a snapshot.</summary>
public sealed record RememberedPeersSnapshot(IReadOnlyList<PeerRemembered> Peers);

/// <summary>To the owner, once after each start: what was remembered.</summary>
internal sealed record PeersRecalled(IReadOnlyList<PeerRemembered> Peers);

/// <summary>Remembers certificates of peers over restarts. It never remembers secrets: whoever reads the disk later learns nothing of past sessions, and no number can be used twice.</summary>
/// <param name="capacity">How many peers.</param>
/// <param name="owner">Gets <see cref="PeersRecalled"/>.</param>
public sealed class RememberedPeersActor(int capacity, ActorRef owner) : PersistentActor
{
    private const int SnapshotInterval = 512;

    private readonly SortedDictionary<NodePrefix, PeerRemembered> _peers = [];

    /// <inheritdoc/>
    public override string PersistenceId => "peers";

    /// <summary>Declares what the actor stores.</summary>
    public static EventSchema AddTo(EventSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        return schema
            .Add<PeerRemembered>("node.peer-remembered")
            .Add<PeerDropped>("node.peer-dropped")
            .Add<RememberedPeersSnapshot>("node.remembered-peers-snapshot");
    }

    /// <inheritdoc/>
    protected override void ReceiveCommand(object message)
    {
        switch (message)
        {
            case PeerRemembered remembered when capacity > 0 && NodePrefix.TryParseCommonName(remembered.Peer, out NodePrefix peer):
                Remember(peer, remembered);
                break;
            case PeerDropped dropped when NodePrefix.TryParseCommonName(dropped.Peer, out NodePrefix peer) && _peers.ContainsKey(peer):
                Persist(dropped, Apply);
                break;
            case PeerRemembered or PeerDropped or SaveSnapshotSuccess or SaveSnapshotFailure:
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void ReceiveRecover(object message)
    {
        switch (message)
        {
            case SnapshotOffer { State: RememberedPeersSnapshot snapshot }:
                foreach (PeerRemembered peer in snapshot.Peers ?? [])   // what is stored may be anything
                    Apply(peer);
                break;
            case RecoveryCompleted:
                owner.Tell(new PeersRecalled([.. _peers.Values]), Self);
                break;
            default:
                Apply(message);
                break;
        }
    }

    private void Remember(NodePrefix peer, PeerRemembered remembered)
    {
        var events = new List<object>();
        if (!_peers.ContainsKey(peer) && _peers.Count >= capacity)
        {
            // A random one: whoever comes with many names must not choose whom we forget.
            events.Add(new PeerDropped(_peers.ElementAt(Context.Random.Next(_peers.Count)).Key.CommonName));
        }

        events.Add(remembered);
        PersistAll(events, stored =>
        {
            Apply(stored);
            if (stored is PeerRemembered && LastSequenceNr % SnapshotInterval < events.Count)
                SaveSnapshot(new RememberedPeersSnapshot([.. _peers.Values]));
        });
    }

    private void Apply(object stored)
    {
        switch (stored)
        {
            case PeerRemembered { Certificate: not null } remembered when NodePrefix.TryParseCommonName(remembered.Peer, out NodePrefix peer):
                _peers[peer] = remembered;
                break;
            case PeerDropped dropped when NodePrefix.TryParseCommonName(dropped.Peer, out NodePrefix peer):
                _peers.Remove(peer);
                break;
        }
    }
}
