using System.Text;
using System.Text.Json;
using Mesh.Actors.TestKit;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Registry.Calls;
using Mesh.Registry.LocalNode;
using Mesh.Registry.Mail;
using Mesh.Registry.Tests.Geography;
using Mesh.Registry.Tests.LocalNode;
using Mesh.Registry.Tests.Mail;

namespace Mesh.Registry.Tests.Calls;

/// <summary>Methods whose answers depend on the world around the registry: mail, countries, the node on the same machine.</summary>
public sealed class MethodTests
{
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    private readonly PlayedMail _mail = new();

    [Fact]
    public void A_stranger_asks_for_a_token_by_mail_and_joins_with_it()
    {
        (RegistryWorld world, Caller caller) = WithMail();
        TestProbe stranger = caller.Begin(new RegistryRequest("GET", "/requestToken?email=a%2Bb%40example.com", Caller.Stranger));
        world.Kit.AwaitCondition(() => _mail.Mails.Count == 1, "a mail");
        world.Kit.Advance(Moment);
        Assert.Equal(0, stranger.PendingCount);   // not before the mail has left
        TokenMail mail = _mail.Settle(world, new MailSent());
        Assert.Equal(204, stranger.ExpectMsg<RegistryResponse>().Status);
        Assert.Equal(("registry@example.com", "a+b@example.com"), (mail.From, mail.To));

        Assert.Equal("1", caller.Text($"/isToken?token={mail.Token}"));
        Assert.StartsWith("CERT 0/16 ", caller.Text($"/requestCertificate?token={mail.Token}&req=r&location=&ip=", Caller.Stranger), StringComparison.Ordinal);
        Assert.Equal(204, caller.Status($"/isToken?token={mail.Token}"));
        Assert.Equal("0/16", caller.Text("/getNodePrefix?email=a%2Bb%40example.com"));
    }

    [Fact]
    public void A_second_mail_to_the_same_address_has_to_wait()
    {
        (RegistryWorld world, Caller caller) = WithMail();
        TestProbe first = caller.Begin("/requestToken?email=a%40example.com");
        world.Kit.AwaitCondition(() => _mail.Mails.Count == 1, "a mail");
        RegistryResponse second = caller.Get("/requestToken?email=A%40example.com", Caller.Stranger);
        Assert.Equal(429, second.Status);
        Assert.InRange(second.RetryAfter!.Value, TimeSpan.FromSeconds(590), TimeSpan.FromSeconds(600));
        _ = _mail.Settle(world, new MailSent());
        Assert.Equal(204, first.ExpectMsg<RegistryResponse>().Status);
        world.Kit.Advance(second.RetryAfter.Value);
        _ = caller.Begin("/requestToken?email=a%40example.com");
        world.Kit.AwaitCondition(() => _mail.Mails.Count == 2, "a second mail");
    }

    [Fact]
    public void A_mail_that_fails_is_our_fault_and_its_token_is_gone()
    {
        (RegistryWorld world, Caller caller) = WithMail();
        TestProbe stranger = caller.Begin(new RegistryRequest("GET", "/requestToken?email=a%40example.com", Caller.Stranger));
        world.Kit.AwaitCondition(() => _mail.Mails.Count == 1, "a mail");
        TokenMail mail = _mail.Settle(world, new MailFailed("no route to the server"));
        RegistryResponse response = stranger.ExpectMsg<RegistryResponse>();
        Assert.Equal(500, response.Status);
        Assert.DoesNotContain("route", Encoding.UTF8.GetString(response.Body.Span), StringComparison.Ordinal);   // it is not for strangers
        Assert.Equal(204, caller.Status($"/isToken?token={mail.Token}"));
    }

    [Fact]
    public void A_mail_that_takes_longer_than_a_call_may_is_told_to_come_back_and_sent_once()
    {
        (RegistryWorld world, Caller caller) = WithMail();
        TestProbe stranger = caller.Begin("/requestToken?email=a%40example.com");
        world.Kit.AwaitCondition(() => _mail.Mails.Count == 1, "a mail");
        Assert.Equal(503, stranger.ExpectMsg<RegistryResponse>(TimeSpan.FromSeconds(31)).Status);
        Assert.Equal(429, caller.Status("/requestToken?email=a%40example.com"));
        TokenMail mail = _mail.Settle(world, new MailSent());
        Assert.Equal("1", caller.Text($"/isToken?token={mail.Token}"));
        Assert.Single(_mail.Mails);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nobody")]
    [InlineData("a%40b%0d%0aBcc%3a%20c%40d")]
    [InlineData("-f%40example.com%20x")]
    public void Something_that_is_no_address_gets_no_mail(string email)
    {
        (_, Caller caller) = WithMail();
        Assert.Equal(400, caller.Status($"/requestToken?email={email}", Caller.Stranger));
        Assert.Empty(_mail.Mails);
    }

    [Fact]
    public void Where_registration_is_closed_nobody_gets_a_mail()
    {
        (_, Caller caller) = WithMail(new RegistryOptions { PrefixLength = 0 });
        Assert.Equal(403, caller.Status("/requestToken?email=a%40example.com", Caller.Stranger));
        Assert.Empty(_mail.Mails);
    }

    [Fact]
    public void Nodes_get_the_parameters_for_Diffie_Hellman_that_are_set()
    {
        var caller = new Caller(new RegistryWorld());
        string pem = caller.Join().Text("getDh");
        Assert.StartsWith("-----BEGIN DH PARAMETERS-----\n", pem, StringComparison.Ordinal);
        Assert.Equal(new RegistryOptions().DhParameters, pem, StringComparer.Ordinal);
        Assert.Equal("own", new Caller(new RegistryWorld(new RegistryOptions { DhParameters = "own" })).Join().Text("getDh"));
        Assert.Equal(401, caller.Status("/getDh?cn=0101", Caller.Stranger));
    }

    [Theory]
    [InlineData("192.0.2.1", 200, "FR")]
    [InlineData("2001:db8::1", 200, "JP")]
    [InlineData("192.0.2.2", 204, "")]     // only its continent is known
    [InlineData("192.0.2.3", 204, "")]
    [InlineData("example.com", 500, null)]
    [InlineData("", 500, null)]
    public void Nodes_ask_in_which_country_an_address_is(string address, int status, string? body)
    {
        var countries = new FakeCountries(("192.0.2.1", "FR,EU"), ("2001:db8::1", "JP,AS"), ("192.0.2.2", "*,EU"));
        var caller = new Caller(new RegistryWorld(ports: (_, ports) => ports with { Countries = countries }));
        CallingNode node = caller.Join();
        RegistryResponse response = node.Get("getCountry", ("address", address));
        Assert.Equal(status, response.Status);
        if (body is not null)
            Assert.Equal(body, Encoding.UTF8.GetString(response.Body.Span));
        Assert.Equal(200, node.Status("renewCertificate"));   // the session goes on
    }

    [Fact]
    public void Versions_has_every_node_that_is_not_shut_out_and_topology_every_tunnel()
    {
        (_, Caller caller, FakeLocalNode node) = WithNode();
        CallingNode own = caller.Join("registry"), second = caller.Join("second"), third = caller.Join("third");
        Assert.Equal(204, caller.Status("/revoke?cn_or_serial=3"));
        node.Answer(own.Prefix, PeerCode.NodeInformation, "0.6, Linux");
        node.Answer(second.Prefix, PeerCode.NodeInformation, "0.5 \"x\", é");
        node.Answer(own.Prefix, PeerCode.Topology, "1 1/16");
        node.Answer(second.Prefix, PeerCode.Topology, "1 2/16 0/16");
        RegistryResponse versions = caller.Get("/versions");
        Assert.True(versions.IsText);
        using JsonDocument json = JsonDocument.Parse(versions.Body);
        Assert.Equal([own.Prefix.Bits, second.Prefix.Bits], json.RootElement.EnumerateObject().Select(static p => p.Name), StringComparer.Ordinal);
        Assert.Equal("0.5 \"x\", é", json.RootElement.GetProperty(second.Prefix.Bits).GetString());
        Assert.Equal("""{"":["0/16","1/16"],"0/16":["1/16"],"1/16":["2/16"]}""", caller.Text("/topology"));
        Assert.Equal(third.Prefix.CommonName, node.Sent[^1].Datagram.Prefix.CommonName);   // it was asked, as every node that somebody names
    }

    [Fact]
    public void A_network_without_nodes_has_neither_versions_nor_tunnels()
    {
        (_, Caller caller, FakeLocalNode node) = WithNode();
        Assert.Equal("{}", caller.Text("/versions"));
        Assert.Equal("{}", caller.Text("/topology"));
        Assert.Empty(node.Sent);
    }

    [Fact]
    public void More_collections_than_one_node_can_bear_are_told_to_come_back()
    {
        (_, Caller caller, _) = WithNode();
        _ = caller.Join("registry");
        TestProbe versions = caller.Begin("/versions"), same = caller.Begin("/versions"), topology = caller.Begin("/topology");
        foreach (TestProbe waiting in new[] { versions, same, topology })
            Assert.Equal(200, waiting.ExpectMsg<RegistryResponse>().Status);   // two collections: equal questions share one
        Assert.Equal(200, caller.Status("/versions"));
    }

    [Fact]
    public void UpdateHMAC_is_answered_when_nodes_can_ask_for_the_keys_and_the_local_node_is_told_of_them()
    {
        JsonElement[] steps = [.. Vectors.Load("hmac-rotation.json").GetProperty("new_network").EnumerateArray()];
        (RegistryWorld world, Caller caller, FakeLocalNode node) = WithNode();
        CallingNode own = caller.Join();
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (JsonElement step in steps)
        {
            if (step.Text("op") == "updateHMAC")
            {
                node.Sent.Clear();
                Assert.Equal(204, caller.Status("/updateHMAC"));
            }

            NetworkParameters parameters = own.GetParameters().Parameters;   // at once, from the same answer as the node would
            Assert.Equal(step.GetProperty("version").GetUInt64(), parameters.Version.Number);
            Assert.Equal(step.GetProperty("babel_hmac_sign").GetString(), Name(parameters.BabelHmacSign?.ToArray()));
            Assert.Equal(step.GetProperty("babel_hmac_accept").GetString(), Name(parameters.BabelHmacAccept?.ToArray()));
            Assert.Equal(step.GetProperty("valid_until").ValueKind == JsonValueKind.Number, parameters.ValidUntil is not null);
            if (parameters.ValidUntil is { } until)
                Assert.InRange(until - world.UtcNow, TimeSpan.FromSeconds(3599), TimeSpan.FromSeconds(3600));
            Assert.Equal(
                step.GetProperty("notified").EnumerateArray().Select(static n => (n[0].GetString()!, (int)n[1].GetByte())),
                node.Sent.Select(static s => (s.Datagram.Prefix.Bits, (int)s.Datagram.Code)));
        }

        string? Name(byte[]? encrypted)
        {
            if (encrypted is null)
                return null;
            string key = ModelledAuthority.Decrypt(encrypted);
            if (!names.TryGetValue(key, out string? name))
                names.Add(key, name = $"key{names.Count + 1}");
            return name;
        }
    }

    [Fact]
    public void The_calls_of_clients_of_re6st_are_understood_as_they_write_them()
    {
        var expected = new Dictionary<string, int>(StringComparer.Ordinal)
        {
            ["getCa"] = 200,
            ["hello"] = 404,
            ["requestToken"] = 403,
            ["addToken"] = 204,
            ["revoke"] = 404,
            ["versions"] = 200,
            ["updateHMAC"] = 204,
        };
        (_, Caller caller, _) = WithNode();
        int count = 0;
        foreach (JsonElement call in Vectors.Load("registry-auth.json").GetProperty("client_urls").EnumerateArray())
        {
            string method = call.Text("method"), url = call.Text("url");
            Assert.StartsWith("/sub/", url, StringComparison.Ordinal);
            string target = url[4..];   // what a proxy leaves of it
            Assert.True(RegistryCall.TryParse(target, out RegistryCall? parsed));
            foreach (JsonProperty argument in call.GetProperty("args").EnumerateObject())
                Assert.Equal(argument.Value.GetString(), parsed.Argument(argument.Name));
            int status = method == "requestCertificate" ? parsed.Argument("token")!.Length == 0 ? 403 : 204 : expected[method];
            Assert.Equal(status, caller.Status(target));
            count++;
        }

        Assert.Equal(9, count);
    }

    [Fact]
    public void The_country_of_the_vectors_has_their_octets_and_their_proof()
    {
        JsonElement vectors = Vectors.Load("registry-auth.json");
        JsonElement call = vectors.GetProperty("calls").EnumerateArray().Single(static c => c.Text("path").StartsWith("/getCountry", StringComparison.Ordinal));
        byte[] key = Convert.FromHexString(call.Text("session_key"));
        var world = new RegistryWorld(
            authority: new ModelledAuthority { SessionSecret = key }, ports: static (_, ports) => ports with { Countries = new FakeCountries(("192.0.2.1", "FR,EU")) });
        var caller = new Caller(world);
        _ = world.Join("registry");
        _ = world.Join("a");   // node A of the vectors is 1/16
        Assert.Equal(200, caller.Status("/hello?client_prefix=0000000000000001&protocol=10", Caller.Stranger));
        RegistryResponse response = caller.Send(new RegistryRequest("GET", call.Text("path"), Caller.Stranger) { Mac = call.Text("request_header") });
        Assert.Equal((200, call.Text("body"), call.Text("response_header")), (response.Status, Convert.ToHexStringLower(response.Body.Span), response.Mac));
    }

    private (RegistryWorld World, Caller Caller) WithMail(RegistryOptions? options = null)
    {
        RegistryOptions withMail = (options ?? new RegistryOptions()) with { Mail = new MailOptions { From = "registry@example.com" } };
        var world = new RegistryWorld(withMail, ports: (_, ports) => ports with { Mail = _mail });
        return (world, new Caller(world));
    }

    private static (RegistryWorld World, Caller Caller, FakeLocalNode Node) WithNode()
    {
        var world = new RegistryWorld(ports: static (kit, ports) => ports with { LocalNode = new FakeLocalNode(kit), Routes = new FakeDaemon(kit) { Routes = [] } });
        return (world, new Caller(world), (FakeLocalNode)world.Actors.Ports.LocalNode!);
    }
}
