namespace Mesh.Babel.Tests;

public sealed class PrefixTextTests
{
    [Theory]
    [InlineData("2001:db8::/129")]
    [InlineData("10.0.0.0/33")]
    [InlineData("::/99999999999")]
    [InlineData("::/-1")]
    [InlineData("::/")]
    [InlineData("::")]
    [InlineData("x/1")]
    public void What_is_no_prefix_is_refused_as_a_wrong_format(string text) => Assert.Throws<FormatException>(() => BabelPrefix.Parse(text));
}
