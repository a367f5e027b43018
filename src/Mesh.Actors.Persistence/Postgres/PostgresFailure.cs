using System.Net.Sockets;
using Npgsql;

namespace Mesh.Actors.Persistence.Postgres;

/// <summary>What PostgreSQL's error codes (appendix A of its manual) and lost connections mean to an operator.</summary>
internal static class PostgresFailure
{
    /// <summary>Raised by the fence: the writer's epoch is over. Of a class that the server does not use.</summary>
    public const string Fenced = "MF001";

    /// <summary>What a statement that was refused said, or why the server could not be reached.</summary>
    /// <returns>The kind of failure and a clause that continues "journal 'postgresql://x': ...". Never holds a password: the server does not send it, and the driver does not show it.</returns>
    public static (JournalFailure Failure, string Clause) Describe(Exception e) => e switch
    {
        JournalException journal => (journal.Failure, journal.Message),
        NpgsqlException { InnerException: JournalException journal } => (journal.Failure, journal.Message),
        PostgresException { SqlState: Fenced } p => (JournalFailure.Locked, $"{p.MessageText}: another process leads now"),
        PostgresException { SqlState: PostgresErrorCodes.DiskFull } => (JournalFailure.Full, "the server has no space left on its disk"),
        PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable } => (JournalFailure.Locked, "somebody holds a lock on the tables for longer than the statement timeout"),
        PostgresException { SqlState: PostgresErrorCodes.UniqueViolation } => (JournalFailure.Conflict, "another writer appends at the same time"),
        PostgresException { SqlState: "XX001" or "XX002" } p => (JournalFailure.Corrupt, $"the server found damage in its files: {p.MessageText}"),
        PostgresException { SqlState: PostgresErrorCodes.QueryCanceled } => (JournalFailure.Unavailable, "the server took longer than the statement timeout"),
        PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction } => (JournalFailure.Unavailable, "the server is read-only; is it a standby?"),
        PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification } => (JournalFailure.Unavailable, "the server does not accept this user or password"),
        PostgresException p => (JournalFailure.Unavailable, $"{p.MessageText} (PostgreSQL code {p.SqlState})"),
        NpgsqlException { InnerException: SocketException s } => (JournalFailure.Unavailable, $"the server cannot be reached: {s.Message}"),
        NpgsqlException { InnerException: TimeoutException } or TimeoutException => (JournalFailure.Unavailable, "the server does not answer"),
        ObjectDisposedException => (JournalFailure.Unavailable, "the connection is lost"),
        NpgsqlException or IOException => (JournalFailure.Unavailable, $"the connection is lost: {e.InnerException?.Message ?? e.Message}"),
        _ => (JournalFailure.Unavailable, $"{e.GetType().Name}: {e.Message}"),
    };

    /// <summary>True where it is the connection that failed: what was sent may have been carried out or not, and another connection may find out.</summary>
    /// <remarks>A FATAL error counts too: a backend that is told to stop just after a commit says so instead of confirming it.</remarks>
    public static bool IsLostConnection(Exception e) => e switch
    {
        PostgresException p => p.InvariantSeverity is "FATAL" or "PANIC" || p.SqlState.StartsWith("08", StringComparison.Ordinal) || p.SqlState.StartsWith("57P", StringComparison.Ordinal),
        NpgsqlException or IOException or SocketException or TimeoutException or ObjectDisposedException => true,   // disposed of: the driver did it, when it broke
        _ => false,
    };

    /// <summary>True where the writer's epoch is over.</summary>
    public static bool IsFenced(Exception e) => e is PostgresException { SqlState: Fenced };
}
