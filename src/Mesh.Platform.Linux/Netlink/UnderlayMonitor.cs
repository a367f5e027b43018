using System.Runtime.InteropServices;
using Mesh.Platform.Linux.Native;

namespace Mesh.Platform.Linux.Netlink;

/// <summary>Hears from the kernel when this machine's addresses, default routes or links change (rtnetlink(7)), on a thread of its own.</summary>
/// <remarks>Made in the network namespace of the calling thread, where it stays. Changes that come together, as when a cable is plugged in, are told once.</remarks>
public sealed unsafe class UnderlayMonitor : IDisposable
{
    private const int NetlinkFamily = 16, RawType = 3, RouteProtocol = 0;
    private const uint LinkGroup = 0x1, Ipv4AddressGroup = 0x10, Ipv4RouteGroup = 0x40, Ipv6AddressGroup = 0x100, Ipv6RouteGroup = 0x400;
    private const ushort NewLink = 16, DeleteLink = 17, NewAddress = 20, DeleteAddress = 21, NewRoute = 24, DeleteRoute = 25;
    private const int AddressLength = 12;   // struct sockaddr_nl
    private const uint LowerUp = 0x10000;
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(100);

    private readonly Descriptor _socket;
    private readonly StopSignal _stop = new();
    private readonly Func<int, bool> _isOwn;
    private readonly Action _changed;
    private readonly Dictionary<int, bool> _links = [];
    private readonly Thread _thread;
    private bool _disposed;

    /// <summary>Begins to listen.</summary>
    /// <param name="isOwn">Which interfaces, by index, are this program's own and no part of the underlay.</param>
    /// <param name="changed">Called after each change, on the monitor's thread.</param>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public UnderlayMonitor(Func<int, bool> isOwn, Action changed)
    {
        (_isOwn, _changed) = (isOwn, changed);
        _socket = Descriptor.Checked(Libc.Socket(NetlinkFamily, RawType | Libc.NonBlocking | Libc.CloseOnExec, RouteProtocol), "open", "a netlink socket");
        byte* address = stackalloc byte[AddressLength];
        new Span<byte>(address, AddressLength).Clear();
        *(ushort*)address = NetlinkFamily;
        *(uint*)(address + 8) = LinkGroup | Ipv4AddressGroup | Ipv4RouteGroup | Ipv6AddressGroup | Ipv6RouteGroup;
        if (Libc.Bind(_socket.Number, address, AddressLength) < 0)
        {
            _socket.Dispose();
            throw LinuxException.FromLastError("listen to", "changes of addresses and routes");
        }
        _thread = new Thread(Listen) { IsBackground = true, Name = "mesh-underlay" };
        _thread.Start();
    }

    /// <summary>Stops listening. Not to be called from the callback.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, true))
            return;
        _stop.Set();
        _thread.Join();
        _socket.Dispose();
        _stop.Dispose();
    }

    private void Listen()
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(64 * 1024, pinned: true);
        while (_stop.WaitReadable(_socket))
        {
            bool hasChanged = ReadAll(buffer);
            if (!hasChanged)
                continue;
            Thread.Sleep(Gathering);
            ReadAll(buffer);
            if (!Volatile.Read(ref _disposed))
                _changed();
        }
    }

    private bool ReadAll(byte[] buffer)
    {
        bool hasChanged = false;
        fixed (byte* start = buffer)
        {
            nint length;
            while ((length = Libc.ReceiveFrom(_socket.Number, start, (nuint)buffer.Length, 0, null, null)) > 0)
                hasChanged |= IsChange(buffer.AsSpan(0, (int)length));
            // More happened than the socket could hold: that is a change whatever it was.
            hasChanged |= length < 0 && Marshal.GetLastPInvokeError() == Errno.NoBufferSpace;
        }
        return hasChanged;
    }

    private bool IsChange(ReadOnlySpan<byte> rest)
    {
        bool isChange = false;
        while (rest.Length >= NetlinkRequest.HeaderLength)
        {
            int length = MemoryMarshal.Read<int>(rest);
            if (length < NetlinkRequest.HeaderLength || length > rest.Length)
                break;
            isChange |= IsChange(MemoryMarshal.Read<ushort>(rest[4..]), rest[NetlinkRequest.HeaderLength..length]);
            rest = rest[Math.Min(NetlinkRequest.Align(length), rest.Length)..];
        }
        return isChange;
    }

    // struct ifaddrmsg: family, prefix length, flags, scope, u8 each; index u32. struct ifinfomsg: family u8, pad, type u16, index i32, flags u32, change u32.
    private bool IsChange(ushort type, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case NewAddress or DeleteAddress when body.Length >= 8:
                return !_isOwn(MemoryMarshal.Read<int>(body[4..]));
            case NewRoute or DeleteRoute when body.Length >= 12:
                return body[1] == 0 && !LeadsToOwn(body);
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
