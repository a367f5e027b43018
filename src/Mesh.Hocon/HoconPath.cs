using Mesh.Hocon.Syntax;

namespace Mesh.Hocon;

/// <summary>A path expression (HOCON "Path expressions"): keys from the root of a document, such as <c>a.b."c.d"</c>.</summary>
public sealed class HoconPath : IEquatable<HoconPath>
{
    /// <summary>A path from its elements, which are taken literally.</summary>
    public HoconPath(params IReadOnlyList<string> elements) => Elements = elements;

    /// <summary>The keys, outermost first.</summary>
    public IReadOnlyList<string> Elements { get; }

    /// <summary>Reads a path expression.</summary>
    /// <exception cref="HoconException">It is none: an empty element, an unbalanced quote, a reserved character.</exception>
    public static HoconPath Parse(string text) => Parse(text, new HoconOrigin(HoconSource.File, "path", 1, 1));

    internal static HoconPath Parse(string text, HoconOrigin source)
    {
        var scanner = new Scanner(text, source.Name, source.Source);
        scanner.SkipBlank();
        var path = new HoconPath(PathParser.Parse(scanner));
        scanner.SkipBlank();
        return scanner.AtEnd ? path : throw scanner.Unexpected("the end of the path");
    }

    internal HoconPath Append(HoconPath tail) => Elements.Count == 0 ? tail : new HoconPath([.. Elements, .. tail.Elements]);

    /// <inheritdoc/>
    public bool Equals(HoconPath? other) => other is not null && Elements.SequenceEqual(other.Elements, StringComparer.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as HoconPath);

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(ToString());

    /// <summary>The path expression, with quotes where they are needed.</summary>
    public override string ToString() => string.Join('.', Elements.Select(HoconWriter.Key));
}
