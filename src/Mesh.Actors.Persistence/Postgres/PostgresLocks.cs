using System.Text;
using Mesh.Actors.Persistence.Storage;
using Npgsql;
using NpgsqlTypes;

namespace Mesh.Actors.Persistence.Postgres;

/// <summary>Advisory locks of one schema: (role, schema) as two integers of 32 bits.</summary>
/// <remarks>Advisory rather than on rows, because the server shows who holds them (<c>pg_locks</c>): only so a successor can end the connection of a process that is frozen or cut off.</remarks>
internal sealed class PostgresLocks(string schema)
{
    /// <summary>"MAcL": held by the leader's connection for as long as it leads.</summary>
    public const int Leader = 0x4D41634C;

    /// <summary>"MAcW": held by the one connection that may write.</summary>
    public const int Writer = 0x4D416357;

    /// <summary>"MAcS": held while tables are made.</summary>
    public const int Layout = 0x4D416353;

    // Two schemas of one database with one number would wait for each other, and that is all.
    private readonly int _schema = (int)RowChecksum.OfStream(RowKind.Event, Encoding.UTF8.GetBytes(schema));

    /// <summary>Selects the backends that hold the lock, apart from one's own. <c>$1</c> and <c>$2</c> are role and schema.</summary>
    public const string Holders = """
        SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND pid <> pg_backend_pid()
            AND classid::bigint = $1 AND objid::bigint = $2::bigint & 4294967295 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """;

    /// <summary>Adds <c>$1</c> and <c>$2</c>.</summary>
    public void Bind(NpgsqlParameterCollection parameters, int role)
    {
        _ = parameters.Add(new NpgsqlParameter<int> { TypedValue = role, NpgsqlDbType = NpgsqlDbType.Integer });
        _ = parameters.Add(new NpgsqlParameter<int> { TypedValue = _schema, NpgsqlDbType = NpgsqlDbType.Integer });
    }
}
