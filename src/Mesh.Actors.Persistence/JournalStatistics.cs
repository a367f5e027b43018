namespace Mesh.Actors.Persistence;

/// <summary>What a journal has done since it was opened.</summary>
/// <param name="Appends">Appends that are durable.</param>
/// <param name="Events">Events in them.</param>
/// <param name="Snapshots">Snapshots that are durable.</param>
/// <param name="Transactions">Transactions committed, each with one sync of the disk it is on. <c>Events / Transactions</c> is what group commit gains.</param>
/// <param name="LargestBatch">The most events that one transaction held.</param>
/// <param name="Conflicts">Appends and snapshots refused because they did not continue their stream.</param>
/// <param name="Failures">Appends, snapshots and loads that failed for another reason.</param>
/// <param name="Loads">Loads that reached the end of their stream.</param>
/// <param name="CorruptSnapshots">Snapshots that were passed over because their checksum did not fit.</param>
public sealed record JournalStatistics(
    long Appends, long Events, long Snapshots, long Transactions, int LargestBatch, long Conflicts, long Failures, long Loads, long CorruptSnapshots);
