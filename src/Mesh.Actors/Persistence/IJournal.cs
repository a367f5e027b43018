namespace Mesh.Actors.Persistence;

/// <summary>Where persistent actors keep their events and snapshots.</summary>
/// <remarks>
/// Every call returns at once; its outcome arrives at the request's <c>ReplyTo</c> as a <see cref="JournalOutcome"/>. Requests of one stream are
/// carried out in the order in which they were made. An append is all or nothing, and once it is reported as completed it survives a crash of the machine.
/// </remarks>
public interface IJournal
{
    /// <summary>Appends events. Outcome: <see cref="AppendCompleted"/> or <see cref="AppendFailed"/>.</summary>
    void Append(AppendRequest request);

    /// <summary>Reads the newest snapshot and the events after it. Outcomes: any number of <see cref="EventsLoaded"/>, the last one marked, or a <see cref="LoadFailed"/>.</summary>
    void Load(LoadRequest request);

    /// <summary>Stores a snapshot. Outcome: <see cref="SnapshotSaved"/> or <see cref="SnapshotFailed"/>.</summary>
    void SaveSnapshot(SnapshotRequest request);
}

/// <summary>One stored event.</summary>
/// <param name="SequenceNr">Place in its stream, from 1, without gaps.</param>
/// <param name="Type">Name of the event type in the <see cref="EventSchema"/>.</param>
/// <param name="Version">Version of the payload's shape, from 1.</param>
/// <param name="Payload">The event, UTF-8 JSON.</param>
/// <param name="Utc">The writer's wall clock when it was persisted.</param>
public sealed record JournalEvent(long SequenceNr, string Type, int Version, ReadOnlyMemory<byte> Payload, DateTimeOffset Utc);

/// <summary>A stored state: what all events up to <paramref name="SequenceNr"/> amount to.</summary>
/// <inheritdoc cref="JournalEvent"/>
public sealed record JournalSnapshot(long SequenceNr, string Type, int Version, ReadOnlyMemory<byte> Payload, DateTimeOffset Utc);

/// <summary>Append <paramref name="Events"/>, whose sequence numbers continue the stream.</summary>
/// <param name="Id">Comes back with the outcome.</param>
/// <param name="Stream">The persistence id.</param>
/// <param name="Events">At least one.</param>
/// <param name="ReplyTo">Who gets the outcome.</param>
public sealed record AppendRequest(long Id, string Stream, IReadOnlyList<JournalEvent> Events, ActorRef ReplyTo);

/// <summary>Read a stream.</summary>
/// <param name="Id">Comes back with the outcomes.</param>
/// <param name="Stream">The persistence id.</param>
/// <param name="ReplyTo">Who gets the outcomes.</param>
public sealed record LoadRequest(long Id, string Stream, ActorRef ReplyTo);

/// <summary>Store a snapshot.</summary>
/// <param name="Id">Comes back with the outcome.</param>
/// <param name="Stream">The persistence id.</param>
/// <param name="Snapshot">What to store.</param>
/// <param name="ReplyTo">Who gets the outcome.</param>
public sealed record SnapshotRequest(long Id, string Stream, JournalSnapshot Snapshot, ActorRef ReplyTo);

/// <summary>What came of a request.</summary>
/// <param name="RequestId">The request's id.</param>
public abstract record JournalOutcome(long RequestId);

/// <summary>The events are durable.</summary>
public sealed record AppendCompleted(long RequestId) : JournalOutcome(RequestId);

/// <summary>Nothing was appended.</summary>
/// <param name="RequestId">The request's id.</param>
/// <param name="Failure">What kind of failure.</param>
/// <param name="Reason">A sentence that names the stream and what the store said.</param>
public sealed record AppendFailed(long RequestId, JournalFailure Failure, string Reason) : JournalOutcome(RequestId);

/// <summary>Part of a stream, in order.</summary>
/// <param name="RequestId">The request's id.</param>
/// <param name="Snapshot">The newest snapshot, in the first outcome only, or null.</param>
/// <param name="Events">Events after the snapshot.</param>
/// <param name="IsLast">True where nothing follows.</param>
public sealed record EventsLoaded(long RequestId, JournalSnapshot? Snapshot, IReadOnlyList<JournalEvent> Events, bool IsLast) : JournalOutcome(RequestId);

/// <summary>The stream cannot be read.</summary>
/// <inheritdoc cref="AppendFailed"/>
public sealed record LoadFailed(long RequestId, JournalFailure Failure, string Reason) : JournalOutcome(RequestId);

/// <summary>The snapshot is durable.</summary>
public sealed record SnapshotSaved(long RequestId) : JournalOutcome(RequestId);

/// <summary>The snapshot was not stored; the events are still there.</summary>
/// <inheritdoc cref="AppendFailed"/>
public sealed record SnapshotFailed(long RequestId, JournalFailure Failure, string Reason) : JournalOutcome(RequestId);

/// <summary>Kinds of journal failures.</summary>
public enum JournalFailure
{
    /// <summary>The store cannot be used for another reason than the ones below.</summary>
    Unavailable,

    /// <summary>No space left.</summary>
    Full,

    /// <summary>Somebody else holds the store.</summary>
    Locked,

    /// <summary>Another writer has appended to the same stream.</summary>
    Conflict,

    /// <summary>A row is not what was written.</summary>
    Corrupt,

    /// <summary>An event's type or version is not in the schema, or its payload does not fit.</summary>
    UnknownEvent,
}

/// <summary>A persistent actor cannot go on because of its journal.</summary>
/// <param name="failure">What kind of failure.</param>
/// <param name="message">A sentence that names the stream, the sequence number where there is one, and what the store said.</param>
/// <param name="inner">The cause, or null.</param>
public sealed class JournalException(JournalFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What kind of failure.</summary>
    public JournalFailure Failure => failure;
}
