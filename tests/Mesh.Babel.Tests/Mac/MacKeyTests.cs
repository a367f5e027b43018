using System.Text.Json;
using Mesh.Babel.Mac;

namespace Mesh.Babel.Tests.Mac;

public sealed class MacKeyTests
{
    [Fact]
    public void Macs_are_as_in_the_table()
    {
        int compared = 0;
        foreach (JsonElement row in Vectors.Load("numeric").GetProperty("mac").EnumerateArray())
        {
            MacKey key = Vectors.Key(row.GetProperty("key"));
            byte[] mac = new byte[key.MacLength];
            key.Compute(
                BabelAddress.Parse(row.GetProperty("src").GetString()!),
                BabelAddress.Parse(row.GetProperty("dst").GetString()!),
                Convert.FromHexString(row.GetProperty("header_and_body").GetString()!),
                mac);
            Assert.Equal(row.GetProperty("mac").GetString(), Convert.ToHexStringLower(mac));
            compared++;
        }

        Assert.True(compared >= 12, $"only {compared} MACs were compared");
    }

    [Theory]
    [InlineData(MacAlgorithm.Blake2s128, 32)]
    [InlineData(MacAlgorithm.HmacSha256, 64)]
    public void A_key_has_at_least_one_octet_and_no_more_than_its_algorithm_takes(MacAlgorithm algorithm, int longest)
    {
        Assert.False(MacKey.TryCreate(algorithm, [], out _));
        Assert.True(MacKey.TryCreate(algorithm, [1], out _));
        Assert.True(MacKey.TryCreate(algorithm, new byte[longest], out _));
        Assert.False(MacKey.TryCreate(algorithm, new byte[longest + 1], out _));
        Assert.Throws<ArgumentException>(() => MacKey.Create(algorithm, new byte[longest + 1]));
    }

    [Fact]
    public void No_octet_of_a_key_is_in_any_text()
    {
        byte[] octets = [0xC0, 0xFF, 0xEE, 0xC0, 0xFF, 0xEE, 0xC0, 0xFF];
        MacKey key = MacKey.Create(MacAlgorithm.Blake2s128, octets);
        var keys = new MacKeys([key], [MacKey.Create(MacAlgorithm.HmacSha256, octets)], acceptAny: true);
        var parameters = new InterfaceParameters { Address = BabelAddress.Parse("fe80::1"), Keys = keys };
        Assert.Equal("a key for Blake2s128", key.ToString());
        Assert.Equal("1 to sign, 1 to accept, anything accepted", keys.ToString());
        Assert.Contains("Keys = 1 to sign", parameters.ToString(), StringComparison.Ordinal);
        foreach (string text in new[] { key.ToString(), keys.ToString(), parameters.ToString(), JsonSerializer.Serialize(key), JsonSerializer.Serialize(keys) })
        {
            foreach (string secret in new[] { Convert.ToHexString(octets), "192", "C0", "255", Convert.ToBase64String(octets) })
                Assert.DoesNotContain(secret, text, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Equal(key.GetHashCode(), MacKey.Create(MacAlgorithm.Blake2s128, [1]).GetHashCode());
    }

    [Fact]
    public void Keys_are_equal_by_octets_and_algorithm()
    {
        Assert.Equal(MacKey.Create(MacAlgorithm.Blake2s128, [1, 2]), MacKey.Create(MacAlgorithm.Blake2s128, [1, 2]));
        Assert.NotEqual(MacKey.Create(MacAlgorithm.Blake2s128, [1, 2]), MacKey.Create(MacAlgorithm.Blake2s128, [1, 3]));
        Assert.NotEqual(MacKey.Create(MacAlgorithm.Blake2s128, [1, 2]), MacKey.Create(MacAlgorithm.HmacSha256, [1, 2]));
        Assert.Equal(Set([1], [2]), Set([1], [2]));
        Assert.NotEqual(Set([1], [2]), Set([2], [1]));
        Assert.NotEqual(Set([1], [2]), Set([1], []));
        Assert.NotEqual(new MacKeys([Key(1)]), new MacKeys([Key(1)], acceptAny: true));
        Assert.Equal(MacKeys.None, new MacKeys([]));
    }

    [Fact]
    public void A_key_that_is_given_twice_counts_once()
    {
        MacKeys keys = Set([1, 1], [1, 2]);
        Assert.Equal([Key(1)], keys.Sign);
        Assert.Equal([Key(1), Key(2)], keys.Good);
    }

    [Fact]
    public void Too_many_keys_and_keys_that_only_accept_are_refused()
    {
        Assert.Equal(8, Set([1, 2, 3, 4], [5, 6, 7, 8]).Good.Length);
        Assert.Throws<ArgumentException>(() => Set([1, 2, 3, 4, 5], []));
        Assert.Throws<ArgumentException>(() => Set([1, 2, 3, 4], [5, 6, 7, 8, 9]));
        Assert.Throws<ArgumentException>(() => Set([], [1]));
    }

    private static MacKey Key(byte octet) => MacKey.Create(MacAlgorithm.Blake2s128, [octet]);

    private static MacKeys Set(byte[] sign, byte[] accept) => new(sign.Select(Key), accept.Select(Key));
}
