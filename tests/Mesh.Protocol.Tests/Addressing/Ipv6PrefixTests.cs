using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.Tests.Addressing;

public sealed class Ipv6PrefixTests
{
    [Theory]
    [InlineData("::/0")]
    [InlineData("2001:db8:42::/48")]
    [InlineData("8000::/1")]
    [InlineData("2001:db8::1/128")]
    public void Reads_what_it_writes(string text)
    {
        Assert.Equal(text, Ipv6Prefix.Parse(text).ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("::")]
    [InlineData("::/")]
    [InlineData("::/129")]
    [InlineData("::/-1")]
    [InlineData("::/+1")]
    [InlineData("::/00")]
    [InlineData("::/ 1")]
    [InlineData("::/1/2")]
    [InlineData("::/99999999999999999999999999999999999999999999")]
    [InlineData("2001:db8::1/64")]
    [InlineData("10.0.0.0/8")]
    public void Refuses_what_is_not_a_prefix_or_has_host_bits(string text)
    {
        Assert.False(Ipv6Prefix.TryParse(text, out _));
    }

    [Fact]
    public void Clears_host_bits_so_that_equal_blocks_are_equal()
    {
        var prefix = new Ipv6Prefix(Ipv6Address.Parse("2001:db8::1"), 64);
        Assert.Equal(Ipv6Prefix.Parse("2001:db8::/64"), prefix);
        Assert.Equal(Ipv6Prefix.Parse("2001:db8::/64").GetHashCode(), prefix.GetHashCode());
        Assert.Equal("2001:db8::ffff:ffff:ffff:ffff", prefix.Last.ToString());
    }

    [Fact]
    public void Contains_itself_its_parts_and_nothing_else()
    {
        Ipv6Prefix prefix = Ipv6Prefix.Parse("2001:db8:42::/48");
        Assert.True(prefix.Contains(prefix));
        Assert.True(prefix.Contains(Ipv6Prefix.Parse("2001:db8:42:1::/64")));
        Assert.False(prefix.Contains(Ipv6Prefix.Parse("2001:db8::/32")));
        Assert.True(prefix.Overlaps(Ipv6Prefix.Parse("2001:db8::/32")));
        Assert.False(prefix.Overlaps(Ipv6Prefix.Parse("2001:db8:43::/48")));
        Assert.True(Ipv6Prefix.All.Contains(Ipv6Address.Any));
        Assert.True(prefix.Contains(prefix.Last));
        Assert.False(prefix.Contains(prefix.Last.Add(UInt128.One)));
    }

    [Fact]
    public void Counts_addresses_within_the_block_only()
    {
        Ipv6Prefix prefix = Ipv6Prefix.Parse("2001:db8::/126");
        Assert.Equal("2001:db8::3", prefix.AddressAt(3).ToString());
        Assert.Throws<ArgumentOutOfRangeException>(() => prefix.AddressAt(4));
        Assert.Equal(Ipv6Address.Parse("::5"), Ipv6Prefix.All.AddressAt(5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Ipv6Prefix(UInt128.Zero, 128).AddressAt(1));
    }

    [Fact]
    public void Refuses_lengths_that_do_not_exist()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Ipv6Prefix(UInt128.Zero, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Ipv6Prefix(UInt128.Zero, 129));
        Assert.Throws<ArgumentOutOfRangeException>(() => Ipv6Prefix.Parse("::/8").Truncate(9));
    }

    [Fact]
    public void Sorts_big_blocks_before_their_parts()
    {
        string[] sorted = ["::/0", "2001:db8::/32", "2001:db8::/48", "2001:db8:1::/48", "fd00::/8"];
        Assert.Equal(sorted, sorted.Reverse().Select(text => Ipv6Prefix.Parse(text)).Order().Select(prefix => prefix.ToString()), StringComparer.Ordinal);
    }
}
