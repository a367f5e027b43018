using System.Text;

namespace Mesh.Hocon.Schema;

/// <summary>Writes keys in nested sections, each section once, in the order of first appearance.</summary>
internal static class SectionWriter
{
    /// <summary>Writes all keys.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="keys">The keys.</param>
    /// <param name="isJson">Quotes, colons and commas of JSON instead of HOCON.</param>
    /// <param name="writeValue">Writes one value, without name and line end.</param>
    /// <param name="writeBefore">Writes lines in front of a key, at an indentation.</param>
    /// <param name="writeAfter">Writes a comment at the end of a key's line.</param>
    public static void Write(
        StringBuilder output, IReadOnlyList<ConfigKey> keys, bool isJson, Action<ConfigKey> writeValue,
        Action<ConfigKey, string>? writeBefore = null, Action<ConfigKey>? writeAfter = null)
    {
        WriteLevel(keys, 0, isJson ? "  " : string.Empty);

        void WriteLevel(IEnumerable<ConfigKey> level, int depth, string indent)
        {
            List<IGrouping<string, ConfigKey>> groups = [.. level.GroupBy(key => key.Path.Elements[depth], StringComparer.Ordinal)];
            for (int at = 0; at < groups.Count; at++)
            {
                ConfigKey first = groups[at].First();
                bool isLeaf = first.Path.Elements.Count == depth + 1;
                string name = isJson ? HoconWriter.Quote(groups[at].Key) : HoconWriter.Key(groups[at].Key);
                if (isLeaf)
                {
                    writeBefore?.Invoke(first, indent);
                    _ = output.Append(indent).Append(name).Append(isJson ? ": " : " = ");
                    writeValue(first);
                }
                else
                {
                    _ = output.Append(indent).Append(name).Append(isJson ? ": {\n" : " {\n");
                    WriteLevel(groups[at], depth + 1, indent + "  ");
                    _ = output.Append(indent).Append('}');
                }
                _ = output.Append(isJson && at + 1 < groups.Count ? "," : string.Empty);
                if (isLeaf)
                    writeAfter?.Invoke(first);
                _ = output.Append('\n');
            }
        }
    }
}
