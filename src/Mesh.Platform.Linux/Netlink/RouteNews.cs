using System.Runtime.InteropServices;
using Mesh.Platform.Linux.Native;

namespace Mesh.Platform.Linux.Netlink;

/// <summary>Hears what the kernel tells of changes (rtnetlink(7)), on a thread of its own.</summary>
/// <remarks>Made in the network namespace of the calling thread, where it stays. Changes that come together, as when a cable is plugged in, are told once.</remarks>
internal sealed unsafe class RouteNews : IDisposable
{
    /// <summary>What to hear of.</summary>
    public const uint LinkGroup = 0x1, Ipv4AddressGroup = 0x10, Ipv4RouteGroup = 0x40, Ipv6AddressGroup = 0x100, Ipv6RouteGroup = 0x400;

    private const int NetlinkFamily = 16, RawType = 3, RouteProtocol = 0;
    private const int AddressLength = 12;   // struct sockaddr_nl
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(100);

    private readonly Descriptor _socket;
    private readonly StopSignal _stop = new();
    private readonly ChangeJudge _isChange;
    private readonly Action _changed;
    private readonly Thread _thread;
    private bool _disposed;

    /// <summary>Begins to listen.</summary>
    /// <param name="groups">What to hear of, such as <see cref="LinkGroup"/>.</param>
    /// <param name="name">The thread's.</param>
    /// <param name="isChange">Whether a message tells of a change that counts; called on the thread.</param>
    /// <param name="changed">Called after each change, and where more has happened than could be heard, on the thread.</param>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public RouteNews(uint groups, string name, ChangeJudge isChange, Action changed)
    {
        (_isChange, _changed) = (isChange, changed);
        _socket = Descriptor.Checked(Libc.Socket(NetlinkFamily, RawType | Libc.NonBlocking | Libc.CloseOnExec, RouteProtocol), "open", "a netlink socket");
        byte* address = stackalloc byte[AddressLength];
        new Span<byte>(address, AddressLength).Clear();
        *(ushort*)address = NetlinkFamily;
        *(uint*)(address + 8) = groups;
        if (Libc.Bind(_socket.Number, address, AddressLength) < 0)
        {
            _socket.Dispose();
            throw LinuxException.FromLastError("listen to", "changes of links, addresses and routes");
        }
        _thread = new Thread(Listen) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Judges a message by its type and its body, without the netlink header.</summary>
    public delegate bool ChangeJudge(ushort type, ReadOnlySpan<byte> body);

    /// <summary>Stops listening. Not to be called from a callback.</summary>
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
            isChange |= _isChange(MemoryMarshal.Read<ushort>(rest[4..]), rest[NetlinkRequest.HeaderLength..length]);
            rest = rest[Math.Min(NetlinkRequest.Align(length), rest.Length)..];
        }
        return isChange;
    }
}
