using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Babel;

namespace Mesh.Node.Routing;

/// <summary>Numbers of a router-id may be used up to a limit. Stored before the first of them is.</summary>
/// <param name="RouterId">The node's router-id, kept from one start to the next.</param>
/// <param name="Limit">The newest sequence number that may have been used.</param>
public sealed record SeqnosReserved(ulong RouterId, ushort Limit);

/// <summary>Reserve more numbers after this one.</summary>
/// <param name="Seqno">The number in use.</param>
internal sealed record ReserveSeqnos(Seqno Seqno);

/// <summary>To the owner: what the speaker is called, and which numbers it may use. Once after each start, and once for each <see cref="ReserveSeqnos"/>.</summary>
/// <param name="RouterId">The router-id.</param>
/// <param name="First">Newer than all that were ever used with it. Only the first of these messages is about it.</param>
/// <param name="Limit">The last number that may be used.</param>
internal sealed record RouterIdentity(RouterId RouterId, Seqno First, Seqno Limit);

/// <summary>Keeps the routing speaker's router-id and sequence number over restarts.</summary>
/// <remarks>
/// Others remember how near to a router they have announced to be (RFC 8966 section 3.2.5), and refuse its routes for minutes where it comes back with an older number. So numbers are reserved in steps
/// before they are used: after a power failure the node goes on behind the last step, and whatever it announces is newer. One write serves many numbers; they grow only where somebody asks.
/// </remarks>
/// <param name="owner">Gets <see cref="RouterIdentity"/>.</param>
public sealed class RouterIdentityActor(ActorRef owner) : PersistentActor
{
    /// <summary>Numbers in a step. After a crash the number is at most this far ahead; babeld ignores requests for one more than 100 ahead.</summary>
    public const int Step = 32;

    private const int SnapshotInterval = 64;

    private SeqnosReserved? _reserved;

    /// <inheritdoc/>
    public override string PersistenceId => "babel";

    /// <summary>A mistake on purpose, for tests.</summary>
    internal NodeMutation Mutation { get; init; }

    /// <summary>Declares what the actor stores.</summary>
    public static EventSchema AddTo(EventSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        return schema.Add<SeqnosReserved>("node.seqnos-reserved");
    }

    /// <inheritdoc/>
    protected override void ReceiveCommand(object message)
    {
        switch (message)
        {
            case ReserveSeqnos wanted:
                Reserve(new RouterId(_reserved!.RouterId), wanted.Seqno);
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
            case SnapshotOffer { State: SeqnosReserved snapshot }:
                Apply(snapshot);
                break;
            case SeqnosReserved reserved:
                Apply(reserved);
                break;
            case RecoveryCompleted when _reserved is { } kept:
                Reserve(new RouterId(kept.RouterId), Mutation == NodeMutation.ReuseSeqnos ? new Seqno((ushort)(kept.Limit - Step)) : new Seqno(kept.Limit).Next);
                break;
            case RecoveryCompleted:
                Reserve(new RouterId(Context.Random.NextUInt64() | 1), new Seqno((ushort)Context.Random.NextUInt64()));
                break;
        }
    }

    private void Reserve(RouterId routerId, Seqno first) =>
        Persist(new SeqnosReserved(routerId.Value, (ushort)(first.Value + Step)), reserved =>
        {
            Apply(reserved);
            owner.Tell(new RouterIdentity(routerId, first, new Seqno(reserved.Limit)), Self);
            if (LastSequenceNr % SnapshotInterval == 0)
                SaveSnapshot(reserved);
        });

    // What is stored may be anything: without a router-id that may be used, there is none.
    private void Apply(SeqnosReserved reserved) => _reserved = new RouterId(reserved.RouterId).IsValid ? reserved : _reserved;
}
