using System.Text;
using Mesh.Hocon.Syntax;

namespace Mesh.Hocon.Resolution;

/// <summary>HOCON "Value concatenation": strings join, arrays join, objects merge, and kinds do not mix.</summary>
internal static class Concatenation
{
    /// <summary>Joins resolved pieces. Null, that is undefined, if no piece is defined.</summary>
    public static HoconValue? Join(
        List<(Node Node, HoconValue? Value)> pieces, HoconOrigin origin, Func<HoconObject, HoconObject, HoconObject> merge, ResolveBudget budget)
    {
        List<HoconValue> values = [.. pieces.Where(piece => piece.Value is not null).Select(piece => piece.Value!)];
        if (values.Count == 0)
            return null;
        if (values.Exists(value => value is HoconArray))
            return JoinArrays(pieces, origin, budget);
        if (values.Exists(value => value is HoconObject))
            return MergeObjects(pieces, merge);
        // Undefined pieces are empty strings, but do not make a string of the one value that is left.
        return pieces.Exists(piece => piece.Node is BlankNode) || values.Count > 1 ? JoinText(pieces, origin, budget) : values[0];
    }

    /// <summary>What a message calls a value.</summary>
    public static string Name(HoconValue value) => value.Kind switch
    {
        HoconKind.Object => "an object",
        HoconKind.Array => "an array",
        HoconKind.Null => "null",
        _ => $"a {value.Kind.ToString().ToLowerInvariant()}",
    };

    private static HoconScalar JoinText(List<(Node Node, HoconValue? Value)> pieces, HoconOrigin origin, ResolveBudget budget)
    {
        var text = new StringBuilder();
        foreach ((Node node, HoconValue? value) in pieces)
        {
            _ = text.Append(node is BlankNode blank ? blank.Text : (value as HoconScalar)?.Text);
            budget.CheckSize(text.Length, origin);
        }
        // Copying is cheap, but not free: a long string may be extended in very many lines.
        budget.Spend(text.Length / 64, origin);
        return new HoconScalar(HoconKind.String, text.ToString(), origin);
    }

    private static HoconArray JoinArrays(List<(Node Node, HoconValue? Value)> pieces, HoconOrigin origin, ResolveBudget budget)
    {
        var items = new List<HoconValue>();
        long size = 0;
        foreach ((Node node, HoconValue? value) in pieces)
        {
            if (value is null)
                continue;
            if (!HoconConvert.TryToList(value, out IReadOnlyList<HoconValue>? part))
                throw new HoconException(node.Origin, $"{Name(value)} cannot be concatenated with an array", "an array");
            budget.CheckSize(size += value.Size, origin);
            budget.Spend(part.Count, origin);
            items.AddRange(part);
        }
        return new HoconArray(items, origin);
    }

    private static HoconObject? MergeObjects(List<(Node Node, HoconValue? Value)> pieces, Func<HoconObject, HoconObject, HoconObject> merge)
    {
        HoconObject? merged = null;
        foreach ((Node node, HoconValue? value) in pieces)
        {
            if (value is null)
                continue;
            if (value is not HoconObject part)
                throw new HoconException(node.Origin, $"{Name(value)} cannot be concatenated with an object", "an object");
            merged = merged is null ? part : merge(merged, part);
        }
        return merged;
    }
}
