using Npgsql;

namespace Mesh.Actors.Persistence.Postgres;

/// <summary>The tables of a journal: made where there are none, and known to be ours.</summary>
/// <remarks>
/// <code>
/// stream      id | name                                               one row a stream
/// event       stream, seq | utc | type | version | payload | checksum     key (stream, seq)
/// snapshot    stream, seq | utc | type | version | payload | checksum     the last two of each stream
/// leadership  epoch | url | secret | renewed_at                       one row
/// layout      application | version                                   one row
/// </code>
/// <para><c>name</c> and <c>type</c> are UTF-8 in <c>bytea</c>, because <c>text</c> takes neither every string nor, in a database of another encoding, every letter:
/// <c>SELECT convert_from(name, 'UTF8') FROM stream</c> shows them. <c>utc</c> is in ticks of 100 ns since the year 1, <c>checksum</c> as of <see cref="Storage.RowChecksum"/> with era 0.</para>
/// <para>No eras as in SQLite's file: there each dirty page is written at every commit, here only what changed goes to the log.</para>
/// </remarks>
internal static class PostgresLayout
{
    /// <summary>Version of the layout that this program writes.</summary>
    public const int Version = 1;

    /// <summary>Oldest server that has all that is used here.</summary>
    private const int OldestServer = 120000;

    // The fence is what makes it impossible that two leaders write, whatever the clocks of their machines say and however long one of them was frozen.
    // Each transaction that writes calls it first, and so holds a key-share lock on the row of its epoch until it ends. A takeover changes the epoch, which is
    // a key of the row, and for that the server wants a lock that a key-share lock excludes (the manual, 13.3.2). So the two are in order, always:
    //  - the writer was first: the takeover waits until the writer's transaction has ended, and whoever reads after the takeover sees what it wrote;
    //  - the takeover was first: the writer waits for its end, looks at the row again as it is then (13.2.1), finds its epoch gone, and its transaction is undone.
    // A renewal changes no key, so that it and the writer do not wait for each other.
    private const string Tables = """
        CREATE TABLE layout(application text NOT NULL, version integer NOT NULL);
        CREATE TABLE stream(id bigint PRIMARY KEY, name bytea NOT NULL UNIQUE);
        CREATE TABLE event(stream bigint NOT NULL, seq bigint NOT NULL, utc bigint NOT NULL, type bytea NOT NULL, version bigint NOT NULL,
            payload bytea NOT NULL, checksum bigint NOT NULL, PRIMARY KEY(stream, seq));
        CREATE TABLE snapshot(stream bigint NOT NULL, seq bigint NOT NULL, utc bigint NOT NULL, type bytea NOT NULL, version bigint NOT NULL,
            payload bytea NOT NULL, checksum bigint NOT NULL, PRIMARY KEY(stream, seq));
        CREATE TABLE leadership(epoch bigint PRIMARY KEY, url text NOT NULL, secret bytea NOT NULL, renewed_at timestamptz NOT NULL,
            single boolean NOT NULL DEFAULT true UNIQUE CHECK (single));
        INSERT INTO leadership(epoch, url, secret, renewed_at) VALUES (0, '', '', '-infinity');
        CREATE FUNCTION fence(wanted bigint) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM 1 FROM leadership WHERE epoch = wanted FOR KEY SHARE;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'epoch % is over', wanted USING ERRCODE = 'MF001';
            END IF;
        END $$;
        INSERT INTO layout(application, version) VALUES ('Mesh.Actors journal', 1);
        """;

    /// <summary>Makes the tables where the schema has none, and checks what they are and what the server promises.</summary>
    /// <exception cref="JournalException">They cannot be used; the message continues "journal 'postgresql://x': ...".</exception>
    public static void Prepare(NpgsqlConnection connection, PostgresLocks locks, PostgresOptions options)
    {
        CheckServer(connection);
        if (Setting(connection, "fsync") == "off")
            options.Warning?.Invoke($"journal '{options.Place}': fsync is off, so a crash of the server's machine can destroy the database");
        using NpgsqlTransaction transaction = connection.BeginTransaction();
        using (var @lock = new NpgsqlCommand("SELECT pg_advisory_xact_lock($1, $2)", connection, transaction))
        {
            locks.Bind(@lock.Parameters, PostgresLocks.Layout);
            _ = @lock.ExecuteNonQuery();   // of two processes that start together one makes the tables
        }

        // Asked for and not just tried: IF NOT EXISTS wants the right to make a schema even where there is one.
        if (!Holds(connection, "SELECT count(*) > 0 FROM pg_namespace WHERE nspname = $1", options.Schema))
            Execute(connection, $"CREATE SCHEMA \"{options.Schema}\"");
        if (!Holds(connection, "SELECT to_regclass(quote_ident($1) || '.layout') IS NOT NULL", options.Schema))
        {
            if (Holds(connection, "SELECT count(*) > 0 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1", options.Schema))
                throw new JournalException(JournalFailure.Unavailable, $"the schema '{options.Schema}' holds something else than a journal; name another schema");
            Execute(connection, Tables);
        }

        using (var read = new NpgsqlCommand("SELECT application, version FROM layout", connection))
        using (NpgsqlDataReader row = read.ExecuteReader())
        {
            if (!row.Read() || row.GetString(0) != "Mesh.Actors journal")
                throw new JournalException(JournalFailure.Unavailable, $"the schema '{options.Schema}' holds the tables of another application; name another schema");
            if (row.GetInt32(1) is var version and not Version)
            {
                throw new JournalException(
                    JournalFailure.Unavailable, $"its tables have layout {version}, and this program knows layout {Version}; was it written by a newer program?");
            }
        }

        transaction.Commit();
    }

    /// <summary>Checks what a server must promise to whoever writes; to be called for each connection that writes, because the next one may lead to another server.</summary>
    /// <exception cref="JournalException">It does not promise enough.</exception>
    public static void CheckServer(NpgsqlConnection connection)
    {
        using var read = new NpgsqlCommand("SELECT current_setting('server_version_num')::integer, current_setting('synchronous_commit'), pg_is_in_recovery()", connection);
        using NpgsqlDataReader row = read.ExecuteReader();
        _ = row.Read();
        if (row.GetInt32(0) < OldestServer)
            throw new JournalException(JournalFailure.Unavailable, $"the server is PostgreSQL {connection.ServerVersion}, and at least version {OldestServer / 10000} is needed");
        if (row.GetString(1) == "off")
        {
            throw new JournalException(
                JournalFailure.Unavailable, "synchronous_commit is off, so that a crash of the server would lose what it had confirmed; turn it on, for this user at least: ALTER ROLE ... SET synchronous_commit = on");
        }

        if (row.GetBoolean(2))
            throw new JournalException(JournalFailure.Unavailable, "the server is a standby and takes no writes; name the primary one, or add Target Session Attributes=primary");
    }

    private static string Setting(NpgsqlConnection connection, string name)
    {
        using var command = new NpgsqlCommand("SELECT current_setting($1)", connection) { Parameters = { new NpgsqlParameter<string> { TypedValue = name } } };
        return (string)command.ExecuteScalar()!;
    }

    private static bool Holds(NpgsqlConnection connection, string sql, string schema)
    {
        using var command = new NpgsqlCommand(sql, connection) { Parameters = { new NpgsqlParameter<string> { TypedValue = schema } } };
        return (bool)command.ExecuteScalar()!;
    }

    private static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        _ = command.ExecuteNonQuery();
    }
}
