using System.Buffers.Binary;
using Mesh.Babel.Mac;
using Mesh.Babel.Tests.Network;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Mac;

/// <summary>One speaker with keys, and a peer that the test plays; remembers whole packets.</summary>
internal sealed class MacBench : IBabelOutput
{
    public static readonly InterfaceId Link = new(1);
    public static readonly BabelAddress Self = BabelAddress.Parse("fe80::a");
    public static readonly BabelAddress Peer = BabelAddress.Parse("fe80::c");
    public static readonly RouterId Origin = new(0x0200_0000_0000_0099);
    public static readonly MacKey KeyA = MacKey.Create(MacAlgorithm.Blake2s128, "sixteen octets A"u8);
    public static readonly MacKey KeyB = MacKey.Create(MacAlgorithm.Blake2s128, "sixteen octets B"u8);
    private readonly byte[] _scratch = new byte[300];
    private ushort _hello;

    public MacBench(MacKeys keys, InterfaceParameters? parameters = null, BabelOptions? options = null)
    {
        var random = new SeededRandom(7);
        Speaker = new BabelSpeaker(new RouterId(0xA), options ?? new BabelOptions(), () => Forced?.Invoke(Now) ?? random.Next(), this);
        Speaker.AddInterface(Link, (parameters ?? new InterfaceParameters { Address = Self }) with { Keys = keys }, Now);
        PeerKeys = keys;
    }

    public BabelSpeaker Speaker { get; }

    public TimeSpan Now { get; private set; }

    public List<Sent> Log { get; } = [];

    /// <summary>What the speaker draws instead of random numbers: the nonces of a recording.</summary>
    public Func<TimeSpan, ulong?>? Forced { get; set; }

    /// <summary>What the played peer signs with.</summary>
    public MacKeys PeerKeys { get; set; }

    /// <summary>The number of the peer's next packet.</summary>
    public uint PeerCounter { get; set; } = 100;

    public byte[] PeerIndex { get; set; } = [1, 2, 3, 4, 5, 6, 7, 8];

    public IEnumerable<byte[]> Challenges(BabelAddress? of = null) => Nonces(ChallengeRequestTlv.Type, of ?? Peer);

    public IEnumerable<byte[]> Replies(BabelAddress? of = null) => Nonces(ChallengeReplyTlv.Type, of ?? Peer);

    public long this[BabelCounter counter] => Speaker[counter];

    public void Advance(double seconds) => AdvanceTo(Now + TimeSpan.FromSeconds(seconds));

    public void AdvanceTo(TimeSpan end)
    {
        while (Speaker.NextDeadline <= end)
        {
            Now = Speaker.NextDeadline > Now ? Speaker.NextDeadline : Now;
            Speaker.Tick(Now);
        }

        Now = end;
    }

    public void Receive(byte[] packet, BabelAddress? source = null, BabelAddress? destination = null)
    {
        if (destination is { } known)
            Speaker.Receive(Link, source ?? Peer, known, packet, Now);
        else
            Speaker.Receive(Link, source ?? Peer, packet, Now);
    }

    /// <summary>A packet of the peer, numbered and signed with its keys; without keys neither.</summary>
    public byte[] Packet(byte[] body, BabelAddress? destination = null, BabelAddress? source = null)
    {
        var writer = new PacketWriter();
        writer.Begin(1400, 300);
        Assert.True(writer.TryAppend(body));
        if (!PeerKeys.IsEmpty)
            writer.AppendReserved(_scratch.AsSpan(0, new PacketCounterTlv(PeerCounter++, PeerIndex).Encode(_scratch)));
        return Sign(writer, PeerKeys, source ?? Peer, destination ?? BabelAddress.Multicast);
    }

    /// <summary>Signs what stands in a writer.</summary>
    public static byte[] Sign(PacketWriter writer, MacKeys keys, BabelAddress source, BabelAddress destination)
    {
        ReadOnlySpan<byte> signed = writer.Finish();
        byte[] tlv = new byte[40];
        foreach (MacKey key in keys.Sign)
        {
            byte[] mac = new byte[key.MacLength];
            key.Compute(source, destination, signed, mac);
            writer.AppendReserved(tlv.AsSpan(0, new MacTlv(mac).Encode(tlv)));
        }

        return writer.Whole.ToArray();
    }

    public void Send(byte[] body, BabelAddress? destination = null) => Receive(Packet(body, destination), Peer, destination ?? BabelAddress.Multicast);

    public byte[] Hello(ushort centiseconds = 60000) => Encode(output => new HelloTlv(new Seqno(_hello++), centiseconds).Encode(output));

    public byte[] Ihu(ushort cost = 96) => Encode(output => new IhuTlv(AddressEncoding.Wildcard, cost, 60000, default).Encode(output));

    public byte[] Update(BabelPrefix prefix, ushort seqno = 10, ushort metric = 0) =>
        [.. Encode(new RouterIdTlv(Origin).Encode), .. Encode(new UpdateTlv(AddressEncoding.Ipv6, 0, prefix.Length, 0, 60000, new Seqno(seqno), metric, prefix.Bits).Encode)];

    public byte[] Challenge(byte[] nonce) => Tlv(ChallengeRequestTlv.Type, nonce);

    public byte[] Reply(byte[] nonce) => Tlv(ChallengeReplyTlv.Type, nonce);

    /// <summary>The peer speaks, is challenged, answers, and has a usable link.</summary>
    public void Meet()
    {
        Send(Hello());
        Send(Reply(Challenges().Last()), Self);
        Send(Hello());
        Send([.. Hello(), .. Ihu()]);
        Assert.Equal(NeighbourAuthentication.Verified, Assert.Single(Speaker.Neighbours()).Authentication);
    }

    public bool Has(string prefix) => Speaker.TryGetSelected(BabelPrefix.Parse(prefix), out _);

    void IBabelOutput.Send(InterfaceId link, BabelAddress destination, ReadOnlySpan<byte> payload) => Log.Add(new Sent(Now, destination, payload.ToArray()));

    void IBabelOutput.RoutesChanged(ReadOnlySpan<RouteKey> routes)
    {
    }

    private static byte[] Tlv(byte type, byte[] body) => [type, (byte)body.Length, .. body];

    private static byte[] Encode(Writer write)
    {
        byte[] tlv = new byte[40];
        return tlv[..write(tlv)];
    }

    private IEnumerable<byte[]> Nonces(byte type, BabelAddress of) =>
        Log.Where(s => s.Destination == of).SelectMany(s => s.Tlvs()).Where(tlv => tlv.Type == type).Select(tlv => tlv.Body);

    private delegate int Writer(Span<byte> output);

    /// <summary>One packet that was sent.</summary>
    internal readonly record struct Sent(TimeSpan At, BabelAddress Destination, byte[] Payload)
    {
        public List<(byte Type, byte[] Body)> Tlvs() => Walk(Payload.AsSpan(4, PacketReader.LengthWithoutTrailer(Payload) - 4));

        public List<(byte Type, byte[] Body)> Trailer() => Walk(Payload.AsSpan(PacketReader.LengthWithoutTrailer(Payload)));

        /// <summary>The packet counter, and its index of 8 octets.</summary>
        public (uint Counter, ulong Index) Number()
        {
            (byte Type, byte[] Body) last = Tlvs()[^1];
            Assert.True(last.Type == PacketCounterTlv.Type && PacketCounterTlv.TryDecode(last.Body, out _));
            _ = PacketCounterTlv.TryDecode(last.Body, out PacketCounterTlv counter);
            return (counter.Counter, BinaryPrimitives.ReadUInt64BigEndian(counter.Index));
        }

        /// <summary>Whether it is signed with just these keys.</summary>
        public bool IsSignedBy(params MacKey[] keys)
        {
            int end = PacketReader.LengthWithoutTrailer(Payload);
            List<(byte Type, byte[] Body)> trailer = Trailer();
            if (trailer.Count != keys.Length)
                return false;
            for (int i = 0; i < keys.Length; i++)
            {
                byte[] mac = new byte[keys[i].MacLength];
                keys[i].Compute(Self, Destination, Payload.AsSpan(0, end), mac);
                if (trailer[i].Type != MacTlv.Type || !mac.AsSpan().SequenceEqual(trailer[i].Body))
                    return false;
            }

            return true;
        }

        private static List<(byte Type, byte[] Body)> Walk(ReadOnlySpan<byte> octets)
        {
            var list = new List<(byte Type, byte[] Body)>();
            var walker = new TlvWalker(octets);
            while (walker.MoveNext())
                list.Add((walker.Type, walker.Body.ToArray()));
            return list;
        }
    }
}
