using System.Buffers;
using System.Text.Json;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;

namespace Mesh.Registry.LocalNode;

/// <summary>Collects who has tunnels with whom, from one node on: whoever is named is asked, too.</summary>
internal sealed class TopologyCollection : NodeCollection
{
    /// <summary>The most tunnels that are kept; further reports are as if they had not come.</summary>
    public const int MaxEdges = 262_144;

    private readonly SortedDictionary<NodePrefix, SortedSet<NodePrefix>> _edges = [];
    private readonly SortedSet<NodePrefix> _reporters = [];
    private readonly NetworkPrefix _network;
    private int _edgeCount;

    public TopologyCollection(NodePrefix root, NetworkPrefix network, TimeSpan now, LocalNodePatience patience)
        : base(PeerCode.Topology, now, patience)
    {
        (Root, _network) = (root, network);
        if (root.FitsIn(network))
            Add(root);
    }

    public NodePrefix Root { get; }

    public override object Result()
    {
        var output = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        Write(json, "", _reporters);
        foreach ((NodePrefix from, SortedSet<NodePrefix> to) in _edges)
            Write(json, from.CommonName, to);
        json.WriteEndObject();
        json.Flush();
        return new TopologyCollected(output.WrittenMemory);
    }

    protected override bool TryRead(NodePrefix node, ReadOnlySpan<byte> payload)
    {
        if (!TopologyReport.TryDecode(payload, node, _network, out TopologyReport? report) || _edgeCount + report.Clients.Length + report.Servers.Length > MaxEdges)
            return false;
        _ = _reporters.Add(node);
        foreach (NodePrefix peer in report.Clients)
            AddEdge(node, peer);
        foreach (NodePrefix peer in report.Servers)
            AddEdge(peer, node);
        foreach (NodePrefix peer in report.Clients)
            Add(peer);
        foreach (NodePrefix peer in report.Servers)
            Add(peer);
        return true;
    }

    // Both ends report a tunnel; it is one.
    private void AddEdge(NodePrefix from, NodePrefix to)
    {
        if (!_edges.TryGetValue(from, out SortedSet<NodePrefix>? known))
            _edges.Add(from, known = []);
        if (known.Add(to))
            _edgeCount++;
    }

    private static void Write(Utf8JsonWriter json, string name, SortedSet<NodePrefix> nodes)
    {
        json.WriteStartArray(name);
        foreach (NodePrefix node in nodes)
            json.WriteStringValue(node.CommonName);
        json.WriteEndArray();
    }
}
