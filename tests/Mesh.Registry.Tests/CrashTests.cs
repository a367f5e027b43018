using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.Protocol.Addressing;

namespace Mesh.Registry.Tests;

public sealed class CrashTests
{
    /// <summary>Every quarter of a millisecond of a registration: before the signature, during the write, between write and answer, after.</summary>
    public static TheoryData<int> Instants => [.. Enumerable.Range(0, 60)];

    [Theory, MemberData(nameof(Instants))]
    public void Defect_issuing_is_one_event_so_a_crash_never_parts_a_certificate_from_its_token(int quarterMilliseconds)
    {
        for (ulong seed = 1; seed <= 4; seed++)
        {
            var world = new RegistryWorld(seed: seed);
            world.AddToken();
            world.Admin.Send(world.Actors.Registry, new RequestCertificate("t", "request"));
            world.Kit.Advance(TimeSpan.FromMilliseconds(quarterMilliseconds / 4.0));
            CertificateGiven? promised = world.Admin.ReceiveAll().OfType<CertificateGiven>().SingleOrDefault();

            RegistryWorld after = world.Crash(seed);
            bool hasToken = after.HasToken();
            IReadOnlyList<RegisteredNode> nodes = after.Nodes;
            Assert.Equal(hasToken ? 0 : 1, nodes.Count);
            if (promised is not null)
                Assert.Equal(promised.Pem, Assert.Single(nodes).Pem);

            // Who has lost the answer asks again and gets what was recorded.
            if (!hasToken)
                Assert.Equal(nodes[0].Pem, after.Ask<CertificateGiven>(new RequestCertificate("t", "request")).Pem);

            // Whatever happened, the network goes on: with this token or with another one.
            CertificateGiven next = hasToken ? after.Ask<CertificateGiven>(new RequestCertificate("t", "request")) : after.Join("u");
            Assert.Equal(hasToken ? 1 : 2, after.Nodes.Count);
            Assert.False(after.HasToken());
            Assert.Equal(hasToken ? "0/16" : "1/16", next.Prefix.CommonName);
            after.Kit.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(1ul, after.Parameters(next.Prefix).Parameters.Version.Number);
        }
    }

    [Theory]
    [InlineData(1ul)]
    [InlineData(2ul)]
    [InlineData(3ul)]
    public void Crashes_at_random_never_forget_a_promise(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        var world = new RegistryWorld(new RegistryOptions { SnapshotInterval = 10 }, seed: seed);
        var promised = new Dictionary<NodePrefix, string>();
        ulong version = 0;
        TestProbe client = world.Kit.CreateProbe("client");
        for (int turn = 0; turn < 120; turn++)
        {
            for (int join = random.Next(4); join >= 0; join--)
            {
                string token = $"{turn}/{join}";
                client.Send(world.Actors.Registry, new AddToken("a@b", token) { PrefixLength = random.Next(12, 20) });
                world.Kit.Advance(TimeSpan.FromMilliseconds(random.Next(8)));
                client.Send(world.Actors.Registry, new RequestCertificate(token, "request"));
            }

            world.Kit.Advance(TimeSpan.FromTicks(random.Next((int)TimeSpan.FromMilliseconds(30).Ticks)));
            foreach (CertificateGiven given in client.ReceiveAll().OfType<CertificateGiven>())
            {
                if (!promised.TryAdd(given.Prefix, given.Pem))
                    Assert.Equal(promised[given.Prefix], given.Pem);   // nobody else was given it
            }

            if (random.Next(2) == 0)
            {
                world = world.Crash(seed + (ulong)turn);
                client = world.Kit.CreateProbe("client");
            }

            Dictionary<NodePrefix, string> nodes = world.Nodes.ToDictionary(n => n.Prefix, n => n.Pem);
            Assert.All(promised, p => Assert.Equal(p.Value, nodes[p.Key]));
            Assert.Equal(nodes.Count, nodes.Values.Select(pem => pem.Split(' ')[3]).Distinct(StringComparer.Ordinal).Count());
            ulong now = world.Version;
            Assert.True(now >= version);
            version = now;
            foreach ((NodePrefix prefix, string pem) in nodes)
                promised[prefix] = pem;   // seen by the administrator, so promised as well
        }

        Assert.True(promised.Count > 100);
    }

    [Fact]
    public void A_registry_whose_journal_fails_stops_and_promises_nothing()
    {
        var world = new RegistryWorld();
        world.AddToken();
        world.Admin.Watch(world.Actors.Registry);
        world.Kit.Journal.WriteFault = Mesh.Actors.Persistence.JournalFailure.Full;
        world.Admin.Send(world.Actors.Registry, new RequestCertificate("t", "request"));
        world.Admin.ExpectTerminated(world.Actors.Registry);
        Assert.Equal(0, world.Admin.PendingCount);
        Assert.False(ReadHealth(world).IsUp);

        world.Kit.Journal.WriteFault = null;
        Assert.True(world.Restart().HasToken());
    }

    private static Registry.Calls.Health ReadHealth(RegistryWorld world)
    {
        world.Admin.Send(world.Actors.Desk, new Registry.Calls.GetHealth());
        return world.Admin.ExpectMsg<Registry.Calls.Health>();
    }
}
