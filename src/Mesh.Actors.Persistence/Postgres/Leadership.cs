using System.Diagnostics;
using Npgsql;

namespace Mesh.Actors.Persistence.Postgres;

/// <summary>Sees to it that of several processes with one database exactly one leads, and that another one does soon after it is gone.</summary>
/// <remarks>
/// <code>
///            connected, lock taken, new epoch written
/// NoLeader ----------------------------------------------> Leading
///    ^  ^                                                     |  cannot renew for StepDownAfter, connection lost, epoch over, resigned
///    |  +-----------------------------------------------------+
///    |  lost sight of the row for StepDownAfter, no renewal for TakeOverAfter, the leader resigned
///    |
///    +---- Following &lt;---- the row names another leader, which renews
/// </code>
/// <para>The leader holds an advisory lock on a connection of its own, and renews a row. When its process or its connection ends, the server lets the lock go, and a follower has it
/// at its next look. When it is frozen or cut off the server knows nothing of it, but the row stands still: then a follower ends that connection itself
/// (<c>pg_terminate_backend</c>, which a role may do to its own connections). Whether the row stands still each follower judges by its own clock, so no two clocks have to agree.</para>
/// <para>A leader counts from before it sent its last renewal, a follower from after it saw it, so the leader steps down first. But that is a courtesy to clients: what makes it safe is that
/// each append is fenced by its epoch (see <see cref="PostgresJournal"/>). A process that wants to be strict asks <see cref="IsLeading"/> before it answers.</para>
/// </remarks>
public sealed class Leadership
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    private readonly PostgresDatabase _database;
    private readonly LeadershipOptions _options;
    private LeadershipState _state = new NoLeader("not yet connected to the database");
    private long _epoch = -1;          // the one that this process leads in
    private long _leadingUntil;        // Stopwatch's; of that epoch
    private long _lastLook;            // Stopwatch's; when this process last saw the row
    private CancellationTokenSource? _resigning;   // cancelled where the host asks for the end of the present epoch
    private bool _hasResigned;         // set with it

    /// <summary>Makes one; <see cref="RunAsync"/> lets it take part.</summary>
    /// <exception cref="ArgumentException">Options are out of range; the message lists all of them.</exception>
    public Leadership(PostgresOptions database, LeadershipOptions options)
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(options);
        database.ThrowIfInvalid(nameof(database));
        if (options.Validate().ToList() is { Count: > 0 } problems)
            throw new ArgumentException($"options of the leadership: {string.Join("; ", problems)}", nameof(options));
        (_database, _options) = (new PostgresDatabase(database), options);
    }

    /// <summary>The state that was reported last. May be read from any thread.</summary>
    public LeadershipState State => Volatile.Read(ref _state);

    /// <summary>Whether this process leads in this epoch at this moment, by its clock: false from the moment when it should step down, even before it comes to do it.</summary>
    public bool IsLeading(long epoch) => Volatile.Read(ref _epoch) == epoch && Stopwatch.GetTimestamp() < Volatile.Read(ref _leadingUntil);

    /// <summary>Gives the lead up, because the host cannot do its duties in this epoch. Another process gets <see cref="LeadershipOptions.TakeOverAfter"/> to take it before this one tries again.</summary>
    public void Resign(long epoch)
    {
        CancellationTokenSource? resigning = Volatile.Read(ref _resigning);
        if (resigning is null || Volatile.Read(ref _epoch) != epoch)
            return;
        Volatile.Write(ref _hasResigned, true);
        try
        {
            resigning.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The epoch has come to its end by itself.
        }
    }

    /// <summary>Takes part until it is cancelled, and then resigns where it leads.</summary>
    /// <param name="report">Gets each new state, in order, on the thread that found it. Must return at once and not throw: while it runs nothing is renewed.</param>
    /// <param name="cancellation">Ends it. No exception comes of it.</param>
    public async Task RunAsync(Action<LeadershipState> report, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(report);
        TimeSpan wait = _options.PollInterval;
        while (!cancellation.IsCancellationRequested)
        {
            LeadershipConnection? connection = null;
            try
            {
                connection = await BoundedAsync(LeadershipConnection.OpenAsync(_database, cancellation), static late => late.DisposeAsync().AsTask()).ConfigureAwait(false);
                wait = _options.PollInterval;
                (long epoch, LeaderSecret secret, long since) = await FollowAsync(connection, report, cancellation).ConfigureAwait(false);
                Report(report, await LeadAsync(connection, epoch, secret, since, report, cancellation).ConfigureAwait(false));
            }
            catch (Exception e) when (!cancellation.IsCancellationRequested && (e is NpgsqlException or IOException or TimeoutException or JournalException or ObjectDisposedException or InvalidOperationException))
            {
                // A follower that loses its own connection for a moment has no reason to think that the leader is gone.
                if (State is not Following || Stopwatch.GetElapsedTime(_lastLook) >= _options.StepDownAfter)
                    Report(report, new NoLeader(PostgresFailure.Describe(e).Clause));
            }
            catch (Exception) when (cancellation.IsCancellationRequested)
            {
                // Whatever was under way, it is no longer wanted.
            }
            finally
            {
                if (connection is not null)
                    Abandon(connection.DisposeAsync().AsTask());   // over a dead network it can take long, and nothing waits for it
            }

            if (Interlocked.Exchange(ref _hasResigned, false))
                wait = _options.TakeOverAfter;

            await DelayAsync(wait, cancellation).ConfigureAwait(false);
            wait = wait * 2 < LongestWait ? wait * 2 : LongestWait;
        }

        Report(report, new NoLeader("this process has ended its part"));
    }

    // Returns when this process has begun an epoch.
    private async Task<(long Epoch, LeaderSecret Secret, long Since)> FollowAsync(LeadershipConnection connection, Action<LeadershipState> report, CancellationToken cancellation)
    {
        LeadershipView? last = null;
        long unchangedSince = 0;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            LeadershipView view = await BoundedAsync(connection.LookAsync()).ConfigureAwait(false);
            if (view.HasLock)
            {
                var secret = LeaderSecret.Create();
                long since = Stopwatch.GetTimestamp();
                return (await BoundedAsync(connection.TakeOverAsync(_options.Url, secret)).ConfigureAwait(false), secret, since);
            }

            long now = Stopwatch.GetTimestamp();
            _lastLook = now;
            if (last is null || view.Epoch != last.Epoch || view.RenewedAt != last.RenewedAt || view.Holder != last.Holder)
                unchangedSince = now;
            last = view;
            if (Stopwatch.GetElapsedTime(unchangedSince, now) >= _options.TakeOverAfter)
            {
                Report(report, new NoLeader("the leader does not renew; taking over"));
                await BoundedAsync(Ended(connection.EndHolderAsync(view))).ConfigureAwait(false);
                unchangedSince = now;   // the lock is free in a moment; if it is not, once more after a while
                await DelayAsync(TimeSpan.FromMilliseconds(20), cancellation).ConfigureAwait(false);
                continue;
            }

            Report(report, StateOf(view));
            await DelayAsync(_options.PollInterval, cancellation).ConfigureAwait(false);
        }
    }

    // Returns why it does not lead any more.
    private async Task<NoLeader> LeadAsync(
        LeadershipConnection connection, long epoch, LeaderSecret secret, long since, Action<LeadershipState> report, CancellationToken cancellation)
    {
        using var resigning = new CancellationTokenSource();
        using var waking = CancellationTokenSource.CreateLinkedTokenSource(cancellation, resigning.Token);
        Volatile.Write(ref _resigning, resigning);
        ExtendFrom(since);
        Volatile.Write(ref _epoch, epoch);
        try
        {
            if (!IsLeading(epoch))
                return new NoLeader("the takeover took too long");
            Report(report, new Leading(epoch, secret));
            while (true)
            {
                TimeSpan pause = Least(_options.RenewInterval - Stopwatch.GetElapsedTime(since), Remaining());
                await connection.WaitAsync(pause, waking.Token).ConfigureAwait(false);
                if (waking.IsCancellationRequested)
                {
                    // Nobody may think that this process leads once it has told the others that it does not.
                    Volatile.Write(ref _epoch, -1);
                    var resigned = new NoLeader("this process has resigned");
                    Report(report, resigned);
                    _ = await BoundedAsync(connection.ResignAsync(epoch)).ConfigureAwait(false);
                    return resigned;
                }

                since = Stopwatch.GetTimestamp();
                if (!IsLeading(epoch))
                    return TooLate();   // it was frozen
                Task<bool> renewal = connection.RenewAsync(epoch);
                if (await Task.WhenAny(renewal, Task.Delay(Least(Remaining(), CallTimeout), CancellationToken.None)).ConfigureAwait(false) != renewal)
                {
                    Abandon(renewal);
                    return TooLate();
                }

                if (!await renewal.ConfigureAwait(false))
                    return new NoLeader("another process has taken over");
                ExtendFrom(since);
            }
        }
        finally
        {
            Volatile.Write(ref _epoch, -1);
        }

        NoLeader TooLate() => new($"the database did not confirm for {_options.StepDownAfter.TotalSeconds:0.###} s that this process leads");
    }

    private LeadershipState StateOf(LeadershipView view)
    {
        if (view.Url.Length == 0)
            return new NoLeader(view.Epoch == 0 ? "nobody has led yet" : "the leader has resigned");
        if (view.Secret.Length != LeaderSecret.Length || !Uri.TryCreate(view.Url, UriKind.Absolute, out Uri? url))
            return new NoLeader("the row of the leader is damaged");
        return new Following(view.Epoch, url, new LeaderSecret(view.Secret));
    }

    private void ExtendFrom(long since) => Volatile.Write(ref _leadingUntil, since + (long)(_options.StepDownAfter.TotalSeconds * Stopwatch.Frequency));

    private TimeSpan Remaining()
    {
        TimeSpan remaining = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), Volatile.Read(ref _leadingUntil));
        return remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
    }

    private void Report(Action<LeadershipState> report, LeadershipState state)
    {
        if (state == _state)
            return;
        Volatile.Write(ref _state, state);
        report(state);
    }

    private static TimeSpan Least(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static async Task<bool> Ended(Task task)
    {
        await task.ConfigureAwait(false);
        return true;
    }

    // The driver has limits of its own, but some ways through it take longer than others; a leader has to know in time.
    private static async Task<T> BoundedAsync<T>(Task<T> call, Func<T, Task>? undo = null)
    {
        if (await Task.WhenAny(call, Task.Delay(CallTimeout, CancellationToken.None)).ConfigureAwait(false) == call)
            return await call.ConfigureAwait(false);
        Abandon(undo is null ? call : UndoAsync(call, undo));
        throw new TimeoutException("the server does not answer");

        static async Task UndoAsync(Task<T> call, Func<T, Task> undo) => await undo(await call.ConfigureAwait(false)).ConfigureAwait(false);
    }

    // What it ends with is of no interest any more, and an exception must not be reported as one that nobody has seen.
    private static void Abandon(Task task) => _ = task.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    private static async Task DelayAsync(TimeSpan delay, CancellationToken cancellation)
    {
        if (delay <= TimeSpan.Zero)
            return;
        try
        {
            await Task.Delay(delay, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The caller looks for itself.
        }
    }
}
