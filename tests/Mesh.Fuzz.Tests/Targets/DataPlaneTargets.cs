using System.Buffers.Binary;
using System.Net;
using Mesh.Actors;
using Mesh.Cli.Ping;
using Mesh.DataPlane;
using Mesh.DataPlane.Packets;
using Mesh.DataPlane.Sealing;
using Mesh.Fuzz.Tests.Harness;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>Packets as the data plane takes them: from the host, from streams, and in datagrams, sealed rightly and not.</summary>
internal static class DataPlaneTargets
{
    private static readonly TunnelIndex Near = new(1), Far = new(2);

    private static readonly StreamId Stream = new(5);

    private static readonly byte[] InKey = [.. Enumerable.Repeat((byte)1, SealedDatagram.KeyLength)], OutKey = [.. Enumerable.Repeat((byte)2, SealedDatagram.KeyLength)];

    private static readonly UInt128 Own = Address("2001:db8:1::1"), NearSide = Address("2001:db8:2::1"), FarSide = Address("2001:db8:3::1"), Nowhere = Address("2001:db8:9::1");

    private static readonly IPEndPoint NearPlace = new(IPAddress.Parse("192.0.2.2"), 4000), FarPlace = new(IPAddress.Parse("2001:db8:ffff::3"), 4000);

    private static readonly byte[][] Packets =
    [
        Packet(Own, NearSide, 8), Packet(NearSide, Own, 100), Packet(NearSide, FarSide, 1300), Packet(NearSide, FarSide, 1500), Packet(NearSide, Nowhere, 8), Packet(Own, Nowhere, 8), Packet(Own, Own, 0),
        Packet(FarSide, NearSide, 8, hopLimit: 1), [3, 1, 2, 3], [1], [2, 7], [],
    ];

    public static IEnumerable<FuzzTarget> All() =>
    [
        Target.Octets<Ipv6Header>("packets/ipv6-header", Packets, Ipv6Header.TryRead),
        Target.Octets("packets/sealed-header", [new byte[40], new byte[28]], static octets => SealedDatagram.TryReadHeader(octets, out uint receiver, out ulong counter) ? (receiver, counter) : null,
            Methods.Name(typeof(SealedDatagram), nameof(SealedDatagram.TryReadHeader))),
        Target.Octets<EchoMessage>("packets/ping-answer", [[129, 0, 0, 0, 0, 7, 0, 1, 9], [1, 3, 0, 0, 0, 0, 0, 0, .. Packet(Own, FarSide, 0), 128, 0, 0, 0, 0, 7, 0, 1]], EchoMessage.TryDecode),
        Engine("from-host", Packets, static (engine, octets) => engine.HandleHostPacket(octets, Second)),
        Engine("from-stream", Packets, static (engine, octets) => engine.HandleStreamPacket(Stream, octets, Second)),
        Engine("from-peer", Packets, static (engine, octets) => engine.HandleDatagram(Sealed(octets), DatagramEndpoint.From(NearPlace), Second)),
        Engine("from-anybody", [.. Packets.Select(Sealed)], static (engine, octets) => engine.HandleDatagram(octets, DatagramEndpoint.From(FarPlace), Second)) with { Repairs = [] },
    ];

    private static TimeSpan Second => TimeSpan.FromSeconds(1);

    private delegate void Handler(DataPlaneEngine engine, byte[] octets);

    private static FuzzTarget Engine(string name, IEnumerable<byte[]> corpus, Handler handle) => new("data-plane/" + name, [.. corpus])
    {
        // In steady traffic it allocates nothing; here a thread's scratch memory may come into being.
        BaseOctets = 512 * 1024,
        OctetsPerOctet = 4,
        Repairs = [RepairHeader],
        MaxLength = 3000,
        Prepare = input =>
        {
            var output = new Exits();
            DataPlaneEngine engine = Make(output);
            byte[] copy = [.. input.Octets];   // hop limits are written into it
            return () =>
            {
                handle(engine, copy);
                long counted = engine.Counters().TotalDrops + output.Count;
                return counted > 0 ? output : name == "from-peer" ? null : throw new InvalidOperationException("it was neither dropped nor sent on");
            };
        },
        Check = static (_, value) => ((Exits)value).Problem,
    };

    private static DataPlaneEngine Make(Exits output)
    {
        var engine = new DataPlaneEngine(DataPlaneOptions.Default, output, output);
        foreach ((TunnelIndex tunnel, IPEndPoint place) in new[] { (Near, NearPlace), (Far, FarPlace) })
        {
            engine.AddTunnel(tunnel);
            engine.SetKeys(tunnel, new DataKeys((uint)tunnel.Value, OutKey, InKey, DataCipher.Aes256Gcm));
            engine.SetPath(tunnel, new DataPath.Datagram(place));
        }

        engine.BindStream(Near, Stream);
        engine.Publish(ForwardingTable.Create([Entry("2001:db8:1::", Route.Local), Entry("2001:db8:2::", Route.Through(Near)), Entry("2001:db8:3::", Route.Through(Far))], Own));
        return engine;
    }

    private static ForwardingEntry Entry(string prefix, Route route) => new(Address(prefix), 48, route);

    private static byte[] Sealed(byte[] inner)
    {
        byte[] datagram = new byte[inner.Length + SealedDatagram.Overhead];
        _ = new SealingSession((uint)Near.Value, DataCipher.Aes256Gcm, InKey).TrySeal(inner, datagram);
        return datagram;
    }

    // An IPv6 packet of the right length between machines that there are.
    private static byte[] RepairHeader(DeterministicRandom random, byte[] octets)
    {
        UInt128[] places = [Own, NearSide, FarSide, Nowhere];
        byte[] packet = octets.Length >= Ipv6Header.Length ? [.. octets] : [.. octets, .. new byte[Ipv6Header.Length]];
        packet[0] = (byte)(0x60 | (packet[0] & 0xF));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)(packet.Length - Ipv6Header.Length));
        if (random.Next(4) != 0)
            BinaryPrimitives.WriteUInt128BigEndian(packet.AsSpan(8), places[random.Next(places.Length)]);
        if (random.Next(4) != 0)
            BinaryPrimitives.WriteUInt128BigEndian(packet.AsSpan(24), places[random.Next(places.Length)]);
        return packet;
    }

    private static byte[] Packet(UInt128 source, UInt128 destination, int length, byte hopLimit = 64)
    {
        byte[] packet = new byte[Ipv6Header.Length + length];
        (packet[0], packet[6], packet[7]) = (0x60, 58, hopLimit);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)length);
        BinaryPrimitives.WriteUInt128BigEndian(packet.AsSpan(8), source);
        BinaryPrimitives.WriteUInt128BigEndian(packet.AsSpan(24), destination);
        if (length > 0)
            packet[Ipv6Header.Length] = 128;
        return packet;
    }

    private static UInt128 Address(string text) => Protocol.Addressing.Ipv6Address.Parse(text).Value;

    // What leaves has to be what the next machine can take.
    private sealed class Exits : IPacketOutput, IControlSink
    {
        public int Count { get; private set; }

        public string? Problem { get; private set; }

        public bool WriteToHost(ReadOnlySpan<byte> packet) => Note(Ipv6Header.TryRead(packet, out Ipv6Header header) && header.PacketLength == packet.Length, "the host was given what is no packet");

        public bool SendDatagram(in DatagramEndpoint to, ReadOnlySpan<byte> datagram) =>
            Note(SealedDatagram.TryReadHeader(datagram, out _, out _) && datagram.Length <= DataPath.DefaultMtu + SealedDatagram.Overhead, "a datagram without a header, or longer than its path allows");

        public bool SendOnStream(StreamId stream, ReadOnlySpan<byte> packet) => Note(Ipv6Header.TryRead(packet, out _), "a stream was given what is no packet");

        public void ControlReceived(TunnelIndex tunnel, InnerKind kind, ReadOnlySpan<byte> payload, in DatagramEndpoint from) => _ = Note(Enum.IsDefined(kind), "a control message of an unknown kind");

        public void PeerMoved(TunnelIndex tunnel, in DatagramEndpoint from) => _ = Note(tunnel == Near, "another peer moved");

        private bool Note(bool isRight, string problem)
        {
            Count++;
            if (!isRight)
                Problem = problem;
            return true;
        }
    }
}
