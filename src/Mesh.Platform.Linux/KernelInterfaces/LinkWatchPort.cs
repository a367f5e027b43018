using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.Netlink;
using Mesh.Protocol.Addressing;

namespace Mesh.Platform.Linux.KernelInterfaces;

/// <summary>Watches interfaces by what the kernel tells of links and IPv6 addresses (rtnetlink(7)), in the network namespace of the thread that makes it.</summary>
public sealed class LinkWatchPort : ILinkWatchPort, IDisposable
{
    private const ushort NewLink = 16, DeleteLink = 17, NewAddress = 20, DeleteAddress = 21;

    private readonly Action<LogLevel, string> _log;
    private readonly RouteNetlink _netlink = RouteNetlink.Open();
    private readonly Dictionary<string, Watched> _watched = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();   // of what is above
    private readonly RouteNews _news;
    private bool _isDisposed;

    /// <summary>Begins to listen.</summary>
    /// <param name="log">Gets what goes wrong.</param>
    /// <exception cref="Native.LinuxException">The kernel refused.</exception>
    public LinkWatchPort(Action<LogLevel, string> log)
    {
        _log = log;
        try
        {
            _news = new RouteNews(RouteNews.LinkGroup | RouteNews.Ipv6AddressGroup, "mesh-lan", static (type, _) => type is NewLink or DeleteLink or NewAddress or DeleteAddress, Look);
        }
        catch
        {
            _netlink.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Watch(string name, ActorRef owner)
    {
        lock (_lock)
            _watched[name] = new Watched(owner);
        Look();
    }

    /// <inheritdoc/>
    public void Unwatch(string name, ActorRef owner)
    {
        lock (_lock)
        {
            if (_watched.TryGetValue(name, out Watched? watched) && watched.Owner == owner)
                _watched.Remove(name);
        }
    }

    /// <summary>Stops listening.</summary>
    public void Dispose()
    {
        _news.Dispose();
        lock (_lock)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            _netlink.Dispose();
        }
    }

    private void Look()
    {
        lock (_lock)
        {
            if (_isDisposed)
                return;
            try
            {
                Tell();
            }
            catch (Exception e) when (e is IOException or InvalidDataException)
            {
                _log(LogLevel.Error, $"interfaces cannot be looked at: {e.Message}");   // the next change tries again
            }
        }
    }

    private void Tell()
    {
        var links = _netlink.Links().ToDictionary(static link => link.Name, StringComparer.Ordinal);
        ILookup<int, Ipv6Address> addresses = _netlink.Addresses().Where(static address => address is { IsUsable: true, Address.IsIPv6LinkLocal: true })
            .ToLookup(static address => address.Link, static address => Ipv6Address.TryFrom(address.Address, out Ipv6Address known) ? known : default);
        foreach ((string name, Watched watched) in _watched)
        {
            LinkView? link = links.TryGetValue(name, out LinkInfo? found) ? new LinkView(found.Index, found.IsRunning, [.. addresses[found.Index]]) : null;
            if (watched.IsTold && watched.Link == link)
                continue;
            (watched.IsTold, watched.Link) = (true, link);
            watched.Owner.Tell(new LinkSeen(name, link));
        }
    }

    private sealed class Watched(ActorRef owner)
    {
        public ActorRef Owner => owner;

        public bool IsTold { get; set; }

        public LinkView? Link { get; set; }
    }
}
