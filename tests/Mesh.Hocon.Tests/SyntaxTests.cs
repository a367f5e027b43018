using static Mesh.Hocon.Tests.Hocon;

namespace Mesh.Hocon.Tests;

/// <summary>The specification's sections on syntax, in its order.</summary>
public sealed class SyntaxTests
{
    [Theory]
    [InlineData("""{"a":1,"b":[true,false,null],"c":{"d":"x"}}""")]
    [InlineData("""{"a":"q\"\\/\b\f\n\r\té"}""")]
    [InlineData("""[1,-2.5,1e5,1E+5,1e-5,0]""")]
    [InlineData("[]")]
    [InlineData("{}")]
    public void Unchanged_from_JSON(string json)
    {
        using var expected = System.Text.Json.JsonDocument.Parse(json);
        using var read = System.Text.Json.JsonDocument.Parse(Json(json));
        Assert.True(System.Text.Json.JsonElement.DeepEquals(expected.RootElement, read.RootElement));
    }

    [Fact]
    public void Unchanged_from_JSON_a_newline_may_precede_the_separator()
        => Same("{a:1}", "{\n\"a\"\n:\n1\n}");

    [Fact]
    public void Comments()
        => Same("""{a:1,b:"x//y#z",c:[1,2],d:2}""", "# one\na = 1 // two\nb = \"x//y#z\" # three\nc = [ # four\n1 // five\n2\n]\nd = # six\n2");

    [Fact]
    public void Comments_a_single_slash_is_not_one()
        => Same("""{a:"/usr/bin"}""", "a = /usr/bin");

    [Theory]
    [InlineData("a : 1", """{"a":1}""")]
    [InlineData("", "{}")]
    [InlineData(" \n # nothing\n", "{}")]
    [InlineData(" [1] ", "[1]")]
    [InlineData("\uFEFF{a:1}\n# end\n", """{"a":1}""")]
    public void Omit_root_braces(string text, string json) => Assert.Equal(json, Json(text));

    [Theory]
    [InlineData("a : 1 }", 1, 7)]
    [InlineData("{ a : 1", 1, 8)]
    [InlineData("{a:1}\n}", 2, 1)]
    [InlineData("{a:1} b:2", 1, 7)]
    [InlineData("[1", 1, 3)]
    [InlineData("hello", 1, 6)]
    public void Omit_root_braces_balanced(string text, int line, int column) => FailsAt(line, column, text);

    [Fact]
    public void Key_value_separator()
    {
        Same("{a:1,b:2,c:{d:3},e:{}}", "a=1\nb:2\nc{d=3}\ne\n{}");
        FailsAt(2, 1, "a\nb = 1");
        FailsAt(1, 3, "a [1]");
    }

    [Theory]
    [InlineData("[1,2,3,]")]
    [InlineData("[1\n2\n3]")]
    [InlineData("[1,2,3]")]
    [InlineData("[\n1,\n2,\n3\n,\n]")]
    [InlineData("[1\n,2 # x\n3]")]
    public void Commas_in_arrays(string text) => Assert.Equal("[1,2,3]", Json(text));

    [Theory]
    [InlineData("{a:1,b:2,}")]
    [InlineData("a:1\nb:2")]
    [InlineData("a:1,b:2,")]
    [InlineData("a:1,\n\n  b:2")]
    public void Commas_in_objects(string text) => Assert.Equal("""{"a":1,"b":2}""", Json(text));

    [Theory]
    [InlineData("[1,2,3,,]", 1, 8)]
    [InlineData("[,1,2,3]", 1, 2)]
    [InlineData("[1,,2,3]", 1, 4)]
    [InlineData("{a:1,,b:2}", 1, 6)]
    [InlineData("{,a:1}", 1, 2)]
    [InlineData("a:1,\n,b:2", 2, 1)]
    [InlineData("a:{b:1} c:2", 1, 10)]
    public void Commas_that_are_wrong(string text, int line, int column) => FailsAt(line, column, text);

    [Fact]
    public void Whitespace()
    {
        Same("{a:1,b:2}", "\uFEFF a\u00A0=\u2007 1\u202F\r\n\t\v\f\u001C\u001D\u001E\u001Fb\u3000:\u20282\r\n");
        // Only the ASCII newline separates.
        FailsAt(1, 6, "a=1\u2028b=2");
    }

    [Fact]
    public void Duplicate_keys_and_object_merging()
    {
        Same("""{"foo":{"a":42,"b":43}}""", """{"foo":{"a":42},"foo":{"b":43}}""");
        Same("""{"foo":{"b":43}}""", """{"foo":{"a":42},"foo":null,"foo":{"b":43}}""");
        Same("{a:{b:{c:1,d:2},e:3}}", "a{b{c:1}}\na{b{d:2}}\na{e:3}");
        Same("{a:2}", "a:{b:1}\na:2");
        Same("{a:[2]}", "a:[1]\na:[2]");
    }

    [Theory]
    [InlineData("truefoo", "\"truefoo\"")]
    [InlineData("footrue", "\"footrue\"")]
    [InlineData("10.0bar", "\"10.0bar\"")]
    [InlineData("bar10.0", "\"bar10.0\"")]
    [InlineData("true", "true")]
    [InlineData("null", "null")]
    [InlineData("10.0", "10.0")]
    [InlineData("1e+5", "1e+5")]
    [InlineData("-foo", "\"-foo\"")]
    [InlineData("a/b|c;d(e)~f'", "\"a/b|c;d(e)~f'\"")]
    [InlineData("1.2.3", "\"1.2.3\"")]
    [InlineData("2001-db8", "\"2001-db8\"")]
    [InlineData("include", "\"include\"")]
    public void Unquoted_strings(string value, string json) => Assert.Equal($"{{\"a\":{json}}}", Json($"a = {value}"));

    [Theory]
    [InlineData('`')]
    [InlineData('^')]
    [InlineData('?')]
    [InlineData('!')]
    [InlineData('@')]
    [InlineData('*')]
    [InlineData('&')]
    [InlineData('\\')]
    [InlineData('+')]
    [InlineData('$')]
    [InlineData('=')]
    [InlineData(':')]
    public void Unquoted_strings_forbidden_characters(char forbidden) => FailsAt(1, 6, $"a = x{forbidden}y");

    [Fact]
    public void Multi_line_strings()
    {
        Assert.Equal("x\n  \\n ${y} \"\" z", ((HoconScalar)Object("a = \"\"\"x\n  \\n ${y} \"\" z\"\"\"").Find("a")!).Text);
        Assert.Equal("foo\"", ((HoconScalar)Object("a = \"\"\"foo\"\"\"\"").Find("a")!).Text);
        Assert.Equal("foo\"\"\"", ((HoconScalar)Object("a = \"\"\"foo\"\"\"\"\"\"").Find("a")!).Text);
        Assert.Equal("", ((HoconScalar)Object("a = \"\"\"\"\"\"").Find("a")!).Text);
        Same("""{a:"x\ny",b:1}""", "a = \"\"\"x\ny\"\"\"\nb = 1");
        Assert.Equal(3, Object("a = \"\"\"x\ny\"\"\"\nb = 1").Find("b")!.Origin.Line);
        FailsAt(1, 5, "a = \"\"\"x\ny\"\"");
    }

    [Theory]
    [InlineData(" foo bar baz ", "\"foo bar baz\"")]
    [InlineData("foo \"bar\"  baz", "\"foo bar  baz\"")]
    [InlineData("true foo", "\"true foo\"")]
    [InlineData("null 1e5 x", "\"null 1e5 x\"")]
    [InlineData("1 2 3", "\"1 2 3\"")]
    [InlineData("10 ms", "\"10 ms\"")]
    [InlineData("\"a\"\"b\"", "\"ab\"")]
    [InlineData("\"\" x", "\" x\"")]
    public void String_value_concatenation(string value, string json) => Assert.Equal($"{{\"a\":{json}}}", Json($"a :{value}\n"));

    [Fact]
    public void String_value_concatenation_never_spans_a_newline() => FailsAt(3, 1, "a = foo\nbar\n");

    [Theory]
    [InlineData("a : { b : 1, c : 2 }")]
    [InlineData("a : { b : 1 } { c : 2 }")]
    [InlineData("a : { b : 1 }\na : { c : 2 }")]
    [InlineData("a : { b : 0, c : 2 } { b : 1 }")]
    public void Array_and_object_concatenation_of_objects(string text) => Assert.Equal("""{"a":{"b":1,"c":2}}""", Json(text));

    [Theory]
    [InlineData("a : [ 1, 2, 3, 4 ]")]
    [InlineData("a : [ 1, 2 ] [ 3, 4 ]")]
    [InlineData("a : [ 1, 2 ]\na : ${a} [ 3, 4 ]")]
    [InlineData("a : [1,\n2] [\n3,4]")]
    public void Array_and_object_concatenation_of_arrays(string text) => Assert.Equal("""{"a":[1,2,3,4]}""", Json(text));

    [Fact]
    public void Array_and_object_concatenation_inheritance_and_paths()
    {
        Same(
            """{data-center-generic:{cluster-size:6},data-center-east:{cluster-size:6,name:"east"}}""",
            "data-center-generic = { cluster-size = 6 }\ndata-center-east = ${data-center-generic} { name = \"east\" }");
        Same("""{path:["/bin","/usr/bin"]}""", "path = [ /bin ]\npath = ${path} [ /usr/bin ]");
    }

    [Theory]
    [InlineData("a = [1] {b:2}", 1, 9)]
    [InlineData("a = {b:2} [1]", 1, 5)]
    [InlineData("a = [1] x", 1, 9)]
    [InlineData("a = x {b:1}", 1, 5)]
    [InlineData("b = [1]\na = x${b}", 2, 5)]
    public void Array_and_object_concatenation_does_not_mix(string text, int line, int column) => FailsAt(line, column, text);

    [Theory]
    [InlineData("[ 1 2 3 4 ]", """["1 2 3 4"]""")]
    [InlineData("[ 1\n 2\n 3\n 4 ]", "[1,2,3,4]")]
    [InlineData("[ [ 1, 2 ] [ 3, 4 ] ]", "[[1,2,3,4]]")]
    [InlineData("[ [ 1, 2 ]\n [ 3, 4 ] ]", "[[1,2],[3,4]]")]
    public void Arrays_without_commas_or_newlines(string text, string json) => Assert.Equal(json, Json(text));

    [Fact]
    public void Arrays_without_commas_or_newlines_with_substitutions()
    {
        Assert.Equal(
            """["This is an unquoted string my name is Ann","Hello World"]""",
            Object("name=Ann,world=World,a=[ This is an unquoted string my name is ${name}, Hello ${world} ]").Find("a")!.ToString());
        Assert.Equal("""["1 2","3 4"]""", Object("a=1,b=2,x=3,y=4,l=[ ${a} ${b}, ${x} ${y} ]").Find("l")!.ToString());
    }
}
