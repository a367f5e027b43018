using System.Globalization;
using System.Text;

namespace Mesh.Hocon;

/// <summary>Writes values as JSON, which is HOCON too, and single keys and strings as HOCON.</summary>
public static class HoconWriter
{
    /// <summary>A value as JSON text. Numbers are written as they were read.</summary>
    public static string ToJson(HoconValue value, bool indented = true)
    {
        var output = new StringBuilder();
        Write(output, value, indented ? 0 : -1);
        return output.ToString();
    }

    /// <summary>A key as it has to stand in a path expression: quoted only where that is needed.</summary>
    public static string Key(string key)
        => key.Length > 0 && key != "include" && key.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') ? key : Quote(key);

    /// <summary>A string in the quotes and escapes of JSON, safe on one line and without control characters or lone surrogates.</summary>
    public static string Quote(string text)
    {
        var output = new StringBuilder(text.Length + 2).Append('"');
        for (int at = 0; at < text.Length; at++)
        {
            char c = text[at];
            if (char.IsHighSurrogate(c) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]))
                _ = output.Append(c).Append(text[++at]);
            else if (c is '"' or '\\')
                _ = output.Append('\\').Append(c);
            else if (c == '\n')
                _ = output.Append("\\n");
            else if (c == '\t')
                _ = output.Append("\\t");
            else if (c == '\r')
                _ = output.Append("\\r");
            else if (char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029' or '\uFEFF')
                _ = output.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
            else
                _ = output.Append(c);
        }
        return output.Append('"').ToString();
    }

    private static void Write(StringBuilder output, HoconValue value, int indent)
    {
        int inner = indent < 0 ? -1 : indent + 1;
        switch (value)
        {
            case HoconScalar scalar:
                _ = output.Append(scalar.Kind == HoconKind.String ? Quote(scalar.Text) : scalar.Text);
                break;
            case HoconArray array:
                Block(output, '[', ']', array.Items.Count, indent, at => Write(output, array.Items[at], inner));
                break;
            case HoconObject tree:
                Block(output, '{', '}', tree.Fields.Count, indent, at =>
                {
                    _ = output.Append(Quote(tree.Fields[at].Key)).Append(indent < 0 ? ":" : ": ");
                    Write(output, tree.Fields[at].Value, inner);
                });
                break;
        }
    }

    private static void Block(StringBuilder output, char open, char close, int count, int indent, Action<int> writeItem)
    {
        _ = output.Append(open);
        for (int at = 0; at < count; at++)
        {
            if (at > 0)
                _ = output.Append(',');
            NewLine(output, indent < 0 ? -1 : indent + 1);
            writeItem(at);
        }
        if (count > 0)
            NewLine(output, indent);
        _ = output.Append(close);
    }

    private static void NewLine(StringBuilder output, int indent)
    {
        if (indent >= 0)
            _ = output.Append('\n').Append(' ', 2 * indent);
    }
}
