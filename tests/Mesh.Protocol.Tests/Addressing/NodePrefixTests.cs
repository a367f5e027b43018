using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.Tests.Addressing;

public sealed class NodePrefixTests
{
    private static readonly NetworkPrefix Network = NetworkPrefix.Parse("2001:db8:42::/48");

    [Theory]
    [InlineData("")]
    [InlineData("2")]
    [InlineData("/16")]
    [InlineData("2/")]
    [InlineData("0/0")]
    [InlineData("2/1")]
    [InlineData("65536/16")]
    [InlineData("02/16")]
    [InlineData("2/016")]
    [InlineData("+2/16")]
    [InlineData("-1/16")]
    [InlineData(" 2/16")]
    [InlineData("2/16 ")]
    [InlineData("2/16/1")]
    [InlineData("0x2/16")]
    [InlineData("٢/16")]
    [InlineData("0/128")]
    [InlineData("0/99999999999")]
    [InlineData("340282366920938463463374607431768211456/127")]
    [InlineData("170141183460469231731687303715884105728/127")]
    public void Refuses_common_names_that_a_registry_does_not_make(string text)
    {
        Assert.False(NodePrefix.TryParseCommonName(text, out _));
        Assert.Throws<FormatException>(() => NodePrefix.ParseCommonName(text));
    }

    [Fact]
    public void Refuses_bits_that_are_none_too_many_or_not_binary()
    {
        Assert.False(NodePrefix.TryParseBits("", out _));
        Assert.False(NodePrefix.TryParseBits("2/16", out _));
        Assert.False(NodePrefix.TryParseBits("01012", out _));
        Assert.False(NodePrefix.TryParseBits(new string('1', 128), out _));
        Assert.True(NodePrefix.TryParseBits(new string('1', 127), out NodePrefix longest));
        Assert.Equal("170141183460469231731687303715884105727/127", longest.CommonName);
        Assert.Equal(longest, NodePrefix.ParseCommonName(longest.CommonName));
    }

    [Fact]
    public void Sorts_like_the_bit_strings()
    {
        var random = new Random(7);
        string[] bits = [.. Enumerable.Range(0, 300).Select(_ => string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => random.Next(2)))).Append(new string('0', 127))];
        Assert.Equal(bits.Order(StringComparer.Ordinal), bits.Select(text => NodePrefix.ParseBits(text)).Order().Select(prefix => prefix.Bits), StringComparer.Ordinal);
    }

    [Fact]
    public void Covers_what_begins_with_its_bits()
    {
        NodePrefix prefix = NodePrefix.ParseBits("010");
        Assert.True(prefix.Covers(prefix));
        Assert.True(prefix.Covers(NodePrefix.ParseBits("0101")));
        Assert.False(prefix.Covers(NodePrefix.ParseBits("01")));
        Assert.False(prefix.Covers(NodePrefix.ParseBits("0111")));
        Assert.True(NodePrefix.Empty.Covers(prefix));
        Assert.True(NodePrefix.Empty.Covers(NodePrefix.ParseBits(new string('1', 127))));
    }

    [Fact]
    public void Moves_in_the_allocation_tree()
    {
        NodePrefix prefix = NodePrefix.Empty.Append(false).Append(true);
        Assert.Equal("01", prefix.Bits);
        Assert.Equal("00", prefix.Sibling.Bits);
        Assert.Equal("0", prefix.Parent.Bits);
        Assert.True(prefix[1]);
        Assert.False(prefix[0]);
        Assert.Throws<InvalidOperationException>(() => NodePrefix.Empty.Parent);
        Assert.Throws<InvalidOperationException>(() => NodePrefix.Empty.Sibling);
        Assert.Throws<ArgumentOutOfRangeException>(() => NodePrefix.ParseBits(new string('1', 127)).Append(true));
    }

    [Fact]
    public void Does_not_fit_in_a_network_that_leaves_too_few_bits()
    {
        NodePrefix prefix = NodePrefix.ParseCommonName("0/81");
        Assert.False(prefix.FitsIn(Network));
        Assert.Throws<ArgumentException>(() => prefix.Subnet(Network));
        Assert.False(NodePrefix.Empty.FitsIn(Network));
    }

    [Theory]
    [InlineData("2001:db8:42::/48")]
    [InlineData("2001:db8::/32")]
    [InlineData("2001:db8:43:1::/64")]
    public void Is_not_found_in_subnets_that_are_no_proper_part_of_the_network(string subnet)
    {
        Assert.False(NodePrefix.TryFromSubnet(Network, Ipv6Prefix.Parse(subnet), out _));
    }

    [Fact]
    public void Is_not_found_in_addresses_of_elsewhere()
    {
        Assert.False(NodePrefix.TryFromAddress(Network, Ipv6Address.Parse("2001:db8:43::1"), 16, out _));
        Assert.False(NodePrefix.TryFromAddress(Network, Ipv6Address.Parse("2001:db8:42::1"), 0, out _));
        Assert.False(NodePrefix.TryFromAddress(Network, Ipv6Address.Parse("2001:db8:42::1"), 81, out _));
    }

    [Fact]
    public void Networks_without_bits_or_without_room_do_not_exist()
    {
        Assert.False(NetworkPrefix.TryFromSerial(UInt128.Zero, out _));
        Assert.False(NetworkPrefix.TryFromSerial(UInt128.One, out _));
        Assert.False(NetworkPrefix.TryFromSerial([], out _));
        Assert.False(NetworkPrefix.TryFromSerial(Convert.FromHexString("01" + new string('0', 32)), out _));
        Assert.True(NetworkPrefix.TryFromSerial(UInt128.MaxValue, out NetworkPrefix longest));
        Assert.Equal("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", longest.ToString());
        Assert.Equal(UInt128.MaxValue, longest.Serial);
        Assert.False(NetworkPrefix.TryParse("::/0", out _));
        Assert.False(NetworkPrefix.TryParse("::/128", out _));
    }
}
