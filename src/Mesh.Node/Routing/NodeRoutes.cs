using System.Collections.Immutable;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing;

/// <summary>Finds its way in routes that are in the order of their destinations, as <see cref="RoutesPublished"/> has them. There may be thousands, and they are told anew with every change.</summary>
public static class NodeRoutes
{
    /// <summary>The route to exactly this destination, or null.</summary>
    public static NodeRoute? Find(ImmutableArray<NodeRoute> routes, Ipv6Prefix destination)
    {
        int place = PlaceOf(destination, routes, begin: 0);
        return place < routes.Length && routes[place].Destination == destination ? routes[place] : null;
    }

    /// <summary>The first place from <paramref name="begin"/> on whose destination is not before this one.</summary>
    internal static int PlaceOf(Ipv6Prefix destination, ImmutableArray<NodeRoute> routes, int begin)
    {
        int end = routes.Length;
        while (begin < end)
        {
            int middle = begin + ((end - begin) / 2);
            if (routes[middle].Destination < destination)
                begin = middle + 1;
            else
                end = middle;
        }

        return begin;
    }
}
