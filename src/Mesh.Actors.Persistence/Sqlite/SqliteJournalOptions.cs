namespace Mesh.Actors.Persistence.Sqlite;

/// <summary>Settings of a <see cref="SqliteJournal"/>.</summary>
public sealed record SqliteJournalOptions
{
    /// <summary>How long a write waits for a lock that somebody else holds on the database, before it fails as <see cref="JournalFailure.Locked"/>. 0 to 1 hour,
    /// default 5 s. Requests queue up meanwhile.</summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many events one transaction holds at most. From 1, default 8192. More means fewer syncs, and a longer wait for the first of them. A larger append goes alone.</summary>
    public int MaxBatchEvents { get; init; } = 8192;

    /// <summary>How many bytes of payload one transaction holds at most. From 1, default 4 MiB. A larger append goes alone.</summary>
    public int MaxBatchBytes { get; init; } = 4 << 20;

    /// <summary>How many events one <see cref="EventsLoaded"/> holds at most. From 1, default 512.</summary>
    public int LoadBatchLength { get; init; } = 512;

    /// <summary>After how many pages (of 4 KiB) the write-ahead log is copied into the database. From 1, default 8192, that is 32 MiB of disk. Less costs throughput.</summary>
    public int CheckpointPages { get; init; } = 8192;

    /// <summary>Gets a sentence about what was survived but should be looked at, such as a corrupt snapshot. Called on the journal's threads; must return at once and not throw.</summary>
    public Action<string>? Warning { get; init; }

    /// <summary>Limits the database to so many pages, so that a test can fill it; 0 for no limit.</summary>
    internal int MaxPages { get; init; }

    internal void Validate(string parameter)
    {
        var problems = new List<string>();
        if (BusyTimeout < TimeSpan.Zero || BusyTimeout > TimeSpan.FromHours(1))
            problems.Add($"{nameof(BusyTimeout)} is {BusyTimeout}, and has to be from 0 to 1 hour");
        AddIfLessThan1(nameof(MaxBatchEvents), MaxBatchEvents);
        AddIfLessThan1(nameof(MaxBatchBytes), MaxBatchBytes);
        AddIfLessThan1(nameof(LoadBatchLength), LoadBatchLength);
        AddIfLessThan1(nameof(CheckpointPages), CheckpointPages);
        if (problems.Count > 0)
            throw new ArgumentException($"options of the journal: {string.Join("; ", problems)}", parameter);

        void AddIfLessThan1(string name, int value)
        {
            if (value < 1)
                problems.Add($"{name} is {value}, and has to be at least 1");
        }
    }
}
