namespace Mesh.Babel.Tests.Network;

/// <summary>A cable between two speakers, or a LAN of several; each end is an interface of its speaker.</summary>
internal sealed class VirtualLink(int index, VirtualNode[] ends, LinkKind kind, ushort cost, TimeSpan latency)
{
    public int Index { get; } = index;

    public IReadOnlyList<VirtualNode> Ends { get; } = ends;

    public LinkKind Kind { get; } = kind;

    public VirtualNode Left => Ends[0];

    public VirtualNode Right => Ends[1];

    public ushort Cost { get; } = cost;

    /// <summary>One way; a test may change it at any time.</summary>
    public TimeSpan Latency { get; set; } = latency;

    /// <summary>What round trips cost here; not measured where null.</summary>
    public RttParameters? Rtt { get; init; }

    /// <summary>Packets pass; cutting it is silent unless the test tells the speakers.</summary>
    public bool IsUp { get; set; } = true;

    public double Loss { get; set; }

    public InterfaceId Id => new(Index);

    /// <summary>The other end of a cable.</summary>
    public VirtualNode PeerOf(VirtualNode node) => node == Left ? Right : Left;

    /// <summary>The node at a next hop that a route shows.</summary>
    public VirtualNode NodeAt(BabelAddress address) => Ends.First(node => AddressOf(node) == address);

    public BabelAddress AddressOf(VirtualNode node) => BabelAddress.Parse($"fe80::{Index + 1:x}:{node.Index + 1:x}");

    public InterfaceParameters ParametersFor(VirtualNode node, TimeSpan hello) =>
        new() { Address = AddressOf(node), Kind = Kind, Cost = Cost, HelloInterval = hello, Keys = node.Keys, Rtt = Rtt };
}
