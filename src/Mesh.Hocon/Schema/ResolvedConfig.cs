using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Mesh.Hocon.Schema;

/// <summary>A value and where it came from. Null if unset.</summary>
internal readonly record struct ConfigValue(object? Value, HoconOrigin Origin);

/// <summary>The effective configuration: typed values, each with its origin, and renderings without secrets.</summary>
public sealed class ResolvedConfig
{
    private readonly ConfigSchema _schema;
    private readonly Dictionary<ConfigKey, ConfigValue> _values;
    private readonly Redactor _redactor;

    internal ResolvedConfig(ConfigSchema schema, Dictionary<ConfigKey, ConfigValue> values, Redactor redactor)
        => (_schema, _values, _redactor) = (schema, values, redactor);

    /// <summary>The value of a key that has a default or is required.</summary>
    /// <exception cref="InvalidOperationException">The key is unset; ask with <see cref="TryGet"/> for keys that may be.</exception>
    public T Get<T>(ConfigKey<T> key)
        where T : notnull
        => TryGet(key, out T? value) ? value : throw new InvalidOperationException($"{key} is not set");

    /// <summary>The value of a key that may be unset.</summary>
    public bool TryGet<T>(ConfigKey<T> key, [MaybeNullWhen(false)] out T value)
        where T : notnull
    {
        bool isSet = _values[key].Value is T;
        value = isSet ? (T)_values[key].Value! : default;
        return isSet;
    }

    /// <summary>Where the value of a key came from.</summary>
    public HoconOrigin OriginOf(ConfigKey key) => _values[key].Origin;

    /// <summary>The effective configuration as HOCON. Secrets are <c>"***"</c>.</summary>
    /// <param name="withOrigin">A comment at each value: <c># from FILE:LINE</c>, <c># default</c>, <c># environment NAME</c> or <c># command line</c>.</param>
    /// <param name="onlyChanged">Leaves out what has its default.</param>
    public string Show(bool withOrigin = false, bool onlyChanged = false)
    {
        var output = new StringBuilder();
        SectionWriter.Write(
            output, Shown(onlyChanged), isJson: false, key => output.Append(Render(key)),
            writeAfter: key => output.Append(withOrigin ? $"  # {From(key)}" : string.Empty));
        return output.ToString();
    }

    /// <summary>The effective configuration as JSON. Secrets are <c>"***"</c>.</summary>
    /// <param name="withOrigin">Each value becomes <c>{"value": ..., "origin": "..."}</c>.</param>
    /// <param name="onlyChanged">Leaves out what has its default.</param>
    public string ToJson(bool withOrigin = false, bool onlyChanged = false)
    {
        var output = new StringBuilder("{\n");
        SectionWriter.Write(
            output, Shown(onlyChanged), isJson: true,
            key => output.Append(withOrigin ? $"{{\"value\": {Render(key)}, \"origin\": {HoconWriter.Quote(From(key))}}}" : Render(key)));
        return output.Append("}\n").ToString();
    }

    private List<ConfigKey> Shown(bool onlyChanged)
        => [.. _schema.Keys.Where(key => !onlyChanged || OriginOf(key).Source != HoconSource.Default)];

    private string From(ConfigKey key)
    {
        HoconOrigin origin = OriginOf(key);
        // A file name is not a place for a line end, which would end the comment.
        string place = string.Concat(origin.Place.Select(c => char.IsControl(c) ? '?' : c));
        return origin.Source == HoconSource.File ? $"from {place}" : place;
    }

    private string Render(ConfigKey key)
    {
        (object? value, HoconOrigin origin) = _values[key];
        if (value is null)
            return "null";
        string mask = HoconWriter.Quote(Redactor.Mask);
        if (key.Secret)
            return mask;
        string text = key.Write(value);
        // A default cannot contain a secret, and masking one would tell that a secret equals it.
        bool leaks = origin.Source != HoconSource.Default && Texts(value, text).Any(part => _redactor.Clean(part) == Redactor.Mask);
        return leaks ? mask : text;
    }

    private static IEnumerable<string> Texts(object value, string rendered) => value switch
    {
        string text => [text],
        IReadOnlyList<string> list => list,
        _ => [rendered.Trim('"')],
    };
}
