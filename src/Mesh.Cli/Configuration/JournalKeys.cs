using Mesh.Actors.Persistence.Sqlite;
using Mesh.Hocon.Schema;

namespace Mesh.Cli.Configuration;

/// <summary>Keys of the journal of a node or a registry.</summary>
internal sealed class JournalKeys(string section)
{
    private static readonly SqliteJournalOptions Standard = new();

    public ConfigKey<TimeSpan> BusyTimeout { get; } = ConfigKey.Duration($"{section}.sqlite.busy-timeout", new KeyOptions<TimeSpan>
    {
        Meaning = "How long a write waits for a lock that another program, such as a backup, holds on the database.",
        Cost = "Requests queue up meanwhile; after it the write fails, and the process ends.",
        Default = Standard.BusyTimeout,
    }, TimeSpan.Zero, TimeSpan.FromHours(1));

    public ConfigKey<int> CheckpointPages { get; } = ConfigKey.Int($"{section}.sqlite.checkpoint-pages", new KeyOptions<int>
    {
        Meaning = "After how many pages of 4 KiB the write-ahead log is copied into the database.",
        Cost = "Less costs throughput, more costs disk.",
        Default = Standard.CheckpointPages,
    }, min: 1, max: 1_000_000);

    /// <summary>Those of the node.</summary>
    public static JournalKeys Node { get; } = new("node");

    /// <summary>Those of the registry.</summary>
    public static JournalKeys Registry { get; } = new("registry");

    public IReadOnlyList<ConfigKey> All => [BusyTimeout, CheckpointPages];

    /// <summary>The options of a configuration.</summary>
    public SqliteJournalOptions Map(ResolvedConfig config, Action<string> warning) =>
        Standard with { BusyTimeout = config.Get(BusyTimeout), CheckpointPages = config.Get(CheckpointPages), Warning = warning };
}
