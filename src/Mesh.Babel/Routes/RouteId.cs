namespace Mesh.Babel.Routes;

/// <summary>Names what one neighbour announced for one prefix.</summary>
/// <param name="Row">The row of the prefix.</param>
/// <param name="Neighbour">Slot of the neighbour.</param>
internal readonly record struct RouteId(int Row, int Neighbour);
