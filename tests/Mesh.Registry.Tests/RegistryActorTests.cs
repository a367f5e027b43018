using Mesh.Actors;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Events;
using Mesh.Registry.Parameters;
using Mesh.Registry.Revocation;

namespace Mesh.Registry.Tests;

public sealed class RegistryActorTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public void A_token_gives_one_certificate_and_is_spent()
    {
        var world = new RegistryWorld();
        CertificateGiven first = world.Join();
        Assert.Equal("CERT 0/16 0 1 2027-01-01 00:00:00Z\n", first.Pem);
        Assert.False(world.HasToken());
        world.Ask<UnknownToken>(new RequestCertificate("t", "request of somebody else"));
        Assert.Equal("CERT 1/16 1 2 2027-01-01 00:00:00Z\n", world.Join("u").Pem);
    }

    [Fact]
    public void A_token_with_uses_gives_that_many_certificates()
    {
        var world = new RegistryWorld();
        world.AddToken("t", uses: 3, length: 20);
        for (int use = 0; use < 3; use++)
            Assert.Equal(20, world.Ask<CertificateGiven>(new RequestCertificate("t", "request")).Prefix.Length);
        Assert.Equal(3, world.Nodes.Select(n => n.Prefix).Distinct().Count());
        world.Ask<UnknownToken>(new RequestCertificate("t", "another request"));
    }

    [Fact]
    public void Who_asks_again_with_the_same_key_gets_the_same_certificate()
    {
        var world = new RegistryWorld(new RegistryOptions { SnapshotInterval = 10 });
        CertificateGiven first = world.Join();
        Assert.Equal(first, world.Ask<CertificateGiven>(new RequestCertificate("t", "request")));
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        for (int other = 0; other < 9; other++)
            world.Join($"{other}");   // far enough for a snapshot
        world = world.Restart();
        Assert.Equal(first, world.Ask<CertificateGiven>(new RequestCertificate("t", "request")));
        Assert.Equal(10, world.Nodes.Count);
        Assert.False(world.HasToken());
        world.Kit.Advance(101 * Day);
        world.Ask<UnknownToken>(new RequestCertificate("t", "request"));
    }

    [Fact]
    public void A_spent_token_that_is_added_and_deleted_again_gives_nothing()
    {
        var world = new RegistryWorld();
        world.Join();
        world.AddToken();
        world.Ask<Done>(new DeleteToken("t"));
        world.Ask<UnknownToken>(new RequestCertificate("t", "request"));
    }

    [Fact]
    public void A_spent_token_that_is_added_again_gives_a_new_certificate()
    {
        var world = new RegistryWorld();
        CertificateGiven first = world.Join();
        Assert.NotEqual(first.Prefix, world.Join().Prefix);
    }

    [Fact]
    public void Two_requests_at_a_time_can_not_spend_the_same_use()
    {
        var world = new RegistryWorld();
        world.AddToken();
        world.Admin.Send(world.Actors.Registry, new RequestCertificate("t", "request"));
        world.Admin.Send(world.Actors.Registry, new RequestCertificate("t", "request"));
        world.Admin.ExpectMsg<Overloaded>();
        world.Admin.ExpectMsg<CertificateGiven>();
        Assert.Single(world.Nodes);
    }

    [Theory]
    [InlineData("garbage", true)]
    [InlineData("weak", false)]
    public void A_refused_request_spends_nothing(string request, bool isMalformed)
    {
        var world = new RegistryWorld();
        world.AddToken();
        Assert.Equal(isMalformed, world.Ask<Refused>(new RequestCertificate("t", request)).IsMalformed);
        Assert.Equal("CERT 0/16 0 2 2027-01-01 00:00:00Z\n", world.Ask<CertificateGiven>(new RequestCertificate("t", "request")).Pem);
    }

    [Fact]
    public void A_failure_of_the_signer_spends_nothing_and_does_not_stop_the_registry()
    {
        var world = new RegistryWorld();
        world.AddToken();
        world.Pool.Fault = new InvalidOperationException("broken");
        Assert.Equal("broken", world.Ask<Broken>(new RequestCertificate("t", "request")).Reason);
        world.Pool.Fault = null;
        world.Ask<CertificateGiven>(new RequestCertificate("t", "request"));
    }

    [Fact]
    public void A_full_work_pool_is_answered_as_overload_and_spends_nothing()
    {
        var world = new RegistryWorld();
        world.AddToken();
        world.Pool.IsFull = true;
        world.Ask<Overloaded>(new RequestCertificate("t", "request"));
        world.Pool.IsFull = false;
        Assert.Equal("0/16", world.Ask<CertificateGiven>(new RequestCertificate("t", "request")).Prefix.CommonName);
    }

    [Fact]
    public void More_signatures_than_allowed_are_answered_as_overload()
    {
        var world = new RegistryWorld(new RegistryOptions { MaxPendingSignatures = 2 });
        world.Join("first");
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        world.AddToken("t", uses: 10);
        for (int request = 0; request < 3; request++)
            world.Admin.Send(world.Actors.Registry, new RequestCertificate("t", "request"));
        world.Admin.ExpectMsg<Overloaded>();
        world.Admin.ExpectMsg<CertificateGiven>();
        world.Admin.ExpectMsg<CertificateGiven>();
        Assert.Equal(1, world.Ask<RegistryStatistics>(new GetStatistics()).OverloadedCount);
    }

    [Fact]
    public void A_token_deleted_while_its_certificate_is_signed_gives_none()
    {
        var world = new RegistryWorld();
        world.AddToken();
        world.Admin.Send(world.Actors.Registry, new RequestCertificate("t", "request"));
        world.Admin.Send(world.Actors.Registry, new DeleteToken("t"));
        world.Admin.ExpectMsg<Done>();
        world.Admin.ExpectMsg<UnknownToken>();
        Assert.Empty(world.Nodes);
        Assert.Equal("0/16", world.Join("u").Prefix.CommonName);
    }

    [Fact]
    public void Tokens_expire_and_are_cleaned()
    {
        var world = new RegistryWorld();
        world.Kit.Advance(TimeSpan.FromSeconds(1));   // recovered: from here on the administrator is heard at once
        Assert.Equal(world.UtcNow + (3 * Day), world.Ask<TokenAccepted>(new AddToken("", "short") { Lifetime = 3 * Day }).Expires);
        world.AddToken("long");
        world.Kit.Advance((3 * Day) - TimeSpan.FromSeconds(1));
        Assert.True(world.HasToken("short"));
        world.Kit.Advance(TimeSpan.FromSeconds(2));
        Assert.False(world.HasToken("short"));
        world.Ask<UnknownToken>(new RequestCertificate("short", "request"));
        world.Kit.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(["long"], world.Ask<TokenList>(new ListTokens()).Tokens.Keys, StringComparer.Ordinal);
        world.Kit.Advance(100 * Day);
        Assert.Empty(world.Ask<TokenList>(new ListTokens()).Tokens);
    }

    [Fact]
    public void Drawn_tokens_are_eight_letters_and_differ()
    {
        var world = new RegistryWorld();
        string[] tokens = [.. Enumerable.Range(0, 50).Select(_ => world.Ask<TokenAccepted>(new AddToken("a@b", Token: null)).Token)];
        Assert.All(tokens, token => Assert.Matches("^[a-z]{8}$", token));
        Assert.Equal(50, tokens.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Bad_tokens_are_refused_and_duplicates_reported()
    {
        var world = new RegistryWorld();
        world.AddToken();
        world.Ask<TokenExists>(new AddToken("c@d", "t"));
        world.Ask<Refused>(new AddToken("", ""));
        world.Ask<Refused>(new AddToken("", "a\nb"));
        world.Ask<Refused>(new AddToken("", new string('x', 257)));
        world.Ask<Refused>(new AddToken("", "n") { PrefixLength = 81 });
        world.Ask<Refused>(new AddToken("", "n") { Uses = 0 });
        world.Ask<Refused>(new AddToken("", "n") { Lifetime = TimeSpan.Zero });
        world.Ask<Done>(new DeleteToken("never there"));
        Assert.Single(world.Ask<TokenList>(new ListTokens()).Tokens);
    }

    [Fact]
    public void Closed_registration_refuses_tokens_and_anonymous_nodes()
    {
        var world = new RegistryWorld(new RegistryOptions { PrefixLength = 0 });
        world.Ask<RegistrationDisabled>(new AddToken("", "t"));
        world.Ask<RegistrationDisabled>(new RequestCertificate("t", "request"));
        world.Ask<RegistrationDisabled>(new RequestCertificate("", "request"));
    }

    [Fact]
    public void Anonymous_nodes_join_where_the_settings_allow_it()
    {
        var world = new RegistryWorld(new RegistryOptions { AnonymousPrefixLength = 32 });
        Assert.Equal("0/32", world.Ask<CertificateGiven>(new RequestCertificate("", "request")).Prefix.CommonName);
        Assert.Null(Assert.Single(world.Nodes).Email);
    }

    [Fact]
    public void A_full_network_says_so_and_keeps_the_token()
    {
        var world = new RegistryWorld(new RegistryOptions { PrefixLength = 1 });
        world.Join("a");
        world.Join("b");
        world.AddToken("c");
        world.Ask<NetworkFull>(new RequestCertificate("c", "request"));
        Assert.True(world.HasToken("c"));
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("good, but revoked at once")]
    public void What_comes_back_can_be_given_in_one_piece_again(string request)
    {
        var world = new RegistryWorld();
        world.Join("half", length: 1);
        world.AddToken("small", length: 30);
        world.Ask<RegistryAnswer>(new RequestCertificate("small", request));
        if (world.Nodes.Count > 1)
            world.Ask<Done>(new Revoke(world.Nodes[1].Prefix.CommonName));
        Assert.Equal("1/1", world.Join("other half", length: 1).Prefix.CommonName);
        Assert.Equal(["0/1", "1/1"], world.Restart().Nodes.Select(static n => n.Prefix.CommonName), StringComparer.Ordinal);
    }

    [Fact]
    public void A_token_that_expires_while_its_certificate_is_signed_is_still_good()
    {
        var world = new RegistryWorld();
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        world.Ask<TokenAccepted>(new AddToken("", "t") { Lifetime = TimeSpan.FromSeconds(3) });
        world.Pool.Delay = TimeSpan.FromSeconds(8);
        world.Ask<CertificateGiven>(new RequestCertificate("t", "request"));
    }

    [Fact]
    public void A_prefix_whose_grace_ends_while_it_is_renewed_is_kept()
    {
        var world = new RegistryWorld();
        world.Join("registry");
        NodePrefix node = world.Join("node").Prefix;
        world.Kit.Advance(world.Nodes[1].NotAfter + (100 * Day) - TimeSpan.FromSeconds(3) - world.UtcNow);
        world.Pool.Delay = TimeSpan.FromSeconds(8);
        Assert.Equal(node, world.Ask<CertificateGiven>(new RenewCertificate(node)).Prefix);
        world.Kit.Advance(TimeSpan.FromHours(1));
        Assert.Equal(2, world.Nodes.Count);
    }

    [Fact]
    public void A_snapshot_states_which_node_is_the_registrys()
    {
        var network = NetworkPrefix.Parse("2001:db8:42::/48");
        var state = new RegistryState(network);
        state.Apply(new CertificateIssued(null, "1", null, "pem", 4, 0, DateTimeOffset.UnixEpoch));
        state.Apply(new CertificateIssued(null, "01", null, "pem", 5, 1, DateTimeOffset.UnixEpoch));
        var restored = new RegistryState(network);
        restored.Restore(state.ToSnapshot());
        Assert.Equal(RegistryWorld.Bits("1"), restored.RegistryPrefix);
        Assert.Equal(["00"], restored.Tree.Free.Select(f => f.Bits), StringComparer.Ordinal);
        Assert.Throws<InvalidOperationException>(() => restored.Apply(new CertificateIssued(null, "011", null, "pem", 6, 2, DateTimeOffset.UnixEpoch)));
    }

    [Fact]
    public void A_certificate_is_renewed_in_its_last_month_and_given_unchanged_before()
    {
        var world = new RegistryWorld();
        CertificateGiven given = world.Join();
        Assert.Equal(given, world.Ask<CertificateGiven>(new RenewCertificate(given.Prefix)));
        world.Kit.Advance(336 * Day);
        world.Admin.Send(world.Actors.Registry, new RenewCertificate(given.Prefix));
        world.Admin.Send(world.Actors.Registry, new RenewCertificate(given.Prefix));
        CertificateGiven renewed = world.Admin.ExpectMsg<CertificateGiven>();
        Assert.Equal("CERT 0/16 0 2 2027-12-03 00:00:00Z\n", renewed.Pem);
        world.Admin.ExpectMsg(renewed);   // both asked for the same renewal
        Assert.Equal(renewed, world.Ask<CertificateGiven>(new RenewCertificate(given.Prefix)));
        world.Ask<NoCertificate>(new RenewCertificate(RegistryWorld.Bits("1")));
    }

    [Fact]
    public void No_certificate_outlasts_the_authority()
    {
        var end = new DateTimeOffset(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);
        var world = new RegistryWorld(authority: new ModelledAuthority { NotAfter = end });
        world.Join();
        Assert.Equal(end, world.Nodes[0].NotAfter);
    }

    [Fact]
    public void A_prefix_is_freed_after_the_grace_period_but_never_that_of_the_registry()
    {
        var world = new RegistryWorld();
        world.Join("registry");
        CertificateGiven second = world.Join("second");
        TestEvents<PrefixFreed> freed = new(world);
        world.Kit.Advance(464 * Day);
        Assert.Equal(2, world.Nodes.Count);
        world.Kit.Advance(2 * Day);
        Assert.Equal("0/16", Assert.Single(world.Nodes).Prefix.CommonName);
        Assert.Equal([new PrefixFreed(second.Prefix)], freed.Seen);
        Assert.Contains(world.Kit.Log.Entries, e => e.Level == LogLevel.Error && e.Message.Contains("registry's own node 0/16", StringComparison.Ordinal));
        CertificateGiven third = world.Join("third");
        Assert.Equal(second.Prefix, third.Prefix);
        Assert.Equal("CERT 1/16 1 3", third.Pem[..13]);   // subject serial reused, X.509 serial not
    }

    [Fact]
    public void The_first_certificate_publishes_version_1_and_changed_settings_the_next_at_the_next_start()
    {
        var world = new RegistryWorld();
        CertificateGiven node = world.Join();
        world.Parameters<Overloaded>(node.Prefix);   // being signed
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        ParametersGiven given = world.Parameters(node.Prefix);
        Assert.Equal(1ul, given.Parameters.Version.Number);
        Assert.Equal(node.Prefix, given.Parameters.RegistryPrefix);
        Assert.True(given.Parameters.Encrypt);
        Assert.Equal((16, null), (given.SignKey!.Length, given.AcceptKey));

        world = world.Restart();
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        ParametersGiven same = world.Parameters(node.Prefix);
        Assert.Equal(1ul, same.Parameters.Version.Number);
        Assert.Equal(given.SignKey, same.SignKey);
        Assert.Null(same.AcceptKey);   // an empty one would let nodes accept any signature

        world = world.Restart(new RegistryOptions { ClientCount = 7 });
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        ParametersGiven changed = world.Parameters(node.Prefix);
        Assert.Equal((2ul, 7, 14), (changed.Parameters.Version.Number, changed.Parameters.ClientCount, changed.Parameters.MaxClients));
        world.Parameters<NoCertificate>(RegistryWorld.Bits("1"));
    }

    [Fact]
    public void A_version_that_could_not_be_signed_is_tried_again()
    {
        var world = new RegistryWorld();
        world.AddToken();
        world.Admin.Send(world.Actors.Registry, new RequestCertificate("t", "request"));
        world.Pool.IsFull = true;   // from now on: the certificate is being signed already
        NodePrefix node = world.Admin.ExpectMsg<CertificateGiven>().Prefix;
        world.Kit.Advance(TimeSpan.FromSeconds(5));
        world.Parameters<Overloaded>(node);
        world.Pool.IsFull = false;
        world.Kit.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(1ul, world.Parameters(node).Parameters.Version.Number);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(10)]
    public void A_restart_keeps_everything(int snapshotInterval)
    {
        var world = new RegistryWorld(new RegistryOptions { SnapshotInterval = snapshotInterval });
        for (int node = 0; node < 25; node++)
            world.Join($"node{node}", length: 10 + (node % 7));
        world.AddToken("left", uses: 5);
        world.Kit.Advance(340 * Day);
        world.Ask<CertificateGiven>(new RenewCertificate(world.Nodes[3].Prefix));
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        RegistryStatistics before = world.Ask<RegistryStatistics>(new GetStatistics());
        IReadOnlyList<RegisteredNode> nodes = world.Nodes;
        Assert.Equal((25, 26ul, nodes.Max(n => n.Serial)), (before.Certificates, before.LastSerial, 26ul));

        RegistryWorld after = world.Restart();
        Assert.Equal(before, after.Ask<RegistryStatistics>(new GetStatistics()));
        Assert.Equal(nodes, after.Nodes);
        Assert.Equal(world.Ask<TokenList>(new ListTokens()).Tokens, after.Ask<TokenList>(new ListTokens()).Tokens);
        Assert.Null(after.Parameters(nodes[0].Prefix).AcceptKey);
        CertificateGiven next = after.Join("next");
        Assert.Equal(before.LastSerial + 1, ulong.Parse(next.Pem.Split(' ')[3]));
        Assert.DoesNotContain(nodes, n => n.Prefix.Covers(next.Prefix) || next.Prefix.Covers(n.Prefix));
    }

    [Fact]
    public void Finds_a_node_by_the_address_of_its_owner()
    {
        var world = new RegistryWorld();
        CertificateGiven node = world.Join();
        Assert.Equal(node.Prefix, world.Ask<NodeFound>(new FindNode("a@b")).Prefix);
        Assert.Null(world.Ask<NodeFound>(new FindNode("x@y")).Prefix);
    }

    [Fact]
    public void Revoking_a_node_frees_its_prefix_and_reports_it()
    {
        var world = new RegistryWorld();
        CertificateGiven registryNode = world.Join("registry"), node = world.Join("node");
        TestEvents<PrefixFreed> freed = new(world);
        world.Ask<NoCertificate>(new Revoke("9/16"));
        world.Ask<NoCertificate>(new Revoke("nonsense"));
        world.Ask<Refused>(new Revoke("0/16"));
        world.Ask<Done>(new Revoke("1/16"));
        Assert.Equal([new PrefixFreed(node.Prefix)], freed.Seen);
        world.Ask<NoCertificate>(new RenewCertificate(node.Prefix));
        world.Ask<UnknownToken>(new RequestCertificate("node", "request"));   // the token does not bring it back
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([2ul], world.Parameters(registryNode.Prefix).Parameters.RevokedSerials);
        Assert.Equal("CERT 1/16 1 3 2027-01-01 00:00:01Z\n", world.Join("next").Pem);   // prefix and number are free at once
    }

    [Fact]
    public void A_node_revoked_while_it_renews_gets_nothing()
    {
        var world = new RegistryWorld();
        world.Join("registry");
        CertificateGiven node = world.Join("node");
        world.Kit.Advance(340 * Day);
        world.Admin.Send(world.Actors.Registry, new RenewCertificate(node.Prefix));
        world.Admin.Send(world.Actors.Registry, new Revoke("1/16"));
        world.Admin.ExpectMsg<Done>();
        world.Admin.ExpectMsg<NoCertificate>();
        Assert.Single(world.Nodes);
    }

    [Fact]
    public void A_renewal_of_a_revoked_node_does_not_reach_who_has_its_prefix_now()
    {
        var world = new RegistryWorld();
        world.Join("registry");
        world.Join("node");
        world.Kit.Advance(340 * Day);
        world.AddToken("next");
        world.Pool.Delay = TimeSpan.FromSeconds(1);
        world.Admin.Send(world.Actors.Registry, new RenewCertificate(RegistryWorld.Bits("0000000000000001")));
        world.Pool.Delay = TimeSpan.FromMilliseconds(1);
        world.Admin.Send(world.Actors.Registry, new Revoke("1/16"));
        world.Admin.ExpectMsg<Done>();
        CertificateGiven next = world.Ask<CertificateGiven>(new RequestCertificate("next", "request of the next owner"));
        Assert.Equal("1/16", next.Prefix.CommonName);
        world.Admin.ExpectMsg<Overloaded>();
        Assert.Equal(next.Pem, world.Nodes[1].Pem);
    }

    [Fact]
    public void Settings_that_break_rules_are_all_reported_at_once()
    {
        var options = new RegistryOptions { PrefixLength = 81, Hello = TimeSpan.FromMilliseconds(1500), MinProtocol = 11, AuthorizedOrigins = ["example.com"] };
        string message = Assert.Throws<ArgumentException>(() => new RegistryWorld(options)).Message;
        Assert.All(["prefix-length is 81", "hello is 1.5 s", "min-protocol is 11", "'example.com'"], part => Assert.Contains(part, message, StringComparison.Ordinal));
        Assert.Empty(new RegistryOptions().Validate(NetworkPrefix.Parse("2001:db8::/32")));
    }
}
