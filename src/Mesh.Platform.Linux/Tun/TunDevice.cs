using System.Runtime.InteropServices;
using System.Text;
using Mesh.Platform.Linux.Native;
using Mesh.Platform.Linux.Netlink;

namespace Mesh.Platform.Linux.Tun;

/// <summary>A TUN device: a network interface of this machine whose packets this process reads and writes. It goes away when it is disposed.</summary>
/// <remarks>Made in the network namespace of the calling thread, where it stays. Packets are bare IP packets (IFF_NO_PI).
/// Reads and writes never wait.</remarks>
public sealed unsafe class TunDevice : IDisposable
{
    /// <summary>The longest name an interface can have, in octets.</summary>
    public const int MaxNameLength = 15;

    private const nuint SetInterface = 0x400454ca;
    private const short TunWithoutHeader = 0x0001 | 0x1000;
    private const int RequestLength = 40;   // struct ifreq: name, 16 octets; flags, i16; padding

    private TunDevice(Descriptor descriptor, string name, int index)
    {
        Descriptor = descriptor;
        Name = name;
        Index = index;
    }

    /// <summary>The interface's name.</summary>
    public string Name { get; }

    /// <summary>The interface's index.</summary>
    public int Index { get; }

    internal Descriptor Descriptor { get; }

    /// <summary>Makes a device and brings it up, without any address.</summary>
    /// <param name="name">Its name; %d in it becomes the first free number.</param>
    /// <param name="mtu">Its MTU, in octets, 1280..65,535.</param>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static TunDevice Open(string name, int mtu)
    {
        if (name.Length is 0 or > MaxNameLength || !Ascii.IsValid(name))
            throw new ArgumentException($"An interface name has 1 to {MaxNameLength} ASCII characters, not \"{name}\".", nameof(name));

        Descriptor descriptor = Descriptor.Checked(Libc.Open("/dev/net/tun", Libc.ReadWrite | Libc.NonBlocking | Libc.CloseOnExec), "open", "/dev/net/tun");
        try
        {
            byte* request = stackalloc byte[RequestLength];
            new Span<byte>(request, RequestLength).Clear();
            Encoding.ASCII.GetBytes(name, new Span<byte>(request, MaxNameLength));
            *(short*)(request + 16) = TunWithoutHeader;
            if (Libc.IoControl(descriptor.Number, SetInterface, request) < 0)
                throw LinuxException.FromLastError("make the TUN device", name);
            string given = Marshal.PtrToStringUTF8((nint)request)!;

            using var netlink = RouteNetlink.Open();
            int index = netlink.GetLink(given).Index;
            KeepQuiet(given);
            netlink.SetMtu(index, mtu);
            netlink.SetUp(index, up: true);
            return new TunDevice(descriptor, given, index);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    /// <summary>Reads one packet.</summary>
    /// <returns>Its length, or 0 where none is waiting.</returns>
    /// <exception cref="LinuxException">The device is gone.</exception>
    public int Read(Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            nint length = Libc.Read(Descriptor.Number, start, (nuint)buffer.Length);
            if (length >= 0)
                return (int)length;
        }
        return Marshal.GetLastPInvokeError() is Errno.TryAgain or Errno.Interrupted ? 0 : throw LinuxException.FromLastError("read from", Name);
    }

    /// <summary>Hands one packet to the machine's network stack.</summary>
    /// <returns>False where it was not taken: no room, or no valid packet.</returns>
    public bool TryWrite(ReadOnlySpan<byte> packet)
    {
        fixed (byte* start = packet)
            return Libc.Write(Descriptor.Number, start, (nuint)packet.Length) == packet.Length;
    }

    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();

    // No address is made up for the device and none learned through it: what it has, the node gives it. /proc/sys/net shows the namespace of the thread.
    private static void KeepQuiet(string name)
    {
        foreach ((string setting, string value) in new[] { ("accept_ra", "0"), ("autoconf", "0"), ("addr_gen_mode", "1") })
        {
            string path = $"/proc/sys/net/ipv6/conf/{name}/{setting}";
            if (File.Exists(path))
                File.WriteAllText(path, value);
        }
    }
}
