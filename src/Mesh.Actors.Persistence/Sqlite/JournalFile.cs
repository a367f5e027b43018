using Microsoft.Data.Sqlite;

namespace Mesh.Actors.Persistence.Sqlite;

/// <summary>A journal's database file: made with its owner's eyes only, held by one process, and known to be ours.</summary>
/// <remarks>
/// <code>
/// stream    id | name | era                                               one row a stream, and the era in which it began
/// event     era, stream, seq | utc | type | version | payload | checksum      key (era, stream, seq)
/// snapshot  stream, seq | utc | type | version | payload | checksum | era     the last two of each stream; later events are of this era or later ones
/// </code>
/// <para>An era is a run of about <see cref="EraLength"/> events of all streams, in the order of their appends. Within an era a stream's events are neighbours, so reading a stream
/// takes one seek an era. With the key (stream, seq) alone each event of a busy stream would dirty a page of its own, and a thousand actors that
/// persist 50 bytes each would write 4 MiB; with eras they write less than a tenth of that. A quiet journal has one era for years.</para>
/// <para><c>utc</c> is in ticks of 100 ns since the year 1, <c>checksum</c> as of <see cref="RowChecksum"/>. <c>PRAGMA application_id</c> says that it is a journal,
/// <c>PRAGMA user_version</c> the version of this layout.</para>
/// </remarks>
internal sealed class JournalFile : IDisposable
{
    /// <summary>"MAcJ" in ASCII.</summary>
    public const long ApplicationId = 0x4D41634A;

    /// <summary>Version of the layout that this program writes.</summary>
    public const long SchemaVersion = 1;

    /// <summary>After how many events a new era begins, at the next transaction.</summary>
    public const int EraLength = 16_384;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int NoSpace = 28;      // ENOSPC
    private const int WouldBlock = 11;   // EWOULDBLOCK of flock(2), which is how the runtime reports a FileShare conflict

    private const string Schema = $"""
        BEGIN IMMEDIATE;
        CREATE TABLE stream(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, era INTEGER NOT NULL) STRICT;
        CREATE TABLE event(era INTEGER NOT NULL, stream INTEGER NOT NULL, seq INTEGER NOT NULL, utc INTEGER NOT NULL, type TEXT NOT NULL,
            version INTEGER NOT NULL, payload BLOB NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY(era, stream, seq)) STRICT, WITHOUT ROWID;
        CREATE TABLE snapshot(stream INTEGER NOT NULL, seq INTEGER NOT NULL, utc INTEGER NOT NULL, type TEXT NOT NULL, version INTEGER NOT NULL,
            payload BLOB NOT NULL, checksum INTEGER NOT NULL, era INTEGER NOT NULL, PRIMARY KEY(stream, seq)) STRICT, WITHOUT ROWID;
        PRAGMA application_id = 1296130890;
        PRAGMA user_version = 1;
        COMMIT;
        """;

    private readonly FileStream _lock;
    private readonly SqliteJournalOptions _options;

    private JournalFile(string path, SqliteJournalOptions options, FileStream @lock) => (Path, _options, _lock) = (path, options, @lock);

    /// <summary>Absolute.</summary>
    public string Path { get; }

    /// <summary>Takes the file for this process, makes it where there is none, and checks what it is.</summary>
    /// <exception cref="JournalException">It cannot be had; the message names the file and says why.</exception>
    public static JournalFile Open(string path, SqliteJournalOptions options)
    {
        path = System.IO.Path.GetFullPath(path);
        string directory = System.IO.Path.GetDirectoryName(path) ?? "/";
        if (!Directory.Exists(directory))
            throw new JournalException(JournalFailure.Unavailable, $"journal '{path}': there is no directory '{directory}'");
        if (Directory.Exists(path))
            throw new JournalException(JournalFailure.Unavailable, $"journal '{path}': it is a directory, not a file");
        FileStream? @lock = null;
        try
        {
            @lock = TakeLock(path);
            var file = new JournalFile(path, options, @lock);
            file.Prepare();
            return file;
        }
        catch (Exception e)
        {
            @lock?.Dispose();
            if (e is SqliteException sqlite)
            {
                (JournalFailure failure, string clause) = SqliteFailure.Describe(sqlite);
                throw new JournalException(failure, $"journal '{path}': {clause}", e);
            }

            if (e is IOException or UnauthorizedAccessException)
                throw new JournalException(e.HResult == NoSpace ? JournalFailure.Full : JournalFailure.Unavailable, $"journal '{path}': {e.Message}", e);
            throw;
        }
    }

    /// <summary>A connection for one thread, which the caller disposes of.</summary>
    public SqliteConnection Connect(SqliteOpenMode mode)
    {
        SqliteConnection connection = Connect(Path, mode, _options.BusyTimeout);
        try
        {
            if (mode == SqliteOpenMode.ReadOnly)
                return connection;
            Execute(connection, "PRAGMA synchronous = FULL");
            Execute(connection, $"PRAGMA wal_autocheckpoint = {_options.CheckpointPages}");
            Execute(connection, "PRAGMA cache_size = -32768");   // KiB, so that the last page of each of some thousand streams stays at hand
            if (_options.MaxPages > 0)
                Execute(connection, $"PRAGMA max_page_count = {_options.MaxPages}");
        }
        catch
        {
            connection.Dispose();
            throw;
        }

        return connection;
    }

    /// <summary>A connection to a file that nobody prepared, for reading alone.</summary>
    public static SqliteConnection Connect(string path, SqliteOpenMode mode, TimeSpan busyTimeout)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false }.ConnectionString);
        try
        {
            connection.Open();
            SQLitePCL.raw.sqlite3_busy_timeout(connection.Handle!, (int)busyTimeout.TotalMilliseconds);
            connection.DefaultTimeout = (int)busyTimeout.TotalSeconds + 1;
        }
        catch
        {
            connection.Dispose();
            throw;
        }

        return connection;
    }

    /// <summary>True where the file is a journal that this program can read, false where nothing is in it yet.</summary>
    /// <exception cref="JournalException">It is something else.</exception>
    public static bool Identify(SqliteConnection connection, string path)
    {
        long application = Scalar(connection, "PRAGMA application_id");
        long version = Scalar(connection, "PRAGMA user_version");
        if (application == 0 && version == 0 && Scalar(connection, "SELECT count(*) FROM sqlite_schema") == 0)
            return false;
        if (application != ApplicationId)
            throw new JournalException(JournalFailure.Unavailable, $"journal '{path}': it is the database of another application (application id {application}, a journal has {ApplicationId})");
        if (version is < 1 or > SchemaVersion)
        {
            throw new JournalException(
                JournalFailure.Unavailable, $"journal '{path}': its layout has version {version}, this program knows versions up to {SchemaVersion}; was it written by a newer program?");
        }

        return true;
    }

    /// <summary>Gives the file to whoever wants it next. The lock file stays: to delete it would let two processes hold locks on two files of one name.</summary>
    public void Dispose() => _lock.Dispose();

    // On a file of its own, because closing any descriptor of the database would drop the locks that SQLite holds on it (fcntl(2)).
    private static FileStream TakeLock(string path)
    {
        try
        {
            return OpenPrivate(path + ".lock", FileMode.OpenOrCreate);
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            throw new JournalException(JournalFailure.Locked, $"journal '{path}': another process holds it (or this one, twice)", e);
        }
    }

    private void Prepare()
    {
        // SQLite would make it with the process's umask, and gives -wal and -shm the mode of the database.
        if (!File.Exists(Path))
            OpenPrivate(Path, FileMode.CreateNew).Dispose();
        using SqliteConnection connection = Connect(Path, SqliteOpenMode.ReadWrite, _options.BusyTimeout);
        bool isJournal = Identify(connection, Path);
        Narrow(Path);
        Narrow(Path + "-wal");
        Narrow(Path + "-shm");
        using SqliteCommand wal = connection.CreateCommand();
        wal.CommandText = "PRAGMA journal_mode = WAL";
        if (wal.ExecuteScalar() is not "wal")
            throw new JournalException(JournalFailure.Unavailable, $"journal '{Path}': its file system does not allow a write-ahead log (is it on a network?)");
        if (!isJournal)
            Execute(connection, Schema);
    }

    private static FileStream OpenPrivate(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        return new FileStream(path, options);
    }

    private static void Narrow(string path)
    {
        if (!OperatingSystem.IsWindows() && File.Exists(path) && File.GetUnixFileMode(path) != OwnerOnly)
            File.SetUnixFileMode(path, OwnerOnly);
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static long Scalar(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }
}
