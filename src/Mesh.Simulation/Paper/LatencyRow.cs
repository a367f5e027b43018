namespace Mesh.Simulation.Paper;

/// <summary>One row of a <c>refresh-latency</c> run: the network before its refresh, and the arities during it.</summary>
/// <param name="Row">Its number; row 0 is the fresh mesh.</param>
/// <param name="MeanMicroseconds">Mean of all shortest paths, each node's to itself included.</param>
/// <param name="WorstMicroseconds">The longest of them.</param>
/// <param name="Unreachable">Ordered pairs without a path.</param>
/// <param name="RoutesLost">How many routes led through the tunnels that are dropped now.</param>
/// <param name="MissingTunnels">How many tunnels nodes are short of after the refresh, because they drew nobody who accepts.</param>
/// <param name="Arity">Arities, each node's read right after its own step of the refresh.</param>
public readonly record struct LatencyRow(int Row, double MeanMicroseconds, int WorstMicroseconds, long Unreachable, long RoutesLost, int MissingTunnels, ArityCounts Arity);
