using Mesh.Actors;
using Mesh.Node.Certificates;
using Mesh.Node.RegistryClient;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;
using static Mesh.Node.Tests.Certificates.CertificateWorld;

namespace Mesh.Node.Tests.Certificates;

/// <summary>The authority's certificate comes near its end, and anybody on the way may answer getCa.</summary>
public sealed class AuthorityRenewalTests
{
    private const string Renew = RegistryMethod.RenewCertificate;
    private const string GetCa = RegistryMethod.GetCa;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_authoritys_certificate_is_fetched_a_month_before_its_end_at_a_random_time_of_the_first_day(ulong seed)
    {
        var world = new CertificateWorld(authorityLeft: 40 * Day, seed: seed);
        (CallRegistry call, TimeSpan after) = world.TimeCall(GetCa, 12 * Day);
        Assert.InRange(after, 10 * Day, 11 * Day);
        Assert.Empty(call.Arguments);
        AuthorityCertificate next = Next(world);
        world.Answer(call, next.ToPem());
        Assert.Empty(world.TakeNews());
        world.Stored();
        NodeIdentity identity = world.TakeNews().OfType<IdentityChanged>().Single().Identity;
        Assert.Equal((next.ToPem(), Serial), (identity.Verifier.Authority.ToPem(), identity.Certificate.SerialNumber));
        Assert.Equal((CertificateState.Valid, next.NotAfter), (world.State, world.Status.AuthorityUntil));
        world.Client.ExpectNoMsg(200 * Day);
    }

    [Fact]
    public void After_a_renewal_certificates_are_judged_by_the_new_one()
    {
        var world = new CertificateWorld(authorityLeft: 3 * Day);
        world.Answer(world.ExpectCall(GetCa, TimeSpan.FromSeconds(5)), Next(world).ToPem());
        world.Stored();
        world.TakeNews();
        NodeCertificate peer = world.Certificate(5, world.UtcNow + Year, of: Identities.B.Certificate);
        foreach (int days in (int[])[0, 4, 300])
            Assert.True(world.Identity.TryIdentify(peer.Der.AsSpan(), world.UtcNow + (days * Day), new HashSet<ulong>(), out _, out string problem), problem);
    }

    /// <summary>re6st takes any certificate that it gets over HTTP: who is on the way in the last month becomes the authority.</summary>
    [Theory]
    [InlineData("another key")]
    [InlineData("another network")]
    [InlineData("another name")]
    [InlineData("signed by another key")]
    [InlineData("a node's certificate")]
    [InlineData("over")]
    [InlineData("not begun")]
    [InlineData("no longer than the present one")]
    [InlineData("nonsense")]
    [InlineData("empty")]
    [InlineData("too long")]
    public void Defect_an_authority_is_never_taken_without_a_check(string what)
    {
        var world = new CertificateWorld(authorityLeft: 20 * Day);
        DateTimeOffset now = world.UtcNow, begin = now - Day, end = now + (10 * Year);
        AuthorityCertificate next = Next(world);
        string body = what switch
        {
            "another key" => CertificateAuthority.Create(NetworkPrefix.Parse("2001:db8:42::/48"), Identities.B.Key, "re6st test", "ca@example.com", begin, end).Certificate.ToPem(),
            "another network" => CertificateAuthority.Create(NetworkPrefix.Parse("2001:db8:43::/48"), Identities.Authority.Key, "x", "ca@example.com", begin, end).Certificate.ToPem(),
            "another name" => CertificateAuthority.Create(NetworkPrefix.Parse("2001:db8:42::/48"), Identities.Authority.Key, "x", "ca@example.com", begin, end).Certificate.ToPem(),
            "signed by another key" => Forged(next),
            "a node's certificate" => world.Next().ToPem(),
            "over" => Identities.Authority.Renew(begin - Year, begin).ToPem(),
            "not begun" => Identities.Authority.Renew(now + Day, end).ToPem(),
            "no longer than the present one" => Identities.Authority.Renew(begin, world.Status.AuthorityUntil).ToPem(),
            "nonsense" => "<html>welcome to this airport</html>",
            "empty" => "",
            _ => new string('\n', 70_000) + next.ToPem(),
        };
        CallRegistry call = world.ExpectCall(GetCa, TimeSpan.FromSeconds(5));
        for (int i = 1; i <= 3; i++)
        {
            world.Answer(call, body);
            Assert.Equal(i, world.Actor.RefusedCount);
            Assert.NotNull(world.State == CertificateState.Valid ? world.Status.Problem : null);
            (call, TimeSpan after) = world.TimeCall(GetCa);
            Assert.InRange(after.TotalMinutes, 0.75 * Math.Pow(2, i - 1), 1.25 * Math.Pow(2, i - 1));
        }

        Assert.Empty(world.Disk.Requests);
        Assert.Equal(0, world.Kit.System.FailureCount);
        world.Answer(call, next.ToPem());
        world.Stored();
        Assert.Equal((next.NotAfter, null), (world.State == CertificateState.Valid ? world.Status.AuthorityUntil : default, world.Status.Problem));
    }

    [Fact]
    public void A_clock_that_is_far_behind_is_no_reason_to_fail()
    {
        var world = new CertificateWorld(authorityLeft: 20 * Day);
        CallRegistry call = world.ExpectCall(GetCa, TimeSpan.FromSeconds(5));
        world.Kit.Loop.Epoch -= 200 * Day;   // before the node's certificate began
        AuthorityCertificate next = Identities.Authority.Renew(world.UtcNow - Day, world.UtcNow + (10 * Year));
        world.Answer(call, next.ToPem());
        Assert.Equal((1, 0), (world.Actor.RefusedCount, world.Kit.System.FailureCount));
        world.Kit.Loop.Epoch += 200 * Day;
        world.Answer(world.ExpectCall(GetCa), next.ToPem());
        world.Stored();
        Assert.Equal((next.NotAfter, null), (world.State == CertificateState.Valid ? world.Status.AuthorityUntil : default, world.Status.Problem));
    }

    [Fact]
    public void Who_is_on_the_way_is_named_as_what_it_may_be()
    {
        var world = new CertificateWorld(authorityLeft: 20 * Day);
        CertificateAuthority other = CertificateAuthority.Create(NetworkPrefix.Parse("2001:db8:42::/48"), Identities.B.Key, "x", "x@example.com", world.UtcNow - Day, world.UtcNow + Year);
        world.Answer(world.ExpectCall(GetCa), other.Certificate.ToPem());
        Assert.Contains(world.Kit.Log.Entries, e => e.Level == LogLevel.Warning && e.Message.Contains("somebody may be between us and the registry", StringComparison.Ordinal));
    }

    [Fact]
    public void A_registry_whose_authority_is_not_renewed_is_asked_each_day_and_the_operator_is_told()
    {
        var world = new CertificateWorld(authorityLeft: 30 * Day, left: 300 * Day);
        CallRegistry call = world.ExpectCall(GetCa);
        for (int i = 0; i < 10; i++)
        {
            world.Answer(call, world.Authority.ToPem());
            Assert.Equal((CertificateState.Valid, true), (world.State, world.Status.Problem!.Contains("the registry has no other yet", StringComparison.Ordinal)));
            (call, TimeSpan after) = world.TimeCall(GetCa);
            Assert.InRange(after, 0.75 * Day, 1.25 * Day);
        }

        world.Answer(call, Next(world).ToPem());
        world.Stored();
        Assert.Equal((CertificateState.Valid, null), (world.State, world.Status.Problem));
    }

    [Fact]
    public void When_the_authority_has_ended_so_has_all_it_vouched_for_and_a_renewal_brings_it_back()
    {
        var world = new CertificateWorld(authorityLeft: 2 * Day, left: 300 * Day);
        CallRegistry call = world.ExpectCall(GetCa);
        while (world.UtcNow <= world.Authority.NotAfter)
        {
            world.Fail(call);
            call = NextOf(world, GetCa);
        }

        Assert.Equal((CertificateState.Expired, false), (world.State, world.Status.MayServe));
        world.Answer(call, Next(world).ToPem());
        world.Stored();
        Assert.Equal((CertificateState.Valid, true), (world.State, world.Status.MayServe));
    }

    [Fact]
    public void Both_may_be_due_at_the_same_time()
    {
        var world = new CertificateWorld(authorityLeft: 20 * Day, left: 20 * Day);
        var asked = new List<string>();
        for (int i = 0; i < 2; i++)
        {
            CallRegistry call = world.Client.ExpectMsg<CallRegistry>();
            Assert.Equal(0, world.Client.PendingCount);
            asked.Add(call.Method);
            world.Answer(call, call.Method == GetCa ? Next(world).ToPem() : world.Next().ToPem());
            world.Kit.Advance(TimeSpan.FromSeconds(6));
            Assert.Equal(0, world.Client.PendingCount);   // the disk is still at the first
            world.Stored();
        }

        Assert.Equal([GetCa, Renew], asked.Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.Equal((CertificateState.Valid, Serial + 1, true), (world.State, world.Status.SerialNumber, world.Status.AuthorityUntil > world.UtcNow + (9 * Year)));
        Assert.Equal(2, world.Disk.Requests.Count);
        Assert.Equal(world.Status.AuthorityUntil, world.Disk.Requests[1].Identity.Verifier.Authority.NotAfter);   // the second has what the first brought
        Assert.Equal(Serial + 1, world.Disk.Requests[1].Identity.Certificate.SerialNumber);
    }

    /// <summary>The node was off while its certificate ended and the authority's was renewed: there is no time at which both were valid.</summary>
    [Fact]
    public void An_authority_that_was_renewed_after_the_nodes_certificate_ended_is_taken()
    {
        var world = new CertificateWorld(authorityLeft: 20 * Day, left: -10 * Day);
        CallRegistry call = world.Client.ExpectMsg<CallRegistry>();
        if (call.Method == Renew)
        {
            world.Fail(call);
            call = NextOf(world, GetCa);
        }

        AuthorityCertificate next = Identities.Authority.Renew(world.UtcNow - Day, world.UtcNow + (10 * Year));
        world.Answer(call, next.ToPem());
        world.Stored();
        world.TakeNews();
        Assert.Equal(next.NotAfter, world.Status.AuthorityUntil);
        // And a process that starts with these files starts.
        _ = new NodeIdentity(new CertificateVerifier(next), world.Identity.Certificate, world.Identity.Key, world.UtcNow);
        world.Answer(NextOf(world, Renew), world.Next().ToPem());
        world.Stored();
        Assert.Equal(CertificateState.Valid, world.State);
    }

    private static CallRegistry NextOf(CertificateWorld world, string method)
    {
        while (true)
        {
            CallRegistry call = world.Client.ExpectMsg<CallRegistry>(2 * Day);
            if (call.Method == method)
                return call;
            world.Fail(call);
        }
    }

    private static AuthorityCertificate Next(CertificateWorld world) => Identities.Authority.Renew(world.UtcNow - Day, world.UtcNow + (10 * Year));

    private static string Forged(AuthorityCertificate certificate)
    {
        byte[] octets = [.. certificate.Der];
        octets[^9] ^= 1;
        return Pem.Write(Pem.Certificate, octets);
    }
}
