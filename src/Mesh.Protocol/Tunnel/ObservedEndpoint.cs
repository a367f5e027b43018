using System.Runtime.InteropServices;
using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.Tunnel;

/// <summary>Which family an endpoint of the underlay has. The values are on the wire.</summary>
public enum EndpointFamily : byte
{
    /// <summary>Nothing is known.</summary>
    None = 0,

    /// <summary>An IPv4 address of 4 octets.</summary>
    Ipv4 = 4,

    /// <summary>An IPv6 address of 16 octets.</summary>
    Ipv6 = 6,
}

/// <summary>An address and port of the underlay as the other side of a tunnel sees it.</summary>
/// <remarks>
/// <code>family u8 (0, 4, 6) | if not 0: port u16 | address, 4 or 16 octets</code>
/// An IPv4-mapped IPv6 address is refused: there would be two forms of one endpoint.
/// </remarks>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ObservedEndpoint
{
    private static readonly Ipv6Prefix Ipv4Mapped = new((UInt128)0xFFFF << 32, 96);

    private ObservedEndpoint(EndpointFamily family, UInt128 address, ushort port)
    {
        Family = family;
        Address = address;
        Port = port;
    }

    /// <summary>The family; the default value is <see cref="EndpointFamily.None"/>.</summary>
    public EndpointFamily Family { get; }

    /// <summary>The address as a number in network order; below 2^32 for IPv4.</summary>
    public UInt128 Address { get; }

    /// <summary>The port, 0..65535.</summary>
    public ushort Port { get; }

    /// <summary>Octets on the wire: 1, 7 or 19.</summary>
    public int EncodedLength => Family switch
    {
        EndpointFamily.Ipv4 => 1 + sizeof(ushort) + sizeof(uint),
        EndpointFamily.Ipv6 => 1 + sizeof(ushort) + Ipv6Address.Length,
        _ => 1,
    };

    /// <summary>An IPv4 endpoint; the address is a number in network order.</summary>
    public static ObservedEndpoint Ipv4(uint address, ushort port) => new(EndpointFamily.Ipv4, address, port);

    /// <summary>An IPv6 endpoint; an IPv4-mapped address gives an IPv4 one.</summary>
    public static ObservedEndpoint Ipv6(Ipv6Address address, ushort port) =>
        Ipv4Mapped.Contains(address) ? Ipv4((uint)address.Value, port) : new(EndpointFamily.Ipv6, address.Value, port);

    internal static bool TryRead(ref WireReader reader, out ObservedEndpoint endpoint)
    {
        endpoint = default;
        if (!reader.TryReadByte(out byte family))
            return false;
        if (family == (byte)EndpointFamily.None)
            return true;
        if (family is not ((byte)EndpointFamily.Ipv4 or (byte)EndpointFamily.Ipv6) || !reader.TryReadUInt16(out ushort port))
            return false;
        if (family == (byte)EndpointFamily.Ipv4)
        {
            if (!reader.TryReadUInt32(out uint ipv4))
                return false;
            endpoint = Ipv4(ipv4, port);
            return true;
        }
        if (!reader.TryReadBytes(Ipv6Address.Length, out ReadOnlySpan<byte> octets) || !Ipv6Address.TryRead(octets, out Ipv6Address ipv6))
            return false;
        if (Ipv4Mapped.Contains(ipv6))
            return false;
        endpoint = Ipv6(ipv6, port);
        return true;
    }

    internal void Write(ref FrameWriter writer)
    {
        writer.Write((byte)Family);
        if (Family == EndpointFamily.None)
            return;
        writer.Write(Port);
        if (Family == EndpointFamily.Ipv4)
        {
            writer.Write((uint)Address);
            return;
        }
        Span<byte> octets = stackalloc byte[Ipv6Address.Length];
        new Ipv6Address(Address).Write(octets);
        writer.Write(octets);
    }

    /// <summary><c>ADDRESS:PORT</c>, IPv6 in brackets; <c>none</c> when nothing is known.</summary>
    public override string ToString() => Family switch
    {
        EndpointFamily.Ipv4 => $"{Ipv4Text.Format((uint)Address)}:{Port}",
        EndpointFamily.Ipv6 => $"[{new Ipv6Address(Address)}]:{Port}",
        _ => "none",
    };
}
