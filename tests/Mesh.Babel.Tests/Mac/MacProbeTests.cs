using System.Buffers.Binary;
using System.Text.Json;
using System.Text.RegularExpressions;
using Mesh.Babel.Mac;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Mac;

/// <summary>Plays the signed packets with which babeld and bird were probed to our speaker and expects what the RFC says.</summary>
public sealed partial class MacProbeTests
{
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(25);

    [Theory]
    [InlineData("17-mac-probes-babeld-strict-blake2s128")]
    [InlineData("17-mac-probes-babeld-strict-hmac-sha256")]
    [InlineData("17-mac-probes-babeld-permissive-blake2s128")]
    [InlineData("17-mac-probes-bird-strict-blake2s128")]
    [InlineData("17-mac-probes-bird-strict-hmac-sha256")]
    [InlineData("17-mac-probes-bird-permissive-blake2s128")]
    public void Every_probe_gets_the_answer_of_the_rfc(string name)
    {
        JsonElement file = Vectors.Load(name);
        MacKey key = Vectors.Key(file.GetProperty("key"));
        bool acceptAny = string.Equals(file.GetProperty("mode").GetString(), "permissive", StringComparison.Ordinal);
        JsonElement[] probes = [.. file.GetProperty("probes").EnumerateArray()];
        var bench = new MacBench(new MacKeys([key], acceptAny: acceptAny))
        {
            PeerIndex = Convert.FromHexString("a1a2a3a4a5a6a7a8"),
            PeerCounter = 1000,
        };
        // The nonce that was drawn when these packets were made; the peer's answer contains it.
        byte[] nonce = ReplyIn(probes.Single(p => Name(p) is "reply-accepts-same-packet"));
        bench.Forced = _ => nonce.Length == sizeof(ulong) ? BinaryPrimitives.ReadUInt64BigEndian(nonce) : null;
        bench.Meet();
        int judged = 0;
        foreach (JsonElement probe in probes)
        {
            // Beyond the pause between two challenges or answers, and the delay of updates.
            bench.Advance(1);
            if (Name(probe) is "index-length-0" or "index-length-32" or "pc-wrap-same-index")
                Introduce(bench, FirstPayload(probe), isWrapped: Name(probe) is "pc-wrap-same-index");
            else if (Name(probe) is "replay")
                AcceptAndTakeBack(bench, FirstPayload(probe));
            else if (Name(probe) is "equal-pc")
                UseUp(bench, FirstPayload(probe));
            int mark = bench.Log.Count;
            foreach (JsonElement sent in probe.GetProperty("sent").EnumerateArray())
            {
                BabelAddress destination = BabelAddress.Parse(sent.GetProperty("dst").GetString()!);
                byte[] payload = Convert.FromHexString(sent.GetProperty("udp_payload_hex").GetString()!);
                if (ReplyOf(payload) is { Length: not sizeof(ulong) } foreign && foreign.AsSpan().SequenceEqual(nonce))
                    payload = WithOurNonce(payload, bench.Challenges().Last(), key, destination);
                bench.Receive(payload, MacBench.Peer, destination);
                bench.AdvanceTo(bench.Now + Spacing);
            }

            Judge(bench, probe, mark, acceptAny);
            judged++;
        }

        Assert.Equal(29, judged);
        Assert.Equal(acceptAny, bench[BabelCounter.Tolerated] > 0);
    }

    private static void Judge(MacBench bench, JsonElement probe, int mark, bool acceptAny)
    {
        string name = Name(probe);
        string check = probe.GetProperty("check").GetString()!;
        JsonElement expected = probe.GetProperty("rfc_expected");
        List<MacBench.Sent> since = bench.Log[mark..];
        if (check.StartsWith("route to", StringComparison.Ordinal))
        {
            // What the RFC leaves open: who accepts anything accepts everything. What RFC 9467 relaxes, and babeld has half of, bird nothing: each kind has its
            // own counters, and a number that has not been seen among the last 128 is not a repetition.
            bool isExpected = name is "unicast-pc-independent" or "older-pc" || (expected.ValueKind == JsonValueKind.Null ? acceptAny : expected.GetBoolean());
            Assert.True(isExpected == bench.Has(PrefixPattern().Match(check).Value), $"{name}: {check}");
        }
        else if (check.StartsWith("number of challenge requests", StringComparison.Ordinal))
        {
            // The second probe follows the first after more than the pause, so each gets one challenge.
            Assert.Equal(expected.GetInt32(), since.Count(s => s.Tlvs().Exists(tlv => tlv.Type == ChallengeRequestTlv.Type)));
            Assert.All(since.Where(s => s.Tlvs().Exists(tlv => tlv.Type == ChallengeRequestTlv.Type)), s => Assert.Equal(MacBench.Peer, s.Destination));
        }
        else if (check.StartsWith("challenge reply", StringComparison.Ordinal))
        {
            byte[] nonce = Walk(FirstPayload(probe)).First(tlv => tlv.Type == ChallengeRequestTlv.Type).Body;
            // The RFC lets us ignore a nonce of more than 192 octets, and we do.
            bool isExpected = expected.ValueKind != JsonValueKind.Null && expected.GetBoolean();
            IEnumerable<MacBench.Sent> replies = since.Where(s => s.Tlvs().Exists(tlv => tlv.Type == ChallengeReplyTlv.Type && tlv.Body.AsSpan().SequenceEqual(nonce)));
            Assert.True(isExpected == replies.Any(), $"{name}: {check}");
            Assert.All(replies, s => Assert.Equal(MacBench.Peer, s.Destination));
        }
        else if (check.StartsWith("number of distinct replies", StringComparison.Ordinal))
        {
            Assert.Equal(expected.GetInt32(), since.SelectMany(s => s.Tlvs()).Count(tlv => tlv.Type == ChallengeReplyTlv.Type));
        }
        else
        {
            Assert.Fail($"{name}: the check '{check}' is not known");
        }
    }

    /// <summary>What the recording's peer did before the probe: it answered a challenge under the index of the probe, one packet earlier.</summary>
    private static void Introduce(MacBench bench, byte[] payload, bool isWrapped)
    {
        byte[] counter = Walk(payload).First(tlv => tlv.Type == PacketCounterTlv.Type).Body;
        bench.PeerIndex = counter[PacketCounterTlv.BodyLength..];
        bench.PeerCounter = isWrapped ? uint.MaxValue - 1 : CounterOf(payload) - 2;
        bench.Send([]);
        bench.Send(bench.Reply(bench.Challenges().Last()), MacBench.Self);
        bench.Advance(1);
    }

    /// <summary>What the recording's peer did before the replay: it sent the packet, and then one that takes the route back.</summary>
    private static void AcceptAndTakeBack(MacBench bench, byte[] payload)
    {
        BabelPrefix prefix = BabelPrefix.Parse("2001:db8:e006::/64");
        bench.Receive(payload, MacBench.Peer, BabelAddress.Multicast);
        Assert.True(bench.Speaker.TryGetSelected(prefix, out _));
        bench.PeerCounter = CounterOf(payload) + 1;
        bench.Send(bench.Update(prefix, metric: Metric.Infinity));
        Assert.False(bench.Speaker.TryGetSelected(prefix, out _));
    }

    /// <summary>What the recording's peer did before the probe: it sent something else with the same number.</summary>
    private static void UseUp(MacBench bench, byte[] payload)
    {
        bench.PeerCounter = CounterOf(payload);
        bench.Send([]);
    }

    private static byte[] WithOurNonce(byte[] payload, byte[] nonce, MacKey key, BabelAddress destination)
    {
        var writer = new PacketWriter();
        writer.Begin(1400, 100);
        byte[] tlv = new byte[300];
        foreach ((byte type, byte[] body) in Walk(payload))
        {
            byte[] value = type == ChallengeReplyTlv.Type ? nonce : body;
            (tlv[0], tlv[1]) = (type, (byte)value.Length);
            value.CopyTo(tlv, 2);
            Assert.True(writer.TryAppend(tlv.AsSpan(0, 2 + value.Length)));
        }

        return MacBench.Sign(writer, new MacKeys([key]), MacBench.Peer, destination);
    }

    private static uint CounterOf(byte[] payload) => BinaryPrimitives.ReadUInt32BigEndian(Walk(payload).First(tlv => tlv.Type == PacketCounterTlv.Type).Body);

    private static string Name(JsonElement probe) => probe.GetProperty("probe").GetString()!;

    private static byte[] FirstPayload(JsonElement probe) => Convert.FromHexString(probe.GetProperty("sent")[0].GetProperty("udp_payload_hex").GetString()!);

    private static byte[] ReplyIn(JsonElement probe) => ReplyOf(FirstPayload(probe))!;

    private static byte[]? ReplyOf(byte[] payload) => Walk(payload).Find(tlv => tlv.Type == ChallengeReplyTlv.Type).Body;

    private static List<(byte Type, byte[] Body)> Walk(byte[] payload) => new MacBench.Sent(default, default, payload).Tlvs();

    [GeneratedRegex(@"[0-9a-f:.]+/\d+", RegexOptions.None, 1000)]
    private static partial Regex PrefixPattern();
}
