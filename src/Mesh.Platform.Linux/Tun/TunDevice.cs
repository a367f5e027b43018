using System.Runtime.InteropServices;
using System.Text;
using Mesh.DataPlane.Offload;
using Mesh.Platform.Linux.Native;
using Mesh.Platform.Linux.Netlink;

namespace Mesh.Platform.Linux.Tun;

/// <summary>A TUN device: a network interface of this machine whose packets this process reads and writes. It goes away when it is disposed.</summary>
/// <remarks>Made in the network namespace of the calling thread, where it stays. Each packet is a bare IP packet (IFF_NO_PI) behind a <see cref="VirtioNetHeader"/>
/// (IFF_VNET_HDR). Reads and writes never wait.</remarks>
public sealed unsafe class TunDevice : IDisposable
{
    /// <summary>The longest name an interface can have, in octets.</summary>
    public const int MaxNameLength = 15;

    private const nuint SetInterface = 0x400454ca, SetOffload = 0x400454d0;
    private const short TunWithVirtioHeader = 0x0001 | 0x1000 | 0x4000;
    private const int RequestLength = 40;   // struct ifreq: name, 16 octets; flags, i16; padding
    private const uint OffloadChecksum = 0x01, OffloadTcpIPv6 = 0x04, OffloadTcpEcn = 0x08, OffloadUdp = 0x20 | 0x40;

    private TunDevice(Descriptor descriptor, string name, int index, TunOffload offload)
    {
        Descriptor = descriptor;
        Name = name;
        Index = index;
        Offload = offload;
    }

    /// <summary>The interface's name.</summary>
    public string Name { get; }

    /// <summary>The interface's index.</summary>
    public int Index { get; }

    /// <summary>Which super-packets go through it.</summary>
    public TunOffload Offload { get; }

    internal Descriptor Descriptor { get; }

    /// <summary>Makes a device and brings it up, without any address.</summary>
    /// <param name="name">Its name; %d in it becomes the first free number.</param>
    /// <param name="mtu">Its MTU, in octets, 1280..65,535.</param>
    /// <param name="offload">The most that is wanted; what the kernel does not have is left out.</param>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static TunDevice Open(string name, int mtu, TunOffload offload = TunOffload.TcpAndUdp)
    {
        if (name.Length is 0 or > MaxNameLength || !Ascii.IsValid(name))
            throw new ArgumentException($"An interface name has 1 to {MaxNameLength} ASCII characters, not \"{name}\".", nameof(name));

        Descriptor descriptor = Descriptor.Checked(Libc.Open("/dev/net/tun", Libc.ReadWrite | Libc.NonBlocking | Libc.CloseOnExec), "open", "/dev/net/tun");
        try
        {
            byte* request = stackalloc byte[RequestLength];
            new Span<byte>(request, RequestLength).Clear();
            Encoding.ASCII.GetBytes(name, new Span<byte>(request, MaxNameLength));
            *(short*)(request + 16) = TunWithVirtioHeader;
            if (Libc.IoControl(descriptor.Number, SetInterface, request) < 0)
                throw LinuxException.FromLastError("make the TUN device", name);
            string given = Marshal.PtrToStringUTF8((nint)request)!;
            while (offload != TunOffload.None && Libc.IoControl(descriptor.Number, SetOffload, (byte*)Flags(offload)) < 0)
                offload--;   // UDP: Linux 6.2; TCP: Linux 2.6.27

            using var netlink = RouteNetlink.Open();
            int index = netlink.GetLink(given).Index;
            KeepQuiet(given);
            netlink.SetMtu(index, mtu);
            netlink.SetUp(index, up: true);
            return new TunDevice(descriptor, given, index, offload);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    /// <summary>Reads one packet.</summary>
    /// <param name="buffer">Gets the <see cref="VirtioNetHeader"/> and the packet.</param>
    /// <returns>The length of both, or 0 where none is waiting.</returns>
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

    /// <summary>Hands one whole packet to the machine's network stack.</summary>
    /// <returns>False where it was not taken: no room, or no valid packet.</returns>
    public bool TryWrite(ReadOnlySpan<byte> packet)
    {
        byte* header = stackalloc byte[VirtioNetHeader.Length];
        new Span<byte>(header, VirtioNetHeader.Length).Clear();
        fixed (byte* start = packet)
        {
            Libc.IoVector* parts = stackalloc Libc.IoVector[2];
            parts[0] = new Libc.IoVector { Start = header, Length = VirtioNetHeader.Length };
            parts[1] = new Libc.IoVector { Start = start, Length = (nuint)packet.Length };
            return TryWrite(parts, 2);
        }
    }

    /// <summary>Hands one packet or super-packet, in parts with its header first, to the machine's network stack.</summary>
    internal bool TryWrite(Libc.IoVector* parts, int count) => Libc.WriteVector(Descriptor.Number, parts, count) > 0;

    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();

    private static nuint Flags(TunOffload offload) =>
        OffloadChecksum | OffloadTcpIPv6 | OffloadTcpEcn | (offload == TunOffload.TcpAndUdp ? OffloadUdp : 0);

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

/// <summary>Which packets the host's stack hands over, and takes, as super-packets that are cut into segments later.</summary>
public enum TunOffload
{
    /// <summary>None.</summary>
    None,

    /// <summary>Those of TCP (TSO).</summary>
    Tcp,

    /// <summary>Those of TCP and UDP (TSO, USO).</summary>
    TcpAndUdp,
}
