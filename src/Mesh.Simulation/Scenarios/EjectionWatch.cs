using Mesh.Actors;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Scenarios;

/// <summary>Sees how long others deal with a node that has been revoked, which pings them all the time.</summary>
internal sealed class EjectionWatch(SimulatedNetwork world, SimulatedNode node, SimulatedNode[] others)
{
    private const int PingsAtATime = 50;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly Ipv6Prefix _subnet = node.Identity!.Prefix.Subnet(world.Network);
    private PingWatch[] _watches = [];
    private TimeSpan _lastTrace;
    private bool _isOver;

    /// <summary>When the revocation was published: time of the world.</summary>
    public TimeSpan Since { get; set; }

    /// <summary>Packets that the node has sent.</summary>
    public int Sent { get; private set; }

    /// <summary>When somebody took a packet of it last, since the revocation.</summary>
    public TimeSpan LastPacket => AfterRevocation(_watches.Select(static watch => watch.LastAt).DefaultIfEmpty().Max());

    /// <summary>When somebody was seen last with a tunnel with it or a route to it, since the revocation.</summary>
    public TimeSpan LastTrace => AfterRevocation(_lastTrace);

    /// <summary>Begins to ping and to look.</summary>
    public void Begin(DeterministicRandom random)
    {
        Ipv6Address address = node.Identity!.Address;
        _watches = [.. others.Select(other => other.WatchPings(address))];
        Ping(random);
    }

    /// <summary>Stops.</summary>
    public void End()
    {
        _isOver = true;
        foreach (SimulatedNode other in others)
            other.EndPingWatch();
    }

    /// <summary>True where nobody has anything to do with it any more.</summary>
    public bool IsOut() => Where() is null;

    /// <summary>Who still has what to do with it, or null.</summary>
    public string? Where()
    {
        foreach (SimulatedNode other in others.Where(static other => other.IsRunning))
        {
            string? trace = other.Tunnels.Any(tunnel => tunnel.State == TunnelState.Up && tunnel.Peer == node.Identity!.Prefix) ? "a tunnel with" : other.Routes.Any(route => route.Destination == _subnet) ? "a route to" : null;
            if (trace is null)
                continue;
            _lastTrace = world.Engine.Now;
            return $"{other.Machine.Name} has {trace} {node.Machine.Name}";
        }

        return null;
    }

    private TimeSpan AfterRevocation(TimeSpan at) => at > Since ? at - Since : TimeSpan.Zero;

    private void Ping(DeterministicRandom random) => world.Engine.At(world.Engine.Now + Interval, () =>
    {
        if (_isOver)
            return;
        Ping(random);
        if (!node.IsRunning)
            return;
        for (int i = 0; i < Math.Min(PingsAtATime, others.Length); i++)
        {
            SimulatedNode other = others.Length <= PingsAtATime ? others[i] : others[random.Next(others.Length)];
            Sent++;
            node.Ping(other.Identity!.Address);
        }
    });
}
