using Mesh.DataPlane;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing;

/// <content>The forwarding table. While a network of thousands comes up, every few milliseconds some of its routes change: they are put into a copy of the table before, and it is not built anew.</content>
public sealed partial class BabelActor
{
    private ForwardingTable _table = ForwardingTable.Empty;
    private bool _isFlat;   // no destination lies within another

    private void PublishTable(bool isOtherwiseNew)
    {
        _isFlat = !isOtherwiseNew && _isFlat && _routes.Others.All(StaysFlat);
        _table = _isFlat ? _table.With([.. _routes.Others.Select(static change => ToEntry(change.Destination, change.Route))]) : NewTable();
        _dataPlane.Publish(_table);
        PublishToKernel();
        Context.System.EventStream.Publish(new RoutesPublished(_routes.Routes));
    }

    private static ForwardingEntry ToEntry(Ipv6Prefix destination, NodeRoute? route) =>
        new(destination.Bits, destination.Length, route is null ? Route.Unreachable : route.Hop is null ? Route.Through(route.Tunnel) : Route.Local);

    // Where this holds for each destination, what lies around it is the network, and nothing lies within it: in a list in order it would stand beside it.
    private bool StaysFlat((Ipv6Prefix Destination, NodeRoute? Route) change)
    {
        (Ipv6Prefix destination, NodeRoute? route) = change;
        int place = NodeRoutes.PlaceOf(destination, _routes.Routes, begin: 0);
        int next = route is null ? place : place + 1;
        return IsFlatBeside(destination, place - 1) && IsFlatBeside(destination, next) && IsOfOthers(destination);
    }

    private bool IsFlatBeside(Ipv6Prefix destination, int place) =>
        place < 0 || place >= _routes.Routes.Length || !_routes.Routes[place].Destination.Overlaps(destination);

    private bool IsOfOthers(Ipv6Prefix destination) =>
        destination.Length > _options.Network.Length && _options.Network.Prefix.Contains(destination) && !destination.Overlaps(_options.Self.Subnet(_options.Network));

    private ForwardingTable NewTable()
    {
        Ipv6Prefix own = _options.Self.Subnet(_options.Network);
        ForwardingEntry? byDefault = DefaultEntry();
        var entries = new ForwardingEntry[_routes.Routes.Length + (byDefault is null ? 2 : 3)];
        int count = 0;
        if (byDefault is { } entry)
            entries[count++] = entry;
        // What nobody announces must not leak out of the overlay.
        entries[count++] = new ForwardingEntry(_options.Network.Prefix.Bits, _options.Network.Length, Route.Unreachable);
        bool hasOwn = false;
        _isFlat = true;
        for (int place = 0; place < _routes.Routes.Length; place++)
        {
            Ipv6Prefix destination = _routes.Routes[place].Destination;
            if (!hasOwn && own < destination)
            {
                entries[count++] = new ForwardingEntry(own.Bits, own.Length, Route.Local);
                hasOwn = true;
            }

            entries[count++] = ToEntry(destination, _routes.Routes[place]);
            _isFlat &= IsFlatBeside(destination, place - 1) && IsOfOthers(destination);
        }

        if (!hasOwn)
            entries[count] = new ForwardingEntry(own.Bits, own.Length, Route.Local);
        return ForwardingTable.Create(entries, _options.Self.NodeAddress(_options.Network).Value);
    }
}
