namespace Mesh.Hocon.Schema;

/// <summary>Everything about a key except its path and type.</summary>
/// <remarks>A key with a <see cref="Default"/> always has a value; a <see cref="Required"/> one must be given; any other may stay unset (null).</remarks>
/// <typeparam name="T">The type of the value.</typeparam>
public sealed record KeyOptions<T>
    where T : notnull
{
    /// <summary>What the key means, in one or more sentences.</summary>
    public required string Meaning { get; init; }

    /// <summary>What changing it costs or risks: the reason not to turn it to its extreme. Empty if nothing.</summary>
    public string Cost { get; init; } = string.Empty;

    /// <summary>The value if nothing else is given. A secret has none.</summary>
    public T? Default
    {
        get;
        init => (field, HasDefault) = (value, true);
    }

    /// <summary>True once <see cref="Default"/> was given.</summary>
    public bool HasDefault { get; private init; }

    /// <summary>The operator has to give a value.</summary>
    public bool Required { get; init; }

    /// <summary>The value is never shown: not in renderings, not in messages.</summary>
    public bool Secret { get; init; }

    /// <summary>The range in words, where <see cref="ConfigKey.Int"/> and the like cannot say it with bounds, next to <see cref="Check"/>.</summary>
    public string Range { get; init; } = string.Empty;

    /// <summary>A rule beyond type and bounds, which <see cref="Range"/> describes: true for a value that is allowed.</summary>
    public Func<T, bool>? Check { get; init; }

    /// <summary>The only values allowed, if there are few.</summary>
    public IReadOnlyList<T>? Allowed { get; init; }
}
