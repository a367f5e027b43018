using Mesh.Babel.Tests.Network;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Wire;

/// <summary>An exception is our bug, whatever a peer sends.</summary>
public sealed class HostileInputTests
{
    private static readonly BabelAddress Source = BabelAddress.Parse("fe80::c");

    [Fact]
    public void Every_truncation_of_every_packet_is_read_or_refused()
    {
        int accepted = 0;
        foreach (byte[] payload in Vectors.AllPayloads().Take(80))
        {
            for (int length = 0; length < payload.Length; length++)
            {
                // Once as a datagram cut short, and once with a header that agrees with it, so that the TLVs are cut too.
                Assert.NotEqual(PacketStatus.Valid, PacketReader.TryOpen(payload.AsSpan(0, length), Source, out _));
                if (length < PacketReader.HeaderLength)
                    continue;
                byte[] cut = payload[..length];
                (cut[2], cut[3]) = ((byte)((length - 4) >> 8), (byte)(length - 4));
                Assert.Equal(PacketStatus.Valid, PacketReader.TryOpen(cut, Source, out PacketReader reader));
                accepted += ReadAll(reader);
            }
        }

        Assert.True(accepted > 1000);
    }

    [Theory]
    [InlineData(AckRequestTlv.Type, 6)]
    [InlineData(AckTlv.Type, 2)]
    [InlineData(HelloTlv.Type, 6)]
    [InlineData(IhuTlv.Type, 6)]
    [InlineData(RouterIdTlv.Type, 10)]
    [InlineData(NextHopTlv.Type, 2)]
    [InlineData(UpdateTlv.Type, 10)]
    [InlineData(RouteRequestTlv.Type, 2)]
    [InlineData(SeqnoRequestTlv.Type, 14)]
    public void A_tlv_too_short_for_its_fixed_part_is_ignored_and_the_next_one_read(byte type, int minimum)
    {
        for (int length = 0; length < minimum; length++)
        {
            byte[] hello = new byte[8];
            _ = new HelloTlv(new Seqno(7), 400).Encode(hello);
            byte[] packet = [42, 2, 0, (byte)(2 + length + 8), type, (byte)length, .. new byte[length], .. hello];
            Assert.Equal(PacketStatus.Valid, PacketReader.TryOpen(packet, Source, out PacketReader reader));
            Assert.Equal(TlvKind.Ignored, reader.Read());
            Assert.Equal(IgnoreReason.Malformed, reader.Reason);
            Assert.Equal(TlvKind.Hello, reader.Read());
            Assert.Equal(TlvKind.End, reader.Read());
        }
    }

    [Fact]
    public void Mutated_packets_never_throw_and_never_disturb_the_next_one()
    {
        var random = new SeededRandom(20261122);
        byte[][] payloads = [.. Vectors.AllPayloads()];
        var output = new SilentOutput();
        var speaker = new BabelSpeaker(new RouterId(1), new BabelOptions { MaxPrefixes = 200, MaxRoutes = 300, MaxSources = 150, MaxNeighbours = 20, MaxPendingRequests = 10 }, random.Next, output);
        var link = new InterfaceId(1);
        speaker.AddInterface(link, new InterfaceParameters { Address = BabelAddress.Parse("fe80::a"), Ipv4Address = BabelAddress.Parse("192.0.2.7") }, TimeSpan.Zero);
        _ = speaker.Announce(BabelPrefix.Parse("2001:db8:a::/64"), TimeSpan.Zero);
        TimeSpan now = TimeSpan.Zero;
        for (int i = 0; i < 60_000; i++)
        {
            byte[] packet = [.. payloads[random.Below(payloads.Length)]];
            int mutations = random.Below(4);
            for (int m = 0; m < mutations; m++)
                packet[random.Chance(0.1) ? random.Below(4) : random.Below(packet.Length)] = random.Chance(0.3) ? (byte)random.Below(12) : (byte)random.Next();
            now += TimeSpan.FromMilliseconds(random.Below(200));
            if (speaker.NextDeadline <= now)
                speaker.Tick(now);
            speaker.Receive(link, BabelAddress.Parse($"fe80::{1 + random.Below(25):x}"), packet, now);
        }

        // Everything that was learnt lapses, and nothing leaks.
        for (TimeSpan end = now + TimeSpan.FromHours(2); speaker.NextDeadline < end;)
            speaker.Tick(speaker.NextDeadline);
        Assert.Empty(speaker.Neighbours());
        Assert.Equal((1, 0, 0, 0), speaker.Sizes);
        Assert.True(output.Packets > 1000);
        Assert.True(speaker[BabelCounter.NeighbourLimit] > 0, "the limit of neighbours was never reached");
        Assert.True(speaker[BabelCounter.MalformedTlv] > 0 && speaker[BabelCounter.UnknownTlv] > 0 && speaker[BabelCounter.BadPacket] > 0);
    }

    private static int ReadAll(PacketReader reader)
    {
        int read = 0;
        while (reader.Read() != TlvKind.End)
            read++;
        return read;
    }

    private sealed class SilentOutput : IBabelOutput
    {
        public int Packets { get; private set; }

        public void Send(InterfaceId link, BabelAddress destination, ReadOnlySpan<byte> payload)
        {
            Packets++;
            Assert.InRange(payload.Length, 5, 1452);
            // What we send, we can read.
            Assert.Equal(PacketStatus.Valid, PacketReader.TryOpen(payload, BabelAddress.Parse("fe80::a"), out PacketReader reader));
            for (TlvKind kind = reader.Read(); kind != TlvKind.End; kind = reader.Read())
                Assert.NotEqual(TlvKind.Ignored, kind);
        }

        public void RoutesChanged(ReadOnlySpan<RouteKey> routes) => Assert.False(routes.IsEmpty);
    }
}
