using System.Runtime.InteropServices;
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
    private readonly HashSet<int> _lost = [];   // links that have lost something since the last look
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
            _news = new RouteNews(RouteNews.LinkGroup | RouteNews.Ipv6AddressGroup, "mesh-lan", Judge, Look);
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

    // What is lost and comes back at once would not be seen afterwards.
    // struct ifinfomsg: family u8, pad, type u16, index i32, flags u32, change u32. struct ifaddrmsg: family, prefix length, flags, scope, u8 each; index u32.
    private bool Judge(ushort type, ReadOnlySpan<byte> body)
    {
        const uint UpAndRunning = 0x41;
        const byte LinkScope = 253;
        if (type is not (NewLink or DeleteLink or NewAddress or DeleteAddress) || body.Length < 8)
            return false;
        bool isLost = type switch
        {
            NewLink => body.Length >= 12 && (MemoryMarshal.Read<uint>(body[8..]) & UpAndRunning) != UpAndRunning,
            DeleteAddress => body[3] == LinkScope,
            _ => false,
        };
        if (isLost)
        {
            lock (_lock)
                _lost.Add(MemoryMarshal.Read<int>(body[4..]));
        }

        return true;
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
            if (link is not null)
                link = link with { Losses = watched.LossesOf(link.Index) + (_lost.Contains(link.Index) ? 1 : 0) };
            if (watched.IsTold && watched.Link == link)
                continue;
            (watched.IsTold, watched.Link) = (true, link);
            watched.Owner.Tell(new LinkSeen(name, link));
        }

        _lost.Clear();
    }

    private sealed class Watched(ActorRef owner)
    {
        public ActorRef Owner => owner;

        public bool IsTold { get; set; }

        public LinkView? Link { get; set; }

        public int LossesOf(int index) => Link?.Index == index ? Link.Losses : 0;
    }
}
