using Mesh.Babel.Mac;
using Mesh.Babel.Tests.Network;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Mac;

/// <summary>An exception is our bug, whatever a peer sends; and what was changed on its way is not acted upon.</summary>
public sealed class MacHostileTests
{
    private static readonly BabelPrefix Far = BabelPrefix.Parse("2001:db8:f::/64");

    [Theory]
    [InlineData(PacketCounterTlv.Type, 4, 36)]
    [InlineData(ChallengeRequestTlv.Type, 0, 192)]
    [InlineData(ChallengeReplyTlv.Type, 0, 192)]
    [InlineData(MacTlv.Type, 0, 255)]
    public void A_tlv_is_read_at_every_length_that_its_layout_allows_and_at_no_other(byte type, int shortest, int longest)
    {
        byte[] output = new byte[300];
        for (int length = 0; length <= 255; length++)
        {
            byte[] body = [.. Enumerable.Range(0, length).Select(i => (byte)i)];
            (bool read, int written) = type switch
            {
                PacketCounterTlv.Type => (PacketCounterTlv.TryDecode(body, out PacketCounterTlv counter), counter.Encode(output)),
                ChallengeRequestTlv.Type => (ChallengeRequestTlv.TryDecode(body, out ChallengeRequestTlv challenge), challenge.Encode(output)),
                ChallengeReplyTlv.Type => (ChallengeReplyTlv.TryDecode(body, out ChallengeReplyTlv reply), reply.Encode(output)),
                _ => (MacTlv.TryDecode(body, out MacTlv mac), mac.Encode(output)),
            };
            Assert.Equal(length >= shortest && length <= longest, read);
            if (read)
                Assert.Equal([type, (byte)length, .. body], output.AsSpan(0, written).ToArray());
        }
    }

    [Fact]
    public void Every_truncation_of_a_signed_packet_is_refused()
    {
        foreach (bool isHeaderAdjusted in new[] { false, true })
        {
            var bench = new MacBench(new MacKeys([MacBench.KeyA]));
            bench.Meet();
            byte[] packet = bench.Packet(bench.Update(Far));
            for (int length = 0; length < packet.Length; length++)
            {
                byte[] cut = packet[..length];
                if (isHeaderAdjusted && length >= PacketReader.HeaderLength)
                    (cut[2], cut[3]) = (0, (byte)Math.Min(cut[3], length - PacketReader.HeaderLength));
                bench.Receive(cut);
            }

            Assert.False(bench.Has(Far.ToString()));
            Assert.Equal(packet.Length, bench[BabelCounter.BadPacket] + bench[BabelCounter.MissingMac] + bench[BabelCounter.WrongMac]);
            bench.Receive(packet);
            Assert.True(bench.Has(Far.ToString()));
        }
    }

    [Fact]
    public void Every_flipped_bit_of_a_signed_packet_makes_it_worthless()
    {
        foreach (MacAlgorithm algorithm in Enum.GetValues<MacAlgorithm>())
        {
            var bench = new MacBench(new MacKeys([MacKey.Create(algorithm, "a key"u8)]));
            bench.Meet();
            byte[] packet = bench.Packet(bench.Update(Far));
            for (int bit = 0; bit < packet.Length * 8; bit++)
            {
                byte[] changed = [.. packet];
                changed[bit / 8] ^= (byte)(1 << (bit % 8));
                bench.Receive(changed);
            }

            Assert.False(bench.Has(Far.ToString()));
            Assert.Equal(packet.Length * 8, bench[BabelCounter.BadPacket] + bench[BabelCounter.MissingMac] + bench[BabelCounter.WrongMac]);
            bench.Receive(packet);
            Assert.True(bench.Has(Far.ToString()));
        }
    }

    [Fact]
    public void Other_things_in_the_trailer_do_not_matter()
    {
        foreach (byte[] junk in new byte[][] { [0], [0, 0, 0], [1, 3, 9, 9, 9], [16, 0], [16, 1, 7], [99, 2, 1, 1], [17, 4, 0, 0, 0, 0], [4, 6, 0, 0, 0, 1, 0, 1] })
        {
            var bench = new MacBench(new MacKeys([MacBench.KeyA]));
            bench.Meet();
            byte[] packet = bench.Packet(bench.Update(Far));
            int end = PacketReader.LengthWithoutTrailer(packet);
            bench.Receive([.. packet[..end], .. junk, .. packet[end..], .. junk, 16]);   // and a TLV that is cut short
            Assert.True(bench.Has(Far.ToString()), Convert.ToHexString(junk));
        }

        // What comes after a TLV that is cut short cannot be found.
        var cut = new MacBench(new MacKeys([MacBench.KeyA]));
        cut.Meet();
        byte[] hidden = cut.Packet(cut.Update(Far));
        int at = PacketReader.LengthWithoutTrailer(hidden);
        cut.Receive([.. hidden[..at], 1, 200, .. hidden[at..]]);
        Assert.False(cut.Has(Far.ToString()));
        Assert.Equal(1, cut[BabelCounter.MissingMac]);
    }

    [Fact]
    public void A_mac_in_the_body_and_an_index_or_a_nonce_that_is_too_long_are_ignored()
    {
        var bench = new MacBench(new MacKeys([MacBench.KeyA]));
        bench.Meet();
        byte[] longCounter = [17, 37, .. new byte[37]];
        byte[] shortCounter = [17, 3, 0, 0, 0];
        byte[] longChallenge = [18, 193, .. new byte[193]];
        bench.Send([16, 16, .. new byte[16], .. longCounter, .. shortCounter, .. longChallenge, .. bench.Update(Far)], MacBench.Self);
        Assert.True(bench.Has(Far.ToString()));
        Assert.Equal(1, bench[BabelCounter.MalformedTlv]);
        Assert.Empty(bench.Replies());
    }

    /// <summary>A member gone mad: what it sends is broken, and signed.</summary>
    [Fact]
    public void Mutated_and_signed_packets_never_throw_and_leave_nothing_behind()
    {
        var random = new SeededRandom(20210101);
        byte[][] payloads = [.. Vectors.AllPayloads()];
        MacKeys[] sets =
        [
            new([MacBench.KeyA]), new([MacBench.KeyA], [MacBench.KeyB]), new([MacBench.KeyB], [MacBench.KeyA]), new([MacBench.KeyA], acceptAny: true), MacKeys.None,
        ];
        var options = new BabelOptions { MaxPrefixes = 200, MaxRoutes = 300, MaxSources = 150, MaxNeighbours = 20, MaxPendingRequests = 10 };
        var bench = new MacBench(sets[0], options: options);
        var writer = new PacketWriter();
        byte[] tlv = new byte[300];
        for (int i = 0; i < 30_000; i++)
        {
            byte[] body = [.. payloads[random.Below(payloads.Length)].AsSpan(4)];
            for (int m = random.Below(4); m > 0; m--)
                body[random.Below(body.Length)] = random.Chance(0.3) ? (byte)random.Below(20) : (byte)random.Next();
            BabelAddress source = BabelAddress.Parse($"fe80::{0x100 + random.Below(25):x}");
            BabelAddress destination = random.Chance(0.5) ? MacBench.Self : BabelAddress.Multicast;
            writer.Begin(3000, 400);
            Assert.True(writer.TryAppend(body.AsSpan(0, random.Below(body.Length))));
            if (random.Chance(0.5) && bench.Challenges(source).LastOrDefault() is { } nonce)
                writer.AppendReserved(tlv.AsSpan(0, new ChallengeReplyTlv(nonce).Encode(tlv)));
            if (random.Chance(0.9))
                writer.AppendReserved(tlv.AsSpan(0, new PacketCounterTlv((uint)random.Below(1000), [(byte)random.Below(3)]).Encode(tlv)));
            byte[] packet = MacBench.Sign(writer, random.Chance(0.9) ? sets[random.Below(sets.Length)] : MacKeys.None, source, destination);
            if (random.Chance(0.1))
                packet[random.Below(packet.Length)] = (byte)random.Next();
            bench.AdvanceTo(bench.Now + TimeSpan.FromMilliseconds(random.Below(200)));
            bench.Receive(packet, source, random.Chance(0.5) ? destination : null);
            if (random.Chance(0.001))
                Assert.True(bench.Speaker.SetKeys(MacBench.Link, sets[random.Below(sets.Length)], bench.Now));
            if (bench.Log.Count > 200)
                bench.Log.RemoveRange(0, 100);
        }

        foreach (BabelCounter counter in Enum.GetValues<BabelCounter>().Where(c => c is >= BabelCounter.MissingMac and < BabelCounter.NeighboursFound and not BabelCounter.IndexChanges))
            Assert.True(bench[counter] > 0, $"{counter} was never reached");
        bench.Advance(4 * 3600);
        Assert.Empty(bench.Speaker.Neighbours());
        Assert.Equal((0, 0, 0, 0), bench.Speaker.Sizes);
    }

    /// <summary>Whatever is repeated, held back or played again from earlier runs: a packet is acted upon at most once, and none of an earlier run ever again.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void A_packet_is_acted_upon_at_most_once_whatever_somebody_in_the_middle_does(ulong seed)
    {
        var random = new SeededRandom(seed);
        var bench = new MacBench(new MacKeys([MacBench.KeyA]));
        var recorded = new List<byte[]>();
        ushort opaque = 0;
        int answered = 0;
        for (int run = 0; run < 5; run++)
        {
            bench.PeerIndex = [(byte)run, 1, 2, 3, 4, 5, 6, 7];
            bench.PeerCounter = (uint)random.Below(1000);
            for (int i = 0; i < 300; i++)
            {
                BabelAddress destination = random.Chance(0.3) ? MacBench.Self : BabelAddress.Multicast;
                if (answered < bench[BabelCounter.ChallengesSent])
                {
                    // The peer answers when it is asked, under its present index; the answer may get lost.
                    recorded.Add(bench.Packet(bench.Reply(bench.Challenges().Last()), MacBench.Self));
                    answered = (int)bench[BabelCounter.ChallengesSent];
                    if (random.Chance(0.7))
                        bench.Receive(recorded[^1]);
                }

                recorded.Add(bench.Packet([2, 6, 0, 0, (byte)(opaque >> 8), (byte)opaque, 0, 100], destination));
                opaque++;
                if (random.Chance(0.8))
                    bench.Receive(recorded[^1]);
                for (int replay = random.Below(4); replay > 0; replay--)
                    bench.Receive(recorded[random.Below(recorded.Count)]);
                bench.AdvanceTo(bench.Now + TimeSpan.FromMilliseconds(random.Below(100)));
            }
        }

        ushort[] acknowledged = [.. bench.Log.SelectMany(s => s.Tlvs()).Where(tlv => tlv.Type == AckTlv.Type).Select(tlv => (ushort)((tlv.Body[0] << 8) | tlv.Body[1]))];
        Assert.Equal(acknowledged.Length, acknowledged.Distinct().Count());
        int[] runOf = [.. acknowledged.Select(a => a / 300)];
        Assert.Equal(runOf.Order(), runOf);
        // It is not safe by being deaf.
        Assert.All(Enumerable.Range(0, 5), run => Assert.InRange(runOf.Count(r => r == run), 100, 300));
        Assert.True(bench[BabelCounter.OldPacketCounter] > 100 && bench[BabelCounter.UnknownIndex] > 100);
    }
}
