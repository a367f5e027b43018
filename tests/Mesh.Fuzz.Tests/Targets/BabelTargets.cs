using System.Buffers.Binary;
using System.Text.Json;
using Mesh.Actors;
using Mesh.Babel;
using Mesh.Babel.Mac;
using Mesh.Babel.Wire;
using Mesh.Fuzz.Tests.Corpus;
using Mesh.Fuzz.Tests.Harness;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>Packets of the routing protocol: TLV by TLV, whole, and as a speaker takes them, signed and not.</summary>
internal static class BabelTargets
{
    private const int MaxCorpus = 120;

    private static readonly BabelAddress Self = BabelAddress.Parse("fe80::a"), Peer = BabelAddress.Parse("fe80::c");

    private static readonly InterfaceId Link = new(1);

    private static readonly MacKey Key = MacKey.Create(MacAlgorithm.Blake2s128, "sixteen octets A"u8);

    private static readonly byte[][] Packets = Load();

    private static readonly byte[][] Bodies = [.. Packets.Select(static packet => packet[PacketReader.HeaderLength..PacketReader.LengthWithoutTrailer(packet)])];

    private static readonly BabelOptions Small = new() { MaxPrefixes = 64, MaxRoutes = 64, MaxSources = 64, MaxNeighbours = 8, MaxPendingRequests = 8 };

    private static readonly byte[] PeerIndex = [1, 2, 3, 4, 5, 6, 7, 8];

    private delegate bool TlvDecoder<T>(ReadOnlySpan<byte> body, out T tlv, out int consumed);

    private delegate int TlvEncoder<T>(T tlv, Span<byte> output);

    private delegate int SubTlvEncoder(Span<byte> output);

    public static IEnumerable<FuzzTarget> All() =>
    [
        Tlv<AckRequestTlv>("ack-request", AckRequestTlv.Type, AckRequestTlv.TryDecode, static (tlv, output) => tlv.Encode(output)),
        Tlv<AckTlv>("ack", AckTlv.Type, AckTlv.TryDecode, static (tlv, output) => tlv.Encode(output)),
        Tlv<HelloTlv>("hello", HelloTlv.Type, HelloTlv.TryDecode, static (tlv, output) => tlv.Encode(output)),
        Tlv<IhuTlv>("ihu", IhuTlv.Type, IhuTlv.TryDecode, static (tlv, output) => tlv.Encode(output)),
        Tlv<RouterIdTlv>("router-id", RouterIdTlv.Type, RouterIdTlv.TryDecode, static (tlv, output) => tlv.Encode(output)),
        Tlv<NextHopTlv>("next-hop", NextHopTlv.Type, NextHopTlv.TryDecode, static (tlv, output) => tlv.Encode(output)),
        Tlv<UpdateTlv>("update", UpdateTlv.Type, UpdateTlv.TryDecode, static (tlv, output) => tlv.Encode(output)),
        Tlv<RouteRequestTlv>("route-request", RouteRequestTlv.Type, RouteRequestTlv.TryDecode, static (tlv, output) => tlv.Encode(output)),
        Tlv<SeqnoRequestTlv>("seqno-request", SeqnoRequestTlv.Type, SeqnoRequestTlv.TryDecode, static (tlv, output) => tlv.Encode(output)),
        Target.Octets("babel/authentication-tlvs", [[0, 0, 0, 1, .. PeerIndex], new byte[8], new byte[16]], DecodeAuthentication,
            Methods.Name(typeof(MacTlv), nameof(MacTlv.TryDecode)), Methods.Name(typeof(PacketCounterTlv), nameof(PacketCounterTlv.TryDecode)), Methods.Name(typeof(PadTlv), nameof(PadTlv.TryDecode)),
            Methods.Name(typeof(ChallengeRequestTlv), nameof(ChallengeRequestTlv.TryDecode)), Methods.Name(typeof(ChallengeReplyTlv), nameof(ChallengeReplyTlv.TryDecode))) with { MaxLength = 300 },
        Target.Octets<HelloTimestamp>("babel/hello-timestamp", [[0, 0, 0, 1], [0xFF, 0xFF, 0xFF, 0xFF, 9]], HelloTimestamp.TryDecode, static timestamp => Written(timestamp.Encode)) with { Covers = [Methods.Name(typeof(HelloTimestamp), nameof(HelloTimestamp.TryDecode))] },
        Target.Octets<IhuTimestamp>("babel/ihu-timestamp", [[0, 0, 0, 1, 0, 0, 0, 2], new byte[9]], IhuTimestamp.TryDecode, static timestamp => Written(timestamp.Encode)) with { Covers = [Methods.Name(typeof(IhuTimestamp), nameof(IhuTimestamp.TryDecode))] },
        Target.Octets<SourcePrefix>("babel/source-prefix", [[2, 48, 0x20, 1, 0xD, 0xB8, 0, 0x42], [1, 8, 10], [2, 128, .. new byte[16]], [0, 0], [2, 0]], DecodeSource, EncodeSource) with { Covers = [Methods.Name(typeof(SourcePrefix), nameof(SourcePrefix.TryDecode))] },
        Target.Octets("babel/addresses", [[2, 64, 0x20, 1, 0xD, 0xB8, 0, 1, 0, 2], [1, 8, 10], [3, 0, 0, 0, 0, 0, 0, 0, 0, 12], [0, 0], [2, 96, .. new byte[10], 0xFF, 0xFF]], DecodeAddresses,
            Methods.Name(typeof(AddressCodec), nameof(AddressCodec.TryReadAddress)), Methods.Name(typeof(AddressCodec), nameof(AddressCodec.TryReadPrefix)), Methods.Name(typeof(AddressCodec), nameof(AddressCodec.ReadLeftAligned))),
        Target.Octets("babel/packet", Packets, ReadPacket, Methods.Name(typeof(PacketReader), nameof(PacketReader.TryOpen)), Methods.Name(typeof(UpdateTlv), nameof(UpdateTlv.TryDecodePlain))) with { Repairs = [FixLength] },
        new FuzzTarget("babel/speaker", Packets) { Prepare = static input => Listen(MacKeys.None, input.Octets), Repairs = [FixLength], OctetsPerOctet = 512, BaseOctets = 256 * 1024, Share = 3 },
        new FuzzTarget("babel/speaker-signed", Bodies) { Prepare = static input => Listen(new MacKeys([Key]), SignedPacket(input.Octets)), OctetsPerOctet = 512, BaseOctets = 256 * 1024, Share = 3 },
        new FuzzTarget("babel/speaker-trailer", [.. Packets.Select(static packet => packet)]) { Prepare = static input => Listen(new MacKeys([Key], acceptAny: true), input.Octets), Repairs = [FixLength, Sign], OctetsPerOctet = 512, BaseOctets = 256 * 1024, Share = 3 },
        Target.Text<BabelAddress>("babel/address-text", ["fe80::1", "10.0.0.1", "::ffff:1.2.3.4"], ParseAddress, static address => address.ToString()) with { Covers = [Methods.Name(typeof(BabelAddress), nameof(BabelAddress.Parse))] },
        Target.Text<BabelPrefix>("babel/prefix-text", ["2001:db8::/32", "10.0.0.0/8", "::/0", "0.0.0.0/0"], ParsePrefix, static prefix => prefix.ToString()) with { Covers = [Methods.Name(typeof(BabelPrefix), nameof(BabelPrefix.Parse))] },
    ];

    // A sub-TLV without its type and length.
    private static byte[] Written(SubTlvEncoder encode)
    {
        byte[] output = new byte[64];
        int length = encode(output);
        return output[1] == length - 2 ? output[2..length] : throw new InvalidOperationException($"a sub-TLV of length {output[1]} with {length} octets");
    }

    private static FuzzTarget Tlv<T>(string name, byte type, TlvDecoder<T> decode, TlvEncoder<T> encode)
        where T : notnull
    {
        return Target.Octets<T>("babel/tlv-" + name, [.. BodiesOf(type).DefaultIfEmpty(new byte[24]).Take(MaxCorpus)], Decode, Encode) with { Covers = [Methods.Name(decode.Method)], MaxLength = 300 };

        bool Decode(ReadOnlySpan<byte> body, out T tlv) => decode(body, out tlv, out int consumed) && (consumed <= body.Length ? true : throw new InvalidOperationException($"{consumed} octets of {body.Length} consumed"));

        byte[] Encode(T tlv)
        {
            byte[] output = new byte[300];
            int length = encode(tlv, output);
            return output[0] == type && output[1] == length - 2 ? output[2..length] : throw new InvalidOperationException($"a TLV of type {output[0]} and length {output[1]} with {length} octets");
        }
    }

    private static object? DecodeAuthentication(byte[] body)
    {
        byte[] output = new byte[600];
        bool isRead = MacTlv.TryDecode(body, out MacTlv mac) && mac.Mac.SequenceEqual(body);
        if (PacketCounterTlv.TryDecode(body, out PacketCounterTlv counter))
            isRead &= output.AsSpan(0, counter.Encode(output))[2..].SequenceEqual(body);
        if (ChallengeRequestTlv.TryDecode(body, out ChallengeRequestTlv request))
            isRead &= output.AsSpan(0, request.Encode(output))[2..].SequenceEqual(body);
        if (ChallengeReplyTlv.TryDecode(body, out ChallengeReplyTlv reply))
            isRead &= output.AsSpan(0, reply.Encode(output))[2..].SequenceEqual(body);
        isRead &= PadTlv.TryDecode(body, out PadTlv pad) && pad.Length == body.Length + 2;
        return isRead ? true : throw new InvalidOperationException("a TLV is written differently than it was read");
    }

    // The encoding of the TLV, and the sub-TLV's body.
    private static bool DecodeSource(ReadOnlySpan<byte> octets, out SourcePrefix source)
    {
        source = default;
        return !octets.IsEmpty && SourcePrefix.TryDecode((AddressEncoding)octets[0], octets[1..], out source);
    }

    private static byte[] EncodeSource(SourcePrefix source)
    {
        byte[] tlv = new byte[64];
        int length = source.AppendTo(tlv);
        return [(byte)(source.Prefix.IsIpv4 ? AddressEncoding.Ipv4 : AddressEncoding.Ipv6), .. tlv[4..length]];
    }

    private static object? DecodeAddresses(byte[] octets)
    {
        if (octets.Length < 2)
            return null;
        var encoding = (AddressEncoding)octets[0];
        bool isAddress = AddressCodec.TryReadAddress(encoding, octets.AsSpan(2), out BabelAddress address);
        bool isPrefix = AddressCodec.TryReadPrefix(encoding, octets[1], octets.AsSpan(2), out BabelPrefix prefix, out _);
        return isAddress || isPrefix ? (address, prefix) : null;
    }

    // The quick way to read the updates of tables has to give what the general one does.
    private static object? ReadPacket(byte[] packet)
    {
        if (PacketReader.TryOpen(packet, Peer, out PacketReader reader) != PacketStatus.Valid)
            return null;
        PacketReader quick = reader;
        int count = 0;
        for (TlvKind kind = reader.Read(); kind != TlvKind.End; kind = reader.Read())
        {
            // Each kind is at least one octet long.
            if (++count > packet.Length)
                throw new InvalidOperationException("more TLVs than octets");
            bool isPlain = quick.TryReadPlain(out PlainUpdate plain);
            TlvKind quickKind = isPlain ? TlvKind.Update : quick.Read();
            if (quickKind != kind || (kind == TlvKind.Update && (isPlain ? plain.From(Peer) : quick.Update) != reader.Update))
                throw new InvalidOperationException($"TLV {count} is {kind} {reader.Update}, and {quickKind} {plain} to the quick reader");
        }

        return count;
    }

    // A fresh speaker hears a packet, and then time passes until it has said what it has to.
    private static Func<object?> Listen(MacKeys keys, byte[] packet)
    {
        var output = new Ear();
        ulong random = 1;
        var speaker = new BabelSpeaker(new RouterId(0xA), Small, () => random++, output, new PacketWriter());
        TimeSpan now = TimeSpan.Zero;
        speaker.AddInterface(Link, new InterfaceParameters { Address = Self, Keys = keys, Rtt = new RttParameters() }, now);
        if (!keys.IsEmpty)
            speaker.Receive(Link, Peer, BabelAddress.Multicast, Signed(new byte[] { HelloTlv.Type, 6, 0, 0, 0, 1, 1, 0x90 }, counter: 1, BabelAddress.Multicast), now);
        byte[] heard = keys.IsEmpty || output.Nonce is null ? packet : Answered(packet, output.Nonce);
        return () =>
        {
            speaker.Receive(Link, Peer, Self, heard, now);
            for (int turn = 0; turn < 20 && speaker.NextDeadline < TimeSpan.FromSeconds(30); turn++)
            {
                now = speaker.NextDeadline > now ? speaker.NextDeadline : now;
                speaker.Tick(now);
            }

            return speaker.Neighbours().Count > 0 ? output.Sent : null;
        };
    }

    private static byte[] SignedPacket(byte[] body) => Signed(body.AsSpan(0, Math.Min(body.Length, 1200)), counter: 2, Self);

    // A packet that is to be believed answers the challenge first: its last TLV is where the nonce goes.
    private static byte[] Answered(byte[] packet, byte[] nonce)
    {
        if (packet.Length < PacketReader.HeaderLength || PacketReader.TryOpen(packet, Peer, out _) != PacketStatus.Valid)
            return packet;
        int end = PacketReader.LengthWithoutTrailer(packet);
        byte[] whole = [.. packet[..end], ChallengeReplyTlv.Type, (byte)nonce.Length, .. nonce];
        BinaryPrimitives.WriteUInt16BigEndian(whole.AsSpan(2), (ushort)(whole.Length - PacketReader.HeaderLength));
        return Sign(whole, Self, trailer: packet[end..]);
    }

    private static byte[] Signed(ReadOnlySpan<byte> body, byte counter, BabelAddress destination)
    {
        byte[] packet = [PacketReader.Magic, PacketReader.Version, 0, 0, PacketCounterTlv.Type, (byte)(4 + PeerIndex.Length), 0, 0, 0, counter, .. PeerIndex, .. body];
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)(packet.Length - PacketReader.HeaderLength));
        return Sign(packet, destination, trailer: []);
    }

    private static byte[] Sign(byte[] packet, BabelAddress destination, ReadOnlySpan<byte> trailer)
    {
        byte[] mac = new byte[Key.MacLength];
        Key.Compute(Peer, destination, packet, mac);
        return [.. packet, MacTlv.Type, (byte)mac.Length, .. mac, .. trailer];
    }

    private static byte[] Sign(DeterministicRandom random, byte[] octets)
    {
        byte[] packet = FixLength(random, octets);
        return Sign(packet, Self, trailer: []);
    }

    private static byte[] FixLength(DeterministicRandom random, byte[] octets)
    {
        byte[] packet = octets.Length >= PacketReader.HeaderLength ? [.. octets] : [.. octets, .. new byte[PacketReader.HeaderLength]];
        (packet[0], packet[1]) = (PacketReader.Magic, PacketReader.Version);
        int trailer = random.Next(3) == 0 ? Math.Min(18, packet.Length - PacketReader.HeaderLength) : 0;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)(packet.Length - PacketReader.HeaderLength - trailer));
        return packet;
    }

    private static bool ParseAddress(ReadOnlySpan<char> text, out BabelAddress address) => Parsed(text, BabelAddress.Parse, out address);

    private static bool ParsePrefix(ReadOnlySpan<char> text, out BabelPrefix prefix) => Parsed(text, BabelPrefix.Parse, out prefix);

    private static bool Parsed<T>(ReadOnlySpan<char> text, Func<string, T> parse, out T? value)
    {
        value = default;
        try
        {
            value = parse(text.ToString());
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static IEnumerable<byte[]> BodiesOf(byte type)
    {
        foreach (byte[] body in Bodies)
        {
            for (int at = 0; at + 2 <= body.Length; at += body[at] == 0 ? 1 : 2 + body[at + 1])
            {
                if (body[at] == type && at + 2 + body[at + 1] <= body.Length)
                    yield return body[(at + 2)..(at + 2 + body[at + 1])];
            }
        }
    }

    private static byte[][] Load() =>
    [
        .. Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "corpus", "babel"), "*.json").Order(StringComparer.Ordinal)
            .SelectMany(static path => Files.HexValues(JsonDocument.Parse(File.ReadAllBytes(path)).RootElement, "udp_payload_hex").Where(static packet => packet.Length > PacketReader.HeaderLength).Take(40))
            .Where(static packet => PacketReader.TryOpen(packet, Peer, out _) == PacketStatus.Valid)
            .DistinctBy(Convert.ToHexString, StringComparer.Ordinal).GroupBy(static packet => packet.Length).SelectMany(static group => group.Take(3)).Take(MaxCorpus),
    ];

    // What the speaker says, of which the challenge matters.
    private sealed class Ear : IBabelOutput
    {
        public int Sent { get; private set; }

        public byte[]? Nonce { get; private set; }

        public void Send(InterfaceId link, BabelAddress destination, ReadOnlySpan<byte> payload)
        {
            Sent++;
            var walker = new TlvWalker(payload[PacketReader.HeaderLength..]);
            while (Nonce is null && walker.MoveNext())
            {
                if (walker.Type == ChallengeRequestTlv.Type)
                    Nonce = walker.Body.ToArray();
            }
        }

        public void RoutesChanged(ReadOnlySpan<RouteKey> routes)
        {
        }
    }
}
