namespace Mesh.Hocon;

/// <summary>How to read documents: where includes and environment variables come from, and how much a document may cost.</summary>
/// <remarks>The limits exist because a configuration file may come from somebody else. Each ends in a <see cref="HoconException"/> that names it.</remarks>
public sealed record HoconOptions
{
    /// <summary>No includes, no environment, the default limits.</summary>
    public static HoconOptions Default { get; } = new();

    /// <summary>Reads included files. Default: there are no files, so every optional include is empty.</summary>
    public IHoconLoader Loader { get; init; } = NoFiles.Instance;

    /// <summary>What substitutions fall back to. An empty value counts as absent, as the specification asks. Default: none.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>How deep objects and arrays nest, before and after substitution. Range 1..256, default 128. Each level costs stack.</summary>
    public int MaxDepth
    {
        get;
        init => field = value is >= 1 and <= 256 ? value : throw new ArgumentOutOfRangeException(nameof(value), "MaxDepth is 1..256");
    } = 128;

    /// <summary>How many UTF-16 code units a document has together with all its includes. Default 4 Mi.</summary>
    public int MaxInputLength { get; init; } = 4 * 1024 * 1024;

    /// <summary>How deep includes nest. Range 0..64, default 16.</summary>
    public int MaxIncludeDepth
    {
        get;
        init => field = value is >= 0 and <= 64 ? value : throw new ArgumentOutOfRangeException(nameof(value), "MaxIncludeDepth is 0..64");
    } = 16;

    /// <summary>How many files one document includes, counting repetitions. Default 256.</summary>
    public int MaxIncludes { get; init; } = 256;

    /// <summary>How large the resolved document is: values plus characters of text, where what is referenced twice counts twice. Default 16 Mi.</summary>
    /// <remarks>Twenty lines that each repeat the line before twice would otherwise be a million values.</remarks>
    public long MaxResolvedSize { get; init; } = 16 * 1024 * 1024;

    /// <summary>How many steps resolving takes: fields visited, looked up or merged. Default 2 Mi, about a second.</summary>
    public long MaxResolveSteps { get; init; } = 2 * 1024 * 1024;
}
