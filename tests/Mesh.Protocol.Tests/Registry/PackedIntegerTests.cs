using System.Globalization;
using System.Text.Json;
using Mesh.Protocol.Registry;

namespace Mesh.Protocol.Tests.Registry;

public sealed class PackedIntegerTests
{
    private static readonly JsonElement Integers = Vectors.Load("packinteger.json");

    [Fact]
    public void Writes_and_reads_what_re6st_does()
    {
        foreach (JsonElement vector in Integers.GetProperty("valid").EnumerateArray())
        {
            ulong value = ulong.Parse(vector.Text("value"), CultureInfo.InvariantCulture);
            Assert.Equal(vector.Hex("hex"), PackedInteger.Encode(value));
            Assert.True(PackedInteger.TryRead(vector.Hex("hex"), out ulong read, out int consumed));
            Assert.Equal((value, vector.Hex("hex").Length), (read, consumed));
            Assert.All(Hostile.Truncations(vector.Hex("hex")), octets => Assert.False(PackedInteger.TryRead(octets, out _, out _)));
        }
    }

    [Fact]
    public void Leaves_what_follows()
    {
        foreach (JsonElement vector in Integers.GetProperty("decode").EnumerateArray())
        {
            Assert.True(PackedInteger.TryRead(vector.Hex("hex"), out ulong value, out int consumed));
            Assert.Equal(vector.Text("value"), value.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(vector.GetProperty("consumed").GetInt32(), consumed);
        }
    }

    [Fact]
    public void Rejects_what_re6st_rejects()
    {
        foreach (JsonElement vector in Integers.GetProperty("truncated").EnumerateArray())
            Assert.False(PackedInteger.TryRead(vector.Hex("hex"), out _, out _));
        Assert.False(PackedInteger.TryRead([], out _, out _));
    }

    [Fact]
    public void Throws_above_the_largest_value()
    {
        ulong above = ulong.Parse(Integers.Text("overflow"), CultureInfo.InvariantCulture);
        Assert.Equal(PackedInteger.MaxValue + 1, above);
        Assert.Throws<ArgumentOutOfRangeException>(() => PackedInteger.Encode(above));
    }

    [Fact]
    public void Sorts_like_the_values()
    {
        var random = new Random(3);
        for (int round = 0; round < 2_000; round++)
        {
            ulong left = (ulong)random.NextInt64() >> random.Next(3, 63), right = (ulong)random.NextInt64() >> random.Next(3, 63);
            int order = PackedInteger.Encode(left).AsSpan().SequenceCompareTo(PackedInteger.Encode(right));
            Assert.Equal(left.CompareTo(right), Math.Sign(order));
            Assert.True(PackedInteger.TryRead(PackedInteger.Encode(left), out ulong read, out _));
            Assert.Equal(left, read);
        }
    }
}
