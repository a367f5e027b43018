using System.Diagnostics;
using System.Globalization;
using Mesh.Actors.Persistence.Tests.Postgres;
using Mesh.Security.Certificates;

namespace Mesh.Registry.Http.Tests.Cluster;

/// <summary>Three processes' worth of servers over one real database, machines that join all the time, and leaders that come to grief in every way.</summary>
public sealed class ClusterFailoverTests(ITestOutputHelper output) : IDisposable
{
    private const int Tokens = 2_000;
    private const int Lead = 30;   // joins between two events

    private static readonly TimeSpan Failover = TimeSpan.FromSeconds(10);

    private readonly PostgresServer _server = PostgresServer.Shared;
    private readonly string _schema = PostgresServer.NewSchema();

    /// <summary>What happens to a leader.</summary>
    public enum Grief
    {
        /// <summary>Its process ends in order.</summary>
        Stopped,

        /// <summary>Its process is gone.</summary>
        Killed,

        /// <summary>Its process stands still, and its connections with it.</summary>
        Frozen,

        /// <summary>It does not reach the database any more.</summary>
        CutOff,
    }

    [Theory]
    [InlineData(Grief.Stopped)]
    [InlineData(Grief.Killed)]
    [InlineData(Grief.Frozen)]
    [InlineData(Grief.CutOff)]
    public async Task Nothing_acknowledged_is_lost_and_nothing_is_given_twice(Grief grief)
    {
        await using ClusterNode one = await ClusterNode.StartAsync(_schema);
        await using ClusterNode two = await ClusterNode.StartAsync(_schema);
        await using ClusterNode three = await ClusterNode.StartAsync(_schema);
        ClusterNode[] all = [one, two, three];
        ClusterNode leader = await LeaderOfAsync(all);
        await Task.WhenAll(Enumerable.Range(0, Tokens).Select(number => leader.AskAsync<TokenAccepted>(static a => a.Registry, new AddToken("a@b", JoinLoad.TokenOf(number)))));

        // Machines find the processes that are left by themselves; the one that comes to grief is among those they try.
        var load = new JoinLoad([.. all.Select(static n => n.Front.Port)], Tokens, seed: 20260101);
        await ClusterNode.UntilAsync(() => load.Joined >= Lead, "nobody joins");
        long start = Stopwatch.GetTimestamp();
        switch (grief)
        {
            case Grief.Stopped:
                await leader.Cluster.DisposeAsync();
                break;
            case Grief.Killed:
                leader.Kill();
                break;
            case Grief.Frozen:
                leader.Freeze();
                break;
            default:
                leader.CutOff();
                break;
        }

        ClusterNode next = await LeaderOfAsync([.. all.Except([leader])]);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{grief}: another one leads after {Stopwatch.GetElapsedTime(start).TotalSeconds:0.00} s"));
        if (grief is Grief.Frozen or Grief.CutOff)
            Assert.False(leader.Leads);   // it has noticed before the other one could
        else
            await ClusterNode.UntilAsync(() => !leader.Leads, "it still leads");
        int joined = load.Joined;
        await ClusterNode.UntilAsync(() => load.Joined >= joined + Lead, "nobody joins any more");
        if (grief != Grief.Stopped)
        {
            leader.Heal();
            await ClusterNode.UntilAsync(() => leader.Follows, "the former leader does not follow");
        }

        await load.EndAsync();
        TimeSpan gap = load.LongestGapSince(start);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{grief}: the longest time without a certificate was {gap.TotalSeconds:0.00} s; {load.Joined} joined, {load.Unanswered} requests were refused or got no answer"));
        Assert.InRange(gap, TimeSpan.Zero, Failover);
        await CheckAsync(next, load);
    }

    [Fact]
    public async Task The_lead_goes_round_and_the_registry_goes_on()
    {
        await using ClusterNode one = await ClusterNode.StartAsync(_schema);
        await using ClusterNode two = await ClusterNode.StartAsync(_schema);
        await using ClusterNode three = await ClusterNode.StartAsync(_schema);
        ClusterNode[] all = [one, two, three];
        ClusterNode leader = await LeaderOfAsync(all);
        await Task.WhenAll(Enumerable.Range(0, Tokens).Select(number => leader.AskAsync<TokenAccepted>(static a => a.Registry, new AddToken("a@b", JoinLoad.TokenOf(number)))));
        var load = new JoinLoad([.. all.Select(static n => n.Front.Port)], Tokens, seed: 20260102);
        long start = Stopwatch.GetTimestamp();
        for (int round = 0; round < 6; round++)
        {
            int joined = load.Joined;
            await ClusterNode.UntilAsync(() => load.Joined >= joined + 10, "nobody joins any more");
            leader.Kill();
            ClusterNode next = await LeaderOfAsync([.. all.Except([leader])]);
            leader.Heal();
            leader = next;
        }

        await load.EndAsync();
        TimeSpan gap = load.LongestGapSince(start);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"six leaders killed: the longest time without a certificate was {gap.TotalSeconds:0.00} s; {load.Joined} joined, {load.Unanswered} requests were refused or got no answer"));
        Assert.InRange(gap, TimeSpan.Zero, Failover);
        await CheckAsync(leader, load);
    }

    public void Dispose() => _server.Execute("public", $"DROP SCHEMA IF EXISTS {_schema} CASCADE");

    private static async Task<ClusterNode> LeaderOfAsync(ClusterNode[] nodes)
    {
        await ClusterNode.UntilAsync(() => Array.Exists(nodes, static n => n.Leads), "nobody leads");
        return nodes.Single(static n => n.Leads);
    }

    private static async Task CheckAsync(ClusterNode leader, JoinLoad load)
    {
        // Everybody's prefix and serial number are his own, and what the registry remembers is what was answered: no more, and no less.
        NodeList nodes = await leader.AskAsync<NodeList>(static a => a.Registry, new ListNodes());
        RegistryStatistics statistics = await leader.AskAsync<RegistryStatistics>(static a => a.Registry, new GetStatistics());
        var certificates = load.Given.Values.Select(static pem => NodeCertificate.TryParsePem(pem, out NodeCertificate? certificate) ? certificate : throw new InvalidDataException(pem)).ToList();
        Assert.Equal(load.Given.Count, certificates.Select(static c => c.Prefix).Distinct().Count());
        Assert.Equal(load.Given.Count, certificates.Select(static c => c.SerialNumber).Distinct().Count());
        Assert.Equal(load.Given.Count, statistics.Certificates);
        Assert.Equal(Tokens - load.Given.Count, statistics.Tokens);
        Assert.Equal(certificates.Select(static c => c.Prefix.ToString()).Order(StringComparer.Ordinal), nodes.Nodes.Select(static n => n.Prefix.ToString()).Order(StringComparer.Ordinal), StringComparer.Ordinal);

        // Whoever asks again gets what he was given.
        foreach (int number in Enumerable.Range(0, load.Given.Count).Where(static n => n % 7 == 0))
        {
            if (load.Given.TryGetValue(JoinLoad.TokenOf(number), out string? pem))
                Assert.Equal(pem, (await leader.GetAsync(JoinLoad.TargetOf(number))).Text);
        }
    }
}
