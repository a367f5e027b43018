using Mesh.Node.Routing;
using Mesh.Protocol.Addressing;

namespace Mesh.Simulation.Invariants;

/// <summary>See <c>docs/invariants/seqno-forward.md</c>.</summary>
internal sealed class SeqnoForward : Invariant
{
    private readonly Dictionary<(string, NodePrefix), Memory> _last = [];

    public override string Name => "seqno-forward";

    public override string Says => "A node's router-id stays, and its sequence number never goes back, also over restarts.";

    public override TimeSpan Interval => TimeSpan.FromSeconds(2);

    public override TimeSpan DefaultGrace => TimeSpan.Zero;

    public override IEnumerable<Breach> Look(NetworkView network)
    {
        foreach (NodeView node in network.Nodes)
        {
            if (!node.IsRunning || node.Origin is not { } origin)
                continue;
            if (_last.TryGetValue((node.Name, node.Prefix), out Memory last))
            {
                if (last.Origin.RouterId != origin.RouterId)
                    yield return new Breach([node.Name], $"it announces its prefix as {origin.RouterId}, and did as {last.Origin.RouterId} before");
                else if (last.Origin.Seqno.IsNewerThan(origin.Seqno))
                    yield return new Breach([node.Name], $"it announces its prefix with number {origin.Seqno}, and did with {last.Origin.Seqno} before");
                else if (last.StartedAt != node.StartedAt && last.Origin.Seqno == origin.Seqno)
                    yield return new Breach([node.Name], $"it announces its prefix with number {origin.Seqno} again, which it had before it was switched on");
            }

            _last[(node.Name, node.Prefix)] = new Memory(origin, node.StartedAt);
        }
    }

    private readonly record struct Memory(RoutingOrigin Origin, TimeSpan StartedAt);
}
