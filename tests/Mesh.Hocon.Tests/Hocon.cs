namespace Mesh.Hocon.Tests;

/// <summary>Short forms for tests: a document as compact JSON, and the exception a document causes.</summary>
internal static class Hocon
{
    public static string Json(string text, HoconOptions? options = null)
        => HoconWriter.ToJson(HoconDocument.Parse(text, "test.conf", options).Resolve(options), indented: false);

    public static HoconObject Object(string text, HoconOptions? options = null) => (HoconObject)HoconDocument.Parse(text, "test.conf", options).Resolve(options);

    public static HoconException Fails(string text, HoconOptions? options = null) => Assert.Throws<HoconException>(() => _ = Json(text, options));

    /// <summary>The text fails at this place.</summary>
    public static void FailsAt(int line, int column, string text, HoconOptions? options = null)
    {
        HoconException failure = Fails(text, options);
        Assert.Equal(("test.conf", line, column), (failure.File, failure.Line, failure.Column));
        Assert.StartsWith($"test.conf:{line}:{column}: ", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Two texts mean the same.</summary>
    public static void Same(string expected, string text) => Assert.Equal(Json(expected), Json(text));

    public static HoconOptions Files(params (string Name, string Text)[] files)
        => HoconOptions.Default with { Loader = new MemoryLoader(files.ToDictionary(file => file.Name, file => file.Text, StringComparer.Ordinal)) };
}

/// <summary>Files in a dictionary, with names like paths.</summary>
internal sealed class MemoryLoader(IReadOnlyDictionary<string, string> files) : IHoconLoader
{
    public string Locate(string name, string including)
    {
        int slash = including.LastIndexOf('/');
        return name.StartsWith('/') || slash < 0 ? name : including[..(slash + 1)] + name;
    }

    public string? Load(string path, int maxLength) => files.GetValueOrDefault(path);
}
