using System.Text;
using static Mesh.Hocon.Tests.Hocon;

namespace Mesh.Hocon.Tests;

/// <summary>Input made to hurt ends in an error that names a limit, and never in an overflow of the stack or in an endless loop.</summary>
public sealed class HostileInputTests
{
    [Theory]
    [InlineData("[", "")]
    [InlineData("a=[", "")]
    [InlineData("{a=", "")]
    [InlineData("{a", "")]
    [InlineData("a.", "b=1")]
    [InlineData("[{a=[", "")]
    [InlineData("a=1}", "")]
    [InlineData("a=${", "")]
    [InlineData("${a} [", "")]
    [InlineData("a {} {", "")]
    public void Deep_nesting(string unit, string tail)
    {
        string text = "x = " + string.Concat(Enumerable.Repeat(unit, 100_000)) + tail;
        _ = Fails(text);
        _ = Fails(text[4..]);
    }

    [Fact]
    public void Nesting_is_allowed_up_to_the_limit_and_not_beyond()
    {
        HoconOptions ten = HoconOptions.Default with { MaxDepth = 10 };
        Assert.Equal(10, Object("a = " + new string('[', 8) + new string(']', 8) + "\nb.c.d.e.f.g.h.i.j = 1", ten).Depth);
        FailsAt(1, 13, "a = " + new string('[', 9) + new string(']', 9), ten);
        FailsAt(1, 1, "b.c.d.e.f.g.h.i.j.k = 1", ten);
        Assert.Equal(128, Object(string.Join('.', Enumerable.Repeat("a", 127)) + " = 1").Depth);
    }

    [Fact]
    public void Nesting_by_substitution_is_limited_too()
    {
        string chain = "a0 = {x=1}\n" + string.Concat(Enumerable.Range(1, 1000).Select(n => $"a{n} = {{x=${{a{n - 1}}}}}\n"));
        Assert.Contains("after substitution", Fails(chain).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a{0} = ${{a{1}}}\n")]
    [InlineData("a{0} = ${{a{1}}}x\n")]
    [InlineData("a{0} = ${{a{1}.b}}\n")]
    [InlineData("a{0} = ${{a{1}}}{{b=1}}\n")]
    [InlineData("a{0} = [${{a{1}}}]\n")]
    public void Long_chains_of_substitutions(string line)
    {
        string chain = string.Concat(Enumerable.Range(0, 50_000).Select(n => string.Format(System.Globalization.CultureInfo.InvariantCulture, line, n, n + 1)));
        Assert.Contains("limit", Fails(chain + "a50000 = {b=1}").Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a0 = [x,x]\n", "a{0} = ${{a{1}}}${{a{1}}}\n")]
    [InlineData("a0 = [x,x]\n", "a{0} = [${{a{1}}},${{a{1}}}]\n")]
    [InlineData("a0 = xx\n", "a{0} = ${{a{1}}}${{a{1}}}\n")]
    [InlineData("a0 = {{x=1}}\n", "a{0} = {{p=${{a{1}}},q=${{a{1}}}}}\n")]
    [InlineData("a0 = {{x=1}}\n", "a{0} = ${{a{1}}}${{a{1}.x}}\n")]
    [InlineData("a0 = {{x=${{a60.y}}}}\n", "a{0} = ${{a{1}}}${{a{1}}}\n")]
    public void Few_lines_that_mean_very_much(string first, string line)
    {
        string text = string.Concat(Enumerable.Range(1, 60).Select(n => string.Format(System.Globalization.CultureInfo.InvariantCulture, line, n, n - 1)));
        _ = Fails(first.Replace("{{", "{", StringComparison.Ordinal).Replace("}}", "}", StringComparison.Ordinal) + text);
    }

    [Fact]
    public void The_limits_hold_on_a_small_stack()
    {
        string chain = string.Concat(Enumerable.Range(0, 5000).Select(n => $"a{n} = ${{a{n + 1}}}x{{b=${{a{n + 1}.c}}}}\n"));
        List<string> outcomes = [];
        var thread = new Thread(() => outcomes.AddRange(Outcome(chain), Outcome(string.Concat(Enumerable.Repeat("a{b=[", 1000)))), maxStackSize: 256 * 1024);
        thread.Start();
        thread.Join();
        Assert.Equal(2, outcomes.Count);
        Assert.All(outcomes, outcome => Assert.Contains("limit", outcome, StringComparison.Ordinal));

        // An exception would end the process there, so the outcome is a text.
        static string Outcome(string text)
        {
            try
            {
                return Json(text);
            }
            catch (HoconException failure)
            {
                return failure.Rule;
            }
        }
    }

    [Fact]
    public void Very_many_references_on_one_line()
        => Assert.Contains("steps", Fails("a = " + string.Concat(Enumerable.Repeat("${?a.b}", 200_000))).Message, StringComparison.Ordinal);

    [Fact]
    public void Input_size_is_limited()
        => Assert.Contains("larger than the limit of 10", Fails("a = 1234567890", HoconOptions.Default with { MaxInputLength = 10 }).Message, StringComparison.Ordinal);

    [Fact]
    public void Every_truncation_of_a_document_is_read_or_refused()
    {
        for (int length = 0; length <= FuzzTests.Documents[0].Length; length++)
            FuzzTests.ReadOrRefuse(FuzzTests.Documents[0][..length]);
    }

    [Fact]
    public void Files_that_are_not_UTF8_are_refused()
    {
        string path = Path.Combine(Path.GetTempPath(), $"mesh-hocon-{Environment.ProcessId}.conf");
        try
        {
            File.WriteAllBytes(path, [.. Encoding.ASCII.GetBytes("a = x"), 0xFF]);
            HoconOptions options = HoconOptions.Default with { Loader = FileHoconLoader.Instance };
            HoconException failure = Assert.Throws<HoconException>(() => HoconDocument.Load(path, options));
            Assert.Equal((path, "UTF-8"), (failure.File, failure.Expected));
            Assert.Equal("an existing file", Assert.Throws<HoconException>(() => HoconDocument.Load(path + ".none", options)).Expected);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
