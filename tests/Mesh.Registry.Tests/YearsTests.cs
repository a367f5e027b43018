using Mesh.Protocol.Addressing;
using Mesh.Registry.Revocation;

namespace Mesh.Registry.Tests;

/// <summary>Years of a registry: what is due once in a while comes when it is due, and nothing piles up.</summary>
public sealed class YearsTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private static readonly RegistryOptions Options = new() { SnapshotInterval = 10, AdvertisementLifetime = Day };

    [Fact]
    public void A_node_that_asks_every_day_has_a_valid_certificate_for_ten_years_and_a_new_one_each_eleven_months()
    {
        var world = new RegistryWorld(Options);
        NodePrefix node = world.Join("registry").Prefix;
        var changes = new List<DateTimeOffset>();
        DateTimeOffset begin = world.UtcNow;
        ulong serial = 1;
        for (int day = 1; day <= 3650; day++)
        {
            world.Kit.Advance(Day);
            _ = world.Ask<CertificateGiven>(new RenewCertificate(node));
            RegisteredNode present = Assert.Single(world.Nodes);
            Assert.True(present.NotAfter > world.UtcNow + (28 * Day));
            Assert.Equal((node, 0), (present.Prefix, present.SubjectSerial));
            if (present.Serial != serial)
                changes.Add(world.UtcNow);
            Assert.InRange(present.Serial, serial, serial + 1);
            serial = present.Serial;
            if (day % 365 == 0)
                world = world.Restart();
        }

        // Asked on the first day on which less than 30 of the 365 days are left.
        Assert.Equal(10, changes.Count);
        Assert.All(changes.Prepend(begin).Zip(changes), pair => Assert.InRange(pair.Second - pair.First, 335 * Day, 337 * Day));
        Assert.Equal(11ul, world.Ask<RegistryStatistics>(new GetStatistics()).LastSerial);
    }

    [Fact]
    public void No_certificate_outlasts_an_authority_that_ends_and_renewing_in_vain_costs_nothing()
    {
        DateTimeOffset end = new(2028, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var authority = new ModelledAuthority { NotAfter = end };
        var world = new RegistryWorld(Options, authority);
        NodePrefix node = world.Join("registry").Prefix;
        while (world.UtcNow < end - Day)
        {
            world.Kit.Advance(Day);
            _ = world.Ask<CertificateGiven>(new RenewCertificate(node));
            Assert.InRange(world.Nodes[0].NotAfter, world.UtcNow, end);
        }

        // The last one ends with the authority. There is no better one, so asking again every day gives the same and uses up no numbers.
        Assert.Equal((end, 3ul), (world.Nodes[0].NotAfter, world.Nodes[0].Serial));
        _ = world.AddToken("late", uses: 2);
        _ = world.Ask<CertificateGiven>(new RequestCertificate("late", "late"));
        Assert.Equal((end, 4ul), (world.Nodes[1].NotAfter, world.Nodes[1].Serial));

        // A node that has to renew because it was revoked gets another one even now, with the same end.
        world.Ask<Done>(new Revoke("3") { IsRenewable = true });
        _ = world.Ask<CertificateGiven>(new RenewCertificate(node));
        Assert.Equal((end, 5ul), (world.Nodes[0].NotAfter, world.Nodes[0].Serial));

        // Afterwards nobody can join. It is our fault, so the token stays; and nodes are told nothing worse than that there is nothing new.
        world.Kit.Advance(10 * Day);
        world.Ask<Broken>(new RequestCertificate("late", "too late"));
        Assert.True(world.HasToken("late"));
        Assert.Equal(world.Nodes[0].Pem, world.Ask<CertificateGiven>(new RenewCertificate(node)).Pem);

        // The operator renews the authority under the same key: all goes on.
        authority.NotAfter = end.AddYears(10);
        world = world.Restart();
        world.Kit.Advance(TimeSpan.FromSeconds(1));   // the revocation list is being read back
        _ = world.Ask<CertificateGiven>(new RenewCertificate(node));
        Assert.InRange(world.Nodes[0].NotAfter - world.UtcNow, 364 * Day, 365 * Day);
        _ = world.Ask<CertificateGiven>(new RequestCertificate("late", "in time"));
    }

    [Fact]
    public void A_token_for_ten_years_gives_what_it_says_and_ends_and_nothing_piles_up()
    {
        var world = new RegistryWorld(Options);
        NodePrefix own = world.Join("registry").Prefix;
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        DateTimeOffset expires = world.Ask<TokenAccepted>(new AddToken("a@b", "long") { Uses = 100, Lifetime = 3650 * Day }).Expires;
        ulong version = world.Version, serial = 1;
        int renewals = 0;
        for (int quarter = 0; quarter < 40; quarter++)
        {
            CertificateGiven given = world.Ask<CertificateGiven>(new RequestCertificate("long", $"request {quarter}"));
            if (quarter % 2 == 0)
                world.Ask<Done>(new Revoke(given.Pem.Split(' ')[3]));
            world.Kit.Advance(91 * Day);
            _ = world.Ask<CertificateGiven>(new RenewCertificate(own));
            ulong present = world.Nodes.Single(n => n.Prefix == own).Serial;
            (renewals, serial) = (renewals + (present == serial ? 0 : 1), present);
            if (quarter % 4 == 0)
                world = world.Restart();

            // Certificates end after a year; the list forgets them then, and the tree a grace period of 100 days later.
            int listed = world.Ask<RevocationList>(world.Actors.Crl, new GetRevocations()).Entries.Count;
            Assert.InRange(listed, 0, 3);
            Assert.InRange(world.Nodes.Count, 1, 7);
            world.Kit.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(listed, world.Parameters(own).Parameters.RevokedSerials.Count);
            Assert.True(world.Version >= version);
            version = world.Version;
        }

        Assert.Equal(60, world.Ask<TokenList>(new ListTokens()).Tokens["long"].UsesLeft);
        world.Kit.Advance(expires - world.UtcNow + TimeSpan.FromSeconds(1));
        world.Ask<UnknownToken>(new RequestCertificate("long", "too late"));
        world.Kit.Advance(TimeSpan.FromHours(2));
        Assert.Empty(world.Ask<TokenList>(new ListTokens()).Tokens);
        Assert.InRange(renewals, 9, 11);
        Assert.Equal(1 + 40 + (ulong)renewals, world.Ask<RegistryStatistics>(new GetStatistics()).LastSerial);   // no number for nothing
    }
}
