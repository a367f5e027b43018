namespace Mesh.Babel.Tests.Network;

/// <summary>A cable between two speakers; each end is an interface of its speaker.</summary>
internal sealed class VirtualLink(int index, VirtualNode left, VirtualNode right, ushort cost, TimeSpan latency)
{
    public int Index { get; } = index;

    public VirtualNode Left { get; } = left;

    public VirtualNode Right { get; } = right;

    public ushort Cost { get; } = cost;

    public TimeSpan Latency { get; } = latency;

    /// <summary>Packets pass; cutting it is silent unless the test tells the speakers.</summary>
    public bool IsUp { get; set; } = true;

    public double Loss { get; set; }

    public InterfaceId Id => new(Index);

    public VirtualNode PeerOf(VirtualNode node) => node == Left ? Right : Left;

    public BabelAddress AddressOf(VirtualNode node) => BabelAddress.Parse($"fe80::{Index + 1:x}:{node.Index + 1:x}");

    public InterfaceParameters ParametersFor(VirtualNode node, TimeSpan hello) => new() { Address = AddressOf(node), Cost = Cost, HelloInterval = hello };
}
