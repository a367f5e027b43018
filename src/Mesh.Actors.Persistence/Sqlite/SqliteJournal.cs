namespace Mesh.Actors.Persistence.Sqlite;

/// <summary>A journal in one SQLite file, with a write-ahead log that is synced at every commit.</summary>
/// <remarks>
/// <para>One thread writes. It carries out all that has been asked for while it was busy in one transaction, so that a thousand actors share one sync of the disk;
/// another thread reads streams back on a connection of its own, and does not hold up the writer. <code>
/// actors --requests--> [queue] --> writer --commit--> outcomes to ReplyTo
///                                    |
///                                    +--loads, in turn--> [queue] --> loader --> EventsLoaded to ReplyTo
/// </code></para>
/// <para>What is reported as completed is on the disk. What fails (no space, a lock, an error of the disk) leaves nothing behind, and the next request is tried anew.</para>
/// <para>A journal belongs to one process, which holds an advisory lock (flock(2)) on the file's name with <c>.lock</c> appended for as long as the journal is open;
/// another gets <see cref="JournalFailure.Locked"/> at once. The kernel drops the lock when a process dies. The file must be on a local file system. It and
/// its <c>-wal</c>, <c>-shm</c> and <c>.lock</c> are readable by their owner alone (mode 600), from the moment they exist; an existing journal with a wider mode is
/// narrowed. <see cref="JournalReader"/> may read it meanwhile.</para>
/// <para>Payloads of up to about 1 KiB are stored with their key; larger ones go to pages of their own and cost more.</para>
/// </remarks>
public sealed class SqliteJournal : IJournal, IDisposable
{
    private const int GatherFrom = 32;
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(1);

    private readonly JournalFile _file;
    private readonly JournalWriter _writer;
    private readonly JournalLoader _loader;
    private readonly Counters _counters = new();
    private readonly RequestQueue<object> _requests = new();
    private readonly RequestQueue<LoadTicket> _loads = new();
    private readonly Thread _writing;
    private readonly Thread _loading;

    private SqliteJournal(JournalFile file, SqliteJournalOptions options)
    {
        _file = file;
        _writer = new JournalWriter(file, options, _counters, ticket => _loads.TryAdd(ticket));
        try
        {
            _loader = new JournalLoader(file, options, _counters);
        }
        catch
        {
            _writer.Dispose();
            throw;
        }

        _writing = new Thread(Write) { IsBackground = true, Name = "journal-writer" };
        _loading = new Thread(Load) { IsBackground = true, Name = "journal-loader" };
        _writing.Start();
        _loading.Start();
    }

    /// <summary>The database file, absolute.</summary>
    public string Path => _file.Path;

    /// <summary>What the journal has done so far. May be called from any thread.</summary>
    public JournalStatistics Statistics => _counters.Read();

    /// <summary>Opens a journal, and makes its file where there is none; the directory must be there.</summary>
    /// <param name="path">The database file.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="JournalException">The file cannot be had: held by another process, not writable, no journal, of a newer program. The message names it and says why.</exception>
    /// <exception cref="ArgumentException">Options are out of range; the message lists all of them.</exception>
    public static SqliteJournal Open(string path, SqliteJournalOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new SqliteJournalOptions();
        options.Validate(nameof(options));
        JournalFile file = JournalFile.Open(path, options);
        try
        {
            return new SqliteJournal(file, options);
        }
        catch (Exception e)
        {
            file.Dispose();
            if (e is not Microsoft.Data.Sqlite.SqliteException sqlite)
                throw;
            (JournalFailure failure, string clause) = SqliteFailure.Describe(sqlite);
            throw new JournalException(failure, $"journal '{file.Path}': {clause}", e);
        }
    }

    /// <inheritdoc/>
    public void Append(AppendRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Events.Count == 0)
            throw new ArgumentException($"stream '{request.Stream}': an append needs at least one event", nameof(request));
        if (!_requests.TryAdd(request))
            request.ReplyTo.Tell(new AppendFailed(request.Id, JournalFailure.Unavailable, Closed(request.Stream)), sender: null);
    }

    /// <inheritdoc/>
    public void Load(LoadRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!_requests.TryAdd(request))
            request.ReplyTo.Tell(new LoadFailed(request.Id, JournalFailure.Unavailable, Closed(request.Stream)), sender: null);
    }

    /// <inheritdoc/>
    public void SaveSnapshot(SnapshotRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!_requests.TryAdd(request))
            request.ReplyTo.Tell(new SnapshotFailed(request.Id, JournalFailure.Unavailable, Closed(request.Stream)), sender: null);
    }

    /// <summary>Carries out what was asked for so far, tells its outcomes, and gives the file free. Requests from now on fail.</summary>
    /// <remarks>Blocks for as long as the disk takes. Not to be called from an actor.</remarks>
    public void Dispose()
    {
        if (!_requests.Close())
            return;
        _writing.Join();
        _loads.Close();
        _loading.Join();
        _loader.Dispose();
        _writer.Dispose();   // the last connection copies the write-ahead log into the database and deletes it
        _file.Dispose();
    }

    internal void LimitPages(int pages) => _requests.TryAdd(new PageLimit(pages));

    private void Write()
    {
        // Actors that were told together persist again together. To begin with the first of them would cost a sync for one event, while the others wait.
        int expected = 1;
        while (_requests.Take(expected, Patience) is { IsEmpty: false } requests)
        {
            _writer.Carry(requests);
            expected = requests.Length < GatherFrom ? 1 : requests.Length / 2;
        }
    }

    private void Load()
    {
        while (_loads.Take() is { IsEmpty: false } tickets)
        {
            foreach (LoadTicket ticket in tickets)
                _loader.Carry(ticket);
        }
    }

    private string Closed(string stream) => $"journal '{_file.Path}', stream '{stream}': the journal is closed";
}
