using Npgsql;

namespace Mesh.Actors.Persistence.Postgres;

/// <summary>What one look at the row of the leader has shown.</summary>
/// <param name="HasLock">The lock was free, and this connection has it now.</param>
/// <param name="Epoch">The newest.</param>
/// <param name="Url">Empty where the last leader has resigned, or there was none.</param>
/// <param name="Secret">The leader's.</param>
/// <param name="RenewedAt">By the server's clock, as text: all that matters is whether it changes.</param>
/// <param name="Holder">Backend that holds the lock, 0 where none does.</param>
internal sealed record LeadershipView(bool HasLock, long Epoch, string Url, byte[] Secret, string RenewedAt, int Holder);

/// <summary>The connection that holds the leader's lock, or tries to get it. Closing it lets the lock go.</summary>
internal sealed class LeadershipConnection(PostgresDatabase database, NpgsqlConnection connection) : IAsyncDisposable
{
    private static readonly TimeSpan StatementTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(1);   // the driver takes 0 for endless

    public static async Task<LeadershipConnection> OpenAsync(PostgresDatabase database, CancellationToken cancellation)
    {
        NpgsqlConnection connection = await database.ConnectAsync("mesh leadership", StatementTimeout, cancellation).ConfigureAwait(false);
        try
        {
            await Task.Run(() => PostgresLayout.Prepare(connection, database.Locks, database.Options), cancellation).ConfigureAwait(false);
            return new LeadershipConnection(database, connection);
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Takes the lock if nobody has it, and reads the row.</summary>
    public async Task<LeadershipView> LookAsync()
    {
        var batch = new NpgsqlBatch(connection);
        await using (batch.ConfigureAwait(false))
        {
            batch.BatchCommands.Add(Locked(new NpgsqlBatchCommand("SELECT pg_try_advisory_lock($1, $2)"), PostgresLocks.Leader));
            batch.BatchCommands.Add(Locked(
                new NpgsqlBatchCommand($"SELECT epoch, url, secret, renewed_at::text, coalesce((SELECT max(pid) FROM ({PostgresLocks.Holders}) holders), 0) FROM leadership"), PostgresLocks.Leader));
            NpgsqlDataReader rows = await batch.ExecuteReaderAsync().ConfigureAwait(false);
            await using (rows.ConfigureAwait(false))
            {
                _ = await rows.ReadAsync().ConfigureAwait(false);
                bool hasLock = rows.GetBoolean(0);
                _ = await rows.NextResultAsync().ConfigureAwait(false);
                _ = await rows.ReadAsync().ConfigureAwait(false);
                return new LeadershipView(hasLock, rows.GetInt64(0), rows.GetString(1), rows.GetFieldValue<byte[]>(2), rows.GetString(3), rows.GetInt32(4));
            }
        }
    }

    /// <summary>Begins a new epoch. Only with the lock.</summary>
    /// <remarks>The former leader's writer is ended first: if its process is frozen in the middle of a transaction, that would hold the row of its epoch. See <see cref="PostgresLayout"/>
    /// for why nothing it sent can be committed later.</remarks>
    /// <exception cref="PostgresException">The former writer does not end in time.</exception>
    public async Task<long> TakeOverAsync(Uri url, LeaderSecret secret)
    {
        var batch = new NpgsqlBatch(connection);
        await using (batch.ConfigureAwait(false))
        {
            batch.BatchCommands.Add(Locked(new NpgsqlBatchCommand($"SELECT pg_terminate_backend(pid) FROM ({PostgresLocks.Holders}) holders"), PostgresLocks.Writer));
            batch.BatchCommands.Add(new NpgsqlBatchCommand("UPDATE leadership SET epoch = epoch + 1, url = $1, secret = $2, renewed_at = clock_timestamp()")
            {
                Parameters = { new NpgsqlParameter<string> { TypedValue = url.AbsoluteUri }, new NpgsqlParameter<byte[]> { TypedValue = secret.Octets.ToArray() } },
            });
            batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT epoch FROM leadership"));
            NpgsqlDataReader rows = await batch.ExecuteReaderAsync().ConfigureAwait(false);
            await using (rows.ConfigureAwait(false))
            {
                _ = await rows.NextResultAsync().ConfigureAwait(false);
                _ = await rows.ReadAsync().ConfigureAwait(false);
                return rows.GetInt64(0);
            }
        }
    }

    /// <summary>Ends the connection that holds the lock, if it still is the one and has still not renewed: a follower that was itself frozen after its look must not hit a leader that is well.</summary>
    public async Task EndHolderAsync(LeadershipView seen)
    {
        var end = new NpgsqlCommand(
            $"SELECT pg_terminate_backend(pid) FROM ({PostgresLocks.Holders}) holders WHERE pid = $3 AND EXISTS (SELECT FROM leadership WHERE epoch = $4 AND renewed_at::text = $5)", connection);
        await using (end.ConfigureAwait(false))
        {
            database.Locks.Bind(end.Parameters, PostgresLocks.Leader);
            _ = end.Parameters.Add(new NpgsqlParameter<int> { TypedValue = seen.Holder });
            _ = end.Parameters.Add(new NpgsqlParameter<long> { TypedValue = seen.Epoch });
            _ = end.Parameters.Add(new NpgsqlParameter<string> { TypedValue = seen.RenewedAt });
            _ = await end.ExecuteNonQueryAsync().ConfigureAwait(false);
        }
    }

    /// <summary>False where the epoch is over.</summary>
    public Task<bool> RenewAsync(long epoch) => UpdateAsync("UPDATE leadership SET renewed_at = clock_timestamp() WHERE epoch = $1", epoch);

    /// <summary>Waits, and notices at once when the connection breaks: then another process can have the lock already.</summary>
    /// <exception cref="NpgsqlException">It is broken.</exception>
    public async Task WaitAsync(TimeSpan pause, CancellationToken cancellation)
    {
        if (pause < ShortestWait)
            return;
        try
        {
            _ = await connection.WaitAsync(pause, cancellation).ConfigureAwait(false);   // for a message of the server, of which the only one to come is that it ends
        }
        catch (OperationCanceledException)
        {
            // The caller looks for itself.
        }
    }

    /// <summary>Lets followers know that the leader ends in order.</summary>
    public Task<bool> ResignAsync(long epoch) => UpdateAsync("UPDATE leadership SET url = '', renewed_at = '-infinity' WHERE epoch = $1", epoch);

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private NpgsqlBatchCommand Locked(NpgsqlBatchCommand command, int role)
    {
        database.Locks.Bind(command.Parameters, role);
        return command;
    }

    private async Task<bool> UpdateAsync(string sql, long epoch)
    {
        var update = new NpgsqlCommand(sql, connection) { Parameters = { new NpgsqlParameter<long> { TypedValue = epoch } } };
        await using (update.ConfigureAwait(false))
            return await update.ExecuteNonQueryAsync().ConfigureAwait(false) == 1;
    }
}
