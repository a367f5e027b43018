using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.TestKit;
using Mesh.Registry.Mail;

namespace Mesh.Registry.Tests.Mail;

public sealed class MailActorTests
{
    private static readonly MailOptions Options = new() { From = "registry@example.com" };

    private readonly PlayedMail _port = new();

    [Fact]
    public void The_token_is_stored_first_and_then_mailed_and_gives_a_certificate()
    {
        (RegistryWorld world, ActorRef desk) = Start();
        world.Admin.Send(desk, new RequestToken("a+b@example.com"));
        world.Kit.AwaitCondition(() => _port.Mails.Count == 1, "a mail");
        Token stored = Assert.Single(world.Ask<TokenList>(new ListTokens()).Tokens).Value;
        Assert.Equal("a+b@example.com", stored.Email);
        Assert.Equal(1, stored.UsesLeft);
        world.Admin.ExpectNoMsg(TimeSpan.Zero);
        TokenMail mail = _port.Settle(world, new MailSent());
        world.Admin.ExpectMsg(new Done());
        Assert.Equal(new TokenMail("registry@example.com", "a+b@example.com", mail.Token, stored.Expires), mail);
        Assert.Matches("^[a-z]{8}$", mail.Token);
        _ = world.Ask<CertificateGiven>(new RequestCertificate(mail.Token, "request"));
        Assert.Equal(new MailStatistics(Sent: 1, 0, 0, 0, 0, 0, UnderWay: 0, Remembered: 1), Statistics(world, desk));
    }

    [Fact]
    public void The_mail_is_what_scripts_look_for()
    {
        var mail = new TokenMail("registry@example.com", "a@example.com", "abcdefgh", new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.Zero));
        Assert.Equal("[re6stnet] Token Request", TokenMail.Subject);
        string[] lines = mail.Body.Split('\n');
        Assert.EndsWith(": abcdefgh", Assert.Single(lines, static l => l.Contains(": ", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("2026-03-04 05:06 UTC", mail.Body, StringComparison.Ordinal);
        Assert.Equal("", lines[^1]);
        Assert.All(lines, static l => Assert.InRange(l.Length, 0, 79));
        Assert.All(mail.Body, static c => Assert.True(c == '\n' || (char.IsAscii(c) && !char.IsControl(c))));
        Assert.DoesNotContain("abcdefgh", mail.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void When_the_mail_fails_the_token_is_taken_back_and_the_asker_may_try_again()
    {
        (RegistryWorld world, ActorRef desk) = Start();
        world.Admin.Send(desk, new RequestToken("a@example.com"));
        TokenMail mail = Fail(world);
        Assert.Contains("mailbox full", world.Admin.ExpectMsg<Broken>().Reason, StringComparison.Ordinal);
        Assert.False(world.HasToken(mail.Token));
        Assert.Contains(world.Kit.Log.Entries, static e => e.Level == LogLevel.Error && e.Message.Contains("mailbox full", StringComparison.Ordinal));
        Assert.DoesNotContain(world.Kit.Log.Entries, e => e.Message.Contains(mail.Token, StringComparison.Ordinal));
        Assert.Equal(new MailStatistics(0, Failed: 1, 0, 0, 0, 0, 0, Remembered: 0), Statistics(world, desk));
        Deliver(world, desk, "a@example.com");
    }

    [Fact]
    public void A_silent_mail_server_costs_the_token_and_the_address_its_interval()
    {
        (RegistryWorld world, ActorRef desk) = Start();
        world.Admin.Send(desk, new RequestToken("a@example.com"));
        world.Kit.Advance(TimeSpan.FromSeconds(91));
        _ = world.Admin.ExpectMsg<Broken>();
        Assert.Empty(world.Ask<TokenList>(new ListTokens()).Tokens);
        world.Admin.Send(desk, new RequestToken("a@example.com"));
        world.Admin.ExpectMsg(new RecentlyMailed(TimeSpan.FromSeconds(509)));
        _port.Settle(world, new MailSent());   // much too late, and harmless
        Assert.Equal(new MailStatistics(0, Failed: 1, 0, Recent: 1, 0, 0, UnderWay: 0, Remembered: 1), Statistics(world, desk));
    }

    [Fact]
    public void An_address_gets_one_mail_in_ten_minutes_however_it_is_written()
    {
        (RegistryWorld world, ActorRef desk) = Start();
        Deliver(world, desk, "a@example.com");
        world.Kit.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromMilliseconds(1500));
        world.Admin.Send(desk, new RequestToken("A@Example.com"));
        RecentlyMailed refused = world.Admin.ExpectMsg<RecentlyMailed>();
        Assert.InRange(refused.RetryAfter, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));
        Deliver(world, desk, "b@example.com");
        world.Kit.Advance(refused.RetryAfter);
        Deliver(world, desk, "A@Example.com");
        Assert.Equal(3, _port.Mails.Count);
    }

    [Fact]
    public void An_address_whose_mail_is_under_way_gets_no_second_one()
    {
        (RegistryWorld world, ActorRef desk) = Start();
        world.Admin.Send(desk, new RequestToken("a@example.com"));
        world.Admin.Send(desk, new RequestToken("a@example.com"));
        _ = world.Admin.ExpectMsg<RecentlyMailed>();
    }

    [Fact]
    public void Too_many_requests_under_way_are_overload()
    {
        (RegistryWorld world, ActorRef desk) = Start(Options with { MaxUnderWay = 2 });
        for (int i = 0; i < 3; i++)
            world.Admin.Send(desk, new RequestToken($"a{i}@example.com"));
        _ = world.Admin.ExpectMsg<Overloaded>();
        Assert.Equal(2, Statistics(world, desk).UnderWay);
        world.Kit.AwaitCondition(() => _port.Mails.Count == 2, "two mails");
        _port.Settle(world, new MailSent());
        world.Admin.ExpectMsg(new Done());
        Deliver(world, desk, "a2@example.com", earlier: 1);
    }

    [Fact]
    public void The_memory_of_addresses_is_bounded_and_nothing_is_forgotten_early()
    {
        (RegistryWorld world, ActorRef desk) = Start(Options with { MaxRemembered = 3 });
        for (int i = 0; i < 3; i++)
            Deliver(world, desk, $"a{i}@example.com");
        world.Admin.Send(desk, new RequestToken("a3@example.com"));
        _ = world.Admin.ExpectMsg<Overloaded>();
        world.Admin.Send(desk, new RequestToken("a0@example.com"));
        _ = world.Admin.ExpectMsg<RecentlyMailed>();
        world.Kit.Advance(Options.Interval);
        Deliver(world, desk, "a3@example.com");
        Assert.Equal(1, Statistics(world, desk).Remembered);
    }

    [Fact]
    public void A_closed_registration_sends_nothing_and_remembers_nothing()
    {
        (RegistryWorld world, ActorRef desk) = Start(registry: new RegistryOptions { PrefixLength = 0 });
        world.Admin.Send(desk, new RequestToken("a@example.com"));
        world.Admin.ExpectMsg(new RegistrationDisabled());
        Assert.Empty(_port.Mails);
        Assert.Equal(new MailStatistics(0, 0, 0, 0, 0, Disabled: 1, 0, Remembered: 0), Statistics(world, desk));
    }

    [Fact]
    public void A_registry_that_ends_ends_the_request()
    {
        (RegistryWorld world, ActorRef desk) = Start();
        world.Admin.Send(desk, new RequestToken("a@example.com"));
        world.Kit.AwaitCondition(() => _port.Mails.Count == 1, "a mail");
        world.Kit.System.Stop(world.Actors.Registry);
        Assert.Equal(new Broken("the registry has stopped"), world.Admin.ExpectMsg<Broken>());
        world.Kit.Settle();
        Assert.Equal(new MailStatistics(0, Failed: 1, 0, 0, 0, 0, 0, Remembered: 1), Statistics(world, desk));
    }

    [Fact]
    public void A_drawn_token_that_exists_is_drawn_again_three_times_at_most()
    {
        var kit = new ActorTestKit();
        TestProbe registry = kit.CreateProbe("registry"), asker = kit.CreateProbe("asker");
        ActorRef desk = kit.ActorOf(Props.Create(() => new MailActor(Options, _port, registry.Ref)), "mail");
        asker.Send(desk, new RequestToken("a@example.com"));
        for (int draw = 0; draw < 3; draw++)
        {
            Assert.Equal(new AddToken("a@example.com", Token: null), registry.ExpectMsg<AddToken>());
            registry.Reply(new TokenExists());
        }

        _ = asker.ExpectMsg<Broken>();
        registry.ExpectNoMsg(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void A_port_that_throws_is_a_fault_and_the_desk_lives_on()
    {
        (RegistryWorld world, _) = Start();
        ActorRef desk = world.Kit.ActorOf(Props.Create(() => new MailActor(Options, new ThrowingMail(), world.Actors.Registry)), "broken-mail");
        world.Admin.Send(desk, new RequestToken("a@example.com"));
        _ = world.Admin.ExpectMsg<Broken>();
        world.Kit.Settle();
        Assert.Equal(new MailStatistics(0, Failed: 1, 0, 0, 0, 0, UnderWay: 0, Remembered: 1), Statistics(world, desk));
    }

    // Whenever the power fails: a token that somebody was mailed is a token that the registry knows.
    [Theory]
    [InlineData(1ul)]
    [InlineData(2ul)]
    [InlineData(3ul)]
    public void A_token_that_was_mailed_survives_a_crash(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        int mailed = 0;
        for (int round = 0; round < 100; round++)
        {
            var port = new PlayedMail();
            var world = new RegistryWorld(disk: new SimulatedDisk(), seed: seed + (ulong)round);
            ActorRef desk = world.Kit.ActorOf(Props.Create(() => new MailActor(Options, port, world.Actors.Registry)), "mail");
            for (int i = 0; i < 5; i++)
                world.Admin.Send(desk, new RequestToken($"a{i}@example.com"));
            world.Kit.Advance(random.NextTimeSpan(TimeSpan.Zero, TimeSpan.FromMilliseconds(20)));
            List<TokenMail> sent = [.. port.Mails];
            RegistryWorld after = world.Crash(random.NextUInt64());
            Assert.All(sent, mail => Assert.True(after.HasToken(mail.Token)));
            mailed += sent.Count;
        }

        Assert.InRange(mailed, 50, 500);
    }

    [Fact]
    public void Names_every_setting_that_breaks_its_rule()
    {
        MailOptions wrong = new() { From = "nobody", MaxUnderWay = 0, Interval = TimeSpan.Zero, MaxRemembered = 0, Timeout = TimeSpan.Zero };
        Assert.Equal(5, wrong.Validate().Count());
        Assert.Empty(Options.Validate());
    }

    private (RegistryWorld World, ActorRef Desk) Start(MailOptions? options = null, RegistryOptions? registry = null)
    {
        var world = new RegistryWorld(registry);
        ActorRef desk = world.Kit.ActorOf(Props.Create(() => new MailActor(options ?? Options, _port, world.Actors.Registry)), "mail");
        return (world, desk);
    }

    private static MailStatistics Statistics(RegistryWorld world, ActorRef desk)
    {
        world.Admin.Send(desk, new GetMailStatistics());
        return world.Admin.ExpectMsg<MailStatistics>();
    }

    private TokenMail Fail(RegistryWorld world)
    {
        int before = _port.Mails.Count;
        world.Kit.AwaitCondition(() => _port.Mails.Count > before, "a mail");
        return _port.Settle(world, new MailFailed("mailbox full"));
    }

    private void Deliver(RegistryWorld world, ActorRef desk, string email, int earlier = 0)
    {
        int before = _port.Mails.Count;
        world.Admin.Send(desk, new RequestToken(email));
        world.Kit.AwaitCondition(() => _port.Mails.Count > before, "a mail");
        for (int mail = 0; mail <= earlier; mail++)
        {
            _port.Settle(world, new MailSent());
            world.Admin.ExpectMsg(new Done());
        }

        Assert.Equal(email, _port.Mails[^1].To);
    }

    private sealed class ThrowingMail : IMailPort
    {
        public void Send(TokenMail mail, ActorRef replyTo) => throw new InvalidOperationException("a bug");
    }
}
