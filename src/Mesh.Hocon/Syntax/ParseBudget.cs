namespace Mesh.Hocon.Syntax;

/// <summary>What a document and all its includes may still use together.</summary>
internal sealed class ParseBudget(HoconOptions options)
{
    private readonly List<string> _openFiles = [];
    private long _characters;
    private int _includes;

    public HoconOptions Options { get; } = options;

    public void Enter(string file, int length, HoconOrigin at)
    {
        _characters += length;
        if (_characters > Options.MaxInputLength)
            throw new HoconException(at, $"the document with its includes is larger than the limit of {Options.MaxInputLength} characters");
        _openFiles.Add(file);
    }

    public void Leave() => _openFiles.RemoveAt(_openFiles.Count - 1);

    public void CheckInclude(string file, HoconOrigin at)
    {
        if (_openFiles.Contains(file, StringComparer.Ordinal))
            throw new HoconException(at, $"a file includes itself: {string.Join(" -> ", _openFiles.Append(file))}", "includes without a cycle");
        if (_openFiles.Count > Options.MaxIncludeDepth)
            throw new HoconException(at, $"includes nest deeper than the limit of {Options.MaxIncludeDepth}");
        if (++_includes > Options.MaxIncludes)
            throw new HoconException(at, $"more includes than the limit of {Options.MaxIncludes}");
    }
}
