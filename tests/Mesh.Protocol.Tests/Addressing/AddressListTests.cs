using System.Text;
using System.Text.Json;
using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.Tests.Addressing;

public sealed class AddressListTests
{
    private static readonly JsonElement Addresses = Vectors.Load("addresses.json");

    [Fact]
    public void Reads_the_items_of_re6st_that_can_be_used()
    {
        foreach (JsonElement vector in Addresses.GetProperty("parse").EnumerateArray())
        {
            // re6st keeps an item without protocol and then cannot use it; we do not keep it. The same for unknown protocols.
            string[] expected = [.. vector.GetProperty("result").EnumerateArray()
                .Select(item => string.Join(',', item.EnumerateArray().Select(field => field.GetString())))
                .Where(item => AdvertisedAddress.TryParse(item, out _))];
            Assert.True(AddressList.TryParse(Encoding.UTF8.GetBytes(vector.Text("input")), out AddressList list, out int refused));
            Assert.Equal(expected, list.Select(address => address.ToString()), StringComparer.Ordinal);
            if (vector.TryGetProperty("error", out _))
                Assert.Empty(list);
            Assert.Equal(vector.Text("input").Length == 0 ? 0 : vector.Text("input").Count(';'.Equals) + 1, list.Count + refused);
        }
    }

    [Fact]
    public void Combines_lists_in_the_order_of_re6st()
    {
        foreach (JsonElement vector in Addresses.GetProperty("preference").EnumerateArray())
        {
            AddressList stored = Read(vector.Text("stored"));
            AddressList fresh = Read(vector.Text("new"));
            AddressList combined = vector.GetProperty("set_preferred").GetBoolean() ? stored.WithPreferred(fresh[0]) : stored.MergedWith(fresh);
            Assert.Equal(vector.Text("result"), combined.ToString());
        }
    }

    [Fact]
    public void Moves_the_address_that_worked_to_the_front_whatever_its_country()
    {
        AddressList stored = Read("192.0.2.1,1,tcp,FR;192.0.2.2,1,tcp,DE");
        Assert.Equal("192.0.2.2,1,tcp,DE;192.0.2.1,1,tcp,FR", stored.WithPreferred(new AdvertisedAddress("192.0.2.2", 1, AddressProtocol.Tcp)).ToString());
    }

    [Fact]
    public void Leaves_countries_out_for_old_peers()
    {
        Assert.Equal("192.0.2.1,1,tcp;h,2,mesh", Read("192.0.2.1,1,tcp,FR;h,2,mesh,DE").WithoutCountries().ToString());
    }

    [Theory]
    [InlineData("192.0.2.1,1194,tcp4", "192.0.2.1,1194,tcp")]
    [InlineData("192.0.2.1,1194,udp4,FR", "192.0.2.1,1194,udp,FR")]
    [InlineData("2001:db8::1,1,tcp6", "2001:db8::1,1,tcp6")]
    [InlineData("2001:db8::1,1,mesh", "2001:db8::1,1,mesh")]
    [InlineData("192.0.2.1,65535,mesh,fr", "192.0.2.1,65535,mesh,fr")]
    [InlineData("a_b.example,1,udp6,", "a_b.example,1,udp6")]
    public void Accepts_addresses_that_can_be_used(string item, string written)
    {
        Assert.True(AdvertisedAddress.TryParse(item, out AdvertisedAddress address));
        Assert.Equal(written, address.ToString());
        Assert.Equal(address, new AdvertisedAddress(address.Host, address.Port, address.Protocol, address.Country));
    }

    [Theory]
    [InlineData("--up,1,tcp")]
    [InlineData("a.-b,1,tcp")]
    [InlineData("a b,1,tcp")]
    [InlineData("a\n,1,tcp")]
    [InlineData("a;b,1,tcp")]
    [InlineData("é.example,1,tcp")]
    [InlineData("a..b,1,tcp")]
    [InlineData(",1,tcp")]
    [InlineData("192.0.2,1,tcp")]
    [InlineData("192.0.2.256,1,tcp")]
    [InlineData("192.0.2.01,1,tcp")]
    [InlineData("192.0.2.1,1,tcp6")]
    [InlineData("2001:db8::1,1,tcp")]
    [InlineData("fe80::1%eth0,1,tcp6")]
    [InlineData("a,0,tcp")]
    [InlineData("a,65536,tcp")]
    [InlineData("a,-1,tcp")]
    [InlineData("a,01,tcp")]
    [InlineData("a, 1,tcp")]
    [InlineData("a,1,TCP")]
    [InlineData("a,1,sctp")]
    [InlineData("a,1")]
    [InlineData("a,1,tcp,FRA")]
    [InlineData("a,1,tcp,F1")]
    public void Refuses_an_address_that_could_become_a_wrong_argument(string item)
    {
        Assert.False(AdvertisedAddress.TryParse(item, out _));
    }

    [Fact]
    public void Refuses_text_that_is_not_utf8_or_too_long()
    {
        Assert.False(AddressList.TryParse([0xFF], out _, out _));
        Assert.False(AddressList.TryParse(Encoding.UTF8.GetBytes("a,1,tcp," + new string('x', AddressList.MaxTextLength)), out _, out _));
        string item = "a,1,tcp";
        Assert.True(AddressList.TryParse(string.Join(';', Enumerable.Repeat(item, AddressList.MaxCount)), out AddressList list, out _));
        Assert.Equal(AddressList.MaxCount, list.Count);
        Assert.False(AddressList.TryParse(string.Join(';', Enumerable.Repeat(item, AddressList.MaxCount + 1)), out _, out _));
        Assert.False(AdvertisedAddress.TryParse(new string('a', 64) + ",1,tcp", out _));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Survives_mutated_lists_and_reads_back_what_it_kept(int seed)
    {
        byte[] valid = Encoding.UTF8.GetBytes("192.0.2.1,1194,tcp,FR;2001:db8::1,1,mesh;host.example,1194,udp6");
        int kept = 0;
        foreach (byte[] octets in Hostile.Mutations(seed, 5_000, valid))
        {
            if (!AddressList.TryParse(octets, out AddressList list, out _))
                continue;
            kept += list.Count;
            Assert.Equal(list, Read(list.ToString()));
        }
        Assert.True(kept > 0);
    }

    private static AddressList Read(string text)
    {
        Assert.True(AddressList.TryParse(text, out AddressList list, out int refused));
        Assert.Equal(0, refused);
        return list;
    }
}
