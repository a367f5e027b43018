using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.DataPlane;
using Mesh.Node.Certificates;
using Mesh.Node.Parameters;
using Mesh.Node.Ports;
using Mesh.Node.RegistryClient;
using Mesh.Node.Routing;
using Mesh.Node.Tests.Doubles;

namespace Mesh.Node.Tests.RegistryClient;

public sealed class RegistryClientActorTests
{
    private static readonly byte[] Body = [1, 2, 3];

    private readonly ActorTestKit _kit = new();
    private readonly PlayedRegistry _registry;
    private readonly TestProbe _asker;
    private readonly ActorRef _client;

    public RegistryClientActorTests()
    {
        _registry = new PlayedRegistry(_kit);
        _asker = _kit.CreateProbe();
        _client = _kit.ActorOf(Props.Create(() => new RegistryClientActor(Identities.A, "http://registry.example/net/", _registry.Http)));
    }

    [Fact]
    public void It_says_hello_once_and_then_calls_with_a_key_that_moves_on()
    {
        Call("first");
        Assert.Equal("/hello?client_prefix=0000000000000001&protocol=10", _registry.Http.LastTarget);
        Assert.Equal("http://registry.example/net", _registry.Http.Requests[0].BaseUrl);
        Assert.Empty(_registry.Http.Requests[0].Headers);
        _registry.AnswerHello();
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal("getDh", _registry.LastMethod);
            Assert.Equal("0000000000000001", _registry.LastArgument("cn"));
            Assert.Equal("x", _registry.LastArgument("extra"));
            _registry.Answer(Body);
            Assert.Equal(Body, _asker.ExpectMsg<RegistryAnswered>().Body.ToArray());
            Call("next");
        }

        Assert.Equal(7, _registry.Http.Requests.Count);
        Assert.Equal(6, _registry.Http.Requests.Select(r => r.Headers.FirstOrDefault().Value).OfType<string>().Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Calls_go_through_the_overlay_while_the_registrys_node_is_routed()
    {
        Call("before any route");
        _registry.AnswerHello();
        _registry.Answer(Body);
        Route(isRouted: true);
        Call("routed");
        _registry.Answer(Body);
        Route(isRouted: false);
        Call("not any more");
        _registry.Answer(Body);
        Assert.Equal(3, _asker.ReceiveAll().OfType<RegistryAnswered>().Count());
        Assert.Equal(["http://registry.example/net", "http://registry.example/net", InOverlay, "http://registry.example/net"], _registry.Http.Requests.Select(static r => r.BaseUrl), StringComparer.Ordinal);
        Assert.Equal([30, 30, 10, 30], _registry.Http.Requests.Select(static r => (int)r.Timeout.TotalSeconds));
    }

    [Theory]
    [InlineData("no answer")]
    [InlineData("another service")]
    [InlineData("nonsense")]
    public void What_fails_in_the_overlay_is_asked_at_the_configured_URL_at_once_and_for_an_hour(string failure)
    {
        Route(isRouted: true);
        Call("a");
        Assert.Equal(InOverlay, _registry.Http.Requests[0].BaseUrl);
        if (failure == "no answer")
            _registry.Http.Fail("connection refused");
        else if (failure == "another service")
            _registry.Http.Answer(404);
        else
            _registry.Http.Answer(200, Body);
        Assert.Equal("http://registry.example/net", _registry.Http.Requests[1].BaseUrl);
        _registry.AnswerHello();
        _registry.Answer(Body);
        Assert.Equal("a", _asker.ExpectMsg<RegistryAnswered>().Tag);
        _kit.Advance(TimeSpan.FromMinutes(59));
        Call("b");
        Assert.Equal("http://registry.example/net", _registry.Http.Requests[^1].BaseUrl);
        _registry.Answer(Body);
        _kit.Advance(TimeSpan.FromMinutes(2));
        Call("c");
        Assert.Equal(InOverlay, _registry.Http.Requests[^1].BaseUrl);
        _registry.Answer(Body);
        Assert.Equal(2, _asker.ReceiveAll().OfType<RegistryAnswered>().Count());
    }

    [Fact]
    public void Where_the_configured_URL_fails_too_the_next_call_tries_the_overlay_again()
    {
        Route(isRouted: true);
        Call("a");
        _registry.Http.Fail("connection refused");   // the registry is being restarted
        _registry.Http.Fail("the request timed out");
        ExpectUnreachable("a", "timed out");
        Call("b");
        Assert.Equal(InOverlay, _registry.Http.Requests[^1].BaseUrl);
    }

    [Fact]
    public void A_call_whose_answer_was_lost_in_the_overlay_is_made_again_with_a_new_session()
    {
        Route(isRouted: true);
        Call("a");
        _registry.AnswerHello();
        Assert.True(_registry.Accept());   // the registry has seen it, and its key is used up
        _registry.Http.Fail("the request timed out");
        _registry.AnswerHello();
        _registry.Answer(Body);
        Assert.Equal("a", _asker.ExpectMsg<RegistryAnswered>().Tag);
    }

    [Theory]
    [InlineData("https://registry.example")]
    [InlineData("not a URL")]
    public void Only_plain_HTTP_goes_through_the_overlay(string url)
    {
        var http = new ScriptedHttp();
        http.Attach(_kit);
        ActorRef client = _kit.ActorOf(Props.Create(() => new RegistryClientActor(Identities.A, url, http)));
        Route(isRouted: true);
        client.Tell(new CallRegistry("a", "getDh", []), _asker.Ref);
        _kit.Settle();
        Assert.Equal(url, http.Requests[0].BaseUrl);
    }

    [Fact]
    public void An_empty_answer_is_authenticated_too()
    {
        Call("a");
        _registry.AnswerHello();
        _registry.Answer([], status: 204);
        RegistryAnswered answered = _asker.ExpectMsg<RegistryAnswered>();
        Assert.Equal("a", answered.Tag);
        Assert.True(answered.Body.IsEmpty);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(400)]
    [InlineData(500)]
    public void A_registry_that_has_forgotten_us_costs_one_new_hello(int status)
    {
        Call("a");
        _registry.AnswerHello();
        _registry.Answer(Body);
        Call("b");
        _registry.Forget();
        _registry.Http.Answer(status);
        Assert.Equal("hello", _registry.LastMethod);
        _registry.AnswerHello();
        _registry.Answer(Body);
        Assert.Equal(["a", "b"], _asker.ReceiveAll().Cast<RegistryAnswered>().Select(m => (string)m.Tag), StringComparer.Ordinal);
        Assert.Equal(5, _registry.Http.Requests.Count);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(404)]
    [InlineData(500)]
    public void After_one_new_hello_it_gives_up(int status)
    {
        Call("a");
        _registry.AnswerHello();
        _registry.Http.Answer(status);
        ExpectUnreachable("a", $"the registry answered getDh with status {status}");
        Assert.Equal(2, _registry.Http.Requests.Count);
        // The next call begins anew.
        Call("b");
        Assert.Equal("hello", _registry.LastMethod);
    }

    [Fact]
    public void What_anybody_may_ask_is_asked_without_a_session_and_in_its_turn()
    {
        Call("first");
        _asker.Send(_client, new CallRegistry("public", "getRevocation", [("serial", "7")]) { IsPublic = true });
        _asker.Send(_client, new CallRegistry("empty", "getCa", []) { IsPublic = true });
        Call("last");
        _registry.AnswerHello();
        _registry.Answer(Body);
        Assert.Equal("/getRevocation?serial=7", _registry.Http.LastTarget);
        Assert.Empty(_registry.Http.Requests[^1].Headers);
        _registry.Http.Answer(200, Body);
        Assert.StartsWith("/getCa", _registry.Http.LastTarget, StringComparison.Ordinal);
        _registry.Http.Answer(204);
        _registry.Answer(Body);   // with the session of before
        Assert.Equal(["first", "public", "empty", "last"], _asker.ReceiveAll().Cast<RegistryAnswered>().Select(a => (string)a.Tag), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(404)]
    [InlineData(503)]
    public void A_public_call_that_fails_is_not_tried_again_and_says_nothing_about_the_node(int status)
    {
        TestProbe hints = _kit.CreateProbe("hints");
        _kit.System.EventStream.Subscribe<DisownedByRegistry>(hints.Ref);
        _asker.Send(_client, new CallRegistry("a", "getRevocation", [("serial", "7")]) { IsPublic = true });
        _registry.Http.Answer(status);
        ExpectUnreachable("a", $"the registry answered getRevocation with status {status}");
        _asker.Send(_client, new CallRegistry("b", "getCa", []) { IsPublic = true });
        _registry.Http.Fail("connection refused");
        ExpectUnreachable("b", "connection refused");
        Assert.Equal((2, 0), (_registry.Http.Requests.Count, hints.PendingCount));
    }

    [Fact]
    public void A_registry_that_denies_to_know_the_node_is_reported_as_such()
    {
        TestProbe hints = _kit.CreateProbe("hints");
        _kit.System.EventStream.Subscribe<DisownedByRegistry>(hints.Ref);
        Call("a");
        _registry.Http.Answer(404);
        Assert.True(_asker.ExpectMsg<RegistryUnreachable>().IsDisowned);
        hints.ExpectMsg<DisownedByRegistry>();
        Call("b");
        _registry.Http.Answer(200, new byte[512]);   // for whoever has our prefix now
        Assert.True(_asker.ExpectMsg<RegistryUnreachable>().IsDisowned);
        hints.ExpectMsg<DisownedByRegistry>();
        Call("c");
        _registry.Http.Answer(500);
        Assert.False(_asker.ExpectMsg<RegistryUnreachable>().IsDisowned);
        Call("d");
        _registry.Http.Fail("connection refused");
        Assert.False(_asker.ExpectMsg<RegistryUnreachable>().IsDisowned);
        Assert.Equal(0, hints.PendingCount);
    }

    [Theory]
    [InlineData(404, "the registry has no certificate for")]
    [InlineData(500, "answered hello with status 500")]
    [InlineData(503, "answered hello with status 503")]
    [InlineData(204, "answered hello with status 204")]
    public void A_refused_hello_is_told(int status, string reason)
    {
        Call("a");
        _registry.Http.Answer(status);
        ExpectUnreachable("a", reason);
    }

    [Fact]
    public void A_forged_answer_to_hello_is_refused()
    {
        Call("a");
        byte[] hello = _registry.Hello();
        foreach (byte[] forged in (byte[][])[[], new byte[hello.Length], hello[..^1], [.. hello, 0], Flipped(hello, 3), Flipped(hello, hello.Length - 3)])
        {
            _registry.Http.Answer(200, forged);
            ExpectUnreachable("a", "is not signed by the network's authority, or not for us");
            Call("a");
        }
    }

    [Fact]
    public void A_hello_for_another_node_is_refused()
    {
        Call("a");
        var entropy = new Doubles.CountingEntropy();
        _registry.Http.Answer(200, Security.Sessions.SecretEnvelope.Create(
            Security.Sessions.SessionKey.ForRegistry(entropy), Identities.B.Key.PublicKey, Identities.Authority.Key, entropy));
        ExpectUnreachable("a", "not for us");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("not base64 at all!")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    public void A_forged_answer_to_a_call_is_refused(string? mac)
    {
        Call("a");
        _registry.AnswerHello();
        _registry.Http.Answer(200, Body, mac);
        ExpectUnreachable("a", "the registry's answer is not authentic");
    }

    [Fact]
    public void An_old_answer_played_again_is_refused()
    {
        Call("a");
        _registry.AnswerHello();
        _registry.Answer(Body);
        Call("b");
        Assert.True(_registry.Accept());
        // The MAC of the first answer does not fit the second call; a new hello is tried first.
        _registry.Http.Answer(200, Body, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        Assert.Equal("hello", _registry.LastMethod);
        _asker.ExpectMsg<RegistryAnswered>();
        Assert.Equal(0, _asker.PendingCount);
    }

    [Fact]
    public void An_overloaded_registry_is_not_asked_again_at_once()
    {
        Call("a");
        _registry.AnswerHello();
        _registry.Http.Answer(503);
        ExpectUnreachable("a", "the registry is overloaded");
        Assert.Equal(2, _registry.Http.Requests.Count);
    }

    [Fact]
    public void A_connection_error_fails_the_call_and_the_next_one_recovers()
    {
        Call("a");
        _registry.Http.Fail("connection refused");
        ExpectUnreachable("a", "connection refused");
        Call("b");
        _registry.AnswerHello();
        _registry.Accept();
        _registry.Http.Fail("reset by the peer");
        ExpectUnreachable("b", "reset by the peer");
        Call("c");
        _registry.Answer(Body);
        Assert.Equal("c", _asker.ExpectMsg<RegistryAnswered>().Tag);
    }

    [Fact]
    public void Calls_are_made_one_after_the_other_in_order()
    {
        for (int i = 0; i < 5; i++)
            Call($"{i}");
        Assert.Single(_registry.Http.Requests);
        _registry.AnswerHello();
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(2 + i, _registry.Http.Requests.Count);
            _registry.Answer([(byte)i]);
        }

        Assert.Equal(["0", "1", "2", "3", "4"], _asker.ReceiveAll().Cast<RegistryAnswered>().Select(a => (string)a.Tag), StringComparer.Ordinal);
    }

    [Fact]
    public void Too_many_calls_are_refused_at_once()
    {
        for (int i = 0; i < RegistryClientActor.MaxWaiting; i++)
            Call($"{i}");
        Assert.Equal(0, _asker.PendingCount);
        Call("one too many");
        ExpectUnreachable("one too many", "64 calls wait for the registry already");
    }

    [Fact]
    public void A_late_answer_to_an_exchange_that_was_given_up_is_passed_over()
    {
        Call("a");
        _registry.Http.Fail("the request timed out");
        ExpectUnreachable("a", "timed out");
        _registry.Http.Answer(200, Body, index: 0);
        Call("b");
        _registry.Http.Answer(200, Body, index: 0);
        Assert.Equal(0, _asker.PendingCount);
        Assert.Equal(0, _kit.System.UnhandledCount);
    }

    [Fact]
    public void Whoever_waits_when_it_is_restarted_or_stopped_is_told()
    {
        bool isBroken = false;
        var http = new BreakableHttp(_registry.Http, () => isBroken);
        ActorRef client = _kit.ActorOf(Props.Create(() => new RegistryClientActor(Identities.A, "http://r", http)));
        _asker.Send(client, new CallRegistry("a", "getDh", []));
        _asker.Send(client, new CallRegistry("b", "getDh", []));
        isBroken = true;
        _registry.AnswerHello();
        Assert.Equal(1, _kit.System.FailureCount);
        ExpectUnreachable("a", "given up");
        ExpectUnreachable("b", "given up");
        isBroken = false;
        _kit.Advance(TimeSpan.FromSeconds(1));

        // What was asked before the restart answers nothing that is asked after it.
        _asker.Send(client, new CallRegistry("c", "getDh", []));
        _registry.Http.Answer(200, new byte[512], index: 0);
        Assert.Equal(0, _asker.PendingCount);
        _kit.System.Stop(client);
        _kit.Settle();
        ExpectUnreachable("c", "given up");
    }

    private static string InOverlay => $"http://[{Identities.B.Prefix.FirstAddress(Identities.A.Network)}]:80/net";

    // B's node is the registry's.
    private void Route(bool isRouted)
    {
        _kit.System.EventStream.Publish(new NetworkParametersChanged(Peers.PeerWorld.ParametersOf(1, Identities.B.Prefix)));
        _kit.System.EventStream.Publish(new RoutesPublished(isRouted ? [new NodeRoute(Identities.B.Prefix.Subnet(Identities.A.Network), new TunnelIndex(1), Identities.B.Prefix, 96)] : []));
        _kit.Settle();
    }

    private void Call(string tag) => _asker.Send(_client, new CallRegistry(tag, "getDh", [("extra", "x")]));

    private void ExpectUnreachable(string tag, string reason)
    {
        RegistryUnreachable failed = _asker.ExpectMsg<RegistryUnreachable>();
        Assert.Equal(tag, failed.Tag);
        Assert.Contains(reason, failed.Reason, StringComparison.Ordinal);
    }

    private static byte[] Flipped(byte[] octets, int at)
    {
        byte[] copy = [.. octets];
        copy[at] ^= 1;
        return copy;
    }

    private sealed class BreakableHttp(IHttpPort inner, Func<bool> isBroken) : IHttpPort
    {
        public void Get(object tag, HttpGet request, ActorRef replyTo)
        {
            if (isBroken())
                throw new InvalidOperationException("the port is broken");
            inner.Get(tag, request, replyTo);
        }
    }
}
