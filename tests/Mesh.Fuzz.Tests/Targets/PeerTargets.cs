using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Mesh.Actors;
using Mesh.Fuzz.Tests.Corpus;
using Mesh.Fuzz.Tests.Harness;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Icmp;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;
using Mesh.Protocol.Udp;
using Mesh.Security.Sessions;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>Datagrams between nodes, and what is in them.</summary>
internal static class PeerTargets
{
    private const byte Udp = 17, Icmpv6 = 58;

    private static readonly byte[][] Payloads = [.. Network.Datagrams.Where(static d => d.Length > SessionMessage.MinLength).Select(static d => d[PeerDatagram.NumberLength..^SessionMessage.MacLength])];

    private static readonly Ipv6Address Source = Ipv6Address.Parse("2001:db8:42:1::1"), Destination = Ipv6Address.Parse("2001:db8:42:2::1");

    public static IEnumerable<FuzzTarget> All() =>
    [
        Target.Octets<Hello0>("peer/hello0", Network.Datagrams, Hello0.TryDecode, static hello => hello.Encode(), isCanonical: true),
        Target.Octets<Hello>("peer/hello", Network.Datagrams, Hello.TryDecode, static hello => hello.Encode(), isCanonical: true),
        Target.Octets<NodeInformation>("peer/node-information", Texts("mesh 0.1.0, Linux 6.1", "0.589, CPython 3.11", "x"), NodeInformation.TryDecode, static information => information.Encode()),
        Target.Octets<PeerCapabilities>(
            "peer/capabilities",
            [
                new PeerCapabilities(PeerFeatures.NativeTunnels | PeerFeatures.NewsInTunnels, Addresses("192.0.2.1,326,mesh;2001:db8::1,326,mesh,FR"), IsAnswer: true).Encode(),
                new PeerCapabilities(PeerFeatures.None, AddressList.Empty, IsAnswer: false).Encode(),
            ],
            PeerCapabilities.TryDecode, static capabilities => capabilities.Encode()),
        Target.Octets<TunnelKill>(
            "peer/tunnel-kill", [new TunnelKill(0x01020304, CloseReason.Retired, IsServer: true, Agrees: true).Encode(), new TunnelKill(1, CloseReason.Duplicate, IsServer: false, Agrees: false).Encode()],
            TunnelKill.TryDecode, static kill => kill.Encode()),
        Target.Octets<TopologyReport>(
            "peer/topology-report", [.. Texts("2 0/16 2/16 3/16", "0", "1 196608/32"), .. Payloads],
            static (ReadOnlySpan<byte> octets, [MaybeNullWhen(false)] out TopologyReport report) => TopologyReport.TryDecode(octets, new NodePrefix(1, 16), Network.Prefix, out report),
            static report => report.Encode(), static (a, b) => a.Clients.SequenceEqual(b.Clients) && a.Servers.SequenceEqual(b.Servers))
            with { Covers = [Methods.Name(typeof(TopologyReport), nameof(TopologyReport.TryDecode))], Tokens = Target.Tokens("0/16 1/16 340282366920938463463374607431768211455/127 65535/80 0/1 2048 2049"), MaxLength = 100_000 },
        Target.Octets("peer/session", Network.Datagrams, OpenMessage, Methods.Name(typeof(SessionMessage), nameof(SessionMessage.TryDecode)), Methods.Name(typeof(PeerSession), nameof(PeerSession.Open)))
            with { Repairs = [SealMessage] },
        Target.Octets<UdpPacket>("packets/udp", [Datagram("hello"u8.ToArray()), Datagram([]), Datagram(new byte[1400])], UdpPacket.TryDecode, static packet => packet.Encode())
            with { Repairs = [static (_, octets) => RepairPacket(octets, Udp, checksumAt: 46)], Check = static (input, value) => CheckPacket(input.Octets, ((UdpPacket)value).Encode(), checksumAt: 46) },
        Target.Octets<EchoPacket>(
            "packets/echo", [Echo(isReply: false, 8), Echo(isReply: true, 0), Echo(isReply: false, 1000)], EchoPacket.TryDecode, static packet => packet.Encode(),
            static (a, b) => a with { Data = default } == b with { Data = default } && a.Data.Span.SequenceEqual(b.Data.Span))
            with { Repairs = [static (_, octets) => RepairPacket(octets, Icmpv6, checksumAt: 42)], Check = static (input, value) => CheckPacket(input.Octets, ((EchoPacket)value).Encode(), checksumAt: 42) },
    ];

    private static object? OpenMessage(byte[] datagram)
    {
        if (PeerDatagram.KindOf(datagram) != PeerDatagramKind.Message || !SessionMessage.TryDecode(datagram, out SessionMessage message))
            return null;
        bool isAccepted = new PeerSession(Network.SessionKey).Open(message) == PeerMessageVerdict.Accepted;
        // Reading it must be possible whatever the verdict.
        _ = message.Code + message.Data.Length + message.Payload.Length + (message.IsAcknowledgement ? 1 : 0);
        return isAccepted ? message.Number : null;
    }

    // The code is made anew, so that numbers and payloads are looked at.
    private static byte[] SealMessage(DeterministicRandom random, byte[] octets)
    {
        byte[] datagram = octets.Length >= SessionMessage.MinLength ? [.. octets] : [.. octets, .. new byte[SessionMessage.MinLength]];
        if (random.Next(2) == 0)
            BinaryPrimitives.WriteUInt32BigEndian(datagram, (uint)random.Next(6));
        Span<byte> mac = datagram.AsSpan(datagram.Length - SessionMessage.MacLength);
        Network.SessionKey.Authenticate(datagram.AsSpan(0, datagram.Length - SessionMessage.MacLength), mac);
        return datagram;
    }

    // Version, lengths, kind and checksum as they have to be.
    private static byte[] RepairPacket(byte[] octets, byte nextHeader, int checksumAt)
    {
        byte[] packet = octets.Length >= UdpPacket.HeaderLength ? [.. octets] : [.. octets, .. new byte[UdpPacket.HeaderLength]];
        (packet[0], packet[6]) = ((byte)(0x60 | (packet[0] & 0xF)), nextHeader);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)(packet.Length - 40));
        if (nextHeader == Udp)
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(44), (ushort)(packet.Length - 40));
        else
            (packet[40], packet[41]) = ((byte)(128 | (packet[40] & 1)), 0);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(checksumAt), 0);
        ushort checksum = Mesh.Protocol.TransportChecksum.Of(packet, nextHeader);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(checksumAt), checksum == 0 ? ushort.MaxValue : checksum);
        return packet;
    }

    // Traffic class, flow label and hop limit are not kept; all else has to be what is written of it, the checksum too, of which the two zeros are the same.
    private static string? CheckPacket(byte[] packet, byte[] again, int checksumAt)
    {
        if (BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(checksumAt)) == ushort.MaxValue && BinaryPrimitives.ReadUInt16BigEndian(again.AsSpan(checksumAt)) == 0)
            packet.AsSpan(checksumAt, sizeof(ushort)).CopyTo(again.AsSpan(checksumAt));
        again[0] = packet[0];
        packet.AsSpan(1, 3).CopyTo(again.AsSpan(1));
        again[7] = packet[7];
        return again.AsSpan().SequenceEqual(packet) ? null : $"it is encoded as {Convert.ToHexString(again)}";
    }

    private static byte[] Datagram(byte[] data) => new UdpPacket(Source, 326, Destination, 326, data).Encode();

    private static byte[] Echo(bool isReply, int length) => new EchoPacket(Source, Destination, isReply, 7, 1, new byte[length]).Encode();

    private static AddressList Addresses(string text) => AddressList.TryParse(text, out AddressList list, out _) ? list : throw new FormatException(text);

    private static IEnumerable<byte[]> Texts(params string[] texts) => texts.Select(Encoding.UTF8.GetBytes);
}
