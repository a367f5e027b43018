namespace Mesh.Actors.Persistence.Storage;

/// <summary>A row of events or snapshots as it was found.</summary>
/// <param name="Era">Part of the place of the row; 0 where the store has no eras.</param>
/// <param name="IsIntact">False where the checksum does not fit; then nothing of the rest can be relied on.</param>
internal readonly record struct StoredRow(long SequenceNr, string Type, int Version, byte[] Payload, DateTimeOffset Utc, long Era, bool IsIntact)
{
    /// <summary>A row, whose checksum is held against its columns.</summary>
    /// <param name="ofStream">What <see cref="RowChecksum.OfStream"/> returned.</param>
    /// <param name="type">Decoded from <paramref name="typeBytes"/>.</param>
    public static StoredRow Check(uint ofStream, long era, long sequenceNr, long ticks, string type, ReadOnlySpan<byte> typeBytes, long version, byte[] payload, long checksum)
    {
        bool isIntact = version is >= int.MinValue and <= int.MaxValue
            && ticks >= 0 && ticks <= DateTime.MaxValue.Ticks
            && checksum == RowChecksum.Of(ofStream, era, sequenceNr, ticks, (int)version, typeBytes, payload);
        return new StoredRow(sequenceNr, type, isIntact ? (int)version : 0, payload, isIntact ? new DateTimeOffset(ticks, TimeSpan.Zero) : default, era, isIntact);
    }
}

/// <summary>The rows of one stream.</summary>
internal interface IStoredStream
{
    /// <summary>All snapshots, the newest first.</summary>
    void ReadSnapshots(List<StoredRow> into);

    /// <summary>Events after <paramref name="after"/> and up to <paramref name="upTo"/>, at most <paramref name="limit"/> of them, in order. Each call goes on where the last one ended.</summary>
    void ReadEvents(long after, long upTo, int limit, List<StoredRow> into);

    /// <summary>Events will be read from this snapshot on.</summary>
    void BeginAt(StoredRow snapshot);

    /// <summary>Sequence number of the last event, or 0.</summary>
    long LastSequenceNr();
}
