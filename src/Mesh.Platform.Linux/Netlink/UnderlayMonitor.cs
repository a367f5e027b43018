using System.Runtime.InteropServices;
using Mesh.Platform.Linux.Native;

namespace Mesh.Platform.Linux.Netlink;

/// <summary>Hears from the kernel when this machine's addresses, default routes or links change, on a thread of its own.</summary>
/// <remarks>Made in the network namespace of the calling thread, where it stays. Changes that come together, as when a cable is plugged in, are told once.</remarks>
public sealed class UnderlayMonitor : IDisposable
{
    private const uint Groups = RouteNews.LinkGroup | RouteNews.Ipv4AddressGroup | RouteNews.Ipv4RouteGroup | RouteNews.Ipv6AddressGroup | RouteNews.Ipv6RouteGroup;
    private const ushort NewLink = 16, DeleteLink = 17, NewAddress = 20, DeleteAddress = 21, NewRoute = 24, DeleteRoute = 25;
    private const uint LowerUp = 0x10000;

    private readonly Func<int, bool> _isOwn;
    private readonly Dictionary<int, bool> _links = [];
    private readonly RouteNews _news;

    /// <summary>Begins to listen.</summary>
    /// <param name="isOwn">Which interfaces, by index, are this program's own and no part of the underlay.</param>
    /// <param name="changed">Called after each change, on the monitor's thread.</param>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public UnderlayMonitor(Func<int, bool> isOwn, Action changed)
    {
        _isOwn = isOwn;
        _news = new RouteNews(Groups, "mesh-underlay", IsChange, changed);
    }

    /// <summary>Stops listening. Not to be called from the callback.</summary>
    public void Dispose() => _news.Dispose();

    // struct ifaddrmsg: family, prefix length, flags, scope, u8 each; index u32. struct ifinfomsg: family u8, pad, type u16, index i32, flags u32, change u32.
    // struct rtmsg: family, lengths of destination and source, type of service, table, protocol, scope, kind, u8 each; flags u32.
    private bool IsChange(ushort type, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case NewAddress or DeleteAddress when body.Length >= 8:
                return !_isOwn(MemoryMarshal.Read<int>(body[4..]));
            case NewRoute or DeleteRoute when body.Length >= 12:
                return body[1] == 0 && !IsOfOverlay(body) && !LeadsToOwn(body);
            case NewLink when body.Length >= 16:
                int index = MemoryMarshal.Read<int>(body[4..]);
                bool isUp = (MemoryMarshal.Read<uint>(body[8..]) & LowerUp) != 0;
                bool wasKnown = _links.TryGetValue(index, out bool wasUp);
                _links[index] = isUp;
                return wasKnown && wasUp != isUp && !_isOwn(index);
            case DeleteLink when body.Length >= 16:
                _links.Remove(MemoryMarshal.Read<int>(body[4..]));
                return !_isOwn(MemoryMarshal.Read<int>(body[4..]));
            default:
                return false;
        }
    }

    // The way to a gateway of the network, which may lead over an interface of the underlay.
    private static bool IsOfOverlay(ReadOnlySpan<byte> body) => body[2] > 0 && body[5] == KernelRoute.BabelProtocol;

    private bool LeadsToOwn(ReadOnlySpan<byte> body)
    {
        const ushort OutputLink = 4;
        foreach ((ushort type, Range value) in NetlinkAttributes.Of(body, 12))
        {
            if (type == OutputLink && body[value].Length >= sizeof(int))
                return _isOwn(MemoryMarshal.Read<int>(body[value]));
        }
        return false;
    }
}
