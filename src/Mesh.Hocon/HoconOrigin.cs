namespace Mesh.Hocon;

/// <summary>Which kind of source a value was written in.</summary>
public enum HoconSource
{
    /// <summary>A file, or a text handed in as if it were one.</summary>
    File,

    /// <summary>A default of the program.</summary>
    Default,

    /// <summary>An environment variable.</summary>
    Environment,

    /// <summary>An argument on the command line.</summary>
    CommandLine,
}

/// <summary>Where a value was written. Every value has one, through merges, includes and substitutions.</summary>
/// <param name="Source">The kind of source.</param>
/// <param name="Name">The file, the environment variable or the option.</param>
/// <param name="Line">1 for the first line; 0 where a source has no lines.</param>
/// <param name="Column">1 for the first UTF-16 code unit of a line; 0 where a source has no lines.</param>
public sealed record HoconOrigin(HoconSource Source, string Name, int Line, int Column)
{
    /// <summary>The place as an operator wants to read it: <c>FILE:LINE</c>, <c>default</c>, <c>environment NAME</c> or <c>command line</c>.</summary>
    public string Place => Source switch
    {
        HoconSource.Default => "default",
        HoconSource.Environment => $"environment {Name}",
        HoconSource.CommandLine => "command line",
        _ => $"{Name}:{Line}",
    };

    /// <inheritdoc/>
    public override string ToString() => Source == HoconSource.File ? $"{Name}:{Line}:{Column}" : Place;
}
