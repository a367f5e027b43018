using Mesh.Babel;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing;

/// <content>
/// The way out of the network. A gateway announces ::/0 for packets from the network (RFC 9079; protocol reference, option gateway), and its kernel forwards what arrives. The others take the
/// nearest gateway's, in the data plane and in the kernel, for packets from the network alone: what else the machine sends goes where it went before.
/// </content>
public sealed partial class BabelActor
{
    private static readonly BabelPrefix Everywhere = default;

    private bool _isDefaultChanged;
    private NodeRoute? _defaultRoute;

    private RouteKey DefaultKey => new(Everywhere, new BabelPrefix(_options.Network.Prefix.Bits, (byte)_options.Network.Length));

    private void AnnounceGateway()
    {
        if (_options.IsGateway)
            _speaker.Announce(DefaultKey, Context.Now);
    }

    /// <summary>Finds out which gateway is the nearest now.</summary>
    /// <returns>Whether it is another one, or on another way.</returns>
    private bool LookForGateway()
    {
        if (!_isDefaultChanged)
            return false;
        _isDefaultChanged = false;
        NodeRoute? before = _defaultRoute;
        _defaultRoute = FindDefaultRoute();
        if ((before?.Tunnel, before?.Via, before?.Hop) == (_defaultRoute?.Tunnel, _defaultRoute?.Via, _defaultRoute?.Hop))
            return false;
        Log.Info(_defaultRoute is null ? "no gateway is reachable any more" : $"packets that leave the network go through {(_defaultRoute.Via.IsEmpty ? $"{_defaultRoute.Hop?.Address}" : $"{_defaultRoute.Via}")}");
        return true;
    }

    // One without a source, as old networks have it, counts where there is no other.
    private NodeRoute? FindDefaultRoute() =>
        !_options.IsGateway && (_speaker.TryGetSelected(DefaultKey, out RouteSnapshot selected) || _speaker.TryGetSelected(Everywhere, out selected)) ? RouteTo(new Ipv6Prefix(0, 0), selected) : null;

    private ForwardingEntry? DefaultEntry()
    {
        Route? route = _options.IsGateway ? Route.Local : _defaultRoute is null ? null : _defaultRoute.Hop is null ? Route.Through(_defaultRoute.Tunnel) : Route.Local;
        return route is { } known ? new ForwardingEntry(0, 0, known) { Source = _options.Network.Prefix.Bits, SourceLength = _options.Network.Length } : null;
    }

    // To the kernel, the network is behind the data plane in any case; the rest of the world is so for packets from the network alone.
    private KernelHopRoute? DefaultForKernel() =>
        _defaultRoute is null ? null : new KernelHopRoute(_defaultRoute.Destination, _defaultRoute.Hop) { From = _options.Network.Prefix };
}
