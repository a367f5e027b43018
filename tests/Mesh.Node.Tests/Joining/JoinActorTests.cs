using System.Text;
using System.Web;
using Mesh.Actors;
using Mesh.Actors.Ports;
using Mesh.Actors.TestKit;
using Mesh.Node.Joining;
using Mesh.Node.Tests.Doubles;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Node.Tests.Joining;

public sealed class JoinActorTests
{
    private static readonly Fingerprint Right = Fingerprint.Of(Identities.Authority.Certificate.Der.AsSpan());

    private readonly ScriptedHttp _http = new();
    private readonly HeldWorkPool _work = new();
    private ActorTestKit _kit = null!;
    private TestProbe _owner = null!;
    private ActorRef _join = null!;

    [Fact]
    public void With_an_existing_key_it_fetches_checks_asks_and_joins()
    {
        Start(Order());
        Assert.Equal("/getCa", _http.LastTarget.TrimEnd('?'));
        Assert.Equal("http://registry.example/net", _http.Requests[0].BaseUrl);
        _http.Answer(200, Pem(Identities.AuthorityPem));
        KeyReady ready = _owner.ExpectMsg<KeyReady>();
        Assert.Same(Identities.A.Key, ready.Key);
        Assert.Empty(_work.Pieces);
        // The key is on the disk before anything is done with it.
        Assert.Single(_http.Requests);
        _owner.Reply(new KeyStored());
        Assert.StartsWith("/requestCertificate?", _http.LastTarget, StringComparison.Ordinal);
        Assert.Equal(("the-token", "", ""), (Argument("token"), Argument("location"), Argument("ip")));
        _http.Answer(200, Pem(Issue(Argument("req")!)));
        Joined joined = _owner.ExpectMsg<Joined>();
        Assert.Equal("5/16", joined.Certificate.Prefix.CommonName);
        Assert.Same(Identities.A.Key, joined.Key);
        ExpectGone();
    }

    [Fact]
    public void Without_a_key_one_of_the_authoritys_size_is_made()
    {
        Start(Order() with { Key = null });
        _http.Answer(200, Pem(Identities.AuthorityPem));
        (object tag, _, ActorRef replyTo) = Assert.Single(_work.Pieces);
        Assert.Equal(0, _owner.PendingCount);
        replyTo.Tell(new WorkDone(tag, Identities.B.Key));
        _kit.Settle();
        Assert.Same(Identities.B.Key, _owner.ExpectMsg<KeyReady>().Key);
        _owner.Reply(new KeyStored());
        _http.Answer(200, Pem(Issue(Argument("req")!)));
        Assert.Same(Identities.B.Key, _owner.ExpectMsg<Joined>().Key);
    }

    [Fact]
    public void The_token_is_not_sent_before_the_fingerprint_has_matched()
    {
        Fingerprint wrong = Fingerprint.Of("somebody else"u8);
        Start(Order() with { Fingerprint = wrong });
        _http.Answer(200, Pem(Identities.AuthorityPem));
        ExpectFailure($"the authority of http://registry.example/net/ is not the one you expect: {wrong.MismatchWith(Identities.Authority.Certificate.Der.AsSpan())}");
        Assert.DoesNotContain(_http.Requests, r => r.PathAndQuery.Contains("the-token", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_a_fingerprint_whoever_answers_is_believed()
    {
        Start(Order() with { Fingerprint = null });
        _http.Answer(200, Pem(Identities.AuthorityPem));
        _owner.ExpectMsg<KeyReady>();
    }

    [Fact]
    public void A_registry_that_cannot_be_reached_is_named()
    {
        Start(Order());
        _http.Fail("connection refused");
        ExpectFailure("the registry at http://registry.example/net/ cannot be reached: connection refused");
    }

    [Theory]
    [InlineData(404)]
    [InlineData(500)]
    [InlineData(204)]
    public void Something_that_is_not_a_registry_is_told_by_its_status(int status)
    {
        Start(Order());
        _http.Answer(status);
        ExpectFailure($"http://registry.example/net/ answered getCa with status {status}; is it a registry?");
    }

    [Theory]
    [InlineData("")]
    [InlineData("<html>hello</html>")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    public void Something_that_is_not_a_registry_is_told_by_its_answer(string body)
    {
        Start(Order());
        _http.Answer(200, Pem(body));
        ExpectFailure("http://registry.example/net/ answered getCa with something that is not an authority's certificate; is it a registry?");
    }

    [Fact]
    public void A_clock_that_is_far_off_is_told()
    {
        Start(Order(), new DateTimeOffset(1970, 1, 1, 0, 0, 0, TimeSpan.Zero));
        _http.Answer(200, Pem(Identities.AuthorityPem));
        AuthorityCertificate authority = Identities.Authority.Certificate;
        ExpectFailure($"the authority's certificate is valid from {authority.NotBefore:yyyy-MM-dd} to {authority.NotAfter:yyyy-MM-dd}, and this machine's clock says 1970-01-01 00:00");
    }

    [Fact]
    public void An_existing_key_of_another_size_is_told()
    {
        Start(Order() with { Key = PrivateKey.Generate(1024) });
        _http.Answer(200, Pem(Identities.AuthorityPem));
        ExpectFailure("the existing key has 1024 bits, and this network's keys have 2048; move the key away to have a new one made");
    }

    [Fact]
    public void A_subject_that_cannot_be_is_told_before_anything_is_made_or_sent()
    {
        Start(Order() with { Subject = [("O", "Example"), ("CN", "5/16")] });
        _http.Answer(200, Pem(Identities.AuthorityPem));
        ExpectFailure($"the subject cannot have CN=5/16; known names are {string.Join(", ", CertificateRequestBuilder.KnownNames)}");
        Assert.Empty(_work.Pieces);
        Assert.Single(_http.Requests);
    }

    [Fact]
    public void A_key_that_cannot_be_made_is_told()
    {
        Start(Order() with { Key = null });
        _http.Answer(200, Pem(Identities.AuthorityPem));
        (object tag, _, ActorRef replyTo) = Assert.Single(_work.Pieces);
        replyTo.Tell(new WorkFailed(tag, new InvalidOperationException("no entropy")));
        ExpectFailure("a key could not be made: no entropy");
    }

    [Fact]
    public void A_machine_that_is_too_busy_is_told()
    {
        Start(Order() with { Key = null });
        _http.Answer(200, Pem(Identities.AuthorityPem));
        (object tag, _, ActorRef replyTo) = Assert.Single(_work.Pieces);
        replyTo.Tell(new WorkRejected(tag));
        ExpectFailure("the machine is too busy to make a key; try again");
    }

    [Theory]
    [InlineData(204, "the-token", "the registry does not know this token: it is mistyped, spent or expired; ask the registry's administrator for another")]
    [InlineData(403, "", "this registry does not let nodes join without a token")]
    [InlineData(403, "the-token", "this registry does not let nodes join by token at present")]
    [InlineData(503, "the-token", "the registry is overloaded; try again in a few seconds, the token is not spent")]
    [InlineData(500, "the-token", "the registry refused to issue a certificate (status 500)")]
    public void A_refusal_is_told(int status, string token, string sentence)
    {
        Requested(Order() with { Token = token });
        _http.Answer(status);
        ExpectFailure(sentence);
    }

    [Fact]
    public void An_answer_that_is_lost_is_told_as_what_it_may_mean()
    {
        Requested(Order());
        _http.Fail("the request timed out");
        ExpectFailure("the registry did not answer the request for a certificate: the request timed out; the token may be spent");
    }

    [Fact]
    public void An_answer_that_is_no_certificate_is_told()
    {
        Requested(Order());
        _http.Answer(200, Pem("welcome"));
        ExpectFailure("the registry answered with something that is not a certificate");
    }

    [Fact]
    public void A_certificate_for_another_key_is_refused()
    {
        Requested(Order());
        _http.Answer(200, Pem(Identities.Node("B").GetProperty("cert").GetString()!));
        ExpectFailure("the registry's certificate cannot be used (Valid, another key)");
    }

    [Fact]
    public void A_certificate_of_another_authority_is_refused()
    {
        Requested(Order());
        _http.Answer(200, Pem(Identities.Foreign.GetProperty("cert").GetString()!));
        Assert.Contains("cannot be used (UnknownIssuer", Failure(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_that_is_not_valid_yet_tells_about_the_clock()
    {
        Requested(Order());
        _http.Answer(200, Pem(Issue(Argument("req")!, notBefore: Identities.Now.AddMinutes(16))));
        ExpectFailure("the certificate that the registry issued is valid from 2026-01-01 00:16:00, and this machine's clock says 2026-01-01 00:00:00; set the clock, then ask the registry's administrator for another token");
    }

    [Fact]
    public void A_clock_that_is_a_little_behind_does_not_keep_a_machine_from_joining()
    {
        Requested(Order());
        _http.Answer(200, Pem(Issue(Argument("req")!, notBefore: Identities.Now.AddMinutes(15))));
        Joined joined = _owner.ExpectMsg<Joined>();
        Assert.Equal(joined.Certificate.Prefix, new NodeIdentity(Identities.Verifier, joined.Certificate, joined.Key, Identities.Now).Prefix);
    }

    [Fact]
    public void What_the_owner_says_too_early_does_not_send_the_token()
    {
        Start(Order() with { Key = null });
        _owner.Send(_join, new KeyStored());
        _http.Answer(200, Pem(Identities.AuthorityPem));
        _owner.Send(_join, new KeyStored());
        Assert.Single(_http.Requests);
        Assert.Equal(0, _kit.System.FailureCount);
    }

    private static JoinOrder Order() => new("http://registry.example/net/", "the-token", Right, Identities.A.Key, [("O", "Example")]);

    private static byte[] Pem(string text) => Encoding.UTF8.GetBytes(text);

    private static string Issue(string request, DateTimeOffset? notBefore = null)
    {
        DateTimeOffset begin = notBefore ?? Identities.Now.AddDays(-1);
        var identity = new IssuedIdentity(Protocol.Addressing.NodePrefix.ParseCommonName("5/16"), 5, 50, begin, begin.AddDays(365));
        Assert.Equal(RequestProblem.None, Identities.Authority.TryIssue(request, identity, out NodeCertificate? certificate));
        return Security.Keys.Pem.Write(Security.Keys.Pem.Certificate, certificate!.Der.AsSpan());
    }

    private void Start(JoinOrder order, DateTimeOffset? clock = null)
    {
        _kit = new ActorTestKit(configure: o => o with { Epoch = clock ?? Identities.Now });
        _http.Attach(_kit);
        _owner = _kit.CreateProbe("owner");
        _join = _kit.ActorOf(Props.Create(() => new JoinActor(order, _http, _work, _owner.Ref)), "join");
    }

    private void Requested(JoinOrder order)
    {
        Start(order);
        _http.Answer(200, Pem(Identities.AuthorityPem));
        _owner.ExpectMsg<KeyReady>();
        _owner.Reply(new KeyStored());
    }

    private string? Argument(string name) => HttpUtility.ParseQueryString(_http.LastTarget[(_http.LastTarget.IndexOf('?', StringComparison.Ordinal) + 1)..])[name];

    private void ExpectFailure(string sentence) => Assert.Equal(sentence, Failure());

    private string Failure()
    {
        string reason = _owner.ExpectMsg<JoinFailed>().Reason;
        ExpectGone();
        return reason;
    }

    private void ExpectGone()
    {
        Assert.Null(_kit.System.Find("/user/join"));
        Assert.Equal(0, _owner.PendingCount);
        Assert.Equal(0, _kit.System.FailureCount);
    }
}
