using Mesh.Hocon.Resolution;
using Mesh.Hocon.Syntax;

namespace Mesh.Hocon;

/// <summary>A parsed document whose substitutions are not looked up yet, so that documents can be layered first.</summary>
/// <remarks>
/// This is HOCON as https://github.com/lightbend/config/blob/main/HOCON.md describes it, without what only a JVM has: <c>url()</c>,
/// <c>classpath()</c> and <c>.properties</c> files. Where the specification leaves a choice: an environment variable is a last resort for
/// any substitution; a substitution in a file that is included inside an array looks only at the whole configuration; <c>+=</c> works
/// inside arrays too.
/// </remarks>
/// <example><code>
/// HoconValue root = HoconDocument.Load("node.conf", options).WithFallback(reference).Resolve(options);
/// </code></example>
public sealed class HoconDocument
{
    internal HoconDocument(Node root) => Root = root;

    internal Node Root { get; }

    /// <summary>Reads a text.</summary>
    /// <param name="text">The document.</param>
    /// <param name="name">What origins and messages call it; includes are relative to it.</param>
    /// <param name="options">Includes and limits.</param>
    /// <exception cref="HoconException">The text is not HOCON or exceeds a limit.</exception>
    public static HoconDocument Parse(string text, string name = "input", HoconOptions? options = null)
        => Parse(text, name, HoconSource.File, options ?? HoconOptions.Default);

    /// <summary>Reads a file through <see cref="HoconOptions.Loader"/>.</summary>
    /// <exception cref="HoconException">There is no such file, it is not HOCON, or it exceeds a limit.</exception>
    public static HoconDocument Load(string path, HoconOptions options)
    {
        var start = new HoconOrigin(HoconSource.File, path, 1, 1);
        string? text;
        try
        {
            text = options.Loader.Load(path, options.MaxInputLength);
        }
        catch (IOException failure)
        {
            throw new HoconException(start, $"the file cannot be read: {failure.Message}");
        }
        return Parse(text ?? throw new HoconException(start, "there is no such file", "an existing file"), path, options);
    }

    /// <summary>This document over another: merged as duplicate keys are, with this one later.</summary>
    /// <exception cref="InvalidOperationException">One of the documents is an array.</exception>
    public HoconDocument WithFallback(HoconDocument lower)
    {
        if (Root is not ObjectNode high || lower.Root is not ObjectNode low)
            throw new InvalidOperationException("only documents that are objects can be merged");
        var merged = new ObjectNode(high.Origin);
        merged.MergeFrom(low, adopt: false);
        merged.MergeFrom(high, adopt: false);
        return new HoconDocument(merged);
    }

    /// <summary>Looks up all substitutions.</summary>
    /// <param name="options">Environment and limits.</param>
    /// <exception cref="HoconException">A substitution is undefined or circular, a concatenation mixes types, or a limit is exceeded.</exception>
    public HoconValue Resolve(HoconOptions? options = null) => new Resolver(Root, options ?? HoconOptions.Default).ResolveRoot();

    internal static HoconDocument Parse(string text, string name, HoconSource source, HoconOptions options)
        => new(new DocumentParser(text, name, source, new ParseBudget(options)).ParseRoot());
}
