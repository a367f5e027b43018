using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Mesh.Actors.Persistence.Postgres;
using Npgsql;

namespace Mesh.Actors.Persistence.Tests.Postgres;

/// <summary>Changes of leader among members in this process and in others, over a real server.</summary>
public sealed class LeadershipTests : IDisposable
{
    // What is promised. What was measured is in the output.
    private static readonly TimeSpan Failover = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly PostgresStore _store = new();
    private readonly FaultyProxy _proxy = new(PostgresServer.Shared.Port);
    private readonly ITestOutputHelper _output;

    public LeadershipTests(ITestOutputHelper output) => _output = output;

    [Fact]
    public async Task Of_three_exactly_one_leads_and_the_others_know_where_it_is_and_its_secret()
    {
        await using var one = new Member(_store.Options, 1);
        await using var two = new Member(_store.Options, 2);
        await using var three = new Member(_store.Options, 3);
        Member[] all = [one, two, three];
        Member leader = await LeaderAsync(all);
        var leading = (Leading)leader.Leadership.State;
        Assert.Equal(1, leading.Epoch);
        Assert.True(leader.Leadership.IsLeading(1));
        Assert.False(leader.Leadership.IsLeading(0) || leader.Leadership.IsLeading(2));
        foreach (Member follower in all.Except([leader]))
        {
            await UntilAsync(() => follower.Leadership.State is Following, "it does not follow");
            Assert.Equal(new Following(1, leader.Url, leading.Secret), follower.Leadership.State);
            Assert.False(follower.Leadership.IsLeading(1));
        }

        Assert.DoesNotContain(Convert.ToHexString(leading.Secret.Octets), leading.ToString(), StringComparison.OrdinalIgnoreCase);
        Assert.Equal("Leading { Epoch = 1, Secret = (secret) }", leading.ToString());
    }

    [Fact]
    public async Task One_that_ends_in_order_is_followed_at_the_next_look()
    {
        await using var one = new Member(_store.Options, 1);
        await one.UntilLeadsAsync();
        await using var two = new Member(_store.Options, 2);
        await UntilAsync(() => two.Leadership.State is Following, "it does not follow");
        long start = Stopwatch.GetTimestamp();
        await one.DisposeAsync();
        await two.UntilLeadsAsync();
        Measured("ended in order", start, TimeSpan.FromSeconds(3));
        Assert.Equal(2, ((Leading)two.Leadership.State).Epoch);
        Assert.IsType<NoLeader>(one.Leadership.State);
    }

    [Fact]
    public async Task A_leader_that_is_killed_is_followed()
    {
        using LeaderProcess first = LeaderProcess.Start(PostgresServer.Shared.ConnectionString, _store.Schema, "http://127.0.0.1:1/");
        await UntilAsync(() => first.Lines.Contains("leading 1", StringComparer.Ordinal), "the process does not lead");
        await using var second = new Member(_store.Options, 2);
        await UntilAsync(() => second.Leadership.State is Following, "it does not follow");
        long start = Stopwatch.GetTimestamp();
        first.Signal("KILL");
        await second.UntilLeadsAsync();
        Measured("killed", start, Failover);
    }

    [Fact]
    public async Task A_leader_that_is_frozen_is_followed_and_steps_down_when_it_thaws()
    {
        using LeaderProcess first = LeaderProcess.Start(PostgresServer.Shared.ConnectionString, _store.Schema, "http://127.0.0.1:1/");
        await UntilAsync(() => first.Lines.Contains("leading 1", StringComparer.Ordinal), "the process does not lead");
        await using var second = new Member(_store.Options, 2);
        await UntilAsync(() => second.Leadership.State is Following, "it does not follow");
        long start = Stopwatch.GetTimestamp();
        first.Signal("STOP");
        await second.UntilLeadsAsync();
        Measured("frozen", start, Failover);
        first.Signal("CONT");
        await UntilAsync(() => first.Lines is [.., var last] && last == $"following {second.Url}", "the thawed process does not follow");
        string[] lines = [.. first.Lines.SkipWhile(static l => l != "leading 1").Take(2)];
        Assert.StartsWith("none: ", lines[1], StringComparison.Ordinal);   // whichever it saw first, the time or the end of its connection
        Assert.True(second.Leadership.IsLeading(2));
    }

    [Fact]
    public async Task A_leader_that_is_cut_off_steps_down_before_another_one_leads()
    {
        await using var first = new Member(_store.Options with { ConnectionString = PostgresServer.ConnectionTo(_proxy.Port) }, 1);
        await first.UntilLeadsAsync();
        bool? overlap = null;
        await using var second = new Member(_store.Options, 2, state => overlap ??= state is Leading ? first.Leadership.IsLeading(1) : null);
        await using var third = new Member(_store.Options, 3, state => overlap ??= state is Leading ? first.Leadership.IsLeading(1) : null);
        await UntilAsync(() => second.Leadership.State is Following && third.Leadership.State is Following, "they do not follow");
        long start = Stopwatch.GetTimestamp();
        _proxy.IsBlackHole = true;
        await UntilAsync(() => first.Leadership.State is NoLeader, "it does not step down");
        Measured("stepped down", start, TimeSpan.FromSeconds(5));
        Member leader = await LeaderAsync([second, third]);
        Measured("cut off", start, Failover);
        Assert.False(overlap);

        // Both waited for the same time, and only one of them got it; neither has hit the other.
        await Task.Delay(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
        Assert.True(leader.Leadership.IsLeading(2));
        Assert.Equal(1, _store.Count("SELECT count(*) FROM leadership WHERE epoch = 2"));

        _proxy.IsBlackHole = false;
        _proxy.Cut();
        await UntilAsync(() => first.Leadership.State is Following following && following.Url == leader.Url, "it does not follow when it is back");
        Assert.Same(first.Reported[^1], first.Leadership.State);
    }

    [Fact]
    public async Task A_leader_whose_connection_breaks_steps_down_at_once_and_somebody_leads_again()
    {
        await using var only = new Member(_store.Options, 1);
        await only.UntilLeadsAsync();
        await using NpgsqlConnection other = PostgresServer.Shared.Connect(_store.Schema);
        await using var end = new NpgsqlCommand($"SELECT pg_terminate_backend(pid) FROM ({PostgresLocks.Holders}) holders", other);
        new PostgresLocks(_store.Schema).Bind(end.Parameters, PostgresLocks.Leader);
        Assert.True((bool)(await end.ExecuteScalarAsync(TestContext.Current.CancellationToken))!);
        await UntilAsync(() => only.Leadership.State is Leading { Epoch: 2 }, "it does not lead again");
        Assert.Collection(
            only.Reported.SkipWhile(static s => s is not Leading),
            static s => Assert.Equal(1, Assert.IsType<Leading>(s).Epoch),
            static s => Assert.IsType<NoLeader>(s),
            static s => Assert.Equal(2, Assert.IsType<Leading>(s).Epoch));
    }

    [Fact]
    public async Task A_follower_that_is_cut_off_for_a_moment_goes_on_following_and_disturbs_nobody()
    {
        await using var leader = new Member(_store.Options, 1);
        await leader.UntilLeadsAsync();
        await using var follower = new Member(_store.Options with { ConnectionString = PostgresServer.ConnectionTo(_proxy.Port) }, 2);
        await UntilAsync(() => follower.Leadership.State is Following, "it does not follow");
        int reported = follower.Reported.Length;
        _proxy.Cut();
        await Task.Delay(TimeSpan.FromSeconds(1.5), TestContext.Current.CancellationToken);
        Assert.Equal(reported, follower.Reported.Length);
        _proxy.Refuses = true;
        _proxy.Cut();
        await UntilAsync(() => follower.Leadership.State is NoLeader, "it does not notice that it knows nothing any more");
        _proxy.Refuses = false;
        await UntilAsync(() => follower.Leadership.State is Following, "it does not follow again");
        Assert.True(leader.Leadership.IsLeading(1));
    }

    [Fact]
    public async Task A_host_that_cannot_do_its_duties_leaves_the_lead_to_another()
    {
        await using var first = new Member(_store.Options, 1);
        await first.UntilLeadsAsync();
        await using var second = new Member(_store.Options, 2);
        await UntilAsync(() => second.Leadership.State is Following, "it does not follow");
        first.Leadership.Resign(7);   // not the present epoch
        first.Leadership.Resign(1);
        await second.UntilLeadsAsync();
        await UntilAsync(() => first.Leadership.State is Following, "it does not follow");
        Assert.True(second.Leadership.IsLeading(2));
    }

    [Fact]
    public async Task A_writer_that_is_frozen_within_a_transaction_does_not_hold_up_a_takeover()
    {
        await using (var first = new Member(_store.Options, 1))
            await first.UntilLeadsAsync();
        await using NpgsqlConnection frozen = PostgresServer.Shared.Connect(_store.Schema);
        await using (var begin = new NpgsqlCommand($"SELECT pg_try_advisory_lock($1, $2)", frozen))
        {
            new PostgresLocks(_store.Schema).Bind(begin.Parameters, PostgresLocks.Writer);
            Assert.True((bool)(await begin.ExecuteScalarAsync(TestContext.Current.CancellationToken))!);
        }

        await using (var begin = new NpgsqlCommand("BEGIN; SELECT fence(1); INSERT INTO stream(id, name) VALUES (1, 'a')", frozen))
            _ = await begin.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        long start = Stopwatch.GetTimestamp();
        await using var second = new Member(_store.Options, 2);
        await second.UntilLeadsAsync();
        Measured("with a transaction open", start, Failover);
        await using var commit = new NpgsqlCommand("COMMIT", frozen);
        _ = await Assert.ThrowsAnyAsync<NpgsqlException>(() => commit.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
        Assert.Equal(0, _store.Count("SELECT count(*) FROM stream"));
    }

    [Fact]
    public async Task A_server_that_cannot_be_reached_is_tried_again_and_named_without_the_password()
    {
        _proxy.Refuses = true;
        await using var member = new Member(_store.Options with { ConnectionString = PostgresServer.ConnectionTo(_proxy.Port) }, 1);
        await UntilAsync(() => !member.Reported.IsEmpty, "it reports nothing");
        NoLeader no = Assert.IsType<NoLeader>(member.Reported[0]);
        Assert.StartsWith("the connection is lost", no.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(PostgresServer.Password, no.Reason, StringComparison.Ordinal);
        _proxy.Refuses = false;
        await member.UntilLeadsAsync();
    }

    [Fact]
    public void Every_setting_out_of_range_is_named()
    {
        var wrong = new LeadershipOptions
        {
            Url = new Uri("ftp://u:p@host/?q"),
            RenewInterval = TimeSpan.Zero,
            StepDownAfter = TimeSpan.Zero,
            TakeOverAfter = TimeSpan.Zero,
            PollInterval = TimeSpan.Zero,
        };
        Assert.Equal(5, wrong.Validate().Count());
        Assert.Empty(new LeadershipOptions { Url = new Uri("http://[fd00::1]:8080/registry") }.Validate());
        Assert.Throws<ArgumentException>(() => new Leadership(_store.Options, wrong));
    }

    public void Dispose()
    {
        _proxy.Dispose();
        _store.Dispose();
    }

    private void Measured(string what, long start, TimeSpan limit)
    {
        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        _output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {elapsed.TotalSeconds:0.00} s"));
        Assert.InRange(elapsed, TimeSpan.Zero, limit);
    }

    private static async Task<Member> LeaderAsync(Member[] members)
    {
        await UntilAsync(() => Array.Exists(members, static m => m.Leadership.State is Leading), "nobody leads");
        return Assert.Single(members, static m => m.Leadership.State is Leading);
    }

    private static async Task UntilAsync(Func<bool> condition, string otherwise)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Limit, otherwise);
            await Task.Delay(5, TestContext.Current.CancellationToken);   // for real time to pass, which is what is tested
        }
    }

    /// <summary>One process's worth of it.</summary>
    private sealed class Member : IAsyncDisposable
    {
        private readonly CancellationTokenSource _ending = new();
        private readonly ConcurrentQueue<LeadershipState> _reported = new();
        private readonly Task _running;

        public Member(PostgresOptions options, int number, Action<LeadershipState>? also = null)
        {
            Url = new Uri($"http://127.0.0.{number}:80/");
            Leadership = new Leadership(options, new LeadershipOptions { Url = Url });
            _running = Task.Run(() => Leadership.RunAsync(
                state =>
                {
                    _reported.Enqueue(state);
                    also?.Invoke(state);
                },
                _ending.Token));
        }

        public Uri Url { get; }

        public Leadership Leadership { get; }

        public System.Collections.Immutable.ImmutableArray<LeadershipState> Reported => [.. _reported];

        public Task UntilLeadsAsync() => UntilAsync(() => Leadership.State is Leading, "it does not lead");

        public async ValueTask DisposeAsync()
        {
            if (!_ending.IsCancellationRequested)
                await _ending.CancelAsync();
            await _running;
            _ending.Dispose();
        }
    }
}
