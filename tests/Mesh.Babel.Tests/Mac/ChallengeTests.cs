using Mesh.Babel.Mac;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Mac;

/// <summary>RFC 8967 sections 4.3.1 and 4.4: challenges, their answers, and what is remembered of a peer.</summary>
public sealed class ChallengeTests
{
    private const string Far = "2001:db8:f::/64";
    private static readonly MacKey KeyA = MacBench.KeyA;
    private static readonly BabelPrefix FarPrefix = BabelPrefix.Parse(Far);

    [Fact]
    public void Section_4_3_1_1_a_challenge_goes_out_by_unicast_and_at_most_every_300_ms()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        for (int i = 0; i < 100; i++)
        {
            bench.Send(bench.Hello());
            bench.AdvanceTo(bench.Now + TimeSpan.FromMilliseconds(10));
        }

        Assert.Equal(4, bench.Challenges().Count());
        Assert.Equal((4, 96, 100), (bench[BabelCounter.ChallengesSent], bench[BabelCounter.ChallengesSuppressed], bench[BabelCounter.UnknownIndex]));
        Assert.Empty(bench.Challenges(BabelAddress.Multicast));
        Assert.Empty(bench.Speaker.Neighbours());
    }

    /// <summary>Each challenge with a nonce of its own would make the answer to the one before worthless, for ever.</summary>
    [Fact]
    public void Section_4_3_1_1_a_talkative_peer_half_a_second_away_gets_through()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        var onItsWay = new Queue<(TimeSpan At, byte[] Nonce)>();
        int seen = 0;
        for (int i = 0; i < 40; i++)
        {
            bench.Send(bench.Hello());
            foreach (byte[] nonce in bench.Challenges().Skip(seen))
                onItsWay.Enqueue((bench.Now + TimeSpan.FromMilliseconds(500), nonce));
            seen = bench.Challenges().Count();
            bench.AdvanceTo(bench.Now + TimeSpan.FromMilliseconds(50));
            while (onItsWay.TryPeek(out (TimeSpan At, byte[] Nonce) reply) && reply.At <= bench.Now)
                bench.Send(bench.Reply(onItsWay.Dequeue().Nonce), MacBench.Self);
        }

        Assert.Equal(1, bench[BabelCounter.ChallengesPassed]);
        Assert.Equal(NeighbourAuthentication.Verified, Assert.Single(bench.Speaker.Neighbours()).Authentication);
    }

    [Fact]
    public void Section_4_3_1_3_an_answer_counts_for_30_s_and_a_challenge_after_that_has_another_nonce()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        bench.Send(bench.Hello());
        bench.Advance(29);
        bench.Send(bench.Hello());
        byte[][] nonces = [.. bench.Challenges()];
        Assert.Equal(nonces[0], nonces[1]);
        bench.Advance(1);
        bench.Send(bench.Reply(nonces[0]), MacBench.Self);
        Assert.Equal((0, 1), (bench[BabelCounter.ChallengesPassed], bench[BabelCounter.ChallengesFailed]));
        byte[] fresh = bench.Challenges().Last();
        Assert.NotEqual(nonces[0], fresh);
        bench.Advance(29.9);
        bench.Send(bench.Reply(fresh), MacBench.Self);
        Assert.Equal(1, bench[BabelCounter.ChallengesPassed]);
    }

    [Fact]
    public void Section_4_3_1_3_an_answer_counts_once()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        bench.Meet();
        byte[] nonce = bench.Challenges().Last();
        bench.PeerIndex = [9];
        bench.PeerCounter = 1;
        bench.Send([.. bench.Reply(nonce), .. bench.Update(FarPrefix)], MacBench.Self);
        Assert.False(bench.Has(Far));
        Assert.Equal((1, 1), (bench[BabelCounter.ChallengesPassed], bench[BabelCounter.ChallengesFailed]));
    }

    /// <summary>Somebody plays a packet of an earlier run, so the peer is challenged; later packets of it overtake its answer.</summary>
    [Fact]
    public void Section_4_3_1_3_an_answer_that_was_overtaken_does_not_let_old_packets_in_again()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        bench.Meet();
        bench.Advance(1);
        byte[] index = bench.PeerIndex;
        uint counter = bench.PeerCounter;
        (bench.PeerIndex, bench.PeerCounter) = ([7], 5);
        bench.Send([]);
        (bench.PeerIndex, bench.PeerCounter) = (index, counter);
        byte[] answer = bench.Packet(bench.Reply(bench.Challenges().Last()), MacBench.Self);
        byte[] announcement = bench.Packet(bench.Update(FarPrefix), MacBench.Self);
        bench.Receive(announcement);
        bench.Send(bench.Update(FarPrefix, metric: Metric.Infinity), MacBench.Self);
        bench.Receive(answer);
        Assert.Equal(2, bench[BabelCounter.ChallengesPassed]);
        bench.Receive(announcement);
        Assert.False(bench.Has(Far));
        Assert.Equal(1, bench[BabelCounter.OldPacketCounter]);
    }

    [Fact]
    public void Section_4_3_1_2_a_flood_of_challenges_is_answered_every_300_ms_and_never_by_multicast()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        bench.Meet();
        bench.Advance(1);
        bench.Log.Clear();
        for (int i = 0; i < 1000; i++)
        {
            bench.Send(bench.Challenge([(byte)i, (byte)(i >> 8)]), MacBench.Self);
            bench.Send(bench.Challenge([(byte)i, 1, 2]));
            bench.AdvanceTo(bench.Now + TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(4, bench.Replies().Count());
        Assert.Equal(4, bench[BabelCounter.ChallengesAnswered]);
        Assert.Equal(1996, bench[BabelCounter.ChallengesIgnored]);
        Assert.DoesNotContain(bench.Replies(), nonce => nonce.Length == 3);
        Assert.InRange(bench.Log.Count, 4, 5);
    }

    [Fact]
    public void Section_4_3_a_challenge_in_a_packet_that_is_played_again_is_not_answered()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        bench.Meet();
        byte[] challenge = bench.Packet(bench.Challenge([1]), MacBench.Self);
        bench.Receive(challenge);
        bench.Advance(1);
        bench.Receive(challenge);
        Assert.Single(bench.Replies());
        Assert.Equal(1, bench[BabelCounter.OldPacketCounter]);
    }

    [Fact]
    public void Section_4_3_1_2_the_answer_leaves_before_what_the_packet_itself_causes()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        bench.Meet();
        bench.Log.Clear();
        byte[] ackRequest = [2, 6, 0, 0, 0x12, 0x34, 0, 100];
        bench.Send([.. ackRequest, .. bench.Challenge([5])], MacBench.Self);
        Assert.Equal(2, bench.Log.Count);
        Assert.Equal(ChallengeReplyTlv.Type, bench.Log[0].Tlvs()[0].Type);
        Assert.Equal(AckTlv.Type, bench.Log[1].Tlvs()[0].Type);
    }

    [Fact]
    public void Section_4_4_what_is_known_of_a_peer_outlives_a_short_silence_and_not_a_long_one()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        bench.Meet();
        Assert.True(bench.Speaker.LinkDown(MacBench.Link, bench.Now));
        Assert.Empty(bench.Speaker.Neighbours());
        bench.Advance(250);
        bench.Send(bench.Hello());
        Assert.Single(bench.Speaker.Neighbours());
        Assert.Single(bench.Challenges());

        Assert.True(bench.Speaker.LinkDown(MacBench.Link, bench.Now));
        bench.Advance(310);
        bench.Send(bench.Hello());
        Assert.Empty(bench.Speaker.Neighbours());
        Assert.Equal(2, bench.Challenges().Count());
    }

    [Fact]
    public void Section_4_4_challenges_without_answer_do_not_keep_an_index_alive()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        bench.Meet();
        Assert.True(bench.Speaker.LinkDown(MacBench.Link, bench.Now));
        byte[] old = [.. bench.PeerIndex];
        uint counter = bench.PeerCounter;
        for (int i = 0; i < 400; i++)
        {
            // Somebody plays packets of an earlier run of the peer.
            (bench.PeerIndex, bench.PeerCounter) = ([0, 0, 7], 5);
            bench.Send(bench.Hello());
            bench.Advance(1);
        }

        (bench.PeerIndex, bench.PeerCounter) = (old, counter);
        bench.Send(bench.Hello());
        Assert.Empty(bench.Speaker.Neighbours());
        Assert.Equal(401, bench[BabelCounter.UnknownIndex] - 1);
    }

    [Fact]
    public void A_neighbour_that_speaks_rarely_is_not_challenged_again()
    {
        var bench = new MacBench(new MacKeys([KeyA]), new InterfaceParameters { Address = MacBench.Self, HelloInterval = TimeSpan.FromSeconds(160) });
        bench.Meet();
        for (int i = 0; i < 5; i++)
        {
            bench.Advance(590);
            bench.Send(bench.Hello());
        }

        Assert.Single(bench.Challenges());
        Assert.Equal(1, bench[BabelCounter.UnknownIndex]);
    }

    [Fact]
    public void Senders_that_only_ever_get_challenged_are_bounded_and_forgotten()
    {
        var bench = new MacBench(new MacKeys([KeyA]), options: new BabelOptions { MaxNeighbours = 20 });
        byte[] body = bench.Hello();
        Flood(from: 1, count: 100);
        Assert.Equal(80, bench[BabelCounter.PeerLimit]);
        Assert.Equal(20, bench[BabelCounter.ChallengesSent]);
        Assert.Empty(bench.Speaker.Neighbours());
        bench.Advance(31);
        Flood(from: 1000, count: 20);
        Assert.Equal(80, bench[BabelCounter.PeerLimit]);
        Assert.Equal(40, bench[BabelCounter.ChallengesSent]);

        void Flood(int from, int count)
        {
            for (int i = from; i < from + count; i++)
            {
                BabelAddress source = BabelAddress.Parse($"fe80::1:{i:x}");
                bench.Receive(bench.Packet(body, source: source), source);
            }
        }
    }

    /// <summary>A peer that challenges has refused all Hellos of ours so far; the next ones would come an interval later.</summary>
    [Fact]
    public void A_peer_that_has_its_answer_hears_hellos_at_once()
    {
        var bench = new MacBench(new MacKeys([KeyA]), new InterfaceParameters { Address = MacBench.Self, HelloInterval = TimeSpan.FromSeconds(60) });
        bench.Advance(1);
        bench.Log.Clear();
        bench.Send(bench.Challenge([1]), MacBench.Self);
        bench.Advance(0.1);
        Assert.Equal(4, bench.Log.Count);
        Assert.Equal([MacBench.Peer, BabelAddress.Multicast, BabelAddress.Multicast, BabelAddress.Multicast], bench.Log.Select(s => s.Destination));
        Assert.All(bench.Log.Skip(1), s => Assert.Equal(HelloTlv.Type, s.Tlvs()[0].Type));
    }

    [Fact]
    public void Many_peers_that_get_their_answers_together_hear_one_series_or_two()
    {
        var bench = new MacBench(new MacKeys([KeyA]), new InterfaceParameters { Address = MacBench.Self, Kind = LinkKind.Wired, HelloInterval = TimeSpan.FromSeconds(60) });
        bench.Advance(1);
        bench.Log.Clear();
        for (int i = 1; i <= 50; i++)
        {
            BabelAddress source = BabelAddress.Parse($"fe80::1:{i:x}");
            bench.Receive(bench.Packet(bench.Challenge([1]), MacBench.Self, source), source, MacBench.Self);
            bench.AdvanceTo(bench.Now + TimeSpan.FromMilliseconds(1));
        }

        TimeSpan lastAnswer = bench.Log.Last(s => s.Destination != BabelAddress.Multicast).At;
        bench.Advance(1);
        Assert.Equal(50, bench.Log.Count(s => s.Destination != BabelAddress.Multicast));
        Assert.Equal(6, bench.Log.Count(s => s.Destination == BabelAddress.Multicast));
        Assert.Equal(3, bench.Log.Count(s => s.Destination == BabelAddress.Multicast && s.At > lastAnswer));
    }

    /// <summary>Three Hellos in a row can end a good link, if two of them are lost. So a neighbour that has been hearing us gets none of that when it challenges.</summary>
    [Fact]
    public void A_neighbour_that_hears_us_gets_an_answer_and_nothing_else()
    {
        var bench = new MacBench(new MacKeys([KeyA], acceptAny: true), new InterfaceParameters { Address = MacBench.Self, HelloInterval = TimeSpan.FromSeconds(60) });
        MacKeys keys = bench.PeerKeys;
        bench.PeerKeys = MacKeys.None;
        bench.Send(bench.Hello());
        bench.Send([.. bench.Hello(), .. bench.Ihu()]);
        bench.Advance(1);
        bench.Log.Clear();
        bench.PeerKeys = keys;
        bench.Send(bench.Challenge([1]), MacBench.Self);
        bench.Advance(0.5);
        Assert.Single(bench.Log);
        Assert.Single(bench.Replies());
        bench.Send(bench.Reply(bench.Challenges().Single()), MacBench.Self);

        // It restarts: another index, and it cannot have heard anything.
        bench.PeerIndex = [8, 8];
        bench.Send(bench.Challenge([2]), MacBench.Self);
        bench.Advance(0.5);
        Assert.Equal(5, bench.Log.Count);
    }

    /// <summary>On a LAN the destination comes with the packet; on a tunnel only the MAC tells whether a challenge was for us alone.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_challenge_is_known_as_unicast_with_and_without_its_destination(bool isGiven)
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        bench.Meet();
        byte[] unicast = bench.Packet(bench.Challenge([1]), MacBench.Self);
        byte[] multicast = bench.Packet(bench.Challenge([2]), BabelAddress.Multicast);
        bench.Receive(unicast, MacBench.Peer, isGiven ? MacBench.Self : null);
        bench.Advance(1);
        bench.Receive(multicast, MacBench.Peer, isGiven ? BabelAddress.Multicast : null);
        Assert.Equal([1], Assert.Single(bench.Replies()));
        Assert.Equal(1, bench[BabelCounter.ChallengesIgnored]);
    }
}
