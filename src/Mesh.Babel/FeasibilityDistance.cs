using System.Runtime.InteropServices;

namespace Mesh.Babel;

/// <summary>How near to the origin of a prefix we have said to be (RFC 8966 section 3.2.5). A route is feasible where its neighbour is nearer: a newer number, or the same number and a smaller metric.</summary>
/// <param name="Seqno">The origin's number.</param>
/// <param name="Metric">The smallest metric that we announced with it.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct FeasibilityDistance(Seqno Seqno, ushort Metric);
