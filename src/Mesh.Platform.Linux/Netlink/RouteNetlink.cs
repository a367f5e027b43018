using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Mesh.Platform.Linux.Native;

namespace Mesh.Platform.Linux.Netlink;

/// <summary>Reads and changes the links, addresses and routes of a network namespace (rtnetlink). Used by one thread at a time.</summary>
/// <remarks>It works on the namespace of the thread that opened it. Every refusal is a <see cref="LinuxException"/>.</remarks>
public sealed partial class RouteNetlink : IDisposable
{
    private const ushort NewLink = 16, DeleteLinkType = 17, GetLinkType = 18, NewAddress = 20, DeleteAddress = 21, GetAddress = 22;
    private const ushort NewRoute = 24, DeleteRoute = 25, GetRoute = 26;
    private const ushort Request = 1, Acknowledge = 4, Dump = 0x300, Replace = 0x100, Exclusive = 0x200, Create = 0x400;
    private const byte Inet = 2, Inet6 = 10;

    private readonly NetlinkSocket _socket = new();

    private RouteNetlink()
    {
    }

    /// <summary>Opens the namespace of the calling thread.</summary>
    public static RouteNetlink Open() => new();

    /// <summary>All links.</summary>
    public IReadOnlyList<LinkInfo> Links()
    {
        const ushort NameAttribute = 3, MtuAttribute = 4, MasterAttribute = 10;
        var links = new List<LinkInfo>();
        _socket.Ask(new NetlinkRequest(GetLinkType, Request | Dump).Put(new LinkMessage()), "list", "links", (type, body) =>
        {
            if (type != NewLink)
                return;
            var message = MemoryMarshal.Read<LinkMessage>(body);
            (string name, int mtu, int master) = ("", 0, 0);
            foreach ((ushort attribute, Range value) in NetlinkAttributes.Of(body, Marshal.SizeOf<LinkMessage>()))
            {
                switch (attribute)
                {
                    case NameAttribute:
                        name = Encoding.UTF8.GetString(body[value]).TrimEnd('\0');
                        break;
                    case MtuAttribute:
                        mtu = MemoryMarshal.Read<int>(body[value]);
                        break;
                    case MasterAttribute:
                        master = MemoryMarshal.Read<int>(body[value]);
                        break;
                }
            }
            links.Add(new LinkInfo(message.Index, name, mtu, (message.Flags & LinkMessage.UpFlag) != 0, master) { IsRunning = (message.Flags & LinkMessage.RunningFlag) != 0 });
        });
        return links;
    }

    /// <summary>The link with a name.</summary>
    /// <exception cref="LinuxException">There is none.</exception>
    public LinkInfo GetLink(string name) =>
        Links().FirstOrDefault(link => string.Equals(link.Name, name, StringComparison.Ordinal)) ?? throw new LinuxException("find", name, Errno.NoDevice);

    /// <summary>Brings a link up or down.</summary>
    public void SetUp(int link, bool up) =>
        _socket.Ask(
            new NetlinkRequest(NewLink, Request | Acknowledge)
                .Put(new LinkMessage { Index = link, Flags = up ? LinkMessage.UpFlag : 0, Change = LinkMessage.UpFlag }),
            up ? "bring up" : "take down", Named(link));

    /// <summary>Sets a link's MTU, in octets.</summary>
    public void SetMtu(int link, int mtu)
    {
        const ushort MtuAttribute = 4;
        _socket.Ask(
            new NetlinkRequest(NewLink, Request | Acknowledge).Put(new LinkMessage { Index = link }).Attribute(MtuAttribute, (uint)mtu),
            $"set the MTU {mtu} of", Named(link));
    }

    /// <summary>Gives a link an address, without looking for it on the link first.</summary>
    /// <remarks>Packets to an IPv6 address are taken when the kernel has made a <see cref="KernelRouteKind.Local"/> route to it, a moment later.</remarks>
    /// <param name="link">The link's index.</param>
    /// <param name="address">The address.</param>
    /// <param name="prefixLength">How many bits of it are the link's prefix.</param>
    public void AddAddress(int link, IPAddress address, int prefixLength) =>
        ChangeAddress(NewAddress, Create | Exclusive, "add", link, address, prefixLength);

    /// <summary>Takes an address away from a link.</summary>
    public void RemoveAddress(int link, IPAddress address, int prefixLength) => ChangeAddress(DeleteAddress, 0, "remove", link, address, prefixLength);

    /// <summary>All addresses of all links.</summary>
    public IReadOnlyList<LinkAddress> Addresses()
    {
        const ushort AddressAttribute = 1, LocalAttribute = 2;
        var addresses = new List<LinkAddress>();
        _socket.Ask(new NetlinkRequest(GetAddress, Request | Dump).Put(new AddressMessage()), "list", "addresses", (type, body) =>
        {
            if (type != NewAddress)
                return;
            var message = MemoryMarshal.Read<AddressMessage>(body);
            IPAddress? address = null;
            foreach ((ushort attribute, Range value) in NetlinkAttributes.Of(body, Marshal.SizeOf<AddressMessage>()))
            {
                // On a link with a peer, "address" is the peer's and "local" is ours.
                if (attribute == LocalAttribute || attribute == AddressAttribute && address is null)
                    address = new IPAddress(body[value]);
            }
            if (address is not null)
                addresses.Add(new LinkAddress(message.Index, address, message.PrefixLength) { IsUsable = (message.Flags & (AddressMessage.TentativeFlag | AddressMessage.DuplicateFlag)) == 0 });
        });
        return addresses;
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private void ChangeAddress(ushort type, ushort flags, string verb, int link, IPAddress address, int prefixLength)
    {
        const ushort AddressAttribute = 1, LocalAttribute = 2, FlagsAttribute = 8;
        const uint NoDuplicateDetection = 2;
        byte[] octets = address.GetAddressBytes();
        var request = new NetlinkRequest(type, (ushort)(Request | Acknowledge | flags))
            .Put(new AddressMessage { Family = FamilyOf(address), PrefixLength = (byte)prefixLength, Index = link })
            .Attribute(LocalAttribute, octets)
            .Attribute(AddressAttribute, octets);
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
            request.Attribute(FlagsAttribute, NoDuplicateDetection);
        _socket.Ask(request, $"{verb} the address {address}/{prefixLength} on", Named(link));
    }

    // Errors name a link as a person knows it.
    private string Named(int link) => Links().FirstOrDefault(candidate => candidate.Index == link)?.Name ?? $"link {link}";

    private static byte FamilyOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? Inet6 : Inet;

    /// <summary>struct ifinfomsg.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct LinkMessage
    {
        public const uint UpFlag = 1, RunningFlag = 0x40;

        public byte Family;
        public byte Padding;
        public ushort Type;
        public int Index;
        public uint Flags;
        public uint Change;
    }

    /// <summary>struct ifaddrmsg.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct AddressMessage
    {
        public const byte DuplicateFlag = 0x08, TentativeFlag = 0x40;

        public byte Family;
        public byte PrefixLength;
        public byte Flags;
        public byte Scope;
        public int Index;
    }
}

/// <summary>A network interface.</summary>
/// <param name="Index">Its index.</param>
/// <param name="Name">Its name.</param>
/// <param name="Mtu">Its MTU, in octets.</param>
/// <param name="IsUp">Whether it is administratively up.</param>
/// <param name="Master">The index of the bridge it belongs to, or 0.</param>
public sealed record LinkInfo(int Index, string Name, int Mtu, bool IsUp, int Master)
{
    /// <summary>Whether packets can pass: it is up, and has a carrier where it needs one.</summary>
    public bool IsRunning { get; init; }
}

/// <summary>An address of a network interface.</summary>
/// <param name="Link">The interface's index.</param>
/// <param name="Address">The address.</param>
/// <param name="PrefixLength">How many bits of it are the link's prefix.</param>
public sealed record LinkAddress(int Link, IPAddress Address, int PrefixLength)
{
    /// <summary>False while the kernel looks for others that have the address on the link, and where it has found one.</summary>
    public bool IsUsable { get; init; } = true;
}
