using Mesh.Actors;
using Mesh.Node.Certificates;
using Mesh.Node.RegistryClient;
using Mesh.Protocol.Registry;
using Mesh.Security;
using Mesh.Security.Certificates;
using static Mesh.Node.Tests.Certificates.CertificateWorld;

namespace Mesh.Node.Tests.Certificates;

/// <summary>The node's own certificate is revoked, or somebody says so.</summary>
public sealed class CertificateRevocationTests
{
    private const string Renew = RegistryMethod.RenewCertificate;
    private const string GetNotice = RegistryMethod.GetRevocation;

    [Fact]
    public void Who_finds_itself_on_the_list_asks_at_once_and_comes_back_with_another_serial_number()
    {
        var world = new CertificateWorld();
        world.List(1, Serial, 7000);
        Assert.Equal(CertificateState.Renewing, world.State);
        (CallRegistry call, TimeSpan after) = world.TimeCall(Renew);
        Assert.InRange(after, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        NodeCertificate same = world.Certificate(Serial + 1, world.Status.Until);   // with the same end, as registries do it
        world.Answer(call, same.ToPem());
        world.Stored();
        Assert.Equal((CertificateState.Valid, Serial + 1, true), (world.State, world.Status.SerialNumber, world.Status.MayServe));
        world.List(1, Serial, 7000, 7001);
        world.Client.ExpectNoMsg(100 * Day);
    }

    [Theory]
    [InlineData("disowned")]
    [InlineData("the same again")]
    public void Where_the_registry_gives_no_other_the_node_is_out_of_service_and_asks_less_and_less_often(string what)
    {
        var world = new CertificateWorld();
        world.List(Serial);
        CallRegistry call = world.ExpectCall(Renew);
        Assert.True(world.Status.MayServe);
        Refuse(call);
        Assert.Equal((CertificateState.Revoked, false), (world.State, world.Status.MayServe));
        Assert.NotNull(world.Status.Problem);
        Assert.Single(world.Kit.Log.Entries, e => e.Level == LogLevel.Error && e.Message.Contains("out of service", StringComparison.Ordinal));
        for (double minutes = 1; minutes < 20_000; minutes *= 2)
        {
            (call, TimeSpan after) = world.TimeCall(Renew);
            Assert.InRange(after.TotalMinutes, 0.75 * Math.Min(minutes, 1440), 1.25 * Math.Min(minutes, 1440));
            Refuse(call);
            world.List(Serial, (ulong)minutes + 1000);   // news of others change nothing
            Assert.Equal(CertificateState.Revoked, world.State);
        }

        // An administrator lets it in again.
        world.Answer(world.ExpectCall(Renew), world.Next().ToPem());
        Assert.False(world.Status.MayServe);
        world.Stored();
        Assert.Equal((CertificateState.Valid, Serial + 1, true), (world.State, world.Status.SerialNumber, world.Status.MayServe));

        void Refuse(CallRegistry asked)
        {
            if (what == "disowned")
                world.Fail(asked, "the registry has no certificate for 1/16 (any more)", isDisowned: true);
            else
                world.Answer(asked, world.Identity.Certificate.ToPem());
        }
    }

    [Fact]
    public void A_registry_that_is_away_has_not_refused_anything()
    {
        var world = new CertificateWorld();
        world.List(Serial);
        CallRegistry call = world.ExpectCall(Renew);
        for (int i = 0; i < 20; i++)
        {
            world.Fail(call);
            Assert.Equal(CertificateState.Renewing, world.State);
            (call, TimeSpan after) = world.TimeCall(Renew);
            Assert.InRange(after, TimeSpan.FromSeconds(45), TimeSpan.FromMinutes(12.5));   // peers do not take us: this is urgent
        }

        world.Answer(call, world.Next().ToPem());
        world.Stored();
        Assert.Equal(CertificateState.Valid, world.State);
    }

    [Fact]
    public void A_list_without_it_puts_it_into_service_again()
    {
        var world = new CertificateWorld();
        world.List(Serial);
        world.Fail(world.ExpectCall(Renew), isDisowned: true);
        Assert.Equal(CertificateState.Revoked, world.State);
        world.List(4711);   // the registry was restored from a backup
        Assert.Equal(CertificateState.Valid, world.State);
        world.List(Serial);
        Assert.Equal(CertificateState.Renewing, world.State);   // it is asked anew before it stops again
        world.Fail(world.ExpectCall(Renew), isDisowned: true);
        Assert.Equal(CertificateState.Revoked, world.State);
    }

    [Theory]
    [InlineData(20, CertificateState.Renewing)]
    [InlineData(-1, CertificateState.Expired)]
    public void It_may_have_become_old_while_it_was_revoked(int daysLeft, CertificateState state)
    {
        var world = new CertificateWorld();
        world.List(Serial);
        world.Fail(world.ExpectCall(Renew), isDisowned: true);
        world.Kit.Loop.Epoch += (300 - daysLeft) * Day;
        world.List();   // the list drops what has expired by itself
        Assert.Equal(state, world.State);
        if (state == CertificateState.Expired)
        {
            world.List(Serial);
            world.Fail(world.ExpectCall(Renew), isDisowned: true);
            Assert.Equal(CertificateState.Revoked, world.State);
        }
    }

    [Fact]
    public void An_answer_that_was_on_its_way_when_the_list_came_is_no_refusal()
    {
        var world = new CertificateWorld(left: 20 * Day);
        CallRegistry call = world.ExpectCall(Renew);
        world.List(Serial);
        world.Answer(call, world.Identity.Certificate.ToPem());
        Assert.Equal(CertificateState.Renewing, world.State);
        (call, TimeSpan after) = world.TimeCall(Renew);
        Assert.InRange(after, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        world.Answer(call, world.Next().ToPem());
        world.Stored();
        Assert.Equal(CertificateState.Valid, world.State);
    }

    [Fact]
    public void A_shorter_one_is_taken_in_place_of_one_that_is_good_for_nobody()
    {
        var world = new CertificateWorld();
        world.List(Serial);
        world.Answer(world.ExpectCall(Renew), world.Certificate(Serial + 1, world.UtcNow + (10 * Day)).ToPem());
        world.Stored();
        Assert.Equal(Serial + 1, world.State == CertificateState.Valid ? world.Status.SerialNumber : 0);
    }

    /// <summary>Over plain HTTP anybody on the way can answer hello with 404.</summary>
    [Fact]
    public void A_registry_that_says_without_proof_that_it_does_not_know_the_node_does_not_stop_it()
    {
        var world = new CertificateWorld();
        world.Publish(new DisownedByRegistry());   // to somebody else's question
        CallRegistry call = world.ExpectCall(Renew, TimeSpan.FromSeconds(1));
        for (int i = 0; i < 20; i++)
        {
            world.Fail(call, "the registry has no certificate for 1/16 (any more)", isDisowned: true);
            CallRegistry question = world.ExpectCall(GetNotice, TimeSpan.Zero);
            Assert.Equal(("serial", "100"), Assert.Single(question.Arguments));
            switch (i % 4)
            {
                case 0:
                    world.Fail(question, "the registry answered getRevocation with status 400");   // one of re6st
                    break;
                case 1:
                    world.Answer(question, []);
                    break;
                case 2:
                    world.Answer(question, Notice(serial: Serial + 1));   // somebody else's, played again
                    break;
                default:
                    byte[] forged = Notice();
                    forged[7] ^= 1;
                    world.Answer(question, forged);
                    break;
            }

            Assert.Equal((CertificateState.Valid, true), (world.State, world.Status.MayServe));
            Assert.Equal("the registry has no certificate for 1/16 (any more); nothing proves it", world.Status.Problem);
            call = world.ExpectCall(Renew);
        }

        Assert.Equal(10, world.Actor.RefusedCount);   // the notices that were none
        world.Answer(call, world.Identity.Certificate.ToPem());
        Assert.Equal((CertificateState.Valid, null), (world.State, world.Status.Problem));
        world.Client.ExpectNoMsg(100 * Day);
    }

    [Fact]
    public void The_authoritys_signature_stops_it()
    {
        var world = new CertificateWorld();
        world.Publish(new DisownedByRegistry());
        world.Fail(world.ExpectCall(Renew), "the registry has no certificate for 1/16 (any more)", isDisowned: true);
        world.Answer(world.ExpectCall(GetNotice), Notice());
        Assert.Equal((CertificateState.Revoked, false), (world.State, world.Status.MayServe));
        Assert.Contains("the authority has signed that it is revoked", world.Status.Problem, StringComparison.Ordinal);
        for (int i = 0; i < 20; i++)
            world.Fail(world.ExpectCall(Renew), "the registry has no certificate for 1/16 (any more)", isDisowned: true);   // it is not asked for a notice again
        world.List(4711);   // parameters from before
        Assert.Equal(CertificateState.Revoked, world.State);
        world.Answer(world.ExpectCall(Renew), world.Next().ToPem());
        world.Stored();
        Assert.Equal(CertificateState.Valid, world.State);
    }

    [Fact]
    public void A_registry_that_holds_the_certificate_after_all_overrules_a_notice()
    {
        var world = new CertificateWorld();
        world.Publish(new DisownedByRegistry());
        world.Fail(world.ExpectCall(Renew), isDisowned: true);
        world.Answer(world.ExpectCall(GetNotice), Notice());
        Assert.Equal(CertificateState.Revoked, world.State);
        world.Answer(world.ExpectCall(Renew), world.Identity.Certificate.ToPem());   // it has proven who it is
        Assert.Equal((CertificateState.Valid, null), (world.State, world.Status.Problem));
        world.Client.ExpectNoMsg(10 * Day);
    }

    [Fact]
    public void Peers_that_do_not_want_it_make_it_ask_but_not_often_and_nothing_else()
    {
        var world = new CertificateWorld();
        int asked = 0;
        for (int minute = 0; minute < 24 * 60; minute++)
        {
            world.Publish(new CertificateDoubted(Identities.B.Prefix));
            world.Kit.Advance(TimeSpan.FromMinutes(1));
            foreach (CallRegistry call in world.Client.ReceiveAll().Cast<CallRegistry>())
            {
                asked++;
                world.Answer(call, world.Identity.Certificate.ToPem());
            }
        }

        Assert.InRange(asked, 100, 200);   // after half a minute, then up to every ten
        Assert.Equal((24 * 60) - asked, world.Actor.IgnoredHintCount);
        Assert.Equal((CertificateState.Valid, null), (world.State, world.Status.Problem));
    }

    [Fact]
    public void A_hint_that_comes_while_the_registry_answers_is_not_forgotten()
    {
        var world = new CertificateWorld(left: 20 * Day);
        CallRegistry call = world.ExpectCall(Renew);
        world.Publish(new CertificateDoubted(Identities.B.Prefix));
        world.Answer(call, world.Identity.Certificate.ToPem());   // as it was before the peer heard of it
        world.ExpectCall(Renew, TimeSpan.Zero);
    }

    [Fact]
    public void A_peer_may_know_first_that_the_certificate_is_revoked()
    {
        var world = new CertificateWorld();
        world.Publish(new CertificateDoubted(Identities.B.Prefix));
        world.Answer(world.ExpectCall(Renew, TimeSpan.Zero), world.Next().ToPem());
        world.Stored();
        Assert.Equal((CertificateState.Valid, Serial + 1), (world.State, world.Status.SerialNumber));
        world.Publish(new CertificateDoubted(Identities.B.Prefix));   // the next one is followed at once again
        world.ExpectCall(Renew, TimeSpan.Zero);
    }

    [Fact]
    public void Hints_are_not_needed_where_it_is_known()
    {
        var world = new CertificateWorld();
        world.List(Serial);
        world.Fail(world.ExpectCall(Renew), isDisowned: true);
        world.Fail(world.ExpectCall(Renew), isDisowned: true);
        for (int i = 0; i < 60; i++)
        {
            world.Publish(new DisownedByRegistry());
            world.Publish(new CertificateDoubted(Identities.B.Prefix));
            world.Kit.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(0, world.Client.PendingCount);
        Assert.Equal(CertificateState.Revoked, world.State);
    }
}
