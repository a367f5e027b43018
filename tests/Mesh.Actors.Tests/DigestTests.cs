namespace Mesh.Actors.Tests;

/// <summary>A digest must be the same in every process and every version, or old recordings would seem to differ.</summary>
public sealed class DigestTests
{
    [Theory]
    [InlineData("", 0xCBF29CE484222325)]   // the offset basis
    [InlineData("a", 0xAF63DC4C8601EC8C)]   // published FNV-1a of the one octet
    [InlineData("foobar", 0x85944171F73967E8)]
    public void Texts_enter_by_their_published_hash(string text, ulong hash) => Assert.Equal(hash, Digest.OfText(text));

    [Fact]
    public void Depends_on_every_fact_and_on_their_order()
    {
        ulong[] values = [Of(), Of(1), Of(2), Of(1, 2), Of(2, 1), Of(1, 2, 3), Of(0, 1), Of(1, 0)];
        Assert.Equal(values.Length, values.Distinct().Count());
        Assert.Equal(Of(1, 2, 3), Of(1, 2, 3));
    }

    [Fact]
    public void Is_compared_and_printed_by_value()
    {
        var one = default(Digest);
        one.Add("fact");
        var other = default(Digest);
        other.Add(Digest.OfText("fact"));
        Assert.True(one == other);
        Assert.False(one != other);
        Assert.True(one.Equals((object)other));
        Assert.Equal(one.GetHashCode(), other.GetHashCode());
        Assert.Equal(one.Value.ToString("x16"), one.ToString());
    }

    private static ulong Of(params ulong[] facts)
    {
        var digest = default(Digest);
        foreach (ulong fact in facts)
            digest.Add(fact);
        return digest.Value;
    }
}
