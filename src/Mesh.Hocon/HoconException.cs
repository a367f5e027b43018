namespace Mesh.Hocon;

/// <summary>A text that is not HOCON, cannot be resolved, or exceeds a limit. The only exception that reading a document throws.</summary>
/// <remarks>The message names the place and the rule and never repeats a value, which may be a secret.</remarks>
public sealed class HoconException : Exception
{
    /// <summary>What is wrong, and where.</summary>
    /// <param name="origin">The place.</param>
    /// <param name="rule">One sentence without the place.</param>
    /// <param name="expected">What would have been accepted there, if there is a short answer.</param>
    public HoconException(HoconOrigin origin, string rule, string? expected = null)
        : base($"{origin}: {rule}")
    {
        Origin = origin;
        Rule = rule;
        Expected = expected;
    }

    /// <summary>The place of the mistake.</summary>
    public HoconOrigin Origin { get; }

    /// <summary>The message without the place.</summary>
    public string Rule { get; }

    /// <summary>A limit is exceeded, so that the document as a whole cannot be read.</summary>
    internal bool IsLimit { get; init; }

    /// <summary>What would have been accepted, or null.</summary>
    public string? Expected { get; }

    /// <summary>The file (or other source) of the mistake.</summary>
    public string File => Origin.Name;

    /// <summary>Its line, from 1.</summary>
    public int Line => Origin.Line;

    /// <summary>Its column, from 1, in UTF-16 code units.</summary>
    public int Column => Origin.Column;
}
