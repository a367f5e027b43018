using System.Security.Cryptography;
using System.Text.Json;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;
using Mesh.Security.Sessions;

namespace Mesh.Security.Tests.Sessions;

public sealed class RegistrySessionTests
{
    private const string Target = "/getDh?cn=0000000000000001";
    private static readonly JsonElement Auth = Vectors.Load("registry-auth.json");
    private static readonly PrivateKey A = Identities.KeyOf(Identities.Node("A"));
    private static readonly PublicKey Ca = Identities.Authority.Certificate.PublicKey;

    [Fact]
    public void Opens_the_hello_of_re6st()
    {
        JsonElement hello = Auth.GetProperty("hello");
        Assert.True(SecretEnvelope.TryOpen(hello.Hex("body"), A, Ca, out SessionKey? key));
        Assert.Equal(new SessionKey(hello.Hex("secret")).HeaderFor("x"u8), key.HeaderFor("x"u8), StringComparer.Ordinal);
        Assert.Equal(hello.Hex("signature"), Identities.Authority.Key.Sign(hello.Hex("ciphertext")));
    }

    [Fact]
    public void Both_sides_follow_the_calls_of_re6st()
    {
        byte[] secret = Auth.GetProperty("hello").Hex("secret");
        var client = new RegistryClientSession();
        var server = new RegistrySession();
        client.Open(new SessionKey(secret));
        server.Offer(new SessionKey(secret), protocol: 10);
        SessionKey key = new(secret);
        foreach (JsonElement call in Auth.GetProperty("calls").EnumerateArray())
        {
            Assert.Equal(new SessionKey(call.Hex("session_key")).HeaderFor([]), key.HeaderFor([]), StringComparer.Ordinal);
            string header = client.Sign(call.Text("path"));
            Assert.Equal(call.Text("request_header"), header);
            Assert.True(server.TryAccept(call.Text("path"), header, out AcceptedRequest? accepted));
            Assert.Equal(10, accepted.Protocol);
            string answer = accepted.AnswerKey.HeaderFor(call.Hex("body"));
            Assert.Equal(call.Text("response_header"), answer);
            Assert.True(client.Check(answer, call.Hex("body")));
            key = key.Ratchet().Ratchet();
        }
        Assert.Equal(new SessionKey(Auth.GetProperty("calls")[2].Hex("next_session_key")).HeaderFor([]), key.HeaderFor([]), StringComparer.Ordinal);
    }

    [Fact]
    public void A_hello_is_only_opened_by_its_node_and_from_its_authority()
    {
        byte[] body = SecretEnvelope.Create(Key(1), A.PublicKey, Identities.Authority.Key, SystemEntropy.Instance);
        Assert.Equal(512, body.Length);
        Assert.True(SecretEnvelope.TryOpen(body, A, Ca, out SessionKey? key));
        Assert.Equal(Key(1).HeaderFor([]), key.HeaderFor([]), StringComparer.Ordinal);
        Assert.False(SecretEnvelope.TryOpen(body, A, A.PublicKey, out _));
        Assert.False(SecretEnvelope.TryOpen(body, Identities.KeyOf(Identities.Node("B")), Ca, out _));
        foreach (int index in new[] { 0, 255, 256, 511 })
        {
            byte[] spoilt = [.. body];
            spoilt[index] ^= 1;
            Assert.False(SecretEnvelope.TryOpen(spoilt, A, Ca, out _));
        }
        Assert.All(Hostile.Truncations(body), octets => Assert.False(SecretEnvelope.TryOpen(octets, A, Ca, out _)));
        byte[] wrongLength = A.PublicKey.Encrypt(new byte[19], SystemEntropy.Instance);
        Assert.False(SecretEnvelope.TryOpen([.. wrongLength, .. Identities.Authority.Key.Sign(wrongLength)], A, Ca, out _));
    }

    [Fact]
    public void A_request_cannot_be_replayed()
    {
        (RegistrySession server, RegistryClientSession client) = Start();
        string header = client.Sign(Target);
        Assert.True(server.TryAccept(Target, header, out _));
        Assert.False(server.TryAccept(Target, header, out _));
        Assert.True(server.TryAccept(Target, client.Sign(Target), out _));
    }

    [Fact]
    public void The_hello_of_a_stranger_does_not_break_a_session_in_use()
    {
        (RegistrySession server, RegistryClientSession client) = Start();
        Assert.True(server.TryAccept(Target, client.Sign(Target), out _));
        for (byte round = 10; round < 20; round++)
            server.Offer(Key(round), protocol: 1);
        Assert.True(server.TryAccept(Target, client.Sign(Target), out AcceptedRequest? accepted));
        Assert.Equal(10, accepted.Protocol);
        // The offers are gone now, the last one too.
        var stranger = new RegistryClientSession();
        stranger.Open(Key(19));
        Assert.False(server.TryAccept(Target, stranger.Sign(Target), out _));
    }

    [Fact]
    public void A_previous_session_dies_when_the_new_one_is_used()
    {
        (RegistrySession server, RegistryClientSession old) = Start();
        server.Offer(Key(2), protocol: 6);
        server.Offer(Key(3), protocol: 7);
        var replaced = new RegistryClientSession();
        replaced.Open(Key(2));
        Assert.False(server.TryAccept(Target, replaced.Sign(Target), out _));
        var fresh = new RegistryClientSession();
        fresh.Open(Key(3));
        Assert.True(server.TryAccept(Target, fresh.Sign(Target), out AcceptedRequest? accepted));
        Assert.Equal(7, accepted.Protocol);
        Assert.False(server.TryAccept(Target, old.Sign(Target), out _));
        Assert.True(server.TryAccept(Target, fresh.Sign(Target), out _));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("*")]
    [InlineData("AAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void A_wrong_header_is_refused_and_changes_nothing(string? header)
    {
        (RegistrySession server, RegistryClientSession client) = Start();
        Assert.False(server.TryAccept(Target, header, out _));
        Assert.False(server.TryAccept(Target + "x", client.Sign(Target), out _));
        Assert.False(new RegistrySession().TryAccept(Target, header, out _));
        client.Open(Key(1));
        Assert.True(server.TryAccept(Target, client.Sign(Target), out _));
    }

    [Fact]
    public void A_client_ends_the_session_on_a_wrong_answer_and_checks_each_answer_once()
    {
        (_, RegistryClientSession client) = Start();
        Assert.Throws<InvalidOperationException>(() => new RegistryClientSession().Sign(Target));
        _ = client.Sign(Target);
        Assert.True(client.Check(Key(1).Ratchet().HeaderFor("body"u8), "body"u8));
        Assert.False(client.Check(Key(1).Ratchet().HeaderFor("body"u8), "body"u8));
        Assert.False(client.IsOpen);
        client.Open(Key(1));
        _ = client.Sign(Target);
        Assert.False(client.Check(Key(1).Ratchet().HeaderFor("body"u8), "other"u8));
        Assert.False(client.IsOpen);
    }

    [Fact]
    public void Keys_are_not_shown_and_have_one_length()
    {
        Assert.Equal("(secret)", Key(1).ToString());
        Assert.Throws<ArgumentException>(() => new SessionKey(new byte[19]));
        Assert.Throws<ArgumentException>(() => new SessionKey(new byte[21]));
    }

    private static SessionKey Key(byte fill)
    {
        byte[] secret = new byte[SessionKey.Length];
        secret.AsSpan().Fill(fill);
        return new SessionKey(secret);
    }

    private static (RegistrySession Server, RegistryClientSession Client) Start()
    {
        var server = new RegistrySession();
        var client = new RegistryClientSession();
        server.Offer(Key(1), protocol: 10);
        client.Open(Key(1));
        return (server, client);
    }
}
