using System.Diagnostics.CodeAnalysis;

namespace Mesh.Hocon.Syntax;

/// <summary>A value as parsed. Compared by identity: two substitutions with the same path may resolve differently.</summary>
internal abstract class Node(HoconOrigin origin)
{
    public HoconOrigin Origin { get; } = origin;
}

/// <summary>A value that needs no resolving.</summary>
internal sealed class ValueNode(HoconValue value) : Node(value.Origin)
{
    public HoconValue Value { get; } = value;
}

/// <summary>Blanks between two values on one line: text if they turn out to be strings, nothing otherwise.</summary>
internal sealed class BlankNode(string text, HoconOrigin origin) : Node(origin)
{
    public string Text { get; } = text;
}

/// <summary><c>[...]</c></summary>
internal sealed class ArrayNode(IReadOnlyList<Node> items, HoconOrigin origin) : Node(origin)
{
    public IReadOnlyList<Node> Items { get; } = items;
}

/// <summary><c>${path}</c> or <c>${?path}</c></summary>
internal sealed class SubstitutionNode(HoconPath path, HoconPath prefix, bool isOptional, HoconOrigin origin) : Node(origin)
{
    public HoconPath Path { get; } = path;

    /// <summary>Where the file of this substitution was included; looked up there first. Empty at the root.</summary>
    public HoconPath Prefix { get; } = prefix;

    public bool IsOptional { get; } = isOptional;
}

/// <summary>Several values on one line.</summary>
internal sealed class ConcatenationNode(IReadOnlyList<Node> pieces, HoconOrigin origin) : Node(origin)
{
    public IReadOnlyList<Node> Pieces { get; } = pieces;
}

/// <summary><c>key += element</c>, which means <c>key = ${?key} [element]</c>.</summary>
internal sealed class AppendNode(Node element, HoconPath? path, HoconOrigin origin) : Node(origin)
{
    public Node Element { get; } = element;

    /// <summary>The full path of the key, or null inside an array, where no path leads.</summary>
    public HoconPath? Path { get; } = path;

    /// <summary>The values of the key where it was written, for the case without a path.</summary>
    public IReadOnlyList<Node> Siblings { get; set; } = [];
}

/// <summary>One key with all values it was given, oldest first. Adjacent objects are merged already.</summary>
internal sealed class FieldNode(HoconOrigin keyOrigin)
{
    public List<Node> Values { get; } = [];

    public HoconOrigin KeyOrigin { get; set; } = keyOrigin;
}

/// <summary><c>{...}</c></summary>
internal sealed class ObjectNode(HoconOrigin origin) : Node(origin)
{
    private readonly Dictionary<string, FieldNode> _fields = new(StringComparer.Ordinal);
    private readonly List<string> _order = [];

    public IEnumerable<KeyValuePair<string, FieldNode>> Fields => _order.Select(key => KeyValuePair.Create(key, _fields[key]));

    public int Count => _order.Count;

    public bool TryGet(string key, [MaybeNullWhen(false)] out FieldNode field) => _fields.TryGetValue(key, out field);

    /// <summary>Gives a key one more value, as a duplicate key does.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The newest value.</param>
    /// <param name="keyOrigin">Where the key is written.</param>
    /// <param name="adopt">The value belongs to nobody else, so it may be kept and changed; otherwise objects are copied.</param>
    public void Add(string key, Node value, HoconOrigin keyOrigin, bool adopt = true)
    {
        FieldNode field = GetOrAdd(key, keyOrigin);
        if (adopt && value is AppendNode append)
            append.Siblings = field.Values;
        if (value is ObjectNode added && (!adopt || field.Values is [.., ObjectNode]))
            OwnObject(field, added.Origin).MergeFrom(added, adopt);
        else
            field.Values.Add(value);
    }

    /// <summary>The object that a further key below this one goes to: the newest value if that is an object, or a new one.</summary>
    public ObjectNode Descend(string key, HoconOrigin keyOrigin) => OwnObject(GetOrAdd(key, keyOrigin), keyOrigin);

    /// <summary>Adds all fields of a newer object.</summary>
    public void MergeFrom(ObjectNode newer, bool adopt)
    {
        foreach ((string key, FieldNode field) in newer.Fields)
        {
            foreach (Node value in field.Values)
                Add(key, value, field.KeyOrigin, adopt);
        }
    }

    private static ObjectNode OwnObject(FieldNode field, HoconOrigin origin)
    {
        if (field.Values is [.., ObjectNode last])
            return last;
        var created = new ObjectNode(origin);
        field.Values.Add(created);
        return created;
    }

    private FieldNode GetOrAdd(string key, HoconOrigin keyOrigin)
    {
        if (_fields.TryGetValue(key, out FieldNode? field))
        {
            field.KeyOrigin = keyOrigin;
            return field;
        }
        field = new FieldNode(keyOrigin);
        _fields.Add(key, field);
        _order.Add(key);
        return field;
    }
}
