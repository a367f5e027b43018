using System.Text.Json;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Geography;
using Mesh.Registry.Tests.Geography;

namespace Mesh.Registry.Tests.Conformance;

/// <summary>The prefixes and numbers that nodes get from a whole registry, step by step as from one of re6st: allocation.json.</summary>
public sealed class AllocationTests
{
    public static TheoryData<string> Runs => [.. Vectors.Load("allocation.json").GetProperty("runs").EnumerateArray().Select(static run => run.Text("title"))];

    [Theory, MemberData(nameof(Runs))]
    public void Nodes_get_what_re6st_gives(string title)
    {
        JsonElement run = Vectors.Load("allocation.json").GetProperty("runs").EnumerateArray().Single(r => r.Text("title") == title);
        RegistryWorld world = World(run);
        int count = 0;
        foreach (JsonElement step in run.GetProperty("steps").EnumerateArray())
        {
            switch (step.Text("op"))
            {
                case "allocate":
                    Allocate(world, step, $"t{count}");
                    break;
                case "revoke":
                    world.Ask<Done>(new Revoke(step.Text("cn")));
                    break;
                default:
                    Assert.Equal("merge", step.Text("op"));
                    world = world.Restart();   // merges, as a registry of re6st does when it starts
                    break;
            }

            AssertFree(world, step);
            count++;
        }

        // And the same again after everything was read back.
        Dictionary<NodePrefix, RegisteredNode> before = world.Nodes.ToDictionary(static node => node.Prefix);
        Assert.Equal(before.Values.OrderBy(static node => node.Prefix), world.Restart().Nodes);
        Assert.True(count >= 4);
    }

    private static RegistryWorld World(JsonElement run)
    {
        Communities? communities = null;
        if (run.TryGetProperty("community_file", out JsonElement file))
            Assert.True(Communities.TryParse(file.GetString()!, NetworkPrefix.Parse("2001:db8:42::/48"), out communities, out _));
        return new RegistryWorld(new RegistryOptions { Communities = communities }, ports: static (_, ports) => ports with { Countries = new FakeCountries() });
    }

    private static void Allocate(RegistryWorld world, JsonElement step, string token)
    {
        _ = world.AddToken(token, length: step.GetProperty("length").GetInt32());
        string location = step.TryGetProperty("location", out JsonElement text) ? text.GetString()! : "";
        RegistryAnswer answer = world.Ask<RegistryAnswer>(new RequestCertificate(token, $"request {token}", location));
        if (step.TryGetProperty("error", out _))
        {
            Assert.IsType<NetworkFull>(answer);
            Assert.True(world.HasToken(token));
            return;
        }

        CertificateGiven given = Assert.IsType<CertificateGiven>(answer);
        Assert.Equal(step.Text("prefix"), given.Prefix.Bits);
        RegisteredNode node = Assert.Single(world.Nodes, n => n.Prefix == given.Prefix);
        Assert.Equal((step.GetProperty("subject_serial").GetInt32(), step.GetProperty("serial").GetUInt64()), (node.SubjectSerial, node.Serial));
    }

    // Free there and given out here would be a mistake, and so would be a gap: nodes, free and reserved leaves cover the network exactly once.
    private static void AssertFree(RegistryWorld world, JsonElement step)
    {
        IEnumerable<NodePrefix> free = step.GetProperty("free").EnumerateArray().Select(static f => f.GetString()!.Length == 0 ? NodePrefix.Empty : NodePrefix.ParseBits(f.GetString()));
        IEnumerable<NodePrefix> reserved = step.TryGetProperty("reserved", out JsonElement r) ? r.EnumerateArray().Select(static f => NodePrefix.ParseBits(f.GetString())) : [];
        UInt128 next = 0;
        foreach (NodePrefix leaf in free.Concat(reserved).Concat(world.Nodes.Select(static node => node.Prefix)).Order())
        {
            Assert.Equal(next, leaf.Value << (80 - leaf.Length));
            next += UInt128.One << (80 - leaf.Length);
        }

        Assert.Equal(UInt128.One << 80, next);
    }
}
