using System.Collections.Immutable;
using Mesh.Node.Routing;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <content>
/// Nodes that were cut off together fill their places with tunnels to each other. When the underlay is whole again nobody of them misses a tunnel, and they would stay an island.
/// So a node that has tunnels, and no route to the registry's node for a while, looks for the others beyond its number of tunnels: it tries those that it knows and has no route to, one at a time, and
/// where there is nobody to try asks the registry, less and less often. One tunnel between two islands makes one network of them.
/// </content>
public sealed partial class TunnelsActor
{
    // Routes come and go while tunnels are replaced; as for a node without tunnels.
    private const int PatienceTicks = 3;

    // After that the registry's node may be gone for good, and so may be those that do not answer.
    private static readonly TimeSpan EagerTime = TimeSpan.FromMinutes(10);

    private ImmutableArray<NodeRoute> _routes = [];
    private NodePrefix? _registry;
    private TimeSpan? _cutOffSince;

    private bool IsCutOff => _cutOffSince is { } since && Context.Now - since >= _options.Tick * PatienceTicks;

    private bool IsEager => IsIsolated || (IsCutOff && Context.Now - _cutOffSince < EagerTime);

    private void LookAtRegistryRoute()
    {
        if (_registry is not { } registry || registry == _options.Self || IsIsolated || IsRouted(registry))
            _cutOffSince = null;
        else
            _cutOffSince ??= Context.Now;
    }

    private bool IsRouted(NodePrefix node) => _options.Network is not { } network || NodeRoutes.Find(_routes, node.Subnet(network)) is not null;

    private void LookForOthers()
    {
        if (_tunnels.Values.Any(t => t is { IsClient: true, IsUp: false, IsClosing: false } && !IsRouted(t.Peer)))
            return;
        // As many again, so that a registry's node that is gone for good does not make tunnels grow without end.
        PeerAddressEntry[] others = ClientTunnels < 2 * _options.ClientCount ? [.. _known.Where(p => IsCandidate(p) && !IsRouted(p.Prefix))] : [];
        if (others.Length > 0)
            Open(others[Context.Random.Next(others.Length)]);
        else
            WantMore();
    }
}
