using System.Net;
using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.Tests.Addressing;

public sealed class Ipv6AddressTests
{
    [Theory]
    [InlineData("::", "::")]
    [InlineData("::1", "::1")]
    [InlineData("1::", "1::")]
    [InlineData("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1")]
    [InlineData("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1")]
    [InlineData("fe80:0000::0001", "fe80::1")]
    [InlineData("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8")]
    [InlineData("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8")]
    [InlineData("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0")]
    [InlineData("::ffff:192.0.2.1", "::ffff:c000:201")]
    [InlineData("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304")]
    public void Reads_every_form_and_writes_the_canonical_one(string text, string canonical)
    {
        Assert.True(Ipv6Address.TryParse(text, out Ipv6Address address));
        Assert.Equal(canonical, address.ToString());
        Assert.Equal(IPAddress.Parse(text), address.ToIPAddress());
        Assert.True(Ipv6Address.TryFrom(address.ToIPAddress(), out Ipv6Address back));
        Assert.Equal(address, back);
    }

    [Theory]
    [InlineData("")]
    [InlineData(":")]
    [InlineData(":::")]
    [InlineData("1")]
    [InlineData("1:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData("1:2:3:4:5:6:7:8::")]
    [InlineData("1::2::3")]
    [InlineData(":1:2:3:4:5:6:7:8")]
    [InlineData("12345::")]
    [InlineData("g::")]
    [InlineData("::1%eth0")]
    [InlineData("[::1]")]
    [InlineData(" ::1")]
    [InlineData("+1::")]
    [InlineData("::1.2.3")]
    [InlineData("::1.2.3.256")]
    [InlineData("::1.2.3.04")]
    [InlineData("1.2.3.4::")]
    [InlineData("1.2.3.4")]
    [InlineData("1:2:3:4:5:6:7:1.2.3.4")]
    public void Refuses_what_is_not_an_address(string text)
    {
        Assert.False(Ipv6Address.TryParse(text, out _));
        Assert.Throws<FormatException>(() => Ipv6Address.Parse(text));
    }

    [Fact]
    public void Agrees_with_the_framework_on_random_addresses()
    {
        var random = new Random(1);
        byte[] octets = new byte[Ipv6Address.Length];
        for (int round = 0; round < 2_000; round++)
        {
            random.NextBytes(octets);
            for (int group = 0; group < 8; group++)
            {
                if (random.Next(2) == 0)
                    octets.AsSpan(group * 2, 2).Clear();
            }
            Assert.True(Ipv6Address.TryRead(octets, out Ipv6Address address));
            Assert.Equal(new IPAddress(octets), IPAddress.Parse(address.ToString()));
            Assert.Equal(address, Ipv6Address.Parse(new IPAddress(octets).ToString()));
        }
    }

    [Fact]
    public void Rejects_every_truncation()
    {
        Assert.All(Hostile.Truncations(new byte[Ipv6Address.Length]), octets => Assert.False(Ipv6Address.TryRead(octets, out _)));
    }

    [Fact]
    public void Knows_the_hash_of_an_address_in_every_process()
    {
        Assert.Equal(-599920182, Ipv6Address.Parse("2001:db8::1").GetHashCode());
    }
}
