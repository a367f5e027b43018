using static Mesh.Hocon.Tests.Hocon;

namespace Mesh.Hocon.Tests;

/// <summary>"Includes".</summary>
public sealed class IncludeTests
{
    private static readonly HoconOptions Some = Files(("foo.conf", "x : 10, y : ${x}"), ("array.conf", "[1]"), ("bad.conf", "a = 1\nb = }"));

    [Theory]
    [InlineData("include \"foo.conf\"")]
    [InlineData("include\n\n  \"foo.conf\"")]
    [InlineData("include file(\"foo.conf\")")]
    [InlineData("include file( \"foo.conf\" )")]
    [InlineData("include required(\"foo.conf\")")]
    [InlineData("include required( file(\"foo.conf\") )")]
    [InlineData("{ include \"foo.conf\", }")]
    [InlineData("include \"foo\"")]
    public void Include_syntax(string text) => Assert.Equal("""{"x":10,"y":10}""", Json(text, Some));

    [Theory]
    [InlineData("{ foo include : 42 }", """{"foo include":42}""")]
    [InlineData("{ foo : include }", """{"foo":"include"}""")]
    [InlineData("[ include ]", """["include"]""")]
    [InlineData("{ \"include\" : 42 }", """{"include":42}""")]
    [InlineData("{ include-more : 42, includes : 43 }", """{"include-more":42,"includes":43}""")]
    public void Include_syntax_elsewhere_the_word_is_ordinary(string text, string json) => Assert.Equal(json, Json(text, Some));

    [Theory]
    [InlineData("include : 42", 1, 9)]
    [InlineData("include foo.conf", 1, 9)]
    [InlineData("include ${x}", 1, 9)]
    [InlineData("include \"foo.conf\" x", 1, 20)]
    [InlineData("include required(\"foo.conf\"", 1, 28)]
    [InlineData("include url(\"http://x/\")", 1, 9)]
    [InlineData("include classpath(\"x\")", 1, 9)]
    [InlineData("include \"http://example.org/x.conf\"", 1, 9)]
    [InlineData("include \"\"", 1, 9)]
    public void Include_syntax_that_is_wrong(string text, int line, int column) => FailsAt(line, column, text, Some);

    [Fact]
    public void Include_semantics_merging()
    {
        Assert.Equal("""{"x":10,"y":10}""", Json("x = 1\ninclude \"foo.conf\"", Some));
        Assert.Equal("""{"x":1,"y":1}""", Json("include \"foo.conf\"\nx = 1", Some));
        Assert.Equal("""{"a":{"b":1,"x":10,"y":10}}""", Json("a { b = 1 }\na { include \"foo.conf\" }", Some));
        Assert.Equal("an included file must contain an object, not an array", Fails("include \"array.conf\"", Some).Rule);
    }

    [Fact]
    public void Include_semantics_substitution()
    {
        Assert.Equal("""{"a":{"x":10,"y":10}}""", Json("{ a : { include \"foo.conf\" } }", Some));
        Assert.Equal("""{"a":{"x":42,"y":42}}""", Json("{ a : { include \"foo.conf\" }\n a : { x : 42 } }", Some));
        HoconOptions nested = Files(("one.conf", "b { include \"two.conf\" }, v = 1"), ("two.conf", "own = ${o}, o = 2, root = ${v}, list = [1], list += ${o}"));
        Assert.Equal("""{"v":0,"a":{"b":{"own":2,"o":2,"root":0,"list":[1,2]},"v":1}}""", Json("v = 0, a { include \"one.conf\" }", nested));
    }

    [Fact]
    public void Include_semantics_missing_files()
    {
        Assert.Equal("""{"a":1}""", Json("include \"nowhere.conf\"\na = 1", Some));
        FailsAt(2, 3, "a = 1\n  include required(\"nowhere.conf\")", Some);
    }

    [Fact]
    public void Include_semantics_file_formats_and_extensions()
    {
        HoconOptions both = Files(("x.json", """{"a":1,"b":1}"""), ("x.conf", "b = 2"));
        Assert.Equal("""{"a":1,"b":2}""", Json("include \"x\"", both));
    }

    [Fact]
    public void Include_semantics_locating_resources()
    {
        HoconOptions folders = Files(("d/main.conf", "include \"e/in.conf\""), ("d/e/in.conf", "include \"next.conf\""), ("d/e/next.conf", "a = 1"));
        Assert.Equal("""{"a":1}""", HoconDocument.Load("d/main.conf", folders).Resolve(folders).ToString());
    }

    [Fact]
    public void Errors_and_origins_name_the_included_file()
    {
        HoconException failure = Fails("include \"bad.conf\"", Some);
        Assert.Equal(("bad.conf", 2, 5), (failure.File, failure.Line, failure.Column));
        Assert.Equal(new HoconOrigin(HoconSource.File, "foo.conf", 1, 5), Object("include \"foo.conf\"", Some).Find("y")!.Origin);
    }

    [Fact]
    public void Include_cycles_are_an_error()
    {
        HoconOptions cycle = Files(("a.conf", "include \"b.conf\""), ("b.conf", "x = 1\ninclude \"a.conf\""));
        HoconException failure = Assert.Throws<HoconException>(() => HoconDocument.Load("a.conf", cycle));
        Assert.Equal(("b.conf", 2, 1), (failure.File, failure.Line, failure.Column));
        Assert.Contains("a.conf -> b.conf -> a.conf", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Includes_have_limits()
    {
        HoconOptions chain = Files([.. Enumerable.Range(0, 40).Select(n => ($"{n}.conf", $"include \"{n + 1}.conf\""))]);
        Assert.Contains("includes nest deeper than the limit of 16", Fails("include \"0.conf\"", chain).Message, StringComparison.Ordinal);
        // Every file includes the next one twice: sixteen levels would be 65,536 files.
        HoconOptions fan = Files([.. Enumerable.Range(0, 12).Select(n => ($"{n}.conf", $"include \"{n + 1}.conf\"\ninclude \"{n + 1}.conf\""))]);
        Assert.Contains("more includes than the limit of 256", Fails("include \"0.conf\"", fan).Message, StringComparison.Ordinal);
        HoconOptions big = Files(("x.conf", new string(' ', 60))) with { MaxInputLength = 100 };
        Assert.Contains("larger than the limit of 100", Fails("include \"x.conf\"\ninclude \"x.conf\"", big).Message, StringComparison.Ordinal);
    }
}
