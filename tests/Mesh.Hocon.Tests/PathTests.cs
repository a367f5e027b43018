using static Mesh.Hocon.Tests.Hocon;

namespace Mesh.Hocon.Tests;

/// <summary>"Path expressions" and "Paths as keys".</summary>
public sealed class PathTests
{
    [Theory]
    [InlineData("foo.bar.\"hello.world\"", new[] { "foo", "bar", "hello.world" })]
    [InlineData("10.0foo", new[] { "10", "0foo" })]
    [InlineData("foo10.0", new[] { "foo10", "0" })]
    [InlineData("foo\"10.0\"", new[] { "foo10.0" })]
    [InlineData("1.2.3", new[] { "1", "2", "3" })]
    [InlineData("a.\"\".b", new[] { "a", "", "b" })]
    [InlineData(" a b.c ", new[] { "a b", "c" })]
    [InlineData("true", new[] { "true" })]
    public void Path_expressions(string text, string[] elements)
    {
        var path = HoconPath.Parse(text);
        Assert.Equal(elements, path.Elements);
        Assert.Equal(path, HoconPath.Parse(path.ToString()));
    }

    [Theory]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData("a.")]
    [InlineData("")]
    [InlineData("a=b")]
    [InlineData("\"a")]
    [InlineData("${a}")]
    public void Path_expressions_that_are_wrong(string text) => Assert.Throws<HoconException>(() => HoconPath.Parse(text));

    [Theory]
    [InlineData("foo.bar : 42", "foo { bar : 42 }")]
    [InlineData("foo.bar.baz : 42", "foo { bar { baz : 42 } }")]
    [InlineData("a.x : 42, a.y : 43", "a { x : 42, y : 43 }")]
    [InlineData("a b c : 42", "\"a b c\" : 42")]
    [InlineData("true : 42", "\"true\" : 42")]
    [InlineData("3 : 42", "\"3\" : 42")]
    [InlineData("3.14 : 42", "\"3\" : { \"14\" : 42 }")]
    [InlineData("\"a.b\".c = 1", "\"a.b\" { c = 1 }")]
    [InlineData("a.b { c = 1 }\na.b.d = 2", "a { b { c = 1, d = 2 } }")]
    public void Paths_as_keys(string text, string equivalent) => Same(equivalent, text);

    [Theory]
    [InlineData("a..b = 1", 1, 3)]
    [InlineData("x = 1\n  .a = 1", 2, 3)]
    [InlineData("a. = 1", 1, 4)]
    [InlineData("a.${b} = 1", 1, 3)]
    [InlineData("${b} = 1", 1, 1)]
    [InlineData("[1] = 1 ]", 1, 5)]
    [InlineData("{ = 1 }", 1, 3)]
    public void Paths_as_keys_that_are_wrong(string text, int line, int column) => FailsAt(line, column, text);
}
