using System.Collections.Immutable;
using Mesh.Babel;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing;

/// <content>Answers to <see cref="RoutingQuestion"/>.</content>
public sealed partial class BabelActor
{
    /// <inheritdoc/>
    protected override object? Inspect(object question) => question is GetRoutingOrigin && HasSpeaker ? new RoutingOrigin(_speaker.RouterId, _speaker.Seqno) : null;

    private void Answer(RoutingQuestion question)
    {
        if (!_isLeaving)
        {
            _speaker.Tick(Context.Now);   // remaining times and smoothed metrics are those of its last input
            NameLans();
            if (_publishPending)
                Publish();   // what we answer has to be in force
        }

        Sender.Tell(
            question switch
            {
                GetRoutes routes => Describe(routes),
                GetNeighbours neighbours => Describe(neighbours),
                ExplainRoute explain => Explain(explain),
                _ => throw new ArgumentException($"{question}: nobody knows the answer", nameof(question)),
            },
            Self);
    }

    private RoutesStatus Describe(GetRoutes question)
    {
        ImmutableArray<RouteStatus>.Builder routes = ImmutableArray.CreateBuilder<RouteStatus>();
        Dictionary<(InterfaceId, BabelAddress), ushort> links = LinkCosts();
        RouteSnapshot? selected = null;
        int omitted = 0;
        foreach (RouteSnapshot route in _speaker.Routes())
        {
            // The selected one comes first.
            selected = route.IsSelected ? route : selected?.Key == route.Key ? selected : null;
            if (!(route.IsSelected || question.WithAlternatives)
                || question.To?.Contains(new Ipv6Prefix(route.Prefix.Bits, route.Prefix.Length)) == false
                || (question.Via is { } via && via != Behind(route.Interface, route.Neighbour).Node))
            {
                continue;
            }

            if (routes.Count >= question.Limit)
                omitted++;
            else
                routes.Add(Describe(route, selected, links));
        }

        return new RoutesStatus([.. _speaker.OwnPrefixes().Select(static own => own.Key)], routes.DrainToImmutable(), omitted);
    }

    private NeighboursStatus Describe(GetNeighbours question)
    {
        Dictionary<TunnelIndex, int> routes = _routes.Routes.CountBy(static route => route.Tunnel).ToDictionary();
        Dictionary<KernelHop, int> hops = _routes.Routes.Where(static route => route.Device is not null).CountBy(static route => route.Hop!).ToDictionary();
        ImmutableArray<NeighbourStatus>.Builder neighbours = ImmutableArray.CreateBuilder<NeighbourStatus>();
        foreach (NeighbourSnapshot neighbour in _speaker.Neighbours())
        {
            (NodePrefix node, TunnelIndex tunnel) = Behind(neighbour.Interface, neighbour.Address);
            if (question.Node is { } wanted && wanted != node)
                continue;
            int? kernelLink = neighbour.Interface.Value < 0 ? -neighbour.Interface.Value : null;
            string? device = DeviceOf(neighbour.Interface);
            int count = device is null ? (node.IsEmpty ? 0 : routes.GetValueOrDefault(tunnel)) : hops.GetValueOrDefault(new KernelHop(kernelLink!.Value, new Ipv6Address(neighbour.Address.Bits)));
            neighbours.Add(new NeighbourStatus(neighbour, node, tunnel, kernelLink, count) { Device = device });
        }

        IEnumerable<BabelCounter> counted = Enum.GetValues<BabelCounter>().Where(counter => counter != BabelCounter.Count && _speaker[counter] != 0);
        return new NeighboursStatus(neighbours.DrainToImmutable(), counted.ToImmutableSortedDictionary(static counter => counter, counter => _speaker[counter]));
    }

    private RouteExplanation Explain(ExplainRoute question)
    {
        Ipv6Address destination = question.Destination;
        Ipv6Address source = question.Source ?? _options.Self.NodeAddress(_options.Network);
        Dictionary<(InterfaceId, BabelAddress), ushort> links = LinkCosts();
        // RFC 9079 section 4: the destination decides first.
        IEnumerable<PrefixStatus> prefixes = _speaker.Prefixes()
            .Where(key => key.Prefix.Contains(new BabelPrefix(destination.Value, 128)) && key.Source.Contains(new BabelPrefix(source.Value, 128)))
            .OrderByDescending(static key => key.Prefix.Length).ThenByDescending(static key => key.Source.Length)
            .Select(key => Describe(key, links))
            .Where(static prefix => prefix.Reachability != Reachability.Unknown || !prefix.Routes.IsEmpty);   // of the others old distances are left

        NodeRoute? route = null;
        var outcome = RouteOutcome.OutsideNetwork;
        if (_options.Self.Subnet(_options.Network).Contains(destination))
            outcome = RouteOutcome.Own;
        else if (_routes.Routes.LastOrDefault(entry => entry.Destination.Contains(destination)) is { } entry)
            (outcome, route) = (RouteOutcome.Routed, WithMetric(entry));
        else if (_options.Network.Prefix.Contains(destination))
            outcome = RouteOutcome.Unreachable;
        else if (_options.Network.Prefix.Contains(source) && _options.IsGateway)
            outcome = RouteOutcome.LeavesHere;
        else if (_options.Network.Prefix.Contains(source) && FindDefaultRoute() is { } byDefault)
            (outcome, route) = (RouteOutcome.Routed, byDefault);
        return new RouteExplanation(destination, source, outcome, route, [.. prefixes]);
    }

    private PrefixStatus Describe(RouteKey key, Dictionary<(InterfaceId, BabelAddress), ushort> links)
    {
        IReadOnlyList<RouteSnapshot> routes = _speaker.Routes(key);
        RouteSnapshot? selected = _speaker.TryGetSelected(key, out RouteSnapshot first) ? first : null;
        return new PrefixStatus(key, _speaker.GetReachability(key), UseOf(key), [.. routes.Select(route => Describe(route, selected, links))]);
    }

    private RouteStatus Describe(in RouteSnapshot route, RouteSnapshot? selected, Dictionary<(InterfaceId, BabelAddress), ushort> links)
    {
        (NodePrefix via, TunnelIndex tunnel) = Behind(route.Interface, route.Neighbour);
        ushort link = links[(route.Interface, route.Neighbour)];
        return new RouteStatus(route, via, tunnel, link, _speaker.DistanceOf(route.Key, route.RouterId), Judge(route, selected, link), UseOf(route.Key)) { Device = DeviceOf(route.Interface) };
    }

    // In the order in which the speaker looks at them (BabelSpeaker.Choose).
    private RouteVerdict Judge(in RouteSnapshot route, RouteSnapshot? selected, ushort link)
    {
        if (route.IsSelected)
            return RouteVerdict.Selected;
        if (_speaker.GetReachability(route.Key) == Reachability.Own)
            return RouteVerdict.OwnPrefix;
        if (route.RefMetric == Metric.Infinity)
            return RouteVerdict.Retracted;
        if (link == Metric.Infinity)
            return RouteVerdict.NeighbourUnusable;
        if (route.Metric == Metric.Infinity)
            return RouteVerdict.TooFar;
        if (!route.IsFeasible)
            return RouteVerdict.Unfeasible;
        if (selected is { } best && route.Metric >= best.Metric)
            return RouteVerdict.WorseMetric;
        return route.SmoothedMetric >= selected?.SmoothedMetric ? RouteVerdict.Waiting : RouteVerdict.Due;
    }

    private PrefixUse UseOf(RouteKey key)
    {
        var destination = new Ipv6Prefix(key.Prefix.Bits, key.Prefix.Length);
        if (key.Prefix == Everywhere && (key == DefaultKey || (key == Everywhere && !_speaker.TryGetSelected(DefaultKey, out _))))
            return PrefixUse.Forwarded;   // the way out of the network
        if (key.IsSourceSpecific)
            return PrefixUse.SourceSpecific;
        if (!_options.Network.Prefix.Contains(destination) || destination.Length <= _options.Network.Length)
            return PrefixUse.OutsideNetwork;
        // Our own subnet is ours, all of it: a longer prefix in it would draw away what is for us.
        return _options.Self.Subnet(_options.Network).Contains(destination) ? PrefixUse.OwnSubnet : PrefixUse.Forwarded;
    }

    // The node that a neighbour is, and its tunnel; the empty prefix and tunnel 0 where that is not known.
    private (NodePrefix Node, TunnelIndex Tunnel) Behind(InterfaceId link, BabelAddress neighbour) =>
        _links.TryGetValue(link, out RoutingLinkUp? up) ? (up.Peer, up.Tunnel) : _kernelLinks.TryGetValue(-link.Value, out KernelLink? kernel) ? kernel.Behind(neighbour) : default;

    private string? DeviceOf(InterfaceId link) => _kernelLinks.GetValueOrDefault(-link.Value)?.Lan?.Name;

    private Dictionary<(InterfaceId, BabelAddress), ushort> LinkCosts() => _speaker.Neighbours().ToDictionary(static neighbour => (neighbour.Interface, neighbour.Address), static neighbour => neighbour.Cost);
}
