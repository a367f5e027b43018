using Mesh.Hocon.Schema;

namespace Mesh.Hocon.Tests;

/// <summary>Seeded mutations of valid documents: each gives a value or a <see cref="HoconException"/> with a place, and nothing else.</summary>
public sealed class FuzzTests
{
    public static readonly string[] Documents =
    [
        """
        # A node
        include "other.conf"
        node {
          name = "eth\u0030 \"x\"", prefix = "2001:db8::/32"
          tunnels { client-count = 10, encrypt = on, ports = [1, 2
            3, ] }
          tunnels.min = ${node.tunnels.client-count} // seen
          path = [a] [b]
          path += ${node.name}-c
          path = ${node.path} [d]
          "a.b"."" : 1.5e+3
        }
        text = \"\"\"line
        "quoted" \"\"\"
        """.Replace("\\\"", "\"", StringComparison.Ordinal),
        "a { x = 1, a = ${a.x}2 }\nb = ${a} { y = ${b.x}, z = ${?b.q} }\nb = ${?c}\nd = ${b}${a}{ x = ${d.y} }\nd { e = [${a}, ${b}] }",
        """{"json":{"list":[1,-2.5e10,true,null,"s\t"],"empty":{}},"x":[[],[{}]],"include":{"y":"z"}}""",
        "foo : { a : { c : 1 } }\nfoo : ${foo.a}\nfoo : { a : 2 }\nbar : ${foo} , baz = 10 ms, q = ${HOME}/x, foo += 1",
    ];

    private static readonly string[] Fragments =
        ["{", "}", "[", "]", "${", "${?", "}", "+=", "=", ":", ",", "\n", "\"", "\"\"\"", ".", " ", "#", "//", "\\u12", "include ", "a", "${a}", "b", "null", "1e5", "\uD800", "\u2028", "\0", "${node}", "${d}"];

    private static readonly HoconOptions Options = Hocon.Files(("other.conf", "shared = ${?node.name}"), ("a.conf", "include \"a.conf\"")) with
    {
        Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["HOME"] = "/srv/jo" },
        MaxResolveSteps = 100_000,
        MaxResolvedSize = 100_000,
    };

    [Fact]
    public void The_documents_are_valid()
    {
        foreach (string document in Documents[..3])
            _ = Hocon.Json(document, Options);
        // The last one appends to an object, on purpose.
        _ = Hocon.Fails(Documents[3], Options);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Five_thousand_mutations_are_read_or_refused(int seed)
    {
        var random = new Random(seed);
        int read = 0;
        for (int round = 0; round < 5_000; round++)
        {
            string text = Mutate(random, Documents[random.Next(Documents.Length)]);
            read += ReadOrRefuse(text) ? 1 : 0;
        }
        // Both outcomes must be common, or the mutations would test nothing.
        Assert.InRange(read, 200, 4_800);
    }

    [Fact]
    public void Two_thousand_mutated_configurations_are_checked_without_an_exception()
    {
        var random = new Random(5);
        string valid = ReferenceWriter.Write(SchemaExample.Example) + "node.registry = \"https://a/\"\nnode.password = ${?X}y\n";
        int clean = 0;
        for (int round = 0; round < 2_000; round++)
        {
            ConfigResult result = SchemaExample.Example.Resolve(SchemaExample.Sources(Mutate(random, valid)) with { Sets = [Mutate(random, "node.interface=x")] });
            clean += result.Problems.Count == 0 ? 1 : 0;
            Assert.All(result.Problems, problem => Assert.NotEmpty(problem.Message));
            _ = result.Config.Show(withOrigin: true);
        }
        Assert.InRange(clean, 10, 1_990);
    }

    /// <summary>True if the text was read; false if it was refused with a place inside it.</summary>
    public static bool ReadOrRefuse(string text)
    {
        try
        {
            HoconValue value = HoconDocument.Parse(text, "fuzz.conf", Options).Resolve(Options);
            // What was read can be written, and means the same then.
            string json = HoconWriter.ToJson(value, indented: false);
            Assert.Equal(json, HoconWriter.ToJson(HoconDocument.Parse(json).Resolve(), indented: false));
            return true;
        }
        catch (HoconException failure)
        {
            Assert.True(failure.Line >= 1 && failure.Column >= 1, failure.Message);
            Assert.InRange(failure.Line, 1, text.Count(c => c == '\n') + 1);
            return false;
        }
    }

    private static string Mutate(Random random, string document)
    {
        string text = document;
        for (int change = random.Next(1, 5); change > 0; change--)
        {
            int at = random.Next(text.Length + 1);
            int length = Math.Min(random.Next(8), text.Length - at);
            text = random.Next(5) switch
            {
                0 => text.Remove(at, length),
                1 => text.Insert(at, Fragments[random.Next(Fragments.Length)]),
                2 => text.Insert(at, text.Substring(at, length)),
                3 => text.Remove(at, length).Insert(random.Next(text.Length - length + 1), text.Substring(at, length)),
                _ => at < text.Length ? text[..at] + (char)random.Next(1, 0x7F) + text[(at + 1)..] : text + "\n" + document,
            };
        }
        return text;
    }
}
