namespace Mesh.Hocon.Schema;

/// <summary>One mistake in a configuration, for the operator. Never contains a secret.</summary>
/// <param name="File">The file, <c>environment NAME</c>, <c>command line</c>, or empty where something is missing everywhere.</param>
/// <param name="Line">From 1; 0 where there are no lines.</param>
/// <param name="Column">From 1; 0 where there are no lines.</param>
/// <param name="Key">The key; empty for a mistake in the syntax.</param>
/// <param name="Rule">Which rule is broken: one of the constants here, or the name of a <see cref="ConfigRule"/>.</param>
/// <param name="Message">What was found and what is expected, without the place and the key.</param>
public sealed record ConfigProblem(string File, int Line, int Column, string Key, string Rule, string Message)
{
    /// <summary>The text is not HOCON, a file is missing, or a substitution does not resolve.</summary>
    public const string Syntax = "syntax";

    /// <summary>No such key.</summary>
    public const string UnknownKey = "unknown-key";

    /// <summary>A value of another type, or with a wrong unit.</summary>
    public const string Type = "type";

    /// <summary>A value out of its range, or not one of those allowed.</summary>
    public const string Range = "range";

    /// <summary>A required key without value.</summary>
    public const string Required = "required";

    internal static ConfigProblem At(HoconOrigin origin, string key, string rule, string message)
        => new(origin.Source == HoconSource.File ? origin.Name : origin.Place, origin.Line, origin.Column, key, rule, message);

    /// <summary>One line: place, key and message.</summary>
    public override string ToString()
    {
        string place = File.Length == 0 ? "configuration" : Line == 0 ? File : $"{File}:{Line}:{Column}";
        return Key.Length == 0 ? $"{place}: {Message}" : $"{place}: {Key}: {Message}";
    }
}
