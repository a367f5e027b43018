using System.Runtime.InteropServices;
using System.Text;

namespace Mesh.Platform.Linux.Native;

/// <summary>What keeps a socket of the underlay out of the overlay's own routes: a mark for policy routing, and an interface that it is bound to.</summary>
internal static unsafe class SocketMarks
{
    private const int SocketLevel = 1, Mark = 36, BindToDevice = 25;

    /// <summary>Sets both where they are given. The mark of a listening socket is that of the connections it accepts.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static void Apply(SafeHandle socket, uint? mark, string? device)
    {
        int descriptor = (int)socket.DangerousGetHandle();   // the caller holds it
        if (mark is { } value && Libc.SetSocketOption(descriptor, SocketLevel, Mark, (byte*)&value, sizeof(uint)) < 0)
            throw LinuxException.FromLastError("mark packets with", $"{value}");
        if (string.IsNullOrEmpty(device))
            return;
        fixed (byte* name = Encoding.UTF8.GetBytes(device + "\0"))
        {
            if (Libc.SetSocketOption(descriptor, SocketLevel, BindToDevice, name, (uint)Encoding.UTF8.GetByteCount(device) + 1) < 0)
                throw LinuxException.FromLastError("send and receive only through the interface", device);
        }
    }
}
