using System.Text.Json;
using Mesh.Actors;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Geography;
using Mesh.Registry.Prefixes;

namespace Mesh.Registry.Tests.Geography;

public sealed class CommunitiesTests
{
    private const string Sample = """
        # test
        00 FR

        01	@EU JP # and the islands
        10 * @NA
        110 CN @AS
        """;

    private static readonly NetworkPrefix Network = NetworkPrefix.Parse("2001:db8:42::/48");

    [Fact]
    public void Chooses_and_allocates_as_re6st_does()
    {
        JsonElement run = Vectors.Load("allocation.json").GetProperty("runs").EnumerateArray().Single(r => r.TryGetProperty("community_file", out _));
        Communities communities = Parse(run.Text("community_file"));
        var tree = new PrefixTree(Network);
        int steps = 0;
        foreach (JsonElement step in run.GetProperty("steps").EnumerateArray())
        {
            NodePrefix community = communities.Choose(Country.ParseLocation(step.Text("location")));
            Assert.Equal(step.Text("community"), community.Bits);
            Assert.Equal(AllocationOutcome.Allocated, tree.TryAllocate(step.GetProperty("length").GetInt32(), community, out NodePrefix prefix));
            Assert.Equal(step.Text("prefix"), prefix.Bits);
            steps++;
            // A registry with these nodes starts again.
            Assert.Empty(communities.ConflictsWith(tree.Allocated));
        }

        Assert.Equal(8, steps);
    }

    [Theory]
    [InlineData("FR,EU", "00")]
    [InlineData("JP,AS", "01")]     // the country, although the continent is in another line
    [InlineData("DE,EU", "01")]
    [InlineData("IN,AS", "110")]
    [InlineData("CN,AS", "110")]
    [InlineData("CA,NA", "10")]
    [InlineData("BR,SA", "10")]
    [InlineData("*,EU", "01")]
    [InlineData("FR,*", "00")]
    [InlineData("*,*", "10")]
    [InlineData("", "10")]
    [InlineData("fr,eu", "10")]
    [InlineData("FR", "10")]
    [InlineData("FR,EU,", "10")]
    [InlineData("FR,EU\0", "10")]
    public void A_country_counts_more_than_a_continent_and_the_rest_goes_to_the_default(string location, string community) =>
        Assert.Equal(community, Parse(Sample).Choose(Country.ParseLocation(location)).Bits);

    [Fact]
    public void An_earlier_line_counts_more() =>
        Assert.Equal("1", Parse("1 FR @EU\n00 FR @EU *").Choose(new Country("FR", "EU")).Bits);

    [Fact]
    public void Names_every_problem_with_its_line()
    {
        Assert.False(Communities.TryParse("0 FR\n0x @EU\n00 DE\n1 france @eu *\n\n10\n11 *\n1 IT\n" + new string('1', 80) + " ES", Network, out _, out IReadOnlyList<string> problems));
        Assert.Equal(
            [
                "line 2: '0x' is not a community",
                "line 4: 'france' is not a location",
                "line 4: '@eu' is not a location",
                "line 6: community 10 has no location",
                "line 7: the location * may stand once only",
                "line 8: community 1 is in line 4 already",
                "line 9: '1111111111111111111111111111111111111111...' is not a community",
                "line 3: community 00 is a part of community 0 of line 1",
                "line 6: community 10 is a part of community 1 of line 4",
                "line 7: community 11 is a part of community 1 of line 4",
            ],
            problems.Select(static (p, i) => p[..Math.Min(p.Length, p.IndexOfAny([':', ';'], 9) is var end and > 0 ? end : p.Length)]),
            StringComparer.Ordinal);
    }

    [Fact]
    public void Exactly_one_community_is_for_everybody_else()
    {
        Assert.False(Communities.TryParse("0 FR", Network, out _, out IReadOnlyList<string> problems));
        Assert.Contains("no community has the location *", Assert.Single(problems), StringComparison.Ordinal);
        Assert.False(Communities.TryParse("", Network, out _, out _));
        Assert.Equal("0", Parse("0 *").Choose(location: null).Bits);
    }

    [Fact]
    public void A_community_inside_a_prefix_that_somebody_has_is_a_conflict()
    {
        Communities communities = Parse(Sample);
        NodePrefix[] inside = [NodePrefix.ParseBits("000"), NodePrefix.ParseBits("1100"), NodePrefix.ParseBits("1111")];
        Assert.Empty(communities.ConflictsWith(inside));
        Assert.Equal(
            ["line 2: community 00 lies in 00, which is the prefix of node 0/2", "line 6: community 110 lies in 11, which is the prefix of node 3/2"],
            communities.ConflictsWith([NodePrefix.ParseBits("00"), NodePrefix.ParseBits("11")]),
            StringComparer.Ordinal);
    }

    [Theory]
    [InlineData(1ul)]
    [InlineData(2ul)]
    public void Hostile_text_is_a_list_of_problems(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        int good = 0;
        for (int round = 0; round < 5_000; round++)
        {
            char[] text = Sample.ToCharArray();
            for (int mutations = random.Next(1, 6); mutations > 0; mutations--)
                text[random.Next(text.Length)] = "01 *@#\nFREU\0\u20ac\ud800"[random.Next(14)];
            bool isGood = Communities.TryParse(new string(text), Network, out Communities? communities, out IReadOnlyList<string> problems);
            Assert.Equal(isGood, problems.Count == 0);
            good += isGood ? 1 : 0;
            if (isGood)
                Assert.Contains(communities!.Choose(new Country("FR", "EU")), communities.Prefixes);
        }

        Assert.InRange(good, 100, 4_900);
        Assert.False(Communities.TryParse(string.Join('\n', Enumerable.Repeat("#", Communities.MaxLines + 1)), Network, out _, out _));
    }

    private static Communities Parse(string text)
    {
        Assert.True(Communities.TryParse(text, Network, out Communities? communities, out IReadOnlyList<string> problems), string.Join('\n', problems));
        return communities;
    }
}
