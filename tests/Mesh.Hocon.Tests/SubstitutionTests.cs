using static Mesh.Hocon.Tests.Hocon;

namespace Mesh.Hocon.Tests;

/// <summary>"Substitutions", "Self-Referential Substitutions", "The += field separator" and the fallback to the environment.</summary>
public sealed class SubstitutionTests
{
    [Theory]
    [InlineData("animal.favorite = cat, key : ${animal.favorite} is my favorite animal", "cat is my favorite animal")]
    [InlineData("animal.favorite = cat, key : ${animal.favorite}\" is my favorite animal\"", "cat is my favorite animal")]
    [InlineData("animal.favorite = cat, key : \"${animal.favorite}\"", "${animal.favorite}")]
    [InlineData("key = ${later}, later = x", "x")]
    [InlineData("a = 1, key = ${a}, a = 2", "2")]
    [InlineData("a = null, key = x${a}", "xnull")]
    [InlineData("a = 1e5, key = ${a} ${a}", "1e5 1e5")]
    [InlineData("key = x${?missing}y", "xy")]
    [InlineData("key = ${ a.\"b.c\" }, a.\"b.c\" = 1", "1")]
    public void Substitutions(string text, string expected) => Assert.Equal(expected, ((HoconScalar)Object(text).Find("key")!).Text);

    [Theory]
    [InlineData("a = 42, b = ${a}", "42")]
    [InlineData("a = true, b = ${a}", "true")]
    [InlineData("a = null, b = ${a}", "null")]
    [InlineData("a = [1], b = ${a}", "[1]")]
    [InlineData("a = {c:1}, b = ${a}", "{\"c\":1}")]
    [InlineData("a = 42, b = ${?missing}${a}", "42")]
    public void Substitutions_keep_the_type(string text, string json) => Assert.Equal(json, Object(text).Find("b")!.ToString());

    [Theory]
    [InlineData("foo : ${?bar}", "{}")]
    [InlineData("foo : ${?bar}${?baz}", "{}")]
    [InlineData("foo : ${?bar} ${?baz}", "{}")]
    [InlineData("foo : 1, foo : ${?bar}", "{foo:1}")]
    [InlineData("foo : {a:1}, foo : ${?bar}, foo : {b:2}", "{foo:{a:1,b:2}}")]
    [InlineData("foo : [1, ${?bar}, 2]", "{foo:[1,2]}")]
    [InlineData("foo : ${?bar} [1]", "{foo:[1]}")]
    [InlineData("foo : ${?bar} {a:1}", "{foo:{a:1}}")]
    [InlineData("foo : ${?bar}x", "{foo:x}")]
    public void Substitutions_that_are_undefined_and_optional(string text, string expected) => Same(expected, text);

    [Theory]
    [InlineData("a = 1\nb = ${missing}", 2, 5)]
    [InlineData("a = [1,\n  x ${a.b.c}]", 2, 5)]
    [InlineData("a = ${ ?b}", 1, 8)]
    [InlineData("a = ${b", 1, 8)]
    [InlineData("a = ${b${c}}", 1, 8)]
    [InlineData("a = ${}", 1, 7)]
    [InlineData("a = ${b..c}", 1, 9)]
    [InlineData("a = ${b\n}", 1, 8)]
    public void Substitutions_that_are_wrong(string text, int line, int column) => FailsAt(line, column, text);

    [Theory]
    [InlineData("path : \"a:b:c\"\npath : ${path}\":d\"", "{path:\"a:b:c:d\"}")]
    [InlineData("foo : {a:1}, foo : ${foo}", "{foo:{a:1}}")]
    [InlineData("foo : ${?foo}", "{}")]
    [InlineData("foo : ${does-not-exist}, foo : 42", "{foo:42}")]
    [InlineData("foo : ${foo}, foo : 42", "{foo:42}")]
    [InlineData("foo : { a : { c : 1 } }\nfoo : ${foo.a}\nfoo : { a : 2 }", "{foo:{a:2,c:1}}")]
    [InlineData("bar : { foo : 42,\n baz : ${bar.foo}\n}", "{bar:{foo:42,baz:42}}")]
    [InlineData("bar : { foo : 42, baz : ${bar.foo} }\nbar : { foo : 43 }", "{bar:{foo:43,baz:43}}")]
    [InlineData("bar : { a : ${foo.d}, b : 1 }\nbar.b = 3\nfoo : { c : ${bar.b}, d : 2 }\nfoo.d = 4", "{bar:{a:4,b:3},foo:{c:3,d:4}}")]
    [InlineData("a = ${?a}foo", "{a:foo}")]
    [InlineData("a = 1, a = ${a}2, a = ${a}3", "{a:\"123\"}")]
    [InlineData("a = [1], a = ${a}[2], a = ${a}[3]", "{a:[1,2,3]}")]
    [InlineData("x { a = 1, a = ${x.a}2 }", "{x:{a:\"12\"}}")]
    [InlineData("a = {x:1}\na = ${a}{y:${a.x}, x:2}", "{a:{x:2,y:2}}")]
    [InlineData("a = ${b}, b = {x : ${a.y}, y : 1}", "{a:{x:1,y:1},b:{x:1,y:1}}")]
    [InlineData("base = {n:b}, east = ${base} {name = east, full = ${east.name}-${east.n}}", "{base:{n:b},east:{n:b,name:east,full:east-b}}")]
    [InlineData("a = {x:{p:1}}, b = ${a}, b = {x : null}, b = {x:{q:2}}", "{a:{x:{p:1}},b:{x:{q:2}}}")]
    public void Self_referential_substitutions(string text, string expected) => Same(expected, text);

    [Theory]
    [InlineData("foo : ${foo}", 1, 7)]
    [InlineData("foo : ${foo}\nfoo : { a : 1 }", 1, 7)]
    [InlineData("bar : ${foo}\nfoo : ${bar}", 2, 7)]
    [InlineData("a : ${b}\nb : ${c}\nc : ${a}", 3, 5)]
    [InlineData("a : { b : ${a} }", 1, 11)]
    [InlineData("a : [${a}]", 1, 6)]
    [InlineData("a : 1\na : { b : ${a} }", 2, 11)]
    [InlineData("a : ${b.x}\nb : ${a}", 1, 5)]
    public void Self_referential_substitutions_that_are_cycles(string text, int line, int column)
    {
        FailsAt(line, column, text);
        Assert.Contains("itself", Fails(text).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Self_referential_substitutions_are_resolved_once_so_both_keys_agree()
    {
        HoconObject tree = Object("a : 1\nb : 2\na : ${b}\nb : ${a}");
        Assert.Equal(tree.Find("a")!.ToString(), tree.Find("b")!.ToString());
    }

    [Theory]
    [InlineData("a += b", "{a:[b]}")]
    [InlineData("a = [1], a += 2, a += 3", "{a:[1,2,3]}")]
    [InlineData("a = ${b}, b = [1], a += 2", "{a:[1,2],b:[1]}")]
    [InlineData("a += {x:1}, a += [2]", "{a:[{x:1},[2]]}")]
    [InlineData("x.a = [1], x { a += 2 }", "{x:{a:[1,2]}}")]
    [InlineData("x = {a=[1]} {a += 2}", "{x:{a:[1,2]}}")]
    [InlineData("[{a = [1], a += 2}]", "[{a:[1,2]}]")]
    [InlineData("a = [1], a += ${a}", "{a:[1,[1]]}")]
    [InlineData("a += 1, a += ${a}, a += 3", "{a:[1,[1],3]}")]
    [InlineData("a = [1], a += 2, a = 5", "{a:5}")]
    [InlineData("a = [1], a += ${?missing}", "{a:[1]}")]
    public void The_plus_equals_field_separator(string text, string expected) => Same(expected, text);

    [Fact]
    public void The_plus_equals_field_separator_needs_an_array() => FailsAt(2, 6, "a = 1\na += 2");

    [Fact]
    public void The_plus_equals_field_separator_works_ten_thousand_times()
    {
        string text = string.Join('\n', Enumerable.Range(0, 10_000).Select(n => $"list += {n}"));
        Assert.Equal($"[{string.Join(',', Enumerable.Range(0, 10_000))}]", Object(text).Find("list")!.ToString());
    }

    [Fact]
    public void Substitution_fallback_to_environment_variables()
    {
        HoconOptions options = HoconOptions.Default with
        {
            Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["HOME"] = "/srv/jo", ["EMPTY"] = "", ["a.b"] = "dotted" },
        };
        Assert.Equal("""{"h":"/srv/jo","d":"dotted","x":"/srv/jo/x"}""", Json("h = ${HOME}, e = ${?EMPTY}, d = ${a.b}, x = ${HOME}/x", options));
        Assert.Equal("""{"HOME":null,"h":null}""", Json("HOME = null, h = ${HOME}", options));
        Assert.Equal("""{"HOME":"here","h":"here"}""", Json("HOME = here, h = ${HOME}", options));
        FailsAt(1, 5, "h = ${EMPTY}", options);
        Assert.Equal("environment HOME", Object("h = ${HOME}", options).Find("h")!.Origin.Place);
    }

    [Fact]
    public void Config_object_merging_and_file_merging()
    {
        static string Merge(params string[] firstToLast)
            => HoconWriter.ToJson(firstToLast.Select(text => HoconDocument.Parse(text)).Aggregate((high, low) => high.WithFallback(low)).Resolve(), indented: false);
        Assert.Equal("""{"a":{"x":1}}""", Merge("{ a : { x : 1 } }", "{ a : 42 }", "{ a : { y : 2 } }"));
        Assert.Equal("""{"a":{"y":2,"x":1}}""", Merge("{ a : { x : 1 } }", "{ a : { y : 2 } }", "{ a : 42 }"));
        Assert.Equal("""{"a":[1,2],"b":7,"c":7}""", Merge("a += 2, b = 7", "a = [1], b = 6, c = ${b}"));
    }

    [Fact]
    public void Merging_documents_leaves_them_as_they_were()
    {
        var low = HoconDocument.Parse("a { x = 1, b { c = 1 } }");
        var high = HoconDocument.Parse("a { x = 2, b { d = 2 } }");
        _ = high.WithFallback(low).Resolve();
        Assert.Equal("""{"a":{"x":1,"b":{"c":1}}}""", low.Resolve().ToString());
        Assert.Equal("""{"a":{"x":2,"b":{"d":2}}}""", high.Resolve().ToString());
    }
}
