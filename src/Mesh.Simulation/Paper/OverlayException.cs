namespace Mesh.Simulation.Paper;

/// <summary>A random overlay cannot be built, because its limits leave a node nobody to open a tunnel to.</summary>
public sealed class OverlayException : Exception
{
    internal OverlayException(string message)
        : base(message)
    {
    }

    internal static OverlayException NoneReceived(OverlayShape shape) => new(
        $"{shape.Nodes} nodes with {shape.Tunnels} tunnels each and cap {shape.Cap} cannot be built: the cap leaves no room for received tunnels; expected more than {shape.Tunnels}");

    internal static OverlayException NobodyLeft(int node, OverlayShape shape, int opened) => new(
        $"{shape.Nodes} nodes with {shape.Tunnels} tunnels each and cap {shape.Cap} cannot be built: node {node} has opened {opened} of {shape.Tunnels}, and every other node is at its limit; a larger cap is needed");
}
