using System.Net;

namespace Mesh.Hocon.Schema;

/// <summary>One key of a configuration: its path, type, range, default and documentation.</summary>
/// <example><code>
/// public static readonly ConfigKey&lt;TimeSpan> Hello = ConfigKey.Duration("node.babel.hello-interval", new()
/// {
///     Meaning = "How often a Hello is sent on a tunnel.", Cost = "Shorter finds failures sooner and costs bandwidth.",
///     Default = TimeSpan.FromSeconds(4),
/// }, min: TimeSpan.FromMilliseconds(100), max: TimeSpan.FromMinutes(5));
/// </code></example>
public abstract class ConfigKey
{
    private protected ConfigKey(string path)
    {
        Path = HoconPath.Parse(path);
        if (!Path.Elements.All(element => element.Length > 0 && element.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')))
            throw new ArgumentException($"{path}: keys are lower case with hyphens, so that environment variables can name them", nameof(path));
    }

    /// <summary>Where it stands: lower case with hyphens.</summary>
    public HoconPath Path { get; }

    /// <summary>What it means.</summary>
    public abstract string Meaning { get; }

    /// <summary>Its type in words, as messages put it.</summary>
    public abstract string TypeName { get; }

    /// <summary>Its bounds, allowed values and further rule in words; empty if there are none.</summary>
    public abstract string Range { get; }

    /// <summary>What changing it costs; empty if nothing.</summary>
    public abstract string Cost { get; }

    /// <summary>Its default as HOCON, or null if it has none.</summary>
    public abstract string? DefaultText { get; }

    /// <summary>The operator has to give it.</summary>
    public abstract bool Required { get; }

    /// <summary>Its value is never shown.</summary>
    public abstract bool Secret { get; }

    /// <summary>The default as an object, or null.</summary>
    internal abstract object? DefaultValue { get; }

    /// <summary>Reads a value; null and a broken rule if it may not be this key's.</summary>
    internal abstract object? Read(HoconValue value, out string? brokenRule);

    /// <summary>Writes a value that <see cref="Read"/> gave.</summary>
    internal abstract string Write(object value);

    /// <inheritdoc/>
    public override string ToString() => Path.ToString();

    /// <summary>True or false.</summary>
    public static ConfigKey<bool> Boolean(string path, KeyOptions<bool> options) => new(path, ConfigTypes.Boolean, options);

    /// <summary>A whole number of 32 bits, from <paramref name="min"/> to <paramref name="max"/> inclusive.</summary>
    public static ConfigKey<int> Int(string path, KeyOptions<int> options, int? min = null, int? max = null)
        => new(path, ConfigTypes.Int, options, Bounds(ConfigTypes.Int, min, max));

    /// <summary>A whole number of 64 bits, from <paramref name="min"/> to <paramref name="max"/> inclusive.</summary>
    public static ConfigKey<long> Long(string path, KeyOptions<long> options, long? min = null, long? max = null)
        => new(path, ConfigTypes.Long, options, Bounds(ConfigTypes.Long, min, max));

    /// <summary>A finite number, from <paramref name="min"/> to <paramref name="max"/> inclusive.</summary>
    public static ConfigKey<double> Double(string path, KeyOptions<double> options, double? min = null, double? max = null)
        => new(path, ConfigTypes.Double, options, Bounds(ConfigTypes.Double, min, max));

    /// <summary>Any text.</summary>
    public static ConfigKey<string> Text(string path, KeyOptions<string> options) => new(path, ConfigTypes.Text, options);

    /// <summary>A duration; a unit must be written. From <paramref name="min"/> to <paramref name="max"/> inclusive.</summary>
    public static ConfigKey<TimeSpan> Duration(string path, KeyOptions<TimeSpan> options, TimeSpan? min = null, TimeSpan? max = null)
        => new(path, ConfigTypes.Duration, options, Bounds(ConfigTypes.Duration, min, max));

    /// <summary>A size in octets; a bare number is octets. From <paramref name="min"/> to <paramref name="max"/> inclusive.</summary>
    public static ConfigKey<long> Size(string path, KeyOptions<long> options, long? min = null, long? max = null)
        => new(path, ConfigTypes.Size, options, Bounds(ConfigTypes.Size, min, max));

    /// <summary>One name of an enum, in kebab-case.</summary>
    public static ConfigKey<T> Enum<T>(string path, KeyOptions<T> options)
        where T : struct, Enum
        => new(path, ConfigTypes.Enum<T>(), options);

    /// <summary>An address with a port.</summary>
    public static ConfigKey<IPEndPoint> EndPoint(string path, KeyOptions<IPEndPoint> options) => new(path, ConfigTypes.EndPoint, options);

    /// <summary>An IP prefix, as the text in which it was written.</summary>
    public static ConfigKey<string> Prefix(string path, KeyOptions<string> options) => new(path, ConfigTypes.Prefix, options);

    /// <summary>An http or https URL.</summary>
    public static ConfigKey<Uri> Url(string path, KeyOptions<Uri> options) => new(path, ConfigTypes.Url, options);

    /// <summary>A list of strings; in the environment and on the command line separated by commas.</summary>
    public static ConfigKey<IReadOnlyList<string>> TextList(string path, KeyOptions<IReadOnlyList<string>> options)
        => new(path, ConfigTypes.TextList, options);

    private static (string Text, Func<T, bool> Holds)? Bounds<T>(ConfigType<T> type, T? min, T? max)
        where T : struct, IComparable<T>
    {
        if (min is null && max is null)
            return null;
        string low = min is { } lowest ? type.Write(lowest).Trim('"') : string.Empty;
        string high = max is { } highest ? type.Write(highest).Trim('"') : string.Empty;
        string text = min is null ? $"at most {high}" : max is null ? $"at least {low}" : $"{low} to {high}";
        return (text, value => (min is not { } a || value.CompareTo(a) >= 0) && (max is not { } b || value.CompareTo(b) <= 0));
    }
}

/// <summary>A key with values of one type; see <see cref="ConfigKey"/> for how to make one.</summary>
public sealed class ConfigKey<T> : ConfigKey
    where T : notnull
{
    private readonly ConfigType<T> _type;
    private readonly KeyOptions<T> _options;
    private readonly List<(string Text, Func<T, bool> Holds)> _rules = [];

    internal ConfigKey(string path, ConfigType<T> type, KeyOptions<T> options, (string Text, Func<T, bool> Holds)? bounds = null)
        : base(path)
    {
        (_type, _options) = (type, options);
        if (bounds is { } range)
            _rules.Add(range);
        if (options.Allowed is { } allowed)
            _rules.Add(($"one of {string.Join(", ", allowed.Select(type.Write))}", allowed.Contains));
        if (options.Check is { } check)
            _rules.Add((options.Range, check));
        if (options.Meaning.Length == 0 || (options.Check is not null && options.Range.Length == 0))
            throw new ArgumentException($"{path}: a key says what it means, and in words what its rule is", nameof(options));
        if (options.HasDefault && (options.Required || options.Secret || options.Default is null))
            throw new ArgumentException($"{path}: a required key or a secret has no default, and a default is not null", nameof(options));
        if (options.HasDefault && _rules.Exists(rule => !rule.Holds(options.Default!)))
            throw new ArgumentException($"{path}: the default breaks the key's own rule", nameof(options));
    }

    /// <inheritdoc/>
    public override string Meaning => _options.Meaning;

    /// <inheritdoc/>
    public override string TypeName => _type.Name;

    /// <inheritdoc/>
    public override string Range => _options.Check is null && _options.Range.Length > 0
        ? string.Join("; ", [.. _rules.Select(rule => rule.Text), _options.Range])
        : string.Join("; ", _rules.Select(rule => rule.Text));

    /// <inheritdoc/>
    public override string Cost => _options.Cost;

    /// <inheritdoc/>
    public override string? DefaultText => _options.HasDefault ? _type.Write(_options.Default!) : null;

    /// <inheritdoc/>
    public override bool Required => _options.Required;

    /// <inheritdoc/>
    public override bool Secret => _options.Secret;

    internal override object? DefaultValue => _options.HasDefault ? _options.Default : null;

    internal override object? Read(HoconValue value, out string? brokenRule)
    {
        if (!_type.TryRead(value, out T? result))
        {
            brokenRule = _type.Name;
            return null;
        }
        brokenRule = _rules.Find(rule => !rule.Holds(result)).Text;
        return brokenRule is null ? result : null;
    }

    internal override string Write(object value) => _type.Write((T)value);
}
