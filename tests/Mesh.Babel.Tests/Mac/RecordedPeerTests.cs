using System.Buffers.Binary;
using System.Text.Json;
using Mesh.Babel.Mac;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Mac;

/// <summary>Our speaker in the place of one side of a recording: it hears what babeld and bird said, draws the nonces that were drawn, and has to get along.</summary>
public sealed class RecordedPeerTests
{
    private static readonly BabelPrefix RoutesOfA = BabelPrefix.Parse("2001:db8:a::/64");
    private static readonly BabelPrefix RoutesOfB = BabelPrefix.Parse("2001:db8:b::/64");

    [Theory]
    [InlineData("02-mac-blake2s128", "fe80::a", 30)]
    [InlineData("02-mac-blake2s128", "fe80::b", 30)]
    [InlineData("03-mac-hmac-sha256", "fe80::a", 30)]
    [InlineData("03-mac-hmac-sha256", "fe80::b", 30)]
    [InlineData("11-unicast-rtt-mac", "fe80::a", 30)]
    [InlineData("11-unicast-rtt-mac", "fe80::b", 30)]
    [InlineData("19-bird-mac-blake2s128", "fe80::a", 15)]
    [InlineData("19-bird-mac-hmac-sha256", "fe80::a", 15)]
    [InlineData("20-key-rotation", "fe80::a", 14)]
    public void The_challenges_of_a_recording_make_neighbours_and_its_routes_are_learnt(string name, string self, double seconds)
    {
        var replay = new Replay(name, BabelAddress.Parse(self), Vectors.Keys(name).First().Value);
        replay.RunTo(seconds);
        NeighbourSnapshot neighbour = Assert.Single(replay.Bench.Speaker.Neighbours());
        Assert.Equal((NeighbourAuthentication.Verified, replay.Other), (neighbour.Authentication, neighbour.Address));
        Assert.NotEqual(Metric.Infinity, neighbour.Cost);
        Assert.True(replay.Bench.Speaker.TryGetSelected(replay.Prefix, out _));
        replay.AssertChallengesWereAnswered();
        replay.AssertPacketsAreSignedAndNumbered();
        Assert.True(replay.Bench[BabelCounter.ChallengesPassed] >= 1);
        Assert.Equal(0, replay.Bench[BabelCounter.WrongMac] + replay.Bench[BabelCounter.MissingMac] + replay.Bench[BabelCounter.OldPacketCounter]);
    }

    /// <summary>b is killed and comes back with a new index: what it says counts again when it has answered, and what it said before never does.</summary>
    [Fact]
    public void A_peer_that_restarts_is_challenged_and_its_old_packets_are_worth_nothing()
    {
        const string Name = "04-mac-challenge-restart";
        var replay = new Replay(Name, MacBench.Self, Vectors.Keys(Name)["k1"]);
        MacBench bench = replay.Bench;
        replay.RunTo(15);
        Assert.True(bench.Speaker.TryGetSelected(RoutesOfB, out _));
        Assert.Equal(1, bench[BabelCounter.ChallengesPassed]);
        long refused = bench[BabelCounter.UnknownIndex];
        replay.RunTo(15.375);
        Assert.Equal(refused + 3, bench[BabelCounter.UnknownIndex]);
        Assert.Equal(1, bench[BabelCounter.ChallengesPassed]);
        replay.RunTo(15.4);
        Assert.Equal(2, bench[BabelCounter.ChallengesPassed]);
        replay.RunTo(27.3);
        Assert.True(bench.Speaker.TryGetSelected(RoutesOfB, out _));
        replay.AssertChallengesWereAnswered();
        replay.AssertPacketsAreSignedAndNumbered();

        // The whole first run again, with a retraction and everything else that is in it.
        NeighbourSnapshot before = Assert.Single(bench.Speaker.Neighbours());
        object[] routes = Routes(bench);
        long unknown = bench[BabelCounter.UnknownIndex];
        byte[][] old = [.. Vectors.Packets(Name).Where(p => p.Source == replay.Other && Vectors.Time(p.Packet) < TimeSpan.FromSeconds(15)).Select(p => p.Payload)];
        long sent = bench[BabelCounter.ChallengesSent];
        foreach (byte[] packet in old)
            bench.Receive(packet, replay.Other);
        Assert.Equal(unknown + old.Length, bench[BabelCounter.UnknownIndex]);
        Assert.Equal(sent + 1, bench[BabelCounter.ChallengesSent]);
        Assert.Equal(before, Assert.Single(bench.Speaker.Neighbours()));
        Assert.Equal(routes, Routes(bench));

        // The whole second run again, too.
        byte[][] known = [.. Vectors.Packets(Name).Where(p => p.Source == replay.Other && Vectors.Time(p.Packet) is { TotalSeconds: > 15 and < 27.3 }).Select(p => p.Payload)];
        long oldCounters = bench[BabelCounter.OldPacketCounter];
        foreach (byte[] packet in known)
            bench.Receive(packet, replay.Other);
        Assert.Equal(oldCounters + known.Length, bench[BabelCounter.OldPacketCounter]);
        Assert.Equal(before, Assert.Single(bench.Speaker.Neighbours()));
        Assert.Equal(routes, Routes(bench));
    }

    /// <summary>bird changes from one key to two and to the other one, while we change from {sign 1, accept 2} to {sign 2, accept 1} to {2}.</summary>
    [Fact]
    public void A_rotation_of_bird_loses_neither_the_neighbour_nor_a_route()
    {
        Dictionary<string, MacKey> keys = Vectors.Keys("20-key-rotation");
        var replay = new Replay("20-key-rotation", MacBench.Self, keys["k1"]);
        MacBench bench = replay.Bench;
        replay.RunTo(8);
        Assert.True(bench.Speaker.TryGetSelected(RoutesOfB, out _));
        long lost = bench[BabelCounter.NeighboursLost];
        long refused = bench[BabelCounter.UnknownIndex];
        (double At, MacKeys Keys)[] steps =
        [
            (12, new MacKeys([keys["k1"]], [keys["k2"]])),
            (28, new MacKeys([keys["k2"]], [keys["k1"]])),
            (42, new MacKeys([keys["k2"]])),
            (60, new MacKeys([keys["k2"]])),
        ];
        foreach ((double at, MacKeys next) in steps)
        {
            while (bench.Now < TimeSpan.FromSeconds(Math.Min(at, 45)))
            {
                replay.RunTo(bench.Now.TotalSeconds + 0.2);
                Assert.True(bench.Speaker.TryGetSelected(RoutesOfB, out _), $"no route at {bench.Now}");
            }

            Assert.True(bench.Speaker.SetKeys(MacBench.Link, next, bench.Now));
        }

        Assert.Equal(lost, bench[BabelCounter.NeighboursLost]);
        Assert.Equal(refused, bench[BabelCounter.UnknownIndex]);
        Assert.Equal(0, bench[BabelCounter.WrongMac]);
        Assert.Contains(bench.Log, s => s.IsSignedBy(keys["k1"]));
        Assert.True(bench.Log[^1].IsSignedBy(keys["k2"]));
        // The numbers of our packets have gone on under the same index.
        Assert.Single(bench.Log.Select(s => s.Number().Index).Distinct());
    }

    /// <summary>b is unsigned, then signs with a wrong key, then with the right one; we sign and accept anything.</summary>
    [Fact]
    public void A_speaker_that_accepts_anything_gets_along_with_unsigned_wrong_and_right_signatures()
    {
        const string Name = "21-accept-bad-signatures";
        var replay = new Replay(Name, MacBench.Self, Vectors.Keys(Name)["k1"], acceptAny: true);
        MacBench bench = replay.Bench;
        replay.RunTo(12.2);
        Assert.True(bench.Speaker.TryGetSelected(RoutesOfB, out _));
        Assert.Equal(NeighbourAuthentication.Unverified, Assert.Single(bench.Speaker.Neighbours()).Authentication);
        Assert.Equal(8, bench[BabelCounter.MissingMac]);
        Assert.Equal(0, bench[BabelCounter.WrongMac]);
        replay.RunTo(22.3);
        Assert.Equal(NeighbourAuthentication.Unverified, Assert.Single(bench.Speaker.Neighbours()).Authentication);
        Assert.True(bench[BabelCounter.WrongMac] >= 7);
        Assert.Empty(bench.Challenges(replay.Other));
        replay.RunTo(33);
        Assert.True(bench.Speaker.TryGetSelected(RoutesOfB, out _));
        Assert.Equal(NeighbourAuthentication.Verified, Assert.Single(bench.Speaker.Neighbours()).Authentication);
        Assert.Equal(1, bench[BabelCounter.ChallengesPassed]);
        Assert.Equal(bench[BabelCounter.MissingMac] + bench[BabelCounter.WrongMac] + bench[BabelCounter.UnknownIndex], bench[BabelCounter.Tolerated]);
        replay.AssertPacketsAreSignedAndNumbered();
    }

    /// <summary>Without a key we are one of the nodes that do not authenticate yet: everything is understood, and nothing of RFC 8967 is in our way.</summary>
    [Fact]
    public void A_speaker_without_keys_ignores_trailers_and_counters()
    {
        const string Name = "02-mac-blake2s128";
        var replay = new Replay(Name, MacBench.Self, key: null);
        replay.RunTo(30);
        Assert.True(replay.Bench.Speaker.TryGetSelected(RoutesOfB, out _));
        Assert.Equal(NeighbourAuthentication.Off, Assert.Single(replay.Bench.Speaker.Neighbours()).Authentication);
        Assert.All(replay.Bench.Log, s => Assert.Empty(s.Trailer()));
        Assert.All(replay.Bench.Log, s => Assert.DoesNotContain(s.Tlvs(), tlv => tlv.Type >= MacTlv.Type));
        Assert.Equal(0, replay.Bench[BabelCounter.UnknownTlv] + replay.Bench[BabelCounter.MissingMac] + replay.Bench[BabelCounter.ChallengesAnswered]);
    }

    /// <summary>Round trips over signed unicast, with 20 ms each way, recorded at a; babeld shows 62 ms at the end because it starts at twice the first sample.</summary>
    [Theory]
    [InlineData("fe80::a", 2_297_431_664)]
    [InlineData("fe80::b", 2_297_451_664)]
    public void Signed_unicast_echoes_show_the_round_trip(string self, long originMicroseconds)
    {
        const string Name = "11-unicast-rtt-mac";
        var replay = new Replay(Name, BabelAddress.Parse(self), Vectors.Keys(Name).First().Value, origin: TimeSpan.FromMicroseconds(originMicroseconds), rtt: new RttParameters());
        replay.RunTo(40);
        NeighbourSnapshot neighbour = Assert.Single(replay.Bench.Speaker.Neighbours());
        Assert.True(replay.Bench[BabelCounter.RttSamples] >= 2);
        Assert.InRange(neighbour.Rtt!.Value.TotalMilliseconds, 38, 60);
        Assert.Equal(neighbour.TxCost + neighbour.RttCost, neighbour.Cost);
    }

    private static object[] Routes(MacBench bench) => [.. bench.Speaker.Routes().Select(r => (r.Prefix, r.RouterId, r.Seqno, r.RefMetric, r.IsSelected))];

    private sealed class Replay
    {
        private readonly List<(byte[] Payload, BabelAddress Source, JsonElement Packet)> _packets;
        private readonly List<(TimeSpan At, ulong Nonce)> _nonces = [];
        private readonly List<(TimeSpan At, byte[] Nonce)> _asked = [];
        private readonly MacKey? _key;
        private readonly TimeSpan _origin;
        private int _next;

        /// <summary>Starts at the beginning of a recording.</summary>
        /// <param name="name">Its name.</param>
        /// <param name="self">The address of the side that we take.</param>
        /// <param name="key">Our key.</param>
        /// <param name="acceptAny">Whether we accept anything.</param>
        /// <param name="origin">What that side's clock showed at the beginning.</param>
        /// <param name="rtt">What round trips cost; not measured where null.</param>
        public Replay(string name, BabelAddress self, MacKey? key, bool acceptAny = false, TimeSpan origin = default, RttParameters? rtt = null)
        {
            _origin = origin;
            _packets = [.. Vectors.Packets(name)];
            Other = _packets.First(p => p.Source != self).Source;
            Prefix = self == MacBench.Self ? RoutesOfB : RoutesOfA;
            Self = self;
            _key = key;
            foreach ((_, BabelAddress source, JsonElement packet) in _packets)
            {
                foreach (JsonElement tlv in packet.GetProperty("body").EnumerateArray().Where(tlv => tlv.GetProperty("tlv").GetString() is "ChallengeRequest"))
                {
                    byte[] nonce = Convert.FromHexString(tlv.GetProperty("nonce").GetString()!);
                    if (source != self)
                        _asked.Add((origin + Vectors.Time(packet), nonce));
                    else if (nonce.Length == sizeof(ulong))
                        _nonces.Add((origin + Vectors.Time(packet), BinaryPrimitives.ReadUInt64BigEndian(nonce)));
                }
            }

            Bench = new MacBench(key is null ? MacKeys.None : new MacKeys([key], acceptAny: acceptAny), new InterfaceParameters { Address = self, Rtt = rtt })
            {
                // What our side of the recording challenged with next.
                Forced = now => _nonces.Where(n => n.At >= now).Select(n => (ulong?)n.Nonce).FirstOrDefault(),
            };
        }

        public MacBench Bench { get; }

        public BabelAddress Self { get; }

        public BabelAddress Other { get; }

        /// <summary>What the other side announces.</summary>
        public BabelPrefix Prefix { get; }

        public void RunTo(double seconds)
        {
            TimeSpan end = _origin + TimeSpan.FromSeconds(seconds);
            for (; _next < _packets.Count && _origin + Vectors.Time(_packets[_next].Packet) <= end; _next++)
            {
                (byte[] payload, BabelAddress source, JsonElement packet) = _packets[_next];
                if (source == Self)
                    continue;
                Bench.AdvanceTo(_origin + Vectors.Time(packet));
                Bench.Receive(payload, source, Vectors.Destination(packet));
            }

            Bench.AdvanceTo(end);
        }

        /// <summary>Every challenge so far was answered at once, by unicast, and before anything else was sent.</summary>
        public void AssertChallengesWereAnswered()
        {
            Assert.NotEmpty(_asked);
            foreach ((TimeSpan at, byte[] nonce) in _asked.Where(a => a.At <= Bench.Now))
            {
                MacBench.Sent first = Bench.Log.Find(s => s.At >= at);
                Assert.Equal((at, Other), (first.At, first.Destination));
                Assert.Contains(first.Tlvs(), tlv => tlv.Type == ChallengeReplyTlv.Type && tlv.Body.AsSpan().SequenceEqual(nonce));
            }
        }

        public void AssertPacketsAreSignedAndNumbered()
        {
            uint next = 0;
            foreach (MacBench.Sent sent in Bench.Log)
            {
                int end = PacketReader.LengthWithoutTrailer(sent.Payload);
                MacMatch match = new Authenticator(new MacKeys([_key!]), () => 1, 0).Verify(Self, sent.Destination, Other, sent.Payload.AsSpan(0, end), sent.Payload.AsSpan(end));
                Assert.Equal(sent.Destination == BabelAddress.Multicast ? MacMatch.Multicast : MacMatch.Unicast, match);
                Assert.Equal(next++, sent.Number().Counter);
            }
        }
    }
}
