using Mesh.Actors;
using Mesh.Protocol.Addressing;

namespace Mesh.Registry.Tests;

public sealed class LifetimeTests
{
    [Theory]
    [InlineData(1ul)]
    [InlineData(2ul)]
    public void Random_joins_renewals_and_expiry_never_overlap_and_everything_comes_back(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        var world = new RegistryWorld(seed: seed);
        NodePrefix registryNode = world.Join("registry", length: 16).Prefix;
        for (int step = 0; step < 2000; step++)
        {
            switch (random.Next(8))
            {
                case 0 or 1:
                    string token = $"t{step}";
                    world.AddToken(token, length: random.Next(8, 24));
                    if (random.Next(4) > 0)
                        world.Ask<CertificateGiven>(new RequestCertificate(token, "request"));
                    break;
                case 2 or 3 when world.Nodes is { Count: > 0 } nodes:
                    RegisteredNode node = nodes[random.Next(nodes.Count)];
                    Assert.Equal(node.Prefix, world.Ask<CertificateGiven>(new RenewCertificate(node.Prefix)).Prefix);
                    break;
                case 4 when random.Next(20) == 0:
                    world = world.Restart();
                    break;
                default:
                    world.Kit.Advance(random.NextTimeSpan(TimeSpan.Zero, TimeSpan.FromDays(6)));
                    break;
            }

            AssertNoOverlap(world);
        }

        // Everybody but the registry's own node leaves. Then the larger half of the network is one piece again.
        for (int month = 0; month < 16; month++)
        {
            world.Kit.Advance(TimeSpan.FromDays(30));
            world.Ask<CertificateGiven>(new RenewCertificate(registryNode));
        }

        Assert.Equal(registryNode, Assert.Single(world.Nodes).Prefix);
        Assert.Empty(world.Ask<TokenList>(new ListTokens()).Tokens);
        for (int length = 1; length <= 16; length++)
            Assert.Equal(length, world.Join($"last{length}", length).Prefix.Length);
        world.AddToken("more", length: 80);
        world.Ask<NetworkFull>(new RequestCertificate("more", "request"));
    }

    private static void AssertNoOverlap(RegistryWorld world)
    {
        NodePrefix before = default;
        var numbers = new HashSet<int>();
        foreach (RegisteredNode node in world.Nodes)   // in the order of the bits, so only neighbours can overlap
        {
            Assert.False(!before.IsEmpty && before.Covers(node.Prefix), $"{before} overlaps {node.Prefix}");
            Assert.True(numbers.Add(node.SubjectSerial));
            before = node.Prefix;
        }
    }
}
