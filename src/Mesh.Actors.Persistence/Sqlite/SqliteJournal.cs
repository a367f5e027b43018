using Mesh.Actors.Persistence.Storage;

namespace Mesh.Actors.Persistence.Sqlite;

/// <summary>A journal in one SQLite file, with a write-ahead log that is synced at every commit.</summary>
/// <remarks>
/// <para>One thread writes. It carries out all that has been asked for while it was busy in one transaction, so that a thousand actors share one sync of the disk;
/// another thread reads streams back on a connection of its own, and does not hold up the writer.</para>
/// <para>What is reported as completed is on the disk. What fails (no space, a lock, an error of the disk) leaves nothing behind, and the next request is tried anew.</para>
/// <para>A journal belongs to one process, which holds an advisory lock (flock(2)) on the file's name with <c>.lock</c> appended for as long as the journal is open;
/// another gets <see cref="JournalFailure.Locked"/> at once. The kernel drops the lock when a process dies. The file must be on a local file system. It and
/// its <c>-wal</c>, <c>-shm</c> and <c>.lock</c> are readable by their owner alone (mode 600), from the moment they exist; an existing journal with a wider mode is
/// narrowed. <see cref="JournalReader"/> may read it meanwhile.</para>
/// <para>Payloads of up to about 1 KiB are stored with their key; larger ones go to pages of their own and cost more.</para>
/// </remarks>
public sealed class SqliteJournal : IJournal, IDisposable
{
    private readonly JournalFile _file;
    private readonly JournalWriter _writer;
    private readonly JournalLoader _loader;
    private readonly Counters _counters = new();
    private readonly JournalThreads<LoadTicket> _threads;

    private SqliteJournal(JournalFile file, SqliteJournalOptions options)
    {
        _file = file;
        var loads = new RequestQueue<LoadTicket>();
        _writer = new JournalWriter(file, options, _counters, ticket => loads.TryAdd(ticket));
        try
        {
            _loader = new JournalLoader(file, options, _counters);
        }
        catch
        {
            _writer.Dispose();
            throw;
        }

        _threads = new JournalThreads<LoadTicket>(file.Path, loads, _writer.Carry, _loader.Carry);
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
    public void Append(AppendRequest request) => _threads.Append(request);

    /// <inheritdoc/>
    public void Load(LoadRequest request) => _threads.Load(request);

    /// <inheritdoc/>
    public void SaveSnapshot(SnapshotRequest request) => _threads.SaveSnapshot(request);

    /// <summary>Carries out what was asked for so far, tells its outcomes, and gives the file free. Requests from now on fail.</summary>
    /// <remarks>Blocks for as long as the disk takes. Not to be called from an actor.</remarks>
    public void Dispose()
    {
        if (!_threads.Close())
            return;
        _loader.Dispose();
        _writer.Dispose();   // the last connection copies the write-ahead log into the database and deletes it
        _file.Dispose();
    }

    internal void LimitPages(int pages) => _threads.Add(new PageLimit(pages));
}
