using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;
using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.BabelControl;

/// <summary>A network interface of babeld.</summary>
/// <param name="Index">The kernel's number of it.</param>
/// <param name="Name">1..64 octets of printable ASCII.</param>
public readonly record struct DumpedInterface(uint Index, string Name);

/// <summary>A neighbour of babeld.</summary>
/// <param name="Address">Link-local address.</param>
/// <param name="InterfaceIndex">Where it is.</param>
/// <param name="Reach">Which of the last 16 Hellos came, the newest highest.</param>
/// <param name="RxCost">Cost of hearing it.</param>
/// <param name="TxCost">Cost of being heard, as it says.</param>
/// <param name="Rtt">Round trip time; the unit is not documented.</param>
/// <param name="RttCost">What the round trip time adds.</param>
/// <param name="Channel">Radio channel.</param>
/// <param name="InterfaceUp">Other than 0 where the interface is up.</param>
/// <param name="CostMultiplier">256 is one, see <see cref="SetCostMultiplier"/>.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct DumpedNeighbour(
    Ipv6Address Address, uint InterfaceIndex, ushort Reach, ushort RxCost, ushort TxCost, ushort Rtt, ushort RttCost, int Channel, ushort InterfaceUp, ushort CostMultiplier);

/// <summary>A route that babeld itself announces.</summary>
/// <param name="Prefix">IPv4 prefixes are mapped into <c>::ffff:0:0/96</c>.</param>
/// <param name="Metric">The metric it is announced with.</param>
public readonly record struct DumpedExport(Ipv6Prefix Prefix, ushort Metric);

/// <summary>A route that babeld knows.</summary>
/// <param name="Prefix">IPv4 prefixes are mapped into <c>::ffff:0:0/96</c>.</param>
/// <param name="Metric">Metric of the whole way.</param>
/// <param name="SmoothedMetric">The same, smoothed.</param>
/// <param name="ReferenceMetric">Metric that the neighbour announced; 0 where the prefix is its own.</param>
/// <param name="RouterId">Who announced it first.</param>
/// <param name="Seqno">Sequence number.</param>
/// <param name="Age">Seconds.</param>
/// <param name="InterfaceIndex">Where the neighbour is.</param>
/// <param name="Neighbour">Link-local address of who announced it to us.</param>
/// <param name="NextHop">Where packets go.</param>
/// <param name="Flags">Bit 0: installed.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct DumpedRoute(
    Ipv6Prefix Prefix, ushort Metric, ushort SmoothedMetric, ushort ReferenceMetric, ulong RouterId, int Seqno, int Age, uint InterfaceIndex, Ipv6Address Neighbour, Ipv6Address NextHop, byte Flags)
{
    /// <summary>Whether packets use it.</summary>
    public bool IsInstalled => (Flags & 1) != 0;
}

/// <summary>What babeld knows.</summary>
/// <remarks>
/// Four arrays, each a count u16 and its items; what was not asked for has no items:
/// <code>
/// interface  index u32 | name, ends with 00
/// neighbour  address 16 | interface u32 | reach u16 | rxcost u16 | txcost u16 | rtt u16 | rttcost u16 | channel i32 | up u16 | multiplier u16
/// export     prefix 16 | length u8 | metric u16
/// route      prefix 16 | length u8 | metric u16 | smoothed u16 | reference u16 | router-id 8 | seqno i32 | age i32 | interface u32
///            | neighbour 16 | next hop 16 | flags u8
/// </code>
/// </remarks>
/// <param name="Interfaces">Network interfaces.</param>
/// <param name="Neighbours">Neighbours.</param>
/// <param name="Exports">Routes of the daemon itself.</param>
/// <param name="Routes">Routes.</param>
public sealed record DumpResponse(
    ImmutableArray<DumpedInterface> Interfaces, ImmutableArray<DumpedNeighbour> Neighbours, ImmutableArray<DumpedExport> Exports, ImmutableArray<DumpedRoute> Routes)
{
    private const int MaxNameLength = 64;   // the kernel's names have 15
    private const int MinInterfaceLength = 6;
    private const int NeighbourLength = 38;
    private const int ExportLength = 19;
    private const int RouteLength = 76;

    private delegate bool ItemReader<T>(ref WireReader reader, out T item);

    /// <summary>Reads a body; false where it is too short or too long, or a prefix or a name is malformed. Takes no more memory than a few times the octets that came.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, [NotNullWhen(true)] out DumpResponse? response)
    {
        response = null;
        var reader = new WireReader(body);
        if (!TryReadArray(ref reader, MinInterfaceLength, TryReadInterface, out ImmutableArray<DumpedInterface> interfaces)
            || !TryReadArray(ref reader, NeighbourLength, TryReadNeighbour, out ImmutableArray<DumpedNeighbour> neighbours)
            || !TryReadArray(ref reader, ExportLength, TryReadExport, out ImmutableArray<DumpedExport> exports)
            || !TryReadArray(ref reader, RouteLength, TryReadRoute, out ImmutableArray<DumpedRoute> routes)
            || reader.Remaining != 0)
        {
            return false;
        }

        response = new DumpResponse(interfaces, neighbours, exports, routes);
        return true;
    }

    /// <summary>The packet, as babeld sends it.</summary>
    /// <exception cref="OverflowException">An array has more than 65535 items: a bug on our side.</exception>
    public byte[] Encode()
    {
        var body = new ControlWriter();
        body.UInt16(checked((ushort)Interfaces.Length));
        foreach (DumpedInterface item in Interfaces)
        {
            body.UInt32(item.Index);
            body.Octets(Encoding.ASCII.GetBytes(item.Name));
            body.Byte(0);
        }

        body.UInt16(checked((ushort)Neighbours.Length));
        foreach (DumpedNeighbour item in Neighbours)
        {
            body.Address(item.Address);
            body.UInt32(item.InterfaceIndex);
            foreach (ushort number in (ReadOnlySpan<ushort>)[item.Reach, item.RxCost, item.TxCost, item.Rtt, item.RttCost])
                body.UInt16(number);
            body.UInt32((uint)item.Channel);
            body.UInt16(item.InterfaceUp);
            body.UInt16(item.CostMultiplier);
        }

        body.UInt16(checked((ushort)Exports.Length));
        foreach (DumpedExport item in Exports)
        {
            body.Prefix(item.Prefix);
            body.UInt16(item.Metric);
        }

        body.UInt16(checked((ushort)Routes.Length));
        foreach (DumpedRoute item in Routes)
        {
            body.Prefix(item.Prefix);
            body.UInt16(item.Metric);
            body.UInt16(item.SmoothedMetric);
            body.UInt16(item.ReferenceMetric);
            body.UInt32((uint)(item.RouterId >> 32));
            body.UInt32((uint)item.RouterId);
            body.UInt32((uint)item.Seqno);
            body.UInt32((uint)item.Age);
            body.UInt32(item.InterfaceIndex);
            body.Address(item.Neighbour);
            body.Address(item.NextHop);
            body.Byte(item.Flags);
        }

        return ControlPacket.Encode(ControlPacket.Dump, body.Written);
    }

    /// <summary>Same items in the same order.</summary>
    public bool Equals(DumpResponse? other) => other is not null
        && Interfaces.SequenceEqual(other.Interfaces) && Neighbours.SequenceEqual(other.Neighbours) && Exports.SequenceEqual(other.Exports) && Routes.SequenceEqual(other.Routes);

    /// <inheritdoc/>
    public override int GetHashCode() => (((((Interfaces.Length * 31) + Neighbours.Length) * 31) + Exports.Length) * 31) + Routes.Length;

    // The count is compared with what is left before anything is allocated for it.
    private static bool TryReadArray<T>(ref WireReader reader, int minLength, ItemReader<T> read, out ImmutableArray<T> items)
    {
        items = [];
        if (!reader.TryReadUInt16(out ushort count) || reader.Remaining < count * minLength)
            return false;
        ImmutableArray<T>.Builder builder = ImmutableArray.CreateBuilder<T>(count);
        for (int index = 0; index < count; index++)
        {
            if (!read(ref reader, out T item))
                return false;
            builder.Add(item);
        }

        items = builder.MoveToImmutable();
        return true;
    }

    private static bool TryReadInterface(ref WireReader reader, out DumpedInterface item)
    {
        item = default;
        if (!reader.TryReadUInt32(out uint index))
            return false;
        Span<char> name = stackalloc char[MaxNameLength];
        for (int length = 0; length <= MaxNameLength; length++)
        {
            if (!reader.TryReadByte(out byte octet))
                return false;
            if (octet == 0)
            {
                item = new DumpedInterface(index, name[..length].ToString());
                return length > 0;
            }

            if (octet is < 0x21 or > 0x7E || length == MaxNameLength)
                return false;
            name[length] = (char)octet;
        }

        return false;
    }

    private static bool TryReadNeighbour(ref WireReader reader, out DumpedNeighbour item)
    {
        item = default;
        if (!TryReadAddress(ref reader, out Ipv6Address address)
            || !reader.TryReadUInt32(out uint interfaceIndex)
            || !reader.TryReadUInt16(out ushort reach)
            || !reader.TryReadUInt16(out ushort rxCost)
            || !reader.TryReadUInt16(out ushort txCost)
            || !reader.TryReadUInt16(out ushort rtt)
            || !reader.TryReadUInt16(out ushort rttCost)
            || !reader.TryReadUInt32(out uint channel)
            || !reader.TryReadUInt16(out ushort up)
            || !reader.TryReadUInt16(out ushort multiplier))
        {
            return false;
        }

        item = new DumpedNeighbour(address, interfaceIndex, reach, rxCost, txCost, rtt, rttCost, (int)channel, up, multiplier);
        return true;
    }

    private static bool TryReadExport(ref WireReader reader, out DumpedExport item)
    {
        item = default;
        if (!TryReadPrefix(ref reader, out Ipv6Prefix prefix) || !reader.TryReadUInt16(out ushort metric))
            return false;
        item = new DumpedExport(prefix, metric);
        return true;
    }

    private static bool TryReadRoute(ref WireReader reader, out DumpedRoute item)
    {
        item = default;
        if (!TryReadPrefix(ref reader, out Ipv6Prefix prefix)
            || !reader.TryReadUInt16(out ushort metric)
            || !reader.TryReadUInt16(out ushort smoothed)
            || !reader.TryReadUInt16(out ushort reference)
            || !reader.TryReadUInt32(out uint routerHigh)
            || !reader.TryReadUInt32(out uint routerLow)
            || !reader.TryReadUInt32(out uint seqno)
            || !reader.TryReadUInt32(out uint age)
            || !reader.TryReadUInt32(out uint interfaceIndex)
            || !TryReadAddress(ref reader, out Ipv6Address neighbour)
            || !TryReadAddress(ref reader, out Ipv6Address nextHop)
            || !reader.TryReadByte(out byte flags))
        {
            return false;
        }

        item = new DumpedRoute(prefix, metric, smoothed, reference, ((ulong)routerHigh << 32) | routerLow, (int)seqno, (int)age, interfaceIndex, neighbour, nextHop, flags);
        return true;
    }

    private static bool TryReadAddress(ref WireReader reader, out Ipv6Address address)
    {
        address = default;
        return reader.TryReadBytes(Ipv6Address.Length, out ReadOnlySpan<byte> octets) && Ipv6Address.TryRead(octets, out address);
    }

    // Host bits do not matter to routes; the prefix drops them.
    private static bool TryReadPrefix(ref WireReader reader, out Ipv6Prefix prefix)
    {
        prefix = default;
        if (!TryReadAddress(ref reader, out Ipv6Address address) || !reader.TryReadByte(out byte length) || length > Ipv6Prefix.MaxLength)
            return false;
        prefix = new Ipv6Prefix(address, length);
        return true;
    }
}
