using Npgsql;

namespace Mesh.Actors.Persistence.Postgres;

/// <summary>Opens connections to one schema of one database.</summary>
internal sealed class PostgresDatabase(PostgresOptions options)
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(3);

    // The server gives up first, so that its answer is a definite one.
    private static readonly TimeSpan ClientMargin = TimeSpan.FromSeconds(2);

    public PostgresOptions Options => options;

    public PostgresLocks Locks { get; } = new(options.Schema);

    /// <summary>For messages.</summary>
    public string Place { get; } = options.Place;

    /// <summary>Opens a connection for one thread, which the caller disposes of.</summary>
    /// <param name="purpose">What <c>pg_stat_activity</c> shows.</param>
    public NpgsqlConnection Connect(string purpose)
    {
        NpgsqlConnection connection = Make(purpose, options.StatementTimeout);
        try
        {
            connection.Open();
            using NpgsqlCommand set = SessionOf(connection, options.StatementTimeout);
            _ = set.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <inheritdoc cref="Connect"/>
    public async Task<NpgsqlConnection> ConnectAsync(string purpose, TimeSpan statementTimeout, CancellationToken cancellation)
    {
        NpgsqlConnection connection = Make(purpose, statementTimeout);
        try
        {
            await connection.OpenAsync(cancellation).ConfigureAwait(false);
            NpgsqlCommand set = SessionOf(connection, statementTimeout);
            await using (set.ConfigureAwait(false))
                _ = await set.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Makes the tables where there are none.</summary>
    /// <exception cref="JournalException">The database cannot be used; the message names it and says why.</exception>
    public void Prepare()
    {
        try
        {
            using NpgsqlConnection connection = Connect("mesh layout");
            PostgresLayout.Prepare(connection, Locks, options);
        }
        catch (Exception e) when (e is JournalException || PostgresFailure.IsLostConnection(e) || e is PostgresException)
        {
            throw Failure(e);
        }
    }

    /// <summary>What an exception means, with the place before it.</summary>
    public JournalException Failure(Exception e)
    {
        (JournalFailure failure, string clause) = PostgresFailure.Describe(e);
        return new JournalException(failure, $"journal '{Place}': {clause}", e);
    }

    private NpgsqlConnection Make(string purpose, TimeSpan statementTimeout)
    {
        NpgsqlConnectionStringBuilder builder = options.Parse();
        builder.ApplicationName = purpose;
        builder.SearchPath = options.Schema;
        builder.Pooling = false;   // a lock belongs to a connection, and what is closed has to be closed
        builder.Multiplexing = false;
        builder.Enlist = false;
        builder.PersistSecurityInfo = false;
        builder.IncludeErrorDetail = false;   // details quote rows
        builder.LogParameters = false;
        builder.MaxAutoPrepare = 16;
        builder.AutoPrepareMinUsages = 2;
        builder.Timeout = (int)ConnectTimeout.TotalSeconds;
        builder.CommandTimeout = (int)Math.Ceiling((statementTimeout + ClientMargin).TotalSeconds);
        builder.CancellationTimeout = -1;   // who does not answer a command does not answer its cancellation
        builder.TcpKeepAlive = true;
        return new NpgsqlConnection(builder.ConnectionString);
    }

    // Whatever the role or the database has as its defaults.
    private static NpgsqlCommand SessionOf(NpgsqlConnection connection, TimeSpan statementTimeout)
    {
        long milliseconds = (long)statementTimeout.TotalMilliseconds;
        return new NpgsqlCommand(
            $"SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = off; SET default_transaction_deferrable = off; " +
            $"SET statement_timeout = {milliseconds}; SET lock_timeout = {milliseconds}; SET idle_in_transaction_session_timeout = {milliseconds}",
            connection);
    }
}
