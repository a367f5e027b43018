using System.Collections.Immutable;
using Mesh.Actors.TestKit;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Parameters;
using Mesh.Registry.Revocation;

namespace Mesh.Registry.Tests.Revocation;

public sealed class CrlActorTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public void Defect_revoking_by_serial_shuts_the_node_out()
    {
        var world = new RegistryWorld();
        CertificateGiven own = world.Join("registry"), node = world.Join("node");
        TestEvents<PrefixFreed> freed = new(world);
        world.Ask<Done>(new Revoke("2"));
        Assert.Equal([new PrefixFreed(node.Prefix)], freed.Seen);   // which ends its session

        world.Ask<NoCertificate>(new GetCertificate(node.Prefix));
        world.Ask<NoCertificate>(new RenewCertificate(node.Prefix));
        world.Ask<UnknownToken>(new RequestCertificate("node", "request"));   // the spent token and the same key do not bring it back
        world = world.Restart();
        world.Ask<NoCertificate>(new RenewCertificate(node.Prefix));
        Assert.True(world.Nodes[1].IsExcluded);
        Assert.Equal([2ul], world.Parameters(own.Prefix).Parameters.RevokedSerials);

        // Nobody else gets the prefix while somebody might still trust the certificate.
        Assert.NotEqual(node.Prefix, world.Join("next").Prefix);
        world.Kit.Advance(366 * Day);
        Assert.DoesNotContain(world.Nodes, n => n.Prefix == node.Prefix);
        Assert.Equal(node.Prefix, world.Join("later").Prefix);
    }

    [Fact]
    public void Defect_revoking_a_serial_twice_is_no_error()
    {
        var world = new RegistryWorld();
        world.Join("registry");
        world.Join("node");
        world.Ask<Done>(new Revoke("2"));
        world.Ask<Done>(new Revoke("2"));
        world.Ask<Refused>(new Revoke("3"));
        world.Ask<Done>(new Revoke("1/16"));   // now for good
        world.Ask<NoCertificate>(new Revoke("1/16"));
        world.Ask<Done>(new Revoke("2"));      // still on the list
        Assert.Equal(RevocationKind.Freed, List(world)[2].Kind);
    }

    [Fact]
    public void Defect_entries_leave_the_list_when_their_certificates_have_expired()
    {
        var world = new RegistryWorld(new RegistryOptions { SnapshotInterval = 10 });
        NodePrefix own = world.Join("registry").Prefix;
        for (int node = 0; node < 30; node++)
        {
            world.Join($"{node}");
            world.Ask<Done>(new Revoke($"{node + 2}"));
            world.Kit.Advance(Day);
        }

        world = world.Restart();
        Assert.Equal(30, List(world).Count);
        world.Kit.Advance((365 - 30) * Day);
        ulong version = world.Version;
        int before = List(world).Count;
        Assert.InRange(before, 28, 30);
        for (int day = 0; day < 40; day++)
        {
            world.Kit.Advance(Day);
            Assert.True(List(world).Values.All(entry => entry.NotAfter > world.UtcNow - TimeSpan.FromHours(1)));
        }

        Assert.Empty(List(world));
        Assert.True(world.Version > version);
        Assert.Empty(world.Parameters(own).Parameters.RevokedSerials);
    }

    [Fact]
    public void A_node_that_may_renew_gets_another_certificate_until_the_same_day()
    {
        var world = new RegistryWorld();
        CertificateGiven node = world.Join();
        world.Kit.Advance(10 * Day);
        world.Ask<Done>(new Revoke("1") { IsRenewable = true });
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        NetworkParameters parameters = world.Parameters(node.Prefix).Parameters;
        Assert.Equal((2ul, 1ul), (parameters.Version.Number, Assert.Single(parameters.RevokedSerials)));

        CertificateGiven renewed = world.Ask<CertificateGiven>(new RenewCertificate(node.Prefix));
        Assert.Equal("CERT 0/16 0 2 2027-01-01 00:00:00Z\n", renewed.Pem);
        Assert.Equal(renewed, world.Ask<CertificateGiven>(new RenewCertificate(node.Prefix)));

        world = world.Restart();
        Assert.Equal([1ul], world.Parameters(node.Prefix).Parameters.RevokedSerials);
        world.Kit.Advance(360 * Day);   // the certificate has expired by itself, so the list can be short again
        parameters = world.Parameters(node.Prefix).Parameters;
        Assert.Equal((3ul, 0), (parameters.Version.Number, parameters.RevokedSerials.Count));
    }

    [Fact]
    public void The_registrys_own_node_can_only_be_made_to_renew()
    {
        var world = new RegistryWorld();
        world.Join();
        world.Ask<Refused>(new Revoke("0/16"));
        world.Ask<Refused>(new Revoke("1"));
        Assert.Empty(List(world));
        world.Ask<Done>(new Revoke("1") { IsRenewable = true });
    }

    /// <summary>Every quarter of a millisecond: before the list is durable, between list and registry, after.</summary>
    public static TheoryData<int, string> Instants => [.. Enumerable.Range(0, 40).SelectMany(static at => new[] { (at, "2"), (at, "1/16") })];

    [Theory, MemberData(nameof(Instants))]
    public void A_crash_leaves_no_revocation_half_done(int quarterMilliseconds, string revoked)
    {
        for (ulong seed = 1; seed <= 4; seed++)
        {
            var world = new RegistryWorld(seed: seed);
            world.Join("registry");
            NodePrefix node = world.Join("node").Prefix;
            world.Kit.Advance(TimeSpan.FromSeconds(1));
            world.Admin.Send(world.Actors.Registry, new Revoke(revoked));
            world.Kit.Advance(TimeSpan.FromMilliseconds(quarterMilliseconds / 4.0));
            bool isPromised = world.Admin.ReceiveAll().OfType<Done>().Any();

            world = world.Crash(seed);
            world.Kit.Advance(TimeSpan.FromSeconds(1));
            bool isListed = List(world).ContainsKey(2);
            Assert.True(isListed || !isPromised);
            RegistryAnswer answer = world.Ask<RegistryAnswer>(new RenewCertificate(node));
            Assert.Equal(isListed, answer is NoCertificate);
            Assert.Equal(isListed && revoked == "1/16" ? 1 : 2, world.Nodes.Count);
            Assert.Equal(isListed, world.Parameters(world.Nodes[0].Prefix).Parameters.RevokedSerials.Contains(2));
        }
    }

    [Fact]
    public void Nodes_get_no_renewal_while_their_revocation_is_being_written()
    {
        var world = new RegistryWorld();
        world.Join("registry");
        NodePrefix node = world.Join("node").Prefix;
        world.Kit.Advance(340 * Day);
        world.Kit.Journal.WriteDelay = TimeSpan.FromMilliseconds(50);
        world.Pool.Delay = TimeSpan.FromMilliseconds(10);
        TestProbe client = world.Kit.CreateProbe("client");
        client.Send(world.Actors.Registry, new RenewCertificate(node));   // is signed while the list is written
        world.Kit.Advance(TimeSpan.FromMilliseconds(1));
        world.Admin.Send(world.Actors.Registry, new Revoke("2"));
        client.Send(world.Actors.Registry, new RenewCertificate(node));   // joins the one under way
        client.ExpectMsg<Overloaded>();
        client.ExpectMsg<Overloaded>();
        world.Admin.ExpectMsg<Done>();
        Assert.Equal(2ul, world.Nodes[1].Serial);
        world.Ask<NoCertificate>(new RenewCertificate(node));
    }

    private static ImmutableSortedDictionary<ulong, RevokedCertificate> List(RegistryWorld world) => world.Ask<RevocationList>(world.Actors.Crl, new GetRevocations()).Entries;
}
