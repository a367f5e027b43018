using Mesh.Hocon.Syntax;

namespace Mesh.Hocon.Schema;

/// <summary>Knows all texts that secret keys were given, in any source, and keeps them out of what is shown.</summary>
/// <remarks>Needed beside the flag on the key, because a substitution can carry a secret into the value of another key.</remarks>
internal sealed class Redactor
{
    /// <summary>What is shown instead of a secret.</summary>
    public const string Mask = "***";

    // A text that merely contains a secret of one to three characters says nothing about it.
    private const int ShortestInner = 4;

    private readonly HashSet<string> _secrets = new(StringComparer.Ordinal);

    /// <summary>The text, or the mask if it contains a secret.</summary>
    public string Clean(string text)
        => _secrets.Contains(text) || _secrets.Any(secret => secret.Length >= ShortestInner && text.Contains(secret, StringComparison.Ordinal)) ? Mask : text;

    /// <summary>Learns what a document says below a path, including values that are overridden.</summary>
    public void Learn(Node root, HoconPath path)
    {
        List<Node> nodes = [root];
        foreach (string key in path.Elements)
            nodes = [.. nodes.SelectMany(node => node is ObjectNode tree && tree.TryGet(key, out FieldNode? field) ? field.Values : [])];
        foreach (Node node in nodes)
            Learn(node);
    }

    /// <summary>Learns the final value of a secret.</summary>
    public void Learn(HoconValue value)
    {
        switch (value)
        {
            case HoconScalar { Kind: not HoconKind.Null } scalar:
                Learn(scalar.Text);
                break;
            case HoconArray array:
                foreach (HoconValue item in array.Items)
                    Learn(item);
                break;
            case HoconObject tree:
                foreach (HoconField field in tree.Fields)
                    Learn(field.Value);
                break;
        }
    }

    private void Learn(Node node)
    {
        switch (node)
        {
            case ValueNode literal:
                Learn(literal.Value);
                break;
            case ArrayNode array:
                foreach (Node item in array.Items)
                    Learn(item);
                break;
            case ConcatenationNode concatenation:
                foreach (Node piece in concatenation.Pieces)
                    Learn(piece);
                break;
            case AppendNode append:
                Learn(append.Element);
                break;
        }
    }

    private void Learn(string text)
    {
        if (text.Length > 0)
            _ = _secrets.Add(text);
        // Outside files a list of secrets is one text with commas.
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            _ = _secrets.Add(part);
    }
}
