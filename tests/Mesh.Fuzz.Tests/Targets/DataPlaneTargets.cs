using System.Buffers.Binary;
using System.Net;
using Mesh.Actors;
using Mesh.Cli.Ping;
using Mesh.DataPlane;
using Mesh.DataPlane.Offload;
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
        Target.Octets<VirtioNetHeader>("packets/virtio-net-header", [new byte[VirtioNetHeader.Length], [1, 4, 72, 0, 68, 5, 40, 0, 16, 0]], VirtioNetHeader.TryRead),
        Engine("from-device", [.. Packets.Select(static packet => (byte[])[.. new byte[VirtioNetHeader.Length], .. packet]), Super(6, 4, 16, 1000), Super(17, 5, 6, 100)], FromDevice) with
        {
            Repairs = [static (random, octets) => octets.Length < VirtioNetHeader.Length ? octets : [.. octets[..VirtioNetHeader.Length], .. RepairHeader(random, octets[VirtioNetHeader.Length..])]],
            Covers = [Methods.Name(typeof(Segmentation), nameof(Segmentation.TryFrom))],
            OctetsPerOctet = 64,   // each segment repeats the headers
        },
        Joined(),
        Engine("from-host", Packets, static (engine, octets) => engine.HandleHostPacket(octets, Second)),
        Engine("from-stream", Packets, static (engine, octets) => engine.HandleStreamPacket(Stream, octets, Second)),
        Engine("from-peer", Packets, static (engine, octets) => engine.HandleDatagram(Sealed(octets), DatagramEndpoint.From(NearPlace), Second)),
        Engine("from-anybody", [.. Packets.Select(Sealed)], static (engine, octets) => engine.HandleDatagram(octets, DatagramEndpoint.From(FarPlace), Second)) with { Repairs = [] },
    ];

    private static TimeSpan Second => TimeSpan.FromSeconds(1);

    private delegate void Handler(DataPlaneEngine engine, byte[] octets);

    private static void FromDevice(DataPlaneEngine engine, byte[] octets)
    {
        if (VirtioNetHeader.TryRead(octets, out VirtioNetHeader header))
            engine.HandleHostPacket(header, octets.AsSpan(VirtioNetHeader.Length), Second);
        else
            engine.CountDropped(DropReason.MalformedPacket, 1);
    }

    // A super-packet of the host's, behind what the device says about it.
    private static byte[] Super(byte protocol, byte kind, byte checksumOffset, ushort segmentSize)
    {
        byte[] packet = Packet(Own, NearSide, 2500), header = new byte[VirtioNetHeader.Length];
        (packet[6], packet[52]) = (protocol, 5 << 4);
        new VirtioNetHeader(VirtioNetHeader.NeedsChecksum, (SegmentationKind)kind, 0, segmentSize, Ipv6Header.Length, checksumOffset).Write(header);
        return [.. header, .. packet];
    }

    // Whatever two packets are joined, cutting the outcome has to give the same two again.
    private static FuzzTarget Joined() => new("data-plane/joined", [Packet(Own, NearSide, 300), .. new[] { (byte)6, (byte)17 }.Select(static protocol =>
    {
        byte[] packet = Super(protocol, 0, 0, 0)[VirtioNetHeader.Length..];
        return packet[..(packet.Length / 2 * 2)];
    })])
    {
        MaxLength = 4000,
        OctetsPerOctet = 64,
        BaseOctets = 64 * 1024,
        Prepare = static input =>
        {
            byte[] octets = [.. input.Octets];
            return () =>
            {
                byte[] first = octets[..(octets.Length / 2)], second = octets[(octets.Length / 2)..];
                var joiner = new PacketJoiner();
                joiner.Begin(first);
                if (!joiner.TryJoin(first, second))
                    return null;
                byte[] super = [.. first, .. second[joiner.HeaderLength..]];
                VirtioNetHeader header = joiner.Finish(super);
                if (!Segmentation.TryFrom(header, super, out Segmentation segmentation))
                    throw new InvalidOperationException("what was joined cannot be cut");
                foreach ((int index, byte[] whole) in new[] { first, second }.Index())
                {
                    var segment = new byte[segmentation.LengthOf(super.Length, index)];
                    segmentation.Write(super, index, segment);
                    if (!segment.AsSpan().SequenceEqual(whole))
                        throw new InvalidOperationException("what was joined is cut differently");
                }
                return super;
            };
        },
        Repairs = [static (random, octets) =>
        {
            // Two packets of one flow, one after the other, most of the time.
            int length = Math.Max(octets.Length / 2, Ipv6Header.Length + 24);
            byte[] first = octets.Length >= length ? octets[..length] : [.. octets, .. new byte[length - octets.Length]];
            (first[0], first[6]) = ((byte)(0x60 | (first[0] & 0xF)), random.Next(2) == 0 ? (byte)6 : (byte)17);
            BinaryPrimitives.WriteUInt16BigEndian(first.AsSpan(4), (ushort)(length - Ipv6Header.Length));
            if (first[6] == 6)
                (first[52], first[53]) = (5 << 4, 16);
            else
                BinaryPrimitives.WriteUInt16BigEndian(first.AsSpan(44), (ushort)(length - Ipv6Header.Length));
            byte[] second = [.. first];
            if (first[6] == 6)
                BinaryPrimitives.WriteUInt32BigEndian(second.AsSpan(44), BinaryPrimitives.ReadUInt32BigEndian(first.AsSpan(44)) + (uint)(length - 60));
            else
                second[^1]++;
            foreach (byte[] packet in new[] { first, second })
            {
                int field = Ipv6Header.Length + (packet[6] == 6 ? 16 : 6);
                packet[field] = packet[field + 1] = 0;
                BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(field), InternetChecksum.OfUpperLayer(packet.AsSpan(8, 32), packet[6], packet.AsSpan(Ipv6Header.Length)));
            }
            return [.. first, .. second];
        }],
    };

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

        public void PathSilent(TunnelIndex tunnel) => _ = Note(false, "a tunnel was silent within one instant");

        public void KeyWorn(TunnelIndex tunnel) => _ = Note(false, "a key was worn by a few datagrams");

        private bool Note(bool isRight, string problem)
        {
            Count++;
            if (!isRight)
                Problem = problem;
            return true;
        }
    }
}
