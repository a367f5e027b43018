using Mesh.Actors.Persistence.Postgres;
using Mesh.Hocon.Schema;
using Mesh.Registry.Http.Cluster;

namespace Mesh.Cli.Configuration;

/// <summary>Where a registry keeps its journal.</summary>
internal enum JournalKind
{
    /// <summary>In a file of its directory; one process.</summary>
    Sqlite,

    /// <summary>In a PostgreSQL database, which several processes may share.</summary>
    Postgresql,
}

/// <summary>Keys of a registry that keeps its journal in PostgreSQL, and of the processes that share it.</summary>
internal static class ClusterKeys
{
    private static readonly PostgresOptions StandardJournal = new() { ConnectionString = "" };
    private static readonly ClusterOptions Standard = new();

    public static ConfigKey<JournalKind> Journal { get; } = ConfigKey.Enum("registry.journal", new KeyOptions<JournalKind>
    {
        Meaning = "Where the registry keeps what it must not forget: in a file of its directory (sqlite), or in a database that several registry processes share (postgresql). Of these each answers, and one leads.",
        Cost = "With postgresql the registry is away when its database is.",
        Default = JournalKind.Sqlite,
    });

    public static ConfigKey<string> Connection { get; } = ConfigKey.Text("registry.postgresql.connection", new KeyOptions<string>
    {
        Meaning = "How to reach the database, as Npgsql reads it: Host=db;Username=mesh;Database=mesh;Passfile=/etc/mesh/pgpass. Needed where registry.journal is postgresql.",
        Secret = true,
    });

    public static ConfigKey<string> Schema { get; } = ConfigKey.Text("registry.postgresql.schema", new KeyOptions<string>
    {
        Meaning = "Schema with the tables, made where it is not there. One schema is one registry.",
        Range = "lower-case letters, digits and underscores",
        Check = static text => text.Length > 0,
        Default = StandardJournal.Schema,
    });

    public static ConfigKey<TimeSpan> ReconnectTimeout { get; } = ConfigKey.Duration("registry.postgresql.reconnect-timeout", new KeyOptions<TimeSpan>
    {
        Meaning = "How long writes wait for a database that cannot be reached, before the registry gives up.",
        Default = StandardJournal.ReconnectTimeout,
    }, TimeSpan.Zero, TimeSpan.FromMinutes(10));

    public static ConfigKey<TimeSpan> StatementTimeout { get; } = ConfigKey.Duration("registry.postgresql.statement-timeout", new KeyOptions<TimeSpan>
    {
        Meaning = "How long the database may take for one statement.",
        Default = StandardJournal.StatementTimeout,
    }, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));

    public static ConfigKey<Uri> Url { get; } = ConfigKey.Url("registry.cluster.url", new KeyOptions<Uri>
    {
        Meaning = "Where the other processes reach this one while it leads, as in http://10.0.0.1:6680. Needed where registry.journal is postgresql.",
    });

    public static ConfigKey<TimeSpan> ChangePatience { get; } = ConfigKey.Duration("registry.cluster.change-patience", new KeyOptions<TimeSpan>
    {
        Meaning = "How long a request waits while nobody leads, before it is answered with 503.",
        Default = Standard.ChangePatience,
    }, TimeSpan.Zero, TimeSpan.FromSeconds(60));

    public static ConfigKey<TimeSpan> ForwardTimeout { get; } = ConfigKey.Duration("registry.cluster.forward-timeout", new KeyOptions<TimeSpan>
    {
        Meaning = "How long the leader may take to answer a request that was passed on. More than registry.call-timeout.",
        Default = Standard.ForwardTimeout,
    }, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5));

    public static ConfigKey<int> MaxForwards { get; } = ConfigKey.Int("registry.cluster.max-forwards", new KeyOptions<int>
    {
        Meaning = "How many requests may be passed on or wait for a leader at a time, before further ones are refused as overload.",
        Default = Standard.MaxForwards,
    }, min: 1, max: 100_000);

    public static IReadOnlyList<ConfigKey> All { get; } = [Journal, Connection, Schema, ReconnectTimeout, StatementTimeout, Url, ChangePatience, ForwardTimeout, MaxForwards];

    public static IReadOnlyList<ConfigRule> Rules { get; } =
    [
        new("postgresql", [Journal, Connection, Url], "a journal in PostgreSQL needs registry.postgresql.connection and registry.cluster.url", static c =>
            c.Get(Journal) != JournalKind.Postgresql || (c.TryGet(Connection, out _) && c.TryGet(Url, out _))),
    ];

    /// <summary>The journal of a configuration that has one in PostgreSQL.</summary>
    public static PostgresOptions MapJournal(ResolvedConfig config, Action<string> warning) => StandardJournal with
    {
        ConnectionString = config.TryGet(Connection, out string? connection) ? connection : "",
        Schema = config.Get(Schema),
        ReconnectTimeout = config.Get(ReconnectTimeout),
        StatementTimeout = config.Get(StatementTimeout),
        Warning = warning,
    };

    /// <summary>The options of a process's part in a cluster.</summary>
    public static ClusterOptions Map(ResolvedConfig config, Action<string> log) => Standard with
    {
        ChangePatience = config.Get(ChangePatience),
        ForwardTimeout = config.Get(ForwardTimeout),
        MaxForwards = config.Get(MaxForwards),
        Log = log,
    };
}
