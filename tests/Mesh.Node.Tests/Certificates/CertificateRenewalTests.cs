using Mesh.Actors;
using Mesh.Node.Certificates;
using Mesh.Node.Ports;
using Mesh.Node.RegistryClient;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using static Mesh.Node.Tests.Certificates.CertificateWorld;

namespace Mesh.Node.Tests.Certificates;

/// <summary>The node's own certificate comes near its end.</summary>
public sealed class CertificateRenewalTests
{
    private const string Renew = RegistryMethod.RenewCertificate;

    [Fact]
    public void A_certificate_that_is_good_for_longer_is_left_alone()
    {
        var world = new CertificateWorld(left: 300 * Day);
        world.Client.ExpectNoMsg(269 * Day);
        Assert.Equal(CertificateState.Valid, world.State);
        Assert.Equal(new CertificateStatus(CertificateState.Valid, Identities.Now, Serial, Identities.Now + (300 * Day), Identities.Now + (9 * Year), null), world.Status);
        Assert.True(world.Status.MayServe);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void It_is_renewed_a_month_before_its_end_at_a_random_time_of_the_first_day(ulong seed)
    {
        var world = new CertificateWorld(left: 40 * Day, seed: seed);
        (CallRegistry call, TimeSpan after) = world.TimeCall(Renew, 12 * Day);
        Assert.InRange(after, 10 * Day, 11 * Day);
        Assert.Equal(CertificateState.Renewing, world.State);
        Assert.True(world.Status.MayServe);

        NodeCertificate next = world.Next();
        world.Answer(call, next.ToPem());
        Assert.Same(world.Identity.Key, Assert.Single(world.Disk.Requests).Identity.Key);
        Assert.Empty(world.TakeNews());   // not before it is on the disk
        world.Stored();
        Assert.Collection(
            world.TakeNews(),
            news => Assert.Equal(next.Der, Assert.IsType<IdentityChanged>(news).Identity.Certificate.Der),
            news => Assert.Equal((CertificateState.Valid, next.SerialNumber, next.NotAfter), (Assert.IsType<CertificateStatus>(news).State, world.Status.SerialNumber, world.Status.Until)));
        world.Client.ExpectNoMsg(330 * Day);
    }

    [Fact]
    public void Nodes_that_were_made_together_do_not_ask_together()
    {
        TimeSpan[] times = [.. Enumerable.Range(1, 200).Select(seed => new CertificateWorld(left: 30 * Day + TimeSpan.FromSeconds(10), seed: (ulong)seed).TimeCall(Renew).After).Order()];
        int[] hours = [.. times.GroupBy(static time => (int)time.TotalHours).Select(static hour => hour.Count())];
        Assert.InRange(hours.Length, 22, 24);
        Assert.InRange(hours.Max(), 9, 25);
    }

    [Fact]
    public void What_is_due_at_the_start_is_asked_for_at_once()
    {
        Assert.InRange(new CertificateWorld(left: 3 * Day).TimeCall(Renew).After, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.InRange(new CertificateWorld(left: -3 * Day).TimeCall(Renew).After, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.InRange(new CertificateWorld(revoked: [Serial]).TimeCall(Renew).After, TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void A_short_lived_one_is_renewed_in_the_last_third_of_its_life()
    {
        var world = new CertificateWorld(left: TimeSpan.FromHours(3), life: TimeSpan.FromHours(3));
        (CallRegistry call, TimeSpan after) = world.TimeCall(Renew);
        Assert.InRange(after, TimeSpan.FromHours(2), TimeSpan.FromHours(2) + TimeSpan.FromMinutes(7));
        world.Answer(call, world.Certificate(Serial + 1, world.UtcNow + TimeSpan.FromHours(3)).ToPem());
        world.Stored();
        Assert.Equal(CertificateState.Valid, world.State);
        Assert.InRange(world.TimeCall(Renew).After, TimeSpan.FromHours(1.9), TimeSpan.FromHours(2.3));
    }

    [Fact]
    public void A_registry_with_nothing_to_do_is_asked_again_the_next_day()
    {
        var world = new CertificateWorld(left: 20 * Day);
        CallRegistry call = world.ExpectCall(Renew);
        for (int i = 0; i < 5; i++)
        {
            world.Answer(call, world.Identity.Certificate.ToPem());
            (call, TimeSpan after) = world.TimeCall(Renew);
            Assert.InRange(after, 0.75 * Day, 1.25 * Day);
        }

        Assert.Equal((CertificateState.Renewing, null, 0), (world.State, world.Status.Problem, world.Actor.RefusedCount));
        Assert.Empty(world.Disk.Requests);
    }

    [Fact]
    public void A_registry_that_is_away_is_asked_after_growing_delays_up_to_a_day()
    {
        var world = new CertificateWorld(left: 30 * Day);
        CallRegistry call = world.ExpectCall(Renew);
        for (double minutes = 1; world.Kit.Now < 7 * Day; minutes = Math.Min(24 * 60, 2 * minutes))
        {
            world.Fail(call);
            (call, TimeSpan after) = world.TimeCall(Renew);
            Assert.InRange(after.TotalMinutes, 0.75 * minutes, 1.25 * minutes);
            Assert.Equal((CertificateState.Renewing, "connection refused"), (world.State, world.Status.Problem));
        }

        // A week later it is back.
        world.Answer(call, world.Next().ToPem());
        world.Stored();
        Assert.Equal((CertificateState.Valid, null), (world.State, world.Status.Problem));
    }

    [Fact]
    public void The_nearer_the_end_the_more_often_it_is_asked_and_after_the_end_it_goes_on()
    {
        var world = new CertificateWorld(left: 10 * Day);
        DateTimeOffset end = world.Status.Until;
        CallRegistry call = world.ExpectCall(Renew);
        int asked = 0;
        while (world.UtcNow < end)
        {
            Assert.Equal(CertificateState.Renewing, world.State);
            world.Fail(call);
            TimeSpan left = end - world.UtcNow;
            (call, TimeSpan after) = world.TimeCall(Renew);
            TimeSpan limit = left / 10 * 1.25;
            Assert.InRange(after, TimeSpan.Zero, limit > TimeSpan.FromSeconds(75) ? limit : TimeSpan.FromSeconds(75));
            asked++;
        }

        Assert.InRange(asked, 60, 150);
        Assert.Equal(CertificateState.Expired, world.State);
        Assert.Equal(end, world.Status.Until);
        Assert.InRange((world.Status.Since - end).TotalSeconds, 0, 2);
        Assert.False(world.Status.MayServe);
        Assert.Contains(world.Kit.Log.Entries, e => e.Level == LogLevel.Error && e.Message.Contains("out of service", StringComparison.Ordinal));
        for (int i = 0; i < 50; i++)
        {
            world.Fail(call);
            (call, TimeSpan after) = world.TimeCall(Renew);
            Assert.InRange(after, TimeSpan.Zero, TimeSpan.FromHours(1.25));
        }

        world.Answer(call, world.Next().ToPem());
        Assert.False(world.Status.MayServe);   // it is not stored yet
        world.Stored();
        Assert.Equal(CertificateState.Valid, world.State);
        Assert.True(world.Status.MayServe);
    }

    [Fact]
    public void An_answer_that_is_lost_does_not_end_the_asking_and_one_that_comes_too_late_is_passed_over()
    {
        var world = new CertificateWorld(left: 20 * Day);
        CallRegistry lost = world.ExpectCall(Renew);
        (CallRegistry call, TimeSpan after) = world.TimeCall(Renew);
        Assert.InRange(after, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(12));
        Assert.Equal("no answer came", world.State == CertificateState.Renewing ? world.Status.Problem : null);
        world.Answer(lost, world.Next().ToPem());
        Assert.Empty(world.Disk.Requests);
        world.Answer(call, world.Next().ToPem());
        Assert.Single(world.Disk.Requests);
        world.Answer(call, world.Next().ToPem());   // twice
        Assert.Single(world.Disk.Requests);
        Assert.Equal(0, world.Kit.System.UnhandledCount);
    }

    [Fact]
    public void A_certificate_that_cannot_be_stored_is_not_used_and_asked_for_again()
    {
        var world = new CertificateWorld(left: 20 * Day);
        NodeCertificate next = world.Next();
        for (double minutes = 1; minutes < 10; minutes *= 2)
        {
            world.Answer(world.ExpectCall(Renew), next.ToPem());
            world.NotStored();
            Assert.DoesNotContain(world.TakeNews(), news => news is IdentityChanged);
            Assert.Equal((CertificateState.Renewing, Serial, "the new certificate cannot be stored: no space left on device"), (world.State, world.Status.SerialNumber, world.Status.Problem));
        }

        world.Answer(world.ExpectCall(Renew), next.ToPem());
        world.Stored();
        Assert.Equal((CertificateState.Valid, Serial + 1), (world.State, world.Status.SerialNumber));
    }

    [Fact]
    public void A_disk_that_never_answers_is_given_up_and_a_late_word_of_it_does_no_harm()
    {
        var world = new CertificateWorld(left: 20 * Day);
        world.Answer(world.ExpectCall(Renew), world.Next().ToPem());
        CallRegistry call = world.ExpectCall(Renew);
        Assert.Equal("the new certificate cannot be stored: no answer came", world.State == CertificateState.Renewing ? world.Status.Problem : null);
        world.Stored();   // it is on the disk, but the actor has given that up: it asks, and gets it again
        Assert.Equal(Serial, world.Status.SerialNumber);
        world.Answer(call, world.Next().ToPem());
        world.Stored();
        Assert.Equal((CertificateState.Valid, Serial + 1), (world.State, world.Status.SerialNumber));
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("nonsense")]
    [InlineData("half a certificate")]
    [InlineData("longer than any certificate")]
    [InlineData("another node's")]
    [InlineData("another key's")]
    [InlineData("another network's")]
    [InlineData("changed")]
    [InlineData("the same serial number")]
    [InlineData("on the list")]
    [InlineData("over")]
    [InlineData("not begun")]
    [InlineData("shorter")]
    public void An_answer_that_must_not_be_used_is_refused_and_counted(string what)
    {
        var world = new CertificateWorld(left: 20 * Day);
        world.List(777);
        NodeCertificate next = world.Next();
        byte[] changed = [.. next.Der];
        changed[^5] ^= 1;
        byte[] body = System.Text.Encoding.UTF8.GetBytes(what switch
        {
            "empty" => "",
            "nonsense" => "\0\u00FF nonsense",
            "half a certificate" => next.ToPem()[..400],
            "longer than any certificate" => new string(' ', 70_000) + next.ToPem(),
            "another node's" => world.Certificate(Serial + 1, world.UtcNow + Year, of: Identities.B.Certificate).ToPem(),
            "another key's" => Identities.Authority.TryIssue(
                new CertificateRequestBuilder().ToPem(Identities.B.Key),
                new IssuedIdentity(Identities.A.Prefix, 1, Serial + 1, world.UtcNow, world.UtcNow + Year), out NodeCertificate? foreign) == RequestProblem.None ? foreign!.ToPem() : throw new InvalidOperationException(),
            "another network's" => Identities.CertificateOf(Identities.Foreign).ToPem(),
            "changed" => Security.Keys.Pem.Write(Security.Keys.Pem.Certificate, changed),
            "the same serial number" => world.Next(Serial).ToPem(),
            "on the list" => world.Next(777).ToPem(),
            "over" => world.Certificate(Serial + 1, world.UtcNow - Day, world.UtcNow - Year).ToPem(),
            "not begun" => world.Certificate(Serial + 1, world.UtcNow + Year, world.UtcNow + Day).ToPem(),
            _ => world.Certificate(Serial + 1, world.UtcNow + (19 * Day)).ToPem(),
        });
        CallRegistry call = world.ExpectCall(Renew);
        for (int i = 1; i <= 3; i++)
        {
            world.Answer(call, body);
            Assert.Equal(i, world.Actor.RefusedCount);
            Assert.NotNull(world.State == CertificateState.Renewing ? world.Status.Problem : null);
            call = world.ExpectCall(Renew);
        }

        Assert.Empty(world.Disk.Requests);
        Assert.Equal(0, world.Kit.System.FailureCount);
        world.Answer(call, next.ToPem());
        world.Stored();
        Assert.Equal((CertificateState.Valid, Serial + 1), (world.State, world.Status.SerialNumber));
    }

    [Fact]
    public void Random_octets_never_make_it_fail()
    {
        var world = new CertificateWorld(left: 20 * Day);
        var random = new Random(11);
        byte[] good = System.Text.Encoding.ASCII.GetBytes(world.Next().ToPem());
        for (int i = 0; i < 300; i++)
        {
            byte[] body = [.. good];
            for (int change = random.Next(1, 6); change > 0; change--)
                body[random.Next(body.Length)] = (byte)random.Next(256);
            world.Answer(world.ExpectCall(Renew), i % 5 == 0 ? body[..random.Next(body.Length)] : body);
            if (world.Disk.Requests.Count > 0)
                break;   // the changes were in the frame of the text only
        }

        Assert.Equal(0, world.Kit.System.FailureCount);
        Assert.All(world.Disk.Requests, request => Assert.Equal(Serial + 1, request.Identity.Certificate.SerialNumber));
    }

    [Fact]
    public void A_clock_that_jumps_is_noticed_within_an_hour()
    {
        var world = new CertificateWorld(left: 300 * Day);
        world.SetClock(280 * Day);
        Assert.Equal(CertificateState.Renewing, world.State);
        world.SetClock(30 * Day);
        Assert.Equal(CertificateState.Expired, world.State);
        Assert.InRange(world.TimeCall(Renew).After, TimeSpan.Zero, TimeSpan.FromHours(1.25));   // what was planned for the next day has become urgent
        world.SetClock(-40 * Day);
        Assert.Equal(CertificateState.Renewing, world.State);
        world.SetClock(-270 * Day);
        Assert.Equal(CertificateState.Valid, world.State);
        world.SetClock(400 * Day);
        Assert.Equal(CertificateState.Expired, world.State);   // from valid
        world.SetClock(-400 * Day);
        Assert.Equal(CertificateState.Valid, world.State);
        Assert.NotEmpty(world.Client.ReceiveAll());   // all without an answer
        // The registry knows the time: what it does not renew is good.
        world.Answer(world.ExpectCall(Renew), world.Identity.Certificate.ToPem());
        Assert.Equal((CertificateState.Valid, null), (world.State, world.Status.Problem));
        world.Client.ExpectNoMsg(5 * Day);
    }

    [Theory]
    [InlineData(CertificateState.Valid)]
    [InlineData(CertificateState.Renewing)]
    [InlineData(CertificateState.Revoked)]
    [InlineData(CertificateState.Expired)]
    public void A_restart_goes_on_where_it_was_and_asks_anew(CertificateState state)
    {
        var world = new CertificateWorld(left: state switch { CertificateState.Renewing => 20 * Day, CertificateState.Expired => -Day, _ => 300 * Day });
        CallRegistry? before = null;
        if (state == CertificateState.Revoked)
        {
            world.List(Serial);
            world.Fail(world.ExpectCall(Renew), isDisowned: true);
        }
        else if (state != CertificateState.Valid)
        {
            before = world.ExpectCall(Renew);
        }

        Assert.Equal(state, world.State);
        world.Crash();
        Assert.Equal(state, Assert.IsType<CertificateStatus>(Assert.Single(world.TakeNews())).State);   // and nothing in between
        if (before is not null)
            world.Answer(before, world.Next().ToPem());   // to the former instance
        Assert.Empty(world.Disk.Requests);
        if (state == CertificateState.Valid)
        {
            world.Client.ExpectNoMsg(5 * Day);
            return;
        }

        world.Answer(world.ExpectCall(Renew, TimeSpan.FromSeconds(6)), world.Next().ToPem());
        world.Crash();
        world.Stored();   // to the former instance
        world.Answer(world.ExpectCall(Renew, TimeSpan.FromSeconds(6)), world.Next().ToPem());
        world.Stored();
        Assert.Equal((CertificateState.Valid, Serial + 1), (world.State, world.Status.SerialNumber));
    }

    [Fact]
    public void Whoever_was_restarted_is_told_how_it_is()
    {
        var world = new CertificateWorld(left: -Day);
        var asker = world.Kit.CreateProbe("asker");
        world.Publish(new CertificateStatusWanted(asker.Ref));
        Assert.Equal(CertificateState.Expired, asker.ExpectMsg<CertificateStatus>().State);
    }
}
