using System.Text.Json;
using Mesh.Actors;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Prefixes;

namespace Mesh.Registry.Tests.Prefixes;

public sealed class PrefixTreeTests
{
    private static readonly NetworkPrefix Network48 = NetworkPrefix.Parse("2001:db8:42::/48");

    public static TheoryData<string> Runs => [.. Vectors.Load("allocation.json").GetProperty("runs").EnumerateArray().Select(run => run.Text("title"))];

    [Theory, MemberData(nameof(Runs))]
    public void Allocates_as_re6st_does(string title)
    {
        JsonElement run = Vectors.Load("allocation.json").GetProperty("runs").EnumerateArray().Single(r => r.Text("title") == title);
        Assert.Equal(48, run.GetProperty("network_length").GetInt32());
        var tree = new PrefixTree(Network48);
        var serials = new SubjectSerials();
        var serialOf = new Dictionary<NodePrefix, int>();
        foreach (JsonElement step in run.GetProperty("steps").EnumerateArray())
        {
            switch (step.Text("op"))
            {
                case "allocate":
                    Allocate(step, tree, serials, serialOf);
                    break;
                case "revoke":
                    NodePrefix revoked = NodePrefix.ParseCommonName(step.Text("cn"));
                    tree.Release(revoked);
                    serials.Release(serialOf[revoked]);
                    break;
                case "merge":
                    tree.Merge();
                    break;
                default:
                    Assert.Fail($"unknown step {step}");
                    break;
            }

            Assert.Equal(step.GetProperty("free").EnumerateArray().Select(f => f.GetString()!).Order(StringComparer.Ordinal), tree.Free.Select(f => f.Bits), StringComparer.Ordinal);
            if (step.TryGetProperty("reserved", out JsonElement reserved))
                Assert.Equal(reserved.EnumerateArray().Select(r => r.GetString()!), tree.Reserved.Select(r => r.Bits), StringComparer.Ordinal);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(81)]
    public void Refuses_lengths_that_the_network_does_not_have(int length)
    {
        var tree = new PrefixTree(Network48);
        Assert.Equal(AllocationOutcome.BadLength, tree.TryAllocate(length, NodePrefix.Empty, out _));
        Assert.Equal([NodePrefix.Empty], tree.Free);
    }

    [Fact]
    public void Takes_a_given_prefix_once_and_nothing_that_overlaps_it()
    {
        var tree = new PrefixTree(Network48);
        Assert.True(tree.TryTake(NodePrefix.ParseBits("0110")));
        Assert.Equal(["00", "010", "0111", "1"], tree.Free.Select(f => f.Bits), StringComparer.Ordinal);
        Assert.False(tree.TryTake(NodePrefix.ParseBits("0110")));
        Assert.False(tree.TryTake(NodePrefix.ParseBits("01101")));
        Assert.False(tree.TryTake(NodePrefix.ParseBits("01")));
        Assert.False(tree.TryTake(NodePrefix.Empty));
        Assert.False(tree.TryTake(new NodePrefix(0, 81)));
    }

    [Fact]
    public void Refuses_to_release_what_is_not_allocated()
    {
        var tree = new PrefixTree(Network48);
        Assert.Throws<InvalidOperationException>(() => tree.Release(NodePrefix.ParseBits("0")));
    }

    [Fact]
    public void Fills_the_smallest_network_completely()
    {
        var tree = new PrefixTree(NetworkPrefix.Parse("2001:db8::/127"));
        Assert.Equal(AllocationOutcome.Allocated, tree.TryAllocate(1, NodePrefix.Empty, out NodePrefix prefix));
        Assert.Equal("1", prefix.Bits);   // 0 would be the anycast address
        Assert.Equal(AllocationOutcome.Full, tree.TryAllocate(1, NodePrefix.Empty, out _));
        Assert.Equal(["0"], tree.Reserved.Select(r => r.Bits), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData(1ul)]
    [InlineData(2ul)]
    [InlineData(3ul)]
    public void Never_overlaps_and_merges_back_to_one_root(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        var tree = new PrefixTree(Network48);
        var owned = new List<NodePrefix>();
        for (int step = 0; step < 2000; step++)
        {
            switch (random.Next(5))
            {
                case 0 when owned.Count > 0:
                    int index = random.Next(owned.Count);
                    tree.Release(owned[index]);
                    owned.RemoveAt(index);
                    break;
                case 1:
                    tree.Merge();
                    break;
                default:
                    NodePrefix community = random.Next(3) == 0 ? new NodePrefix((UInt128)random.Next(4), 2) : NodePrefix.Empty;
                    if (tree.TryAllocate(random.Next(3, 20), community, out NodePrefix prefix) == AllocationOutcome.Allocated)
                    {
                        Assert.True(community.Covers(prefix));
                        owned.Add(prefix);
                    }

                    break;
            }

            AssertCoversEverythingOnce(tree, owned);
        }

        foreach (NodePrefix prefix in owned)
            tree.Release(prefix);
        tree.Merge();
        Assert.Equal([NodePrefix.Empty], tree.Free);
    }

    [Fact]
    public void Gives_the_smallest_subject_serial_that_is_free()
    {
        var serials = new SubjectSerials();
        Assert.True(serials.Take(1));
        Assert.False(serials.Take(1));
        Assert.Equal(0, serials.TakeLowest());
        Assert.Equal(2, serials.TakeLowest());
        serials.Release(0);
        serials.Release(7);
        Assert.Equal(0, serials.TakeLowest());
        Assert.Equal(3, serials.TakeLowest());
    }

    private static void Allocate(JsonElement step, PrefixTree tree, SubjectSerials serials, Dictionary<NodePrefix, int> serialOf)
    {
        string bits = step.Text("community");
        NodePrefix community = bits.Length == 0 ? NodePrefix.Empty : NodePrefix.ParseBits(bits);
        AllocationOutcome outcome = tree.TryAllocate(step.GetProperty("length").GetInt32(), community, out NodePrefix prefix);
        if (step.TryGetProperty("error", out _))
        {
            Assert.Equal(AllocationOutcome.Full, outcome);
            return;
        }

        Assert.Equal(AllocationOutcome.Allocated, outcome);
        Assert.Equal(step.Text("prefix"), prefix.Bits);
        serialOf[prefix] = serials.TakeLowest();
        Assert.Equal(step.GetProperty("subject_serial").GetInt32(), serialOf[prefix]);
    }

    // The leaves in order follow one another without gap or overlap, from the first address to the last.
    private static void AssertCoversEverythingOnce(PrefixTree tree, List<NodePrefix> owned)
    {
        Assert.Equal(owned.Order(), tree.Allocated);
        UInt128 next = 0;
        foreach (NodePrefix leaf in tree.Free.Concat(tree.Allocated).Concat(tree.Reserved).Order())
        {
            Assert.Equal(next, leaf.Value << (80 - leaf.Length));
            next += UInt128.One << (80 - leaf.Length);
        }

        Assert.Equal(UInt128.One << 80, next);
    }
}
