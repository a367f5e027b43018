using System.Runtime.InteropServices;
using System.Text;
using Mesh.Platform.Linux.Native;

namespace Mesh.Platform.Linux.Netlink;

/// <summary>Asks the kernel over a netlink socket and waits for its answer, which comes at once. Used by one thread at a time.</summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    private const int NetlinkFamily = 16, RawType = 3, RouteProtocol = 0;
    private const int NetlinkLevel = 270, CapAcknowledgement = 10, ExtendedAcknowledgement = 11;
    private const ushort ErrorType = 2, DoneType = 3;
    private const ushort CappedFlag = 0x100, HasAttributesFlag = 0x200;

    private readonly Descriptor _descriptor;
    private readonly byte[] _buffer = new byte[64 * 1024];
    private uint _sequence;

    public NetlinkSocket()
    {
        _descriptor = Descriptor.Checked(Libc.Socket(NetlinkFamily, RawType | Libc.CloseOnExec, RouteProtocol), "open", "a netlink socket");
        int on = 1;   // where a kernel does not know these, its errors are only less talkative
        _ = Libc.SetSocketOption(_descriptor.Number, NetlinkLevel, CapAcknowledgement, (byte*)&on, sizeof(int));
        _ = Libc.SetSocketOption(_descriptor.Number, NetlinkLevel, ExtendedAcknowledgement, (byte*)&on, sizeof(int));
    }

    /// <summary>A message of a dump: its type and its body, without the netlink header.</summary>
    public delegate void MessageHandler(ushort type, ReadOnlySpan<byte> body);

    /// <summary>Sends a request and reads until it is acknowledged, or all of a dump has come.</summary>
    /// <exception cref="LinuxException">The kernel refused; <paramref name="operation"/> and <paramref name="target"/> go into the message.</exception>
    public void Ask(NetlinkRequest request, string operation, string target, MessageHandler? handler = null)
    {
        uint sequence = ++_sequence;
        ReadOnlySpan<byte> message = request.Finish(sequence);
        fixed (byte* start = message)
        {
            if (Libc.SendTo(_descriptor.Number, start, (nuint)message.Length, 0, null, 0) < 0)
                throw LinuxException.FromLastError(operation, target);
        }
        while (!ReadAnswers(sequence, operation, target, handler))
        {
            // A dump comes in several datagrams.
        }
    }

    public void Dispose() => _descriptor.Dispose();

    private bool ReadAnswers(uint sequence, string operation, string target, MessageHandler? handler)
    {
        nint received;
        fixed (byte* start = _buffer)
            received = Libc.ReceiveFrom(_descriptor.Number, start, (nuint)_buffer.Length, 0, null, null);
        if (received < 0)
        {
            if (Marshal.GetLastPInvokeError() == Errno.Interrupted)
                return false;
            throw LinuxException.FromLastError(operation, target);
        }

        ReadOnlySpan<byte> rest = _buffer.AsSpan(0, (int)received);
        while (rest.Length >= NetlinkRequest.HeaderLength)
        {
            int length = MemoryMarshal.Read<int>(rest);
            ushort type = MemoryMarshal.Read<ushort>(rest[4..]);
            ushort flags = MemoryMarshal.Read<ushort>(rest[6..]);
            if (length < NetlinkRequest.HeaderLength || length > rest.Length)
                throw new InvalidDataException($"Cannot {operation} {target}: the kernel's answer is cut short.");
            ReadOnlySpan<byte> body = rest[NetlinkRequest.HeaderLength..length];
            if (MemoryMarshal.Read<uint>(rest[8..]) == sequence)
            {
                if (type == DoneType)
                    return true;
                if (type == ErrorType)
                {
                    int errno = -MemoryMarshal.Read<int>(body);
                    return errno == 0 ? true : throw new LinuxException(operation, target, errno, Detail(body, flags));
                }
                handler?.Invoke(type, body);
            }
            rest = rest[Math.Min(NetlinkRequest.Align(length), rest.Length)..];
        }
        return false;
    }

    // The kernel's own words (NLMSGERR_ATTR_MSG), behind the error number and the request's header.
    private static string? Detail(ReadOnlySpan<byte> body, ushort flags)
    {
        const ushort MessageAttribute = 1;
        if ((flags & HasAttributesFlag) == 0 || body.Length < 4 + NetlinkRequest.HeaderLength)
            return null;
        int request = (flags & CappedFlag) != 0 ? NetlinkRequest.HeaderLength : NetlinkRequest.Align(MemoryMarshal.Read<int>(body[4..]));
        foreach ((ushort type, Range value) in NetlinkAttributes.Of(body, 4 + request))
        {
            if (type == MessageAttribute)
                return Encoding.UTF8.GetString(body[value]).TrimEnd('\0');
        }
        return null;
    }
}
