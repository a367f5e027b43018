using Mesh.Actors.Persistence.Storage;

namespace Mesh.Actors.Persistence.Postgres;

/// <summary>A journal in one schema of a PostgreSQL database, which several processes share and one at a time writes.</summary>
/// <remarks>
/// <para>One thread writes. It carries out all that has been asked for while it was busy in one transaction, with one round trip and one sync of the server's disk; another thread
/// reads streams back on a connection of its own.</para>
/// <para>What is reported as completed is committed, with <c>synchronous_commit</c> on, and by a process whose epoch was not over: see <see cref="Leadership"/> for who has which
/// epoch. From the moment when another process takes over, every append here fails as <see cref="JournalFailure.Locked"/>, even if this process was frozen in the middle of it.</para>
/// <para>A lost connection is made anew. Requests wait for it, up to <see cref="PostgresOptions.ReconnectTimeout"/>, and what was on its way is looked for: it is reported as completed where
/// it was committed, and sent again where it was not. Only where the server stays away is it <see cref="JournalFailure.Unavailable"/>, and the reason says that the outcome is not known.</para>
/// <para>The server has to give each connection a session of its own: PgBouncer only with <c>pool_mode = session</c>.</para>
/// </remarks>
public sealed class PostgresJournal : IJournal, IDisposable
{
    private readonly PostgresDatabase _database;
    private readonly PostgresWriter _writer;
    private readonly PostgresLoader _loader;
    private readonly Counters _counters = new();
    private readonly ManualResetEventSlim _closing = new();
    private readonly JournalThreads<LoadTicket> _threads;

    private PostgresJournal(PostgresDatabase database, long epoch)
    {
        _database = database;
        var loads = new RequestQueue<LoadTicket>();
        _writer = new PostgresWriter(database, epoch, _counters, ticket => loads.TryAdd(ticket), _closing);
        try
        {
            _writer.Connect();
        }
        catch
        {
            _closing.Dispose();
            throw;
        }

        _loader = new PostgresLoader(database, _counters, _closing);
        _threads = new JournalThreads<LoadTicket>(database.Place, loads, _writer.Carry, _loader.Carry);
    }

    /// <summary>Host, port, database and schema, for messages.</summary>
    public string Place => _database.Place;

    /// <summary>What the journal has done so far. May be called from any thread.</summary>
    public JournalStatistics Statistics => _counters.Read();

    /// <summary>Opens the journal for one epoch, and makes its tables where there are none. Ends the connection of whoever wrote before.</summary>
    /// <param name="options">Where it is.</param>
    /// <param name="epoch">From <see cref="Leading"/>; 0 for a program that writes to a database in which nobody has ever led, such as one that fills it.</param>
    /// <exception cref="JournalException">The database cannot be reached or used, or the epoch is over. The message names it and says why, and holds no password.</exception>
    /// <exception cref="ArgumentException">Options are out of range; the message lists all of them.</exception>
    public static PostgresJournal Open(PostgresOptions options, long epoch)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        options.ThrowIfInvalid(nameof(options));
        var database = new PostgresDatabase(options);
        database.Prepare();
        try
        {
            return new PostgresJournal(database, epoch);
        }
        catch (Exception e) when (e is Npgsql.NpgsqlException or IOException or TimeoutException)
        {
            throw database.Failure(e);
        }
    }

    /// <inheritdoc/>
    public void Append(AppendRequest request) => _threads.Append(request);

    /// <inheritdoc/>
    public void Load(LoadRequest request) => _threads.Load(request);

    /// <inheritdoc/>
    public void SaveSnapshot(SnapshotRequest request) => _threads.SaveSnapshot(request);

    /// <summary>Carries out what was asked for so far, tells its outcomes, and closes the connections. Requests from now on fail.</summary>
    /// <remarks>Blocks for as long as the server takes; one that cannot be reached is not waited for. Not to be called from an actor.</remarks>
    public void Dispose()
    {
        _closing.Set();
        if (!_threads.Close())
            return;
        _loader.Dispose();
        _writer.Dispose();
    }
}
