using System.Diagnostics.CodeAnalysis;

namespace Mesh.Hocon;

/// <summary>The types of JSON.</summary>
public enum HoconKind
{
    /// <summary>Keys and values.</summary>
    Object,

    /// <summary>A list.</summary>
    Array,

    /// <summary>Text, quoted or not.</summary>
    String,

    /// <summary>A number in the syntax of JSON, kept as it was written.</summary>
    Number,

    /// <summary><c>true</c> or <c>false</c>.</summary>
    Boolean,

    /// <summary><c>null</c>.</summary>
    Null,
}

/// <summary>A resolved value: immutable, without substitutions.</summary>
public abstract class HoconValue
{
    private protected HoconValue(HoconKind kind, HoconOrigin origin) => (Kind, Origin) = (kind, origin);

    /// <summary>Its type.</summary>
    public HoconKind Kind { get; }

    /// <summary>Where it was written. Of a merged object: where its last part was written.</summary>
    public HoconOrigin Origin { get; }

    /// <summary>Values plus characters in here, counting what is shared as often as it appears.</summary>
    internal long Size { get; private protected init; } = 1;

    /// <summary>1 for a scalar.</summary>
    internal int Depth { get; private protected init; } = 1;

    /// <inheritdoc/>
    public override string ToString() => HoconWriter.ToJson(this, indented: false);
}

/// <summary>A string, number, boolean or null.</summary>
public sealed class HoconScalar : HoconValue
{
    /// <summary>A value with its text.</summary>
    public HoconScalar(HoconKind kind, string text, HoconOrigin origin)
        : base(kind, origin)
    {
        if (kind is HoconKind.Object or HoconKind.Array)
            throw new ArgumentException("a scalar is not an object or an array", nameof(kind));
        Text = text;
        Size = 1 + text.Length;
    }

    /// <summary>The string, or the number, boolean or null as it was written.</summary>
    public string Text { get; }
}

/// <summary>A list of values.</summary>
public sealed class HoconArray : HoconValue
{
    internal HoconArray(IReadOnlyList<HoconValue> items, HoconOrigin origin)
        : base(HoconKind.Array, origin)
    {
        Items = items;
        foreach (HoconValue item in items)
        {
            Size += item.Size;
            Depth = Math.Max(Depth, item.Depth + 1);
        }
    }

    /// <summary>The elements in order.</summary>
    public IReadOnlyList<HoconValue> Items { get; }
}

/// <summary>One key of an object.</summary>
/// <param name="Key">The key, without quotes.</param>
/// <param name="Value">Its value.</param>
/// <param name="KeyOrigin">Where the key was last written, as opposed to its value.</param>
public sealed record HoconField(string Key, HoconValue Value, HoconOrigin KeyOrigin)
{
    /// <summary>A non-object lies under this object in its document, so it does not merge with what lies further below.</summary>
    internal bool HidesBelow { get; init; }
}

/// <summary>Keys and values, in the order in which the keys were first written.</summary>
public sealed class HoconObject : HoconValue
{
    private readonly Dictionary<string, HoconField> _byKey;

    internal HoconObject(IReadOnlyList<HoconField> fields, HoconOrigin origin)
        : base(HoconKind.Object, origin)
    {
        Fields = fields;
        _byKey = new Dictionary<string, HoconField>(fields.Count, StringComparer.Ordinal);
        foreach (HoconField field in fields)
        {
            _byKey.Add(field.Key, field);
            Size += field.Key.Length + field.Value.Size;
            Depth = Math.Max(Depth, field.Value.Depth + 1);
        }
    }

    /// <summary>All fields.</summary>
    public IReadOnlyList<HoconField> Fields { get; }

    /// <summary>The field of one key.</summary>
    public bool TryGet(string key, [MaybeNullWhen(false)] out HoconField field) => _byKey.TryGetValue(key, out field);

    /// <summary>The value at a path below this object, or null.</summary>
    public HoconValue? Find(HoconPath path)
    {
        HoconValue current = this;
        foreach (string element in path.Elements)
        {
            if (current is not HoconObject inner || !inner.TryGet(element, out HoconField? field))
                return null;
            current = field.Value;
        }
        return current;
    }

    /// <summary>The value at a path expression such as <c>a."b.c".d</c>, or null.</summary>
    public HoconValue? Find(string path) => Find(HoconPath.Parse(path));
}
