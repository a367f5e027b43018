using System.Net;
using Mesh.Simulation.Ranks;

namespace Mesh.Simulation.Underlay;

/// <summary>Transport protocol of a packet.</summary>
public enum PacketProtocol : byte
{
    /// <summary>UDP: may be lost.</summary>
    Udp,

    /// <summary>TCP, as <see cref="SimulatedTcp"/> models it: delayed by losses, not lost.</summary>
    Tcp,

    /// <summary>Between two programs of one computer: neither lost nor seen by anybody else.</summary>
    Loopback,

    /// <summary>A datagram of the routing protocol on a LAN, between link-local addresses.</summary>
    LanRouting,

    /// <summary>An IPv6 packet that one kernel forwards to another on a LAN.</summary>
    LanPacket,
}

/// <summary>A packet of the underlay. The payload is what a real machine would send.</summary>
/// <param name="Protocol">UDP or TCP.</param>
/// <param name="Source">As the receiver sees it: NAT boxes change it.</param>
/// <param name="Destination">Where it is to go: NAT boxes change it.</param>
/// <param name="Payload">Never changed once sent.</param>
public sealed record Packet(PacketProtocol Protocol, IPEndPoint Source, IPEndPoint Destination, ReadOnlyMemory<byte> Payload)
{
    private const int Headers = 40;   // of IPv4 and UDP or TCP without options, or what is near that

    /// <summary>The event that sent it, where that is traced: see <see cref="Tracing.CausalTrace"/>.</summary>
    internal long Cause { get; init; }

    /// <summary>What it takes of a line.</summary>
    internal int Octets => Headers + Payload.Length;

    /// <summary>Writes it for another rank: protocol u8, source, destination, payload.</summary>
    internal void Write(RankWriter writer)
    {
        writer.Byte((byte)Protocol);
        writer.EndPoint(Source);
        writer.EndPoint(Destination);
        writer.Octets(Payload.Span);
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    internal static Packet Read(RankReader reader) => new(reader.Member<PacketProtocol>(reader.Byte()), reader.EndPoint(), reader.EndPoint(), reader.Octets().ToArray());
}
