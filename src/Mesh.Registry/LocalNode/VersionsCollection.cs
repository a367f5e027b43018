using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;

namespace Mesh.Registry.LocalNode;

/// <summary>Collects what software nodes run.</summary>
internal sealed class VersionsCollection : NodeCollection
{
    /// <summary>Octets of the longest text that is taken; usual ones have 40.</summary>
    public const int MaxTextLength = 512;

    private readonly Dictionary<NodePrefix, string> _texts = [];

    public VersionsCollection(ImmutableArray<NodePrefix> nodes, NetworkPrefix network, TimeSpan now, LocalNodePatience patience)
        : base(PeerCode.NodeInformation, now, patience)
    {
        Nodes = nodes;
        foreach (NodePrefix node in nodes)
        {
            if (node.FitsIn(network))
                Add(node);
        }
    }

    public ImmutableArray<NodePrefix> Nodes { get; }

    public override object Result()
    {
        var output = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        foreach (NodePrefix node in Nodes.Distinct())
        {
            if (_texts.TryGetValue(node, out string? text))
                json.WriteString(node.Bits, text);
            else
                json.WriteNull(node.Bits);
        }

        json.WriteEndObject();
        json.Flush();
        return new VersionsCollected(output.WrittenMemory);
    }

    protected override bool TryRead(NodePrefix node, ReadOnlySpan<byte> payload)
    {
        if (payload.Length is 0 or > MaxTextLength || !Utf8.IsValid(payload))
            return false;
        _texts[node] = Encoding.UTF8.GetString(payload);
        return true;
    }
}
