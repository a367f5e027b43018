using System.Net;
using System.Runtime.InteropServices;

namespace Mesh.Platform.Linux.Netlink;

public sealed partial class RouteNetlink
{
    /// <summary>Adds a route.</summary>
    /// <exception cref="Native.LinuxException">There is one to the same prefix with the same metric, or the kernel refused otherwise.</exception>
    public void AddRoute(KernelRoute route) => ChangeRoute(NewRoute, Create | Exclusive, "add", route);

    /// <summary>Adds a route, in the place of one to the same prefix with the same metric where there is one.</summary>
    public void ReplaceRoute(KernelRoute route) => ChangeRoute(NewRoute, Create | Replace, "replace", route);

    /// <summary>Removes a route.</summary>
    public void RemoveRoute(KernelRoute route) => ChangeRoute(DeleteRoute, 0, "remove", route);

    /// <summary>All IPv6 routes of the routing tables of the namespace, of the kinds in <see cref="KernelRouteKind"/>.</summary>
    public IReadOnlyList<KernelRoute> Routes() => Routes(Inet6);

    /// <summary>The same of IPv4.</summary>
    public IReadOnlyList<KernelRoute> Ipv4Routes() => Routes(Inet);

    private List<KernelRoute> Routes(byte family)
    {
        var routes = new List<KernelRoute>();
        _socket.Ask(new NetlinkRequest(GetRoute, Request | Dump).Put(new RouteMessage { Family = family }), "list", "routes", (type, body) =>
        {
            var message = MemoryMarshal.Read<RouteMessage>(body);
            if (type == NewRoute && Enum.IsDefined((KernelRouteKind)message.Kind))
                routes.Add(Parse(message, body));
        });
        return routes;
    }

    private static KernelRoute Parse(RouteMessage message, ReadOnlySpan<byte> body)
    {
        var route = new KernelRoute(message.Family == Inet ? IPAddress.Any : IPAddress.IPv6Any, message.DestinationLength)
        {
            FromLength = message.SourceLength,
            Kind = (KernelRouteKind)message.Kind,
            Table = message.Table,
            Protocol = message.Protocol,
        };
        foreach ((ushort attribute, Range value) in NetlinkAttributes.Of(body, Marshal.SizeOf<RouteMessage>()))
        {
            route = attribute switch
            {
                RouteAttributes.Destination => route with { Prefix = new IPAddress(body[value]) },
                RouteAttributes.From => route with { FromPrefix = new IPAddress(body[value]) },
                RouteAttributes.OutputLink => route with { Link = MemoryMarshal.Read<int>(body[value]) },
                RouteAttributes.Gateway => route with { Gateway = new IPAddress(body[value]) },
                RouteAttributes.PreferredSource => route with { Source = new IPAddress(body[value]) },
                RouteAttributes.Priority => route with { Metric = MemoryMarshal.Read<uint>(body[value]) },
                RouteAttributes.Table => route with { Table = MemoryMarshal.Read<uint>(body[value]) },
                _ => route,
            };
        }
        return route;
    }

    private void ChangeRoute(ushort type, ushort flags, string verb, KernelRoute route)
    {
        var request = new NetlinkRequest(type, (ushort)(Request | Acknowledge | flags))
            .Put(new RouteMessage
            {
                Family = FamilyOf(route.Prefix),
                DestinationLength = (byte)route.Length,
                SourceLength = (byte)route.FromLength,
                Table = (byte)Math.Min(route.Table, byte.MaxValue),
                Protocol = route.Protocol,
                Kind = (byte)route.Kind,
            })
            .Attribute(RouteAttributes.Destination, route.Prefix.GetAddressBytes())
            .Attribute(RouteAttributes.Table, route.Table);
        if (route is { FromLength: > 0, FromPrefix: { } from })
            request.Attribute(RouteAttributes.From, from.GetAddressBytes());
        if (route.Metric != 0)
            request.Attribute(RouteAttributes.Priority, route.Metric);
        if (route.Link != 0)
            request.Attribute(RouteAttributes.OutputLink, (uint)route.Link);
        if (route.Gateway is { } gateway)
            request.Attribute(RouteAttributes.Gateway, gateway.GetAddressBytes());
        if (route.Source is { } source)
            request.Attribute(RouteAttributes.PreferredSource, source.GetAddressBytes());
        _socket.Ask(request, $"{verb} the route to", route.ToString());
    }

    private static class RouteAttributes
    {
        public const ushort Destination = 1;
        public const ushort From = 2;
        public const ushort OutputLink = 4;
        public const ushort Gateway = 5;
        public const ushort Priority = 6;
        public const ushort PreferredSource = 7;
        public const ushort Table = 15;
    }

    /// <summary>struct rtmsg.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct RouteMessage
    {
        public byte Family;
        public byte DestinationLength;
        public byte SourceLength;
        public byte TypeOfService;
        public byte Table;
        public byte Protocol;
        public byte Scope;
        public byte Kind;
        public uint Flags;
    }
}
