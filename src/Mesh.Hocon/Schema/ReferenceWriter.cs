using System.Text;

namespace Mesh.Hocon.Schema;

/// <summary>Writes <c>reference.conf</c>: every key with its default, and in a comment its meaning, range, default and cost.</summary>
/// <remarks>The text is itself a configuration that sets every default. A key without default is null, which a required key does not accept.</remarks>
public static class ReferenceWriter
{
    private const int Width = 110;

    /// <summary>The text for a schema.</summary>
    public static string Write(ConfigSchema schema)
    {
        var output = new StringBuilder();
        SectionWriter.Write(
            output, schema.Keys, isJson: false,
            key => output.Append(key.DefaultText ?? "null"),
            writeBefore: (key, indent) => Comment(output, key, indent));
        return output.ToString();
    }

    private static void Comment(StringBuilder output, ConfigKey key, string indent)
    {
        if (output.Length > 0 && !output.ToString(output.Length - 2, 2).Equals("{\n", StringComparison.Ordinal))
            _ = output.Append('\n');
        Wrap(output, key.Meaning, indent);
        Wrap(output, $"Type: {key.TypeName}.", indent);
        if (key.Range.Length > 0)
            Wrap(output, $"Range: {key.Range}.", indent);
        Wrap(output, $"Default: {key.DefaultText ?? (key.Required ? "none, a value is required" : "not set")}.", indent);
        if (key.Cost.Length > 0)
            Wrap(output, $"Cost: {key.Cost}", indent);
        if (key.Secret)
            Wrap(output, "Secret: never shown.", indent);
    }

    private static void Wrap(StringBuilder output, string text, string indent)
    {
        bool isFirst = true;
        int used = Width;
        foreach (string word in text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            if (used + 1 + word.Length > Width)
            {
                _ = output.Append(isFirst ? string.Empty : "\n").Append(indent).Append('#');
                used = indent.Length + 1;
                isFirst = false;
            }
            _ = output.Append(' ').Append(word);
            used += 1 + word.Length;
        }
        _ = output.Append('\n');
    }
}
