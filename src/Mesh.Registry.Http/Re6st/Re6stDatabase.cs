using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Mesh.Registry.Http.Re6st;

/// <summary>The SQLite file of a registry of re6st, opened so that nothing in it or beside it changes.</summary>
/// <remarks>
/// <code>
/// config  name TEXT PRIMARY KEY | value of any type           token  token TEXT PRIMARY KEY | email TEXT | prefix_len INTEGER | date INTEGER
/// cert    prefix TEXT PRIMARY KEY | email TEXT | cert TEXT     crl    serial INTEGER PRIMARY KEY | date INTEGER
/// </code>
/// SQLite does not hold a value to its column's type, and registries wrote the same thing as text or as octets depending on the version of Python, so a reader takes either.
/// </remarks>
internal sealed class Re6stDatabase : IDisposable
{
    private const int HeaderLength = 100;      // sqlite.org/fileformat2.html section 1.3
    private const int WriteVersionOffset = 18;
    private const byte WriteAheadLog = 2;
    private const int Busy = 5, TableLocked = 6, SqlError = 1;
    private const int BusyTimeoutSeconds = 2;
    private static readonly string[] Companions = ["-wal", "-shm", "-journal"];

    private readonly string _path;
    private readonly SqliteConnection _connection;
    private readonly SqliteTransaction _transaction;

    private Re6stDatabase(string path, SqliteConnection connection, SqliteTransaction transaction) => (_path, _connection, _transaction) = (path, connection, transaction);

    /// <summary>Opens the file; from then on it is read as of one moment.</summary>
    /// <exception cref="Re6stImportException">There is no such file, it is no database, or somebody uses it.</exception>
    public static Re6stDatabase Open(string path)
    {
        path = Path.GetFullPath(path);
        (bool hasLog, string? user) = LookAt(path);
        // What stands beside the file belongs to it: without it the database is of an earlier moment, or half written.
        if (Companions.FirstOrDefault(suffix => File.Exists(path + suffix)) is { } companion)
            throw Refuse($"{path} is in use, or its registry did not end in order: there is {path}{companion}. Stop re6st-registry; if it does not run, open the database once with sqlite3 and close it again");
        if (user is not null)
            throw Refuse($"{path} is in use by process {user}: stop re6st-registry before its database is taken over, or what it promises meanwhile is lost");
        SqliteConnection? connection = null;
        try
        {
            connection = new SqliteConnection(ConnectionString(path, hasLog));
            connection.Open();
            var database = new Re6stDatabase(path, connection, connection.BeginTransaction(deferred: true));
            // The first look takes the lock and reads the schema: if one of both fails, it does for every table.
            using SqliteCommand look = connection.CreateCommand();
            look.CommandText = "SELECT count(*) FROM sqlite_schema";
            look.Transaction = database._transaction;
            _ = look.ExecuteScalar();
            return database;
        }
        catch (SqliteException e)
        {
            connection?.Dispose();
            throw Refuse($"{path} {Describe(e)}", e);
        }
    }

    /// <summary>Rows of a table.</summary>
    /// <param name="select">The statement, a constant.</param>
    /// <param name="table">Its table, for messages.</param>
    /// <param name="maxRows">How many rows are too many.</param>
    /// <exception cref="Re6stImportException">The table is not there or cannot be read.</exception>
    public List<object?[]> Rows(string select, string table, int maxRows)
    {
        var rows = new List<object?[]>();
        try
        {
            using SqliteCommand command = _connection.CreateCommand();
            command.CommandText = select;
            command.Transaction = _transaction;
            using SqliteDataReader reader = command.ExecuteReader();
            while (reader.Read())
            {
                if (rows.Count == maxRows)
                    throw Refuse($"{_path}: table {table} has more than {maxRows} rows");
                rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(column => reader.IsDBNull(column) ? null : reader.GetValue(column))]);
            }

            return rows;
        }
        catch (SqliteException e)
        {
            throw Refuse(e.SqliteErrorCode == SqlError ? $"{_path}: table {table} is not that of a re6st registry: {Shown(e)}" : $"{_path}: table {table}: it {Describe(e)}", e);
        }
    }

    public void Dispose()
    {
        _transaction.Dispose();
        _connection.Dispose();
    }

    // A database with a write-ahead log that nobody has open is complete in itself; read in the usual way, SQLite would make a log and an index beside it.
    private static string ConnectionString(string path, bool hasLog) => new SqliteConnectionStringBuilder
    {
        DataSource = hasLog ? $"file:{Uri.EscapeDataString(path).Replace("%2F", "/", StringComparison.Ordinal)}?immutable=1" : path,
        Mode = SqliteOpenMode.ReadOnly,
        Pooling = false,
        DefaultTimeout = BusyTimeoutSeconds,
    }.ConnectionString;

    private static (bool HasLog, string? User) LookAt(string path)
    {
        if (!File.Exists(path))
            throw Refuse($"{path} does not exist");
        try
        {
            Span<byte> header = stackalloc byte[HeaderLength];
            using FileStream file = File.OpenRead(path);
            if (file.ReadAtLeast(header, HeaderLength, throwOnEndOfStream: false) < HeaderLength || !header.StartsWith("SQLite format 3\0"u8))
                throw Refuse($"{path} is not an SQLite database");
            return (header[WriteVersionOffset] == WriteAheadLog, OtherUserOf(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refuse($"{path} cannot be read: {e.Message}", e);
        }
    }

    // An idle registry holds no lock, but it keeps its database open. Only as far as this user may see it.
    private static string? OtherUserOf(FileStream file)
    {
        if (!OperatingSystem.IsLinux())
            return null;
        // As the kernel names it, whatever links lead there.
        string? target = new FileInfo($"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}").LinkTarget;
        string own = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        foreach (string process in Directory.EnumerateDirectories("/proc"))
        {
            string number = Path.GetFileName(process);
            if (!number.All(char.IsAsciiDigit) || number == own)
                continue;
            try
            {
                if (Directory.EnumerateFiles($"{process}/fd").Any(open => new FileInfo(open).LinkTarget == target))
                    return number;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another user's process, or one that has just ended.
            }
        }

        return null;
    }

    private static string Describe(SqliteException e) => e.SqliteErrorCode switch
    {
        Busy or TableLocked => "is in use: another process holds a lock on it. Stop re6st-registry before its database is taken over",
        _ => $"cannot be read as an SQLite database: {Shown(e)}",
    };

    // It may quote what a damaged schema holds.
    private static string Shown(SqliteException e) => string.Concat(e.Message.Select(static character => char.IsControl(character) ? '?' : character));

    private static Re6stImportException Refuse(string problem, Exception? inner = null) => new([problem], inner);
}
