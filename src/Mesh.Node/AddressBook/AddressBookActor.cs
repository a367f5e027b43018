using System.Collections.Immutable;
using Mesh.Actors.Persistence;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.AddressBook;

/// <summary>Somebody said where these nodes can be reached.</summary>
public sealed record PeersSeen(ImmutableArray<PeerAddressEntry> Peers);

/// <summary>A tunnel to this node came up at this address: it is tried first from now on (protocol reference 5).</summary>
public sealed record AddressWorked(NodePrefix Peer, AdvertisedAddress Address);

/// <summary>Published on the event stream when the book has changed: at once, but then not again for a tenth of a second.</summary>
public sealed record KnownPeers(ImmutableArray<PeerAddressEntry> Peers);

/// <summary>A node's addresses became known, or changed. Stored.</summary>
/// <param name="Peer">The node, <c>INT/LEN</c>.</param>
/// <param name="Addresses">The list, as text; empty where the node can no longer be reached.</param>
public sealed record PeerAddressesChanged(string Peer, string Addresses);

/// <summary>A node was dropped to make room. Stored.</summary>
/// <param name="Peer">The node, <c>INT/LEN</c>.</param>
public sealed record PeerForgotten(string Peer);

/// <summary>The whole book. Stored as a snapshot.</summary>
public sealed record AddressBookSnapshot(IReadOnlyList<PeerAddressesChanged> Peers);

/// <summary>Where other nodes can be reached. Survives restarts, so that a node finds the network again while its registry is down.</summary>
public sealed class AddressBookActor(NodePrefix self) : PersistentActor
{
    /// <summary>How many nodes are remembered (re6st: 200).</summary>
    public const int Capacity = 200;

    private const int SnapshotInterval = 256;

    // Addresses come one by one while a network comes up, and each time all would be told.
    private static readonly TimeSpan PublishPause = TimeSpan.FromMilliseconds(100);

    private readonly SortedDictionary<NodePrefix, AddressList> _peers = [];
    private TimeSpan _publishedAt = -PublishPause;

    /// <inheritdoc/>
    public override string PersistenceId => "address-book";

    /// <summary>Declares what the actor stores.</summary>
    public static EventSchema AddTo(EventSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        return schema
            .Add<PeerAddressesChanged>("node.peer-addresses-changed")
            .Add<PeerForgotten>("node.peer-forgotten")
            .Add<AddressBookSnapshot>("node.address-book-snapshot");
    }

    /// <inheritdoc/>
    protected override void ReceiveCommand(object message)
    {
        switch (message)
        {
            case PeersSeen seen:
                Learn(seen);
                break;
            case AddressWorked worked:
                Prefer(worked);
                break;
            case PublishDue:
                Publish();
                break;
            case SaveSnapshotSuccess or SaveSnapshotFailure:
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
            case SnapshotOffer { State: AddressBookSnapshot snapshot }:
                foreach (PeerAddressesChanged peer in snapshot.Peers ?? [])   // what is stored may be anything
                    Apply(peer);
                break;
            case RecoveryCompleted:
                if (_peers.Count > 0)
                    PublishPeers();
                break;
            default:
                Apply(message);
                break;
        }
    }

    private void Learn(PeersSeen seen)
    {
        var events = new List<object>();
        List<NodePrefix>? keep = null;
        int count = _peers.Count;
        foreach (PeerAddressEntry peer in seen.Peers)
        {
            if (peer.Prefix == self || peer.Prefix.IsEmpty)
                continue;
            bool isKnown = _peers.TryGetValue(peer.Prefix, out AddressList? known);
            AddressList merged = isKnown ? known!.MergedWith(peer.Addresses) : peer.Addresses;
            if (isKnown ? merged.Equals(known) : merged.Count == 0)
                continue;
            if (!isKnown && count >= Capacity)
            {
                keep ??= [.. _peers.Keys];
                if (keep.Count == 0)
                    break;   // more newcomers at once than there is room for
                // A random one: whoever floods us with names must not be able to choose whom we forget.
                int victim = Context.Random.Next(keep.Count);
                events.Add(new PeerForgotten(keep[victim].CommonName));
                keep.RemoveAt(victim);
                count--;
            }

            count += isKnown ? 0 : 1;
            events.Add(new PeerAddressesChanged(peer.Prefix.CommonName, merged.ToString()));
        }

        Record(events);
    }

    private void Prefer(AddressWorked worked)
    {
        if (_peers.TryGetValue(worked.Peer, out AddressList? known) && known.WithPreferred(worked.Address) is var preferred && !preferred.Equals(known))
            Record([new PeerAddressesChanged(worked.Peer.CommonName, preferred.ToString())]);
    }

    private void Record(List<object> events)
    {
        if (events.Count == 0)
            return;
        int left = events.Count;
        PersistAll(events, e =>
        {
            Apply(e);
            if (--left > 0)
                return;
            PublishPeers();
            if (LastSequenceNr % SnapshotInterval < events.Count)
                SaveSnapshot(new AddressBookSnapshot([.. _peers.Select(p => new PeerAddressesChanged(p.Key.CommonName, p.Value.ToString()))]));
        });
    }

    private void Apply(object stored)
    {
        switch (stored)
        {
            case PeerAddressesChanged changed when NodePrefix.TryParseCommonName(changed.Peer, out NodePrefix peer) && AddressList.TryParse(changed.Addresses, out AddressList addresses, out _):
                _peers[peer] = addresses;
                break;
            case PeerForgotten forgotten when NodePrefix.TryParseCommonName(forgotten.Peer, out NodePrefix peer):
                _peers.Remove(peer);
                break;
        }
    }

    private void PublishPeers()
    {
        TimeSpan next = _publishedAt + PublishPause;
        if (Context.Now >= next)
            Publish();
        else if (!Context.Timers.IsActive(PublishDue.Instance))
            Context.Timers.StartSingle(PublishDue.Instance, PublishDue.Instance, next - Context.Now);
    }

    private void Publish()
    {
        _publishedAt = Context.Now;
        Context.Timers.Cancel(PublishDue.Instance);
        ImmutableArray<PeerAddressEntry>.Builder peers = ImmutableArray.CreateBuilder<PeerAddressEntry>(_peers.Count);
        foreach ((NodePrefix prefix, AddressList addresses) in _peers)
            peers.Add(new PeerAddressEntry(prefix, addresses));
        Context.System.EventStream.Publish(new KnownPeers(peers.MoveToImmutable()));
    }

    private sealed class PublishDue
    {
        public static readonly PublishDue Instance = new();
    }
}
