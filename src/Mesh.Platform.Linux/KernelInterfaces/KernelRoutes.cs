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
    private readonly Dictionary<Ipv6Prefix, KernelRoute> _installed = [];
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
        while (!_isEnding)
        {
            _changed.Wait();
            ImmutableArray<KernelHopRoute>? wanted;
            lock (_lock)
                (wanted, _wanted) = (_wanted, null);
            if (wanted is { } routes && !_isEnding)
                TryApply(netlink, routes);
        }

        TryApply(netlink, []);
    }

    private void TryApply(RouteNetlink netlink, ImmutableArray<KernelHopRoute> routes)
    {
        try
        {
            Apply(netlink, routes);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            _log(LogLevel.Error, $"the kernel's routes are not as they should be: {e.Message}");   // the next change tries all of it again
        }
    }

    private void Apply(RouteNetlink netlink, ImmutableArray<KernelHopRoute> routes)
    {
        var wanted = routes.ToDictionary(static route => route.Destination, ToKernel);
        foreach ((Ipv6Prefix destination, KernelRoute route) in _installed.Where(entry => !wanted.ContainsKey(entry.Key)).ToArray())
        {
            _installed.Remove(destination);
            try
            {
                netlink.RemoveRoute(route);
            }
            catch (LinuxException)
            {
                // It went with its device.
            }
        }

        // Also those that should be there: one that went with its device may be wanted again.
        HashSet<(IPAddress, int)> present = [.. netlink.Routes().Where(static route => route.Table == KernelRoute.MainTable).Select(static route => (route.Prefix, route.Length))];
        foreach ((Ipv6Prefix destination, KernelRoute route) in wanted)
        {
            if (_installed.GetValueOrDefault(destination) == route && present.Contains((route.Prefix, route.Length)))
                continue;
            try
            {
                netlink.ReplaceRoute(route);
                _installed[destination] = route;
            }
            catch (LinuxException e)
            {
                _installed.Remove(destination);
                _log(LogLevel.Warning, e.Message);
            }
        }
    }

    private KernelRoute ToKernel(KernelHopRoute route) => new(route.Destination.First.ToIPAddress(), route.Destination.Length)
    {
        Link = route.Hop?.Link ?? _dataPlane,
        Gateway = route.Hop?.Address.ToIPAddress(),
        Source = _source,
    };
}
