using System.Text.RegularExpressions;
using Npgsql;

namespace Mesh.Actors.Persistence.Postgres;

/// <summary>Settings of a <see cref="PostgresJournal"/> and of the <see cref="Leadership"/> beside it.</summary>
public sealed partial record PostgresOptions
{
    /// <summary>How to reach the database, as Npgsql reads it: <c>Host=db;Username=mesh;Database=mesh;Passfile=/etc/mesh/pgpass</c>. May hold a password, so it is never shown.</summary>
    /// <remarks>Pooling, search path, time-outs of commands and the application's name are set by the journal, whatever the string says.</remarks>
    public required string ConnectionString { get; init; }

    /// <summary>Schema that holds the tables, made where it is not there: lower-case letters, digits and underscores, at most 63. One schema is one registry. Default <c>mesh</c>.</summary>
    public string Schema { get; init; } = "mesh";

    /// <summary>How long requests wait for a server that cannot be reached, before they fail as <see cref="JournalFailure.Unavailable"/>. 0 to 10 minutes, default 10 s.</summary>
    public TimeSpan ReconnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the server may take for one statement or wait for one lock. 1 s to 10 minutes, default 5 s.</summary>
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many events one transaction holds at most. From 1, default 8192. A larger append goes alone.</summary>
    public int MaxBatchEvents { get; init; } = 8192;

    /// <summary>How many bytes of payload one transaction holds at most. From 1, default 4 MiB. A larger append goes alone.</summary>
    public int MaxBatchBytes { get; init; } = 4 << 20;

    /// <summary>How many events one <see cref="EventsLoaded"/> holds at most. From 1, default 512.</summary>
    public int LoadBatchLength { get; init; } = 512;

    /// <summary>Gets a sentence about what was survived but should be looked at: a lost connection, a corrupt snapshot, a server that does not sync its disk. Called on the
    /// journal's threads; must return at once and not throw.</summary>
    public Action<string>? Warning { get; init; }

    /// <summary>Every setting that breaks its rule, one sentence each. None of them shows the connection string.</summary>
    public IEnumerable<string> Validate()
    {
        if (!TryParse(ConnectionString, out NpgsqlConnectionStringBuilder? connection))
            yield return "the connection string cannot be read: it has to be KEY=VALUE;KEY=VALUE with the keys of Npgsql (it is not shown here, because it may hold a password)";
        else if (string.IsNullOrEmpty(connection.Host))
            yield return "the connection string names no Host";
        if (Schema is null || !SchemaName().IsMatch(Schema))
            yield return $"the schema is '{Schema}', and has to be 1 to 63 lower-case letters, digits and underscores, and not to begin with a digit or with pg_";
        if (ReconnectTimeout < TimeSpan.Zero || ReconnectTimeout > TimeSpan.FromMinutes(10))
            yield return $"the reconnect timeout is {ReconnectTimeout}, and has to be from 0 to 10 minutes";
        if (StatementTimeout < TimeSpan.FromSeconds(1) || StatementTimeout > TimeSpan.FromMinutes(10))
            yield return $"the statement timeout is {StatementTimeout}, and has to be from 1 s to 10 minutes";
        if (MaxBatchEvents < 1)
            yield return $"the most events of a batch are {MaxBatchEvents}, and have to be at least 1";
        if (MaxBatchBytes < 1)
            yield return $"the most bytes of a batch are {MaxBatchBytes}, and have to be at least 1";
        if (LoadBatchLength < 1)
            yield return $"the length of a load's batches is {LoadBatchLength}, and has to be at least 1";
    }

    /// <summary>Where the database is, without the password.</summary>
    public override string ToString() => $"{nameof(PostgresOptions)} {{ {Place} }}";

    /// <summary>For messages: host, port, database and schema.</summary>
    internal string Place
    {
        get
        {
            if (!TryParse(ConnectionString, out NpgsqlConnectionStringBuilder? connection))
                return "postgresql (unreadable connection string)";
            string host = connection.Host is { } h && h.Contains(':', StringComparison.Ordinal) && !h.Contains(',', StringComparison.Ordinal) ? $"[{h}]" : connection.Host ?? "";
            return $"postgresql://{host}:{connection.Port}/{connection.Database ?? connection.Username}#{Schema}";
        }
    }

    internal NpgsqlConnectionStringBuilder Parse() =>
        TryParse(ConnectionString, out NpgsqlConnectionStringBuilder? connection) ? connection : throw new InvalidOperationException("the options were not validated");

    internal void ThrowIfInvalid(string parameter)
    {
        if (Validate().ToList() is { Count: > 0 } problems)
            throw new ArgumentException($"options of the journal: {string.Join("; ", problems)}", parameter);
    }

    // What the parser says of a string that it cannot read quotes parts of it, and a part can be half a password: so its exception goes no further.
    private static bool TryParse(string? text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out NpgsqlConnectionStringBuilder? connection)
    {
        try
        {
            connection = new NpgsqlConnectionStringBuilder(text);
            return true;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidCastException or OverflowException or NotSupportedException)
        {
            connection = null;
            return false;
        }
    }

    [GeneratedRegex("^(?!pg_)[a-z_][a-z0-9_]{0,62}\\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex SchemaName();
}
