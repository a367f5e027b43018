using Microsoft.Data.Sqlite;

namespace Mesh.Actors.Persistence.Sqlite;

/// <summary>What SQLite's result codes (sqlite.org/rescode.html) mean to an operator.</summary>
internal static class SqliteFailure
{
    private const int Busy = 5;
    private const int TableLocked = 6;
    private const int ReadOnly = 8;
    private const int IoError = 10;
    private const int DatabaseCorrupt = 11;
    private const int DatabaseFull = 13;
    private const int CannotOpen = 14;
    private const int NotADatabase = 26;
    private const int IoErrorShmSize = IoError | (19 << 8);   // the index of the write-ahead log cannot grow: no space

    /// <summary>The kind of failure and a clause that continues "journal '/x': ...".</summary>
    public static (JournalFailure Failure, string Clause) Describe(SqliteException e) => (e.SqliteErrorCode & 0xFF) switch
    {
        DatabaseFull => (JournalFailure.Full, "no space left on the device, or the quota is used up"),
        IoError when e.SqliteExtendedErrorCode == IoErrorShmSize => (JournalFailure.Full, "no space left on the device for the index of the write-ahead log"),
        IoError => (JournalFailure.Unavailable, $"the disk reports an input/output error (SQLite code {e.SqliteExtendedErrorCode})"),
        Busy or TableLocked => (JournalFailure.Locked, "another process holds a lock on the database"),
        ReadOnly => (JournalFailure.Unavailable, "the file or its file system is read-only"),
        CannotOpen => (JournalFailure.Unavailable, "the file cannot be opened; do permissions of the file and of its directory allow this user to write?"),
        NotADatabase => (JournalFailure.Unavailable, "the file is not an SQLite database"),
        DatabaseCorrupt => (JournalFailure.Corrupt, "the database's structure is damaged; restore it from a backup"),
        _ => (JournalFailure.Unavailable, e.Message),
    };
}
