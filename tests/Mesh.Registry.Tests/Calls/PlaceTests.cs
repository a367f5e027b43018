using System.Net;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Calls;
using Mesh.Registry.Geography;
using Mesh.Registry.Tests.Geography;

namespace Mesh.Registry.Tests.Calls;

/// <summary>Which community a node gets its prefix from, by what it says and by where it comes from.</summary>
public sealed class PlaceTests
{
    private const string File = "00 FR\n01 @EU JP\n10 * @NA\n110 CN @AS\n";
    private const string French = "192.0.2.1", German = "198.51.100.2", Chinese = "203.0.113.3", Unknown = "192.0.2.200", Proxy = "127.0.0.1";

    [Theory]
    // What the node says counts, if it says something.
    [InlineData(German, null, "FR,EU", "", "00")]
    [InlineData(German, null, "JP,AS", "", "01")]
    [InlineData(German, null, "*,AS", "", "110")]
    [InlineData(German, null, "*,*", "", "10")]
    [InlineData(German, null, "nonsense", "", "10")]
    // Else its connection.
    [InlineData(French, null, "", "", "00")]
    [InlineData(German, null, "", "", "01")]
    [InlineData(Chinese, null, "", "", "110")]
    [InlineData(Unknown, null, "", "", "10")]
    [InlineData("::ffff:192.0.2.1", null, "", "", "00")]
    // A stranger's header and a stranger's argument say nothing.
    [InlineData(German, French, "", "", "01")]
    [InlineData(German, null, "", French, "01")]
    [InlineData(German, French, "", Chinese, "01")]
    // An authorized proxy is believed about whom it saw itself: the last of its list, for the rest was sent by the client.
    [InlineData(Proxy, French, "", "", "00")]
    [InlineData(Proxy, Chinese + ", " + French, "", "", "00")]
    [InlineData(Proxy, "nonsense", "", "", "10")]
    [InlineData(Proxy, null, "", "", "10")]
    // Whom it asks for may not state an address either; the administrator may.
    [InlineData(Proxy, German, "", French, "01")]
    [InlineData(Proxy, null, "", French, "00")]
    [InlineData(Proxy, "::1", "", French, "00")]
    [InlineData(Proxy, null, "", "nonsense", "10")]
    [InlineData(Proxy, null, "JP,AS", French, "01")]
    public void A_community_is_chosen(string peer, string? forwardedFor, string location, string ip, string community)
    {
        var countries = new FakeCountries((French, "FR,EU"), (German, "DE,EU"), (Chinese, "CN,AS"));
        RegistryWorld world = World(countries);
        Assert.Equal(community, CommunityOf(world, peer, forwardedFor, location, ip));
        if (location.Length > 0)
            Assert.Empty(countries.Asked);
    }

    [Theory]
    [InlineData(French, null, "", "")]
    [InlineData(French, null, "FR,EU", "")]
    [InlineData(Proxy, null, "FR,EU", French)]
    public void Without_a_country_database_everybody_is_in_the_default_community(string peer, string? forwardedFor, string location, string ip) =>
        Assert.Equal("10", CommunityOf(World(countries: null), peer, forwardedFor, location, ip));

    [Fact]
    public void Without_communities_nobody_is_looked_up()
    {
        var countries = new FakeCountries((French, "FR,EU"));
        var world = new RegistryWorld(ports: (_, ports) => ports with { Countries = countries });
        Assert.Equal("0/16", Request(world, French, null, "FR,EU", ""));
        Assert.Empty(countries.Asked);
    }

    private static RegistryWorld World(ICountries? countries)
    {
        Assert.True(Communities.TryParse(File, NetworkPrefix.Parse("2001:db8:42::/48"), out Communities? communities, out _));
        return new RegistryWorld(new RegistryOptions { PrefixLength = 8, Communities = communities }, ports: (_, ports) => ports with { Countries = countries });
    }

    private static string CommunityOf(RegistryWorld world, string peer, string? forwardedFor, string location, string ip)
    {
        NodePrefix given = NodePrefix.ParseCommonName(Request(world, peer, forwardedFor, location, ip));
        NodePrefix community = Assert.Single(world.Options.Communities!.Prefixes, prefix => prefix.Covers(given));
        Assert.Equal(community.Length + 8, given.Length);
        return community.Bits;
    }

    /// <summary>The common name of the certificate that a request brings.</summary>
    private static string Request(RegistryWorld world, string peer, string? forwardedFor, string location, string ip)
    {
        _ = world.AddToken();
        string target = RegistryCall.Create("requestCertificate", ("token", "t"), ("req", "r"), ("location", location), ("ip", ip)).Target;
        RegistryResponse response = new Caller(world).Get(target, IPAddress.Parse(peer), forwardedFor);
        Assert.Equal(200, response.Status);
        return System.Text.Encoding.UTF8.GetString(response.Body.Span).Split(' ')[1];
    }
}
