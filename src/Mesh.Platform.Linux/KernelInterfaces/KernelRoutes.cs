using System.Collections.Immutable;
using System.Net;
using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.Native;
using Mesh.Platform.Linux.Netlink;
using Mesh.Protocol.Addressing;

namespace Mesh.Platform.Linux.KernelInterfaces;

/// <summary>Keeps the kernel's routing table in step with what is wanted. A thread of its own does it; where changes come faster, only the last one counts.</summary>
internal sealed class KernelRoutes : IDisposable
{
    private readonly int _dataPlane;
    private readonly IPAddress _source;
    private readonly Action<LogLevel, string> _log;
    private readonly Dictionary<Place, KernelRoute> _installed = [];
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _changed = new(0);
    private readonly Thread _thread;
    private ImmutableArray<KernelHopRoute>? _wanted;
    private volatile bool _isEnding;

    public KernelRoutes(int dataPlane, IPAddress source, Action<LogLevel, string> log)
    {
        (_dataPlane, _source, _log) = (dataPlane, source, log);
        _thread = new Thread(Run) { Name = "mesh-routes", IsBackground = true };
        _thread.Start();
    }

    /// <summary>These and no others.</summary>
    public void Want(ImmutableArray<KernelHopRoute> routes)
    {
        lock (_lock)
            _wanted = routes;
        _changed.Release();
    }

    /// <summary>Removes all.</summary>
    public void Dispose()
    {
        if (_isEnding)
            return;
        _isEnding = true;
        _changed.Release();
        _thread.Join();
        _changed.Dispose();
    }

    private void Run()
    {
        using var netlink = RouteNetlink.Open();
        Try(() => Sweep(netlink));
        while (!_isEnding)
        {
            _changed.Wait();
            ImmutableArray<KernelHopRoute>? wanted;
            lock (_lock)
                (wanted, _wanted) = (_wanted, null);
            if (wanted is { } routes && !_isEnding)
                Try(() => Apply(netlink, routes));
        }

        Try(() => Apply(netlink, []));
    }

    private void Try(Action change)
    {
        try
        {
            change();
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            _log(LogLevel.Error, $"the kernel's routes are not as they should be: {e.Message}");   // the next change tries all of it again
        }
    }

    private void Apply(RouteNetlink netlink, ImmutableArray<KernelHopRoute> routes)
    {
        var wanted = routes.Select(ToKernel).ToDictionary(PlaceOf);
        foreach ((Place place, KernelRoute route) in _installed.Where(entry => !wanted.ContainsKey(entry.Key)).ToArray())
        {
            _installed.Remove(place);
            TryRemove(netlink, route);
        }

        // Also those that should be there: one that went with its device may be wanted again.
        HashSet<Place> present = [.. netlink.Routes().Where(static route => route.Table == KernelRoute.MainTable).Select(PlaceOf)];
        foreach ((Place place, KernelRoute route) in wanted)
        {
            if (_installed.GetValueOrDefault(place) == route && present.Contains(place))
                continue;
            try
            {
                netlink.ReplaceRoute(route);
                _installed[place] = route;
            }
            catch (LinuxException e)
            {
                _installed.Remove(place);
                _log(LogLevel.Warning, e.Message);
            }
        }
    }

    // A run that has crashed took nothing back. What it installed has our mark and our source.
    private void Sweep(RouteNetlink netlink)
    {
        foreach (KernelRoute route in netlink.Routes().Where(route => route is { Table: KernelRoute.MainTable, Protocol: KernelRoute.BabelProtocol } && _source.Equals(route.Source)))
        {
            _log(LogLevel.Info, $"the route to {route} is left over from another run, and is removed");
            TryRemove(netlink, route);
        }
    }

    private static void TryRemove(RouteNetlink netlink, KernelRoute route)
    {
        try
        {
            netlink.RemoveRoute(route);
        }
        catch (LinuxException)
        {
            // It went with its device.
        }
    }

    private static Place PlaceOf(KernelRoute route) => new(route.Prefix, route.Length, route.FromLength > 0 ? route.FromPrefix : null, route.FromLength);

    private KernelRoute ToKernel(KernelHopRoute route) => new(route.Destination.First.ToIPAddress(), route.Destination.Length)
    {
        FromPrefix = route.From?.First.ToIPAddress(),
        FromLength = route.From?.Length ?? 0,
        Link = route.Hop?.Link ?? _dataPlane,
        Gateway = route.Hop?.Address.ToIPAddress(),
        Source = _source,
    };

    // The kernel has one route of ours for each.
    private sealed record Place(IPAddress Prefix, int Length, IPAddress? From, int FromLength);
}
