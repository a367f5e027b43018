using Mesh.Babel.Tests.Network;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Speaker;

/// <summary>Tables that are told again are taken in a short way. It has to come to the same as the general one, which an update takes that has a sub-TLV.</summary>
public sealed class RepetitionTests
{
    private const int Prefixes = 24;

    private static readonly (InterfaceId Link, BabelAddress Peer)[] Peers =
        [(Bench.Link, Bench.Peer), (Bench.Link, BabelAddress.Parse("fe80::e")), (Bench.OtherLink, Bench.OtherPeer), (Bench.OtherLink, BabelAddress.Parse("fe80::f"))];

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(4, false)]
    [InlineData(5, true)]
    [InlineData(6, true)]
    public void A_speaker_that_takes_the_short_way_does_what_one_does_that_never_can(ulong seed, bool hasFilter)
    {
        (Bench quick, Bench general) = (Start(hasFilter), Start(hasFilter));
        var random = new SeededRandom(seed);
        var tables = Peers.Select(_ => new OutgoingUpdate?[Prefixes]).ToArray();
        int requests = 0;
        double sinceHello = 0;
        for (int step = 0; step < 1000; step++)
        {
            int who = random.Below(Peers.Length);
            Change(tables[who], random);
            byte[] packet = Packet(tables[who], random);
            quick.Receive(packet, Peers[who].Link, Peers[who].Peer);
            general.Receive(WithSubTlvs(packet), Peers[who].Link, Peers[who].Peer);
            AssertSame(step);
            if (random.Chance(0.1))
            {
                int whose = random.Below(Peers.Length);
                ushort cost = (ushort)(96 + random.Below(2000));
                Both(bench => bench.Ihu(Peers[whose].Link, Peers[whose].Peer, cost));
            }

            if (random.Chance(0.02))
                Both(bench => bench.AdvanceWithHellos(70, Peers));   // routes lapse
            else if (random.Chance(0.7))
                Pass(random.Below(300) / 100.0);

            AssertSame(step);
        }

        Assert.True(quick.Speaker[BabelCounter.UnfeasibleUpdate] > 0);
        Assert.True(requests > 0);

        void Pass(double seconds)
        {
            sinceHello += seconds;
            Both(bench => bench.Advance(seconds));
            for (; sinceHello >= 4; sinceHello -= 4)
                Both(static bench => bench.AdvanceWithHellos(4, Peers));
        }

        void Both(Action<Bench> act)
        {
            act(quick);
            act(general);
        }

        void AssertSame(int step)
        {
            Assert.True(quick.Speaker.NextDeadline == general.Speaker.NextDeadline, $"step {step}: {quick.Speaker.NextDeadline}, not {general.Speaker.NextDeadline}");
            Assert.Equal(general.Speaker.Routes(), quick.Speaker.Routes());
            Assert.Equal(general.Log, quick.Log);
            Assert.Equal(general.Changes, quick.Changes);
            foreach (BabelCounter counter in Enum.GetValues<BabelCounter>().Where(static c => c < BabelCounter.Count))
                Assert.True(general.Speaker[counter] == quick.Speaker[counter], $"step {step}: {counter} is {quick.Speaker[counter]}, not {general.Speaker[counter]}");
            requests += quick.Of(TlvKind.SeqnoRequest).Count();
            general.Log.Clear();
            quick.Log.Clear();
        }
    }

    /// <summary>What is source-specific is always told in the general way, and otherwise like what is not.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    public void A_speaker_that_tells_its_table_in_the_short_way_says_what_one_does_that_never_can(ulong seed, bool hasFilter)
    {
        BabelPrefix source = BabelPrefix.Parse("2001:db8:5000::/36");
        (Bench quick, Bench general) = (Start(hasFilter), Start(hasFilter));
        var random = new SeededRandom(seed);
        var tables = Peers.Select(_ => new OutgoingUpdate?[Prefixes]).ToArray();
        int told = 0;
        for (int step = 0; step < 300; step++)
        {
            int who = random.Below(Peers.Length);
            Change(tables[who], random);
            foreach (OutgoingUpdate? entry in tables[who])
            {
                if (entry is not { } update)
                    continue;
                Tell(quick, update);
                Tell(general, update with { Source = source });
            }

            // Now and then nobody says anything for so long that routes lapse, or even what they were compared with.
            int seconds = random.Chance(0.02) ? 400 : random.Chance(0.05) ? 70 : random.Below(20);
            Both(bench => bench.AdvanceWithHellos(seconds, Peers));
            Assert.Equal(general.Log.Select(Content), quick.Log.Select(Content));
            Assert.Equal(general.Speaker.Sizes, quick.Speaker.Sizes);
            told += quick.Of(TlvKind.Update).Count();
            Both(static bench => bench.Log.Clear());

            void Tell(Bench bench, OutgoingUpdate update) => bench.Receive(writer => writer.TryAppend(update), Peers[who].Link, Peers[who].Peer);
        }

        Assert.InRange(told, 3_000, int.MaxValue);

        void Both(Action<Bench> act)
        {
            act(quick);
            act(general);
        }

        static object Content(Bench.Sent sent) => (sent.At, sent.Link, sent.Destination, sent.Kind, sent.Hello, sent.Ihu,
            (sent.Update.Prefix, sent.Update.RouterId, sent.Update.Seqno, sent.Update.Metric, sent.Update.IntervalCentiseconds), sent.RouteRequest.Prefix, sent.SeqnoRequest with { Source = default });
    }

    [Fact]
    public void A_repetition_makes_a_route_live_longer_and_takes_back_that_it_was_asked_for()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Announce(5, interval: 1600);
        for (int i = 0; i < 5; i++)
        {
            bench.AdvanceWithHellos(48, (Bench.Link, Bench.Peer));
            Assert.Equal(i + 1, bench.Of(TlvKind.RouteRequest).Count(static request => request.RouteRequest.Prefix == Bench.Far));   // it lapses in 8 s
            bench.Announce(5, interval: 1600);
            Assert.Equal(56, Assert.Single(bench.Speaker.Routes()).ExpiresIn.TotalSeconds, 0.11);
        }
    }

    private static Bench Start(bool hasFilter)
    {
        var bench = new Bench(twoLinks: true, filter: hasFilter ? new Prices() : null);
        foreach ((InterfaceId link, BabelAddress peer) in Peers)
            bench.Meet(link, peer);
        return bench;
    }

    // Mostly nothing; else a metric, a number, another origin, or that a prefix comes or goes.
    private static void Change(OutgoingUpdate?[] table, SeededRandom random)
    {
        for (int i = 0; i < Prefixes; i++)
        {
            var origin = new RouterId(0x0200_0000_0000_0100 + (ulong)i);
            if (table[i] is not { } entry)
            {
                if (random.Chance(0.3))
                    table[i] = new OutgoingUpdate(PrefixOf(i), origin, new Seqno(10), (ushort)random.Below(2000), 1600);
            }
            else if (random.Chance(0.03))
            {
                table[i] = random.Below(5) switch
                {
                    0 => entry with { Seqno = entry.Seqno.Next },
                    1 => entry with { RouterId = random.Chance(0.5) ? origin : new RouterId(origin.Value + 0x1_0000) },
                    2 => null,
                    3 => entry with { IntervalCentiseconds = (ushort)(1600 + (400 * random.Below(2))) },
                    _ => entry with { Metric = (ushort)random.Below(4000) },
                };
            }
        }
    }

    private static BabelPrefix PrefixOf(int i) => i % 5 == 4 ? BabelPrefix.Parse($"2001:db8:f::{i}/128") : BabelPrefix.Parse($"2001:db8:{i:x}::/48");

    private static byte[] Packet(OutgoingUpdate?[] table, SeededRandom random)
    {
        var writer = new PacketWriter();
        writer.Begin(1400);
        foreach (OutgoingUpdate? entry in table)
        {
            if (entry is { } update && random.Chance(0.95))
                Assert.True(writer.TryAppend(update));
        }

        if (random.Chance(0.1))
            Assert.True(writer.TryAppend(new OutgoingUpdate(PrefixOf(random.Below(Prefixes)), Bench.Origin, new Seqno(10), Metric.Infinity, 1600)));
        return writer.Finish().ToArray();
    }

    /// <summary>Puts a Pad1 behind what each update says.</summary>
    private static byte[] WithSubTlvs(byte[] packet)
    {
        var padded = new List<byte>(packet[..PacketReader.HeaderLength]);
        var walker = new TlvWalker(packet.AsSpan(PacketReader.HeaderLength));
        while (walker.MoveNext())
        {
            bool isUpdate = walker.Type == UpdateTlv.Type;
            padded.AddRange([walker.Type, (byte)(walker.Body.Length + (isUpdate ? 1 : 0)), .. walker.Body]);
            if (isUpdate)
                padded.Add(0);
        }

        int length = padded.Count - PacketReader.HeaderLength;
        (padded[2], padded[3]) = ((byte)(length >> 8), (byte)length);
        return [.. padded];
    }

    /// <summary>Some prefixes cost more from some, one is refused, one is kept for us, and all while they have certain metrics.</summary>
    private sealed class Prices : IBabelFilter
    {
        public ushort PenaltyOf(OfferedRoute offer) => offer.Key.Prefix == PrefixOf(3) ? Metric.Infinity : offer.Key.Prefix == PrefixOf(5) && offer.Neighbour == Bench.Peer ? (ushort)300 : (ushort)0;

        public bool IsAnnounced(InterfaceId link, RouteKey key, RouterId routerId, ushort metric) => key.Prefix != PrefixOf(7) && metric % 4 != 1;
    }
}
