using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using Mesh.Actors.Persistence.Postgres;
using Mesh.Actors.Persistence.Tests.Postgres;
using Mesh.Protocol.Registry;
using Mesh.Registry.Calls;
using Mesh.Registry.Http.Cluster;
using Mesh.Registry.Parameters;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;
using Mesh.Security.Sessions;

namespace Mesh.Registry.Http.Tests.Cluster;

/// <summary>Two processes' worth of servers over one real database: what a client of either sees.</summary>
public sealed class RegistryClusterTests : IDisposable
{
    private static readonly Lazy<PrivateKey> NodeKey = new(static () => PrivateKey.Generate());

    private readonly PostgresServer _server = PostgresServer.Shared;
    private readonly string _schema = PostgresServer.NewSchema();

    [Fact]
    public async Task Whoever_is_asked_answers_as_the_leader_does()
    {
        (ClusterNode leader, ClusterNode follower) = await ClusterNode.StartTwoAsync(_schema);
        await using ClusterNode one = leader, two = follower;
        string[] targets =
        [
            "/getCa", "/getCa?", "/getCa?x", "/getCa?x=%zz", "/getCa?x=%ff", "/getca", "/../getCa", "//getCa", "/%67etCa", "/", "/?#", "/getCa#x", "/a/./b/../c?d=%7e%7E&&=",
            "/requestCertificate?token=unknown&req=x&location=&ip=", "/getNetworkConfig?cn=0000000000000000", "/getNetworkConfig?cn=", "/hello?client_prefix=0000000000000000&protocol=10",
            "/hello?client_prefix=0000000000000000&protocol=ten", "/isToken?token=t", "/isToken?token=" + new string('x', 30_000), "/isToken?token=" + new string('x', 40_000),
        ];
        foreach (string target in targets)
        {
            RawResponse direct = await leader.GetAsync(target);
            RawResponse passedOn = await follower.GetAsync(target);
            Assert.Equal((direct.Status, direct.Text, direct["Content-Type"]), (passedOn.Status, passedOn.Text, passedOn["Content-Type"]));
        }

        Assert.Contains(leader.AccessLog, static a => a is { Method: "getCa", Status: 200 });
        Assert.Equal("ok, leads\n", (await leader.GetAsync("/healthz")).Text);
        Assert.Equal($"ok, follows {leader.Url}\n", (await follower.GetAsync("/healthz")).Text);
        IReadOnlyDictionary<string, double> ofLeader = PrometheusText.Parse((await leader.GetAsync("/metrics")).Text).Samples;
        IReadOnlyDictionary<string, double> ofFollower = PrometheusText.Parse((await follower.GetAsync("/metrics")).Text).Samples;
        Assert.Equal((1, 1, 0, 1), (ofLeader["mesh_registry_leading"], ofLeader["mesh_registry_epoch"], ofLeader["mesh_registry_forwarded_total"], ofLeader["mesh_registry_up"]));
        Assert.Equal((0, 1), (ofFollower["mesh_registry_leading"], ofFollower["mesh_registry_epoch"]));
        Assert.InRange(ofFollower["mesh_registry_forwarded_total"], 10, targets.Length);
        Assert.False(ofFollower.ContainsKey("mesh_registry_up"));
    }

    [Fact]
    public async Task A_node_joins_and_keeps_its_session_through_whichever_process()
    {
        (ClusterNode leader, ClusterNode follower) = await ClusterNode.StartTwoAsync(_schema);
        await using ClusterNode one = leader, two = follower;
        Assert.Equal(204, (await follower.GetAsync("/addToken?email=a%40b&token=t")).Status);
        Assert.Equal(409, (await leader.GetAsync("/addToken?email=a%40b&token=t")).Status);
        NodeCertificate certificate = await JoinAsync(follower, "t");
        RawResponse hello = await leader.GetAsync($"/hello?client_prefix={certificate.Prefix.Bits}&protocol=10");
        Assert.True(SecretEnvelope.TryOpen(hello.Body, NodeKey.Value, LoopbackRegistry.Authority.Certificate.PublicKey, out SessionKey? key));
        var session = new RegistryClientSession();
        session.Open(key);
        foreach (ClusterNode node in new[] { follower, leader, follower })
        {
            // Escapes and order that nobody else would choose: the header covers them as they stand.
            string odd = $"/advertise?addresses=192.0.2.1%2c1194%2Cm%65sh&cn={certificate.Prefix.Bits}";
            RawResponse response = await node.GetAsync(odd, headers: $"re6sthmac: {session.Sign(odd)}");
            Assert.Equal(204, response.Status);
            Assert.True(session.Check(response[RegistryHeaders.Hmac], response.Body));
        }
    }

    [Fact]
    public async Task Private_methods_stay_private_behind_a_process_that_may_call_them_itself()
    {
        (ClusterNode leader, ClusterNode follower) = await ClusterNode.StartTwoAsync(_schema);
        await using ClusterNode one = leader, two = follower;
        foreach (ClusterNode node in new[] { leader, follower })
        {
            Assert.Equal(204, (await node.GetAsync("/isToken?token=t")).Status);
            Assert.Equal(403, (await node.GetAsync("/isToken?token=t", from: "127.0.0.2")).Status);
            Assert.Equal(403, (await node.GetAsync("/isToken?token=t", from: "127.0.0.2", "X-Forwarded-For: 127.0.0.1")).Status);
            Assert.Equal(204, (await node.GetAsync("/isToken?token=t", from: "127.0.0.1", "X-Forwarded-For: ::1")).Status);
            Assert.Equal(403, (await node.GetAsync("/isToken?token=t", from: "127.0.0.1", "X-Forwarded-For: 192.0.2.1")).Status);
            Assert.Equal(403, (await node.GetAsync("/isToken?token=t", from: "127.0.0.1", "X-Forwarded-For: ::1", "X-Forwarded-For: ::1")).Status);
            Assert.Equal(403, (await node.GetAsync("/metrics", from: "127.0.0.2")).Status);
        }

        Assert.Contains(leader.AccessLog, static a => a is { Status: 403, ForwardedFor: null } && a.Client.ToString() == "127.0.0.2");
    }

    [Fact]
    public async Task A_peer_is_believed_only_with_the_leaders_secret_and_once()
    {
        (ClusterNode leader, ClusterNode follower) = await ClusterNode.StartTwoAsync(_schema);
        await using ClusterNode one = leader, two = follower;
        var request = new RegistryRequest("GET", "/isToken?token=t", IPAddress.Loopback);
        string forged = $"{ForwardingSeal.Header}: {new ForwardingSigner(LeaderSecret.Create()).HeaderFor(request)}";
        Assert.Equal(421, (await leader.GetAsync(request.Target, from: "127.0.0.2", forged)).Status);
        Assert.Equal(421, (await leader.GetAsync(request.Target, from: "127.0.0.1", forged)).Status);   // nor does it fall back on the connection's own peer
        Assert.Equal(421, (await leader.GetAsync(request.Target, from: "127.0.0.1", $"{ForwardingSeal.Header}: x")).Status);
        Assert.Equal(421, (await follower.GetAsync(request.Target, from: "127.0.0.1", forged)).Status);

        string genuine = $"{ForwardingSeal.Header}: {new ForwardingSigner(((Leading)leader.Cluster.State).Secret).HeaderFor(request)}";
        Assert.Equal(421, (await leader.GetAsync("/isToken?token=u", from: "127.0.0.2", genuine)).Status);
        Assert.Equal(421, (await leader.GetAsync(request.Target, from: "127.0.0.2", genuine, genuine)).Status);
        Assert.Equal(204, (await leader.GetAsync(request.Target, from: "127.0.0.2", genuine)).Status);
        RawResponse again = await leader.GetAsync(request.Target, from: "127.0.0.2", genuine);
        Assert.Equal((503, "2"), (again.Status, again["Retry-After"]));
        Assert.Contains("mesh_registry_forward_foreign_total 5\n", (await leader.GetAsync("/metrics")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_rate_limit_counts_the_client_and_not_the_process_between()
    {
        (ClusterNode leader, ClusterNode follower) = await ClusterNode.StartTwoAsync(
            _schema, new RegistryOptions { AuthorizedOrigins = ImmutableSortedSet<string>.Empty }, new RegistryServerOptions { AnonymousRate = 0.01, AnonymousBurst = 3 });
        await using ClusterNode one = leader, two = follower;
        foreach (ClusterNode node in new[] { follower, leader, follower })
            Assert.Equal(200, (await node.GetAsync("/getCa", from: "127.0.0.2")).Status);
        foreach (ClusterNode node in new[] { follower, leader })
        {
            RawResponse limited = await node.GetAsync("/getCa", from: "127.0.0.2");
            Assert.Equal((429, "100"), (limited.Status, limited["Retry-After"]));
        }

        Assert.Equal(200, (await follower.GetAsync("/getCa", from: "127.0.0.3")).Status);
        Assert.Equal(200, (await leader.GetAsync("/getCa", from: "127.0.0.1")).Status);
    }

    [Fact]
    public async Task While_nobody_leads_requests_wait_and_then_get_503_with_a_time()
    {
        await using ClusterNode node = await ClusterNode.StartAsync(_schema, cluster: new ClusterOptions { ChangePatience = TimeSpan.FromSeconds(1) });
        await ClusterNode.UntilAsync(() => node.Leads, "it does not lead");
        node.Database.Refuses = true;
        node.Database.Cut();
        await ClusterNode.UntilAsync(() => !node.Leads, "it does not step down");
        long start = Stopwatch.GetTimestamp();
        RawResponse response = await node.GetAsync("/getCa");
        Assert.Equal((503, "nobody leads at the moment\n", "2"), (response.Status, response.Text, response["Retry-After"]));
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(5));
        Assert.Equal(503, (await node.GetAsync("/healthz")).Status);
        Assert.Contains("mesh_registry_leading 0\n", (await node.GetAsync("/metrics")).Text, StringComparison.Ordinal);

        // One that comes in time is answered by whoever leads next.
        Task<RawResponse> waiting = node.GetAsync("/getCa");
        node.Database.Refuses = false;
        await ClusterNode.UntilAsync(() => node.Leads, "it does not lead again");
        Assert.Equal(200, (await node.GetAsync("/getCa")).Status);
        Assert.True((await waiting).Status is 200 or 503);
    }

    [Fact]
    public async Task Of_requests_that_the_leader_may_have_seen_only_harmless_ones_are_sent_again()
    {
        (ClusterNode leader, ClusterNode follower) = await ClusterNode.StartTwoAsync(_schema, cluster: new ClusterOptions { ChangePatience = TimeSpan.FromSeconds(15) });
        await using ClusterNode one = leader, two = follower;
        _ = await leader.AskAsync<TokenAccepted>(static a => a.Registry, new AddToken("a@b", "t"));
        NodeCertificate certificate = await JoinAsync(leader, "t");
        leader.Freeze();
        Task<RawResponse> harmless = follower.GetAsync("/getCa");
        Task<RawResponse> repeatable = follower.GetAsync(JoinTarget("t"));
        Task<RawResponse> authenticated = follower.GetAsync($"/getNetworkConfig?cn={certificate.Prefix.Bits}", headers: "Re6stHMAC: bm90aGluZw==");
        Task<RawResponse> effective = follower.GetAsync("/addToken?email=a%40b&token=u");
        Assert.Equal(200, (await harmless).Status);
        Assert.Equal(certificate.ToPem(), (await repeatable).Text);
        foreach (RawResponse refused in new[] { await authenticated, await effective })
            Assert.Equal((503, "the leader has changed while it had this request\n", "2"), (refused.Status, refused.Text, refused["Retry-After"]));
        Assert.True(follower.Leads);
        Assert.Equal(401, (await follower.GetAsync($"/getNetworkConfig?cn={certificate.Prefix.Bits}")).Status);   // sessions are the leader's: hello again
    }

    [Fact]
    public async Task What_waits_for_a_leader_that_does_not_answer_is_bounded()
    {
        (ClusterNode leader, ClusterNode follower) = await ClusterNode.StartTwoAsync(_schema, cluster: new ClusterOptions { MaxForwards = 3, ForwardTimeout = TimeSpan.FromSeconds(2) });
        await using ClusterNode one = leader, two = follower;
        leader.Front.IsBlackHole = true;   // it goes on leading
        Task<RawResponse>[] waiting = [.. Enumerable.Range(0, 3).Select(_ => follower.GetAsync("/versions"))];
        await ClusterNode.UntilAsync(() => Metrics(follower).Contains("mesh_registry_forwards 3\n", StringComparison.Ordinal), "they do not wait");
        RawResponse refused = await follower.GetAsync("/getCa");
        Assert.Equal((503, "too many requests wait for the leader\n", "1"), (refused.Status, refused.Text, refused["Retry-After"]));
        Assert.All(await Task.WhenAll(waiting), static r => Assert.Equal(503, r.Status));
        leader.Front.IsBlackHole = false;
        leader.Front.Cut();
        Assert.Equal(200, (await follower.GetAsync("/getCa")).Status);
    }

    [Fact]
    public async Task A_process_that_cannot_begin_its_term_leaves_it_to_another()
    {
        await using ClusterNode broken = await ClusterNode.StartAsync(_schema);
        broken.Fault = new InvalidOperationException("the authority's key cannot be read");
        await ClusterNode.UntilAsync(() => broken.Log.Any(static l => l.EndsWith("could not begin: the authority's key cannot be read", StringComparison.Ordinal)) || broken.Leads, "no term begins");
        if (broken.Leads)
            await EndEpochAsync(broken);   // it was faster than the test
        await using ClusterNode sound = await ClusterNode.StartAsync(_schema);
        await ClusterNode.UntilAsync(() => sound.Leads && broken.Follows, "the other one does not take over");
        Assert.Equal(200, (await broken.GetAsync("/getCa")).Status);
    }

    [Fact]
    public async Task A_leader_whose_journal_fails_gives_the_lead_up()
    {
        (ClusterNode leader, ClusterNode follower) = await ClusterNode.StartTwoAsync(_schema);
        await using ClusterNode one = leader, two = follower;

        // The journal's user loses a right that the lead does not need.
        _server.Execute(_schema, "ALTER TABLE event RENAME TO event_taken_away");
        Assert.Equal(503, (await leader.GetAsync("/addToken?email=a&token=t")).Status);
        await ClusterNode.UntilAsync(() => leader.Log.Contains("gives the lead up: its journal has failed", StringComparer.Ordinal), "it does not give up");
        _server.Execute(_schema, "ALTER TABLE event_taken_away RENAME TO event");
        await ClusterNode.UntilAsync(() => follower.Leads && leader.Follows, "the other one does not take over");
        Assert.Equal(204, (await leader.GetAsync("/addToken?email=a&token=t")).Status);
    }

    public void Dispose() => _server.Execute("public", $"DROP SCHEMA IF EXISTS {_schema} CASCADE");

    private static string Metrics(ClusterNode node) => node.GetAsync("/metrics").GetAwaiter().GetResult().Text;

    private async Task EndEpochAsync(ClusterNode node)
    {
        _server.Execute(_schema, "UPDATE leadership SET epoch = epoch + 1");
        await ClusterNode.UntilAsync(() => !node.Leads, "it does not notice");
    }

    private static string JoinTarget(string token) => RegistryCall.Create(
        RegistryMethod.RequestCertificate, ("token", token), ("req", new CertificateRequestBuilder().ToPem(NodeKey.Value)), ("location", ""), ("ip", "")).Target;

    private static async Task<NodeCertificate> JoinAsync(ClusterNode node, string token)
    {
        RawResponse response = await node.GetAsync(JoinTarget(token));
        Assert.Equal(200, response.Status);
        Assert.True(NodeCertificate.TryParsePem(response.Text, out NodeCertificate? certificate));
        return certificate;
    }
}
