using System.Text.Json;
using Mesh.Babel.Mac;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Mac;

/// <summary>Signed packets of babeld and bird.</summary>
public sealed class MacVectorTests
{
    private static readonly BabelAddress Own = BabelAddress.Parse("fe80::ffff");

    public static TheoryData<string> Captures => Vectors.MacCaptures;

    [Theory]
    [MemberData(nameof(Captures))]
    public void Every_mac_is_good_under_its_key_and_no_other(string name)
    {
        Dictionary<string, MacKey> keys = Vectors.Keys(name);
        int good = 0;
        foreach ((byte[] payload, BabelAddress source, JsonElement packet) in Vectors.Packets(name))
        {
            HashSet<string> signers = [.. Trailer(packet).Select(mac => mac.GetProperty("verified_with_key").GetString()!)];
            BabelAddress destination = Vectors.Destination(packet);
            MacMatch expected = destination == BabelAddress.Multicast ? MacMatch.Multicast : MacMatch.Unicast;
            foreach ((string id, MacKey key) in keys)
            {
                MacMatch match = signers.Contains(id) ? expected : signers.Count == 0 ? MacMatch.Missing : MacMatch.Wrong;
                Assert.Equal(match, Verify(key, source, destination, destination, payload));
                // Where the destination is not known, the MAC tells.
                Assert.Equal(match, Verify(key, source, null, destination, payload));
                good += match == expected ? 1 : 0;
            }

            if (signers.Count > 0)
                Assert.Equal(expected, Verify(new MacKeys([MacKey.Create(MacAlgorithm.HmacSha256, [9])], keys.Values), source, destination, destination, payload));
        }

        Assert.True(good >= 14, $"only {good} MACs were good");
    }

    [Theory]
    [MemberData(nameof(Captures))]
    public void Every_signed_packet_is_written_again_octet_for_octet(string name)
    {
        Dictionary<string, MacKey> keys = Vectors.Keys(name);
        byte[] tlv = new byte[300];
        var writer = new PacketWriter();
        int compared = 0;
        foreach ((byte[] payload, BabelAddress source, JsonElement packet) in Vectors.Packets(name))
        {
            MacKey[] signers = [.. Trailer(packet).Select(mac => keys[mac.GetProperty("verified_with_key").GetString()!])];
            if (signers.Length == 0)
                continue;
            int end = PacketReader.LengthWithoutTrailer(payload);
            JsonElement last = packet.GetProperty("body").EnumerateArray().Last();
            int counterAt = PacketReader.HeaderLength + last.GetProperty("offset").GetInt32();
            int reserved = end - counterAt + signers.Sum(key => 2 + key.MacLength);
            writer.Begin(payload.Length, reserved);
            Assert.True(writer.TryAppend(payload.AsSpan(PacketReader.HeaderLength, counterAt - PacketReader.HeaderLength)));
            Assert.False(writer.TryAppend([1, 0]));
            byte[] index = Convert.FromHexString(last.GetProperty("index").GetString()!);
            writer.AppendReserved(tlv.AsSpan(0, new PacketCounterTlv(last.GetProperty("pc").GetUInt32(), index).Encode(tlv)));
            ReadOnlySpan<byte> signed = writer.Finish();
            foreach (MacKey key in signers)
            {
                byte[] mac = new byte[key.MacLength];
                key.Compute(source, Vectors.Destination(packet), signed, mac);
                writer.AppendReserved(tlv.AsSpan(0, new MacTlv(mac).Encode(tlv)));
            }

            Assert.Equal(Convert.ToHexString(payload), Convert.ToHexString(writer.Whole));
            Assert.Throws<InvalidOperationException>(() => writer.AppendReserved([1, 0]));
            compared++;
        }

        Assert.True(compared >= 14, $"only {compared} packets were compared");
    }

    [Theory]
    [MemberData(nameof(Captures))]
    public void Every_counter_and_challenge_has_the_recorded_fields(string name)
    {
        byte[] output = new byte[300];
        int compared = 0;
        foreach ((byte[] payload, _, JsonElement packet) in Vectors.Packets(name))
        {
            foreach (JsonElement expected in packet.GetProperty("body").EnumerateArray())
            {
                ReadOnlySpan<byte> tlv = payload.AsSpan(PacketReader.HeaderLength + expected.GetProperty("offset").GetInt32());
                tlv = tlv[..(2 + tlv[1])];
                int length = 0;
                switch (expected.GetProperty("tlv").GetString())
                {
                    case "PC":
                        Assert.True(PacketCounterTlv.TryDecode(tlv[2..], out PacketCounterTlv counter));
                        Assert.Equal(expected.GetProperty("pc").GetUInt32(), counter.Counter);
                        Assert.Equal(expected.GetProperty("index").GetString(), Convert.ToHexStringLower(counter.Index));
                        length = counter.Encode(output);
                        break;
                    case "ChallengeRequest":
                        Assert.True(ChallengeRequestTlv.TryDecode(tlv[2..], out ChallengeRequestTlv challenge));
                        Assert.Equal(expected.GetProperty("nonce").GetString(), Convert.ToHexStringLower(challenge.Nonce));
                        length = challenge.Encode(output);
                        break;
                    case "ChallengeReply":
                        Assert.True(ChallengeReplyTlv.TryDecode(tlv[2..], out ChallengeReplyTlv reply));
                        Assert.Equal(expected.GetProperty("nonce").GetString(), Convert.ToHexStringLower(reply.Nonce));
                        length = reply.Encode(output);
                        break;
                }

                if (length == 0)
                    continue;
                Assert.Equal(tlv.ToArray(), output.AsSpan(0, length).ToArray());
                compared++;
            }
        }

        Assert.True(compared >= 14, $"only {compared} TLVs were compared");
    }

    [Fact]
    public void A_mac_does_not_hold_for_another_sender_or_another_destination()
    {
        MacKey key = Vectors.Keys("02-mac-blake2s128")["k1"];
        foreach ((byte[] payload, BabelAddress source, JsonElement packet) in Vectors.Packets("02-mac-blake2s128"))
        {
            BabelAddress destination = Vectors.Destination(packet);
            Assert.Equal(MacMatch.Wrong, Verify(key, Own, destination, destination, payload));
            Assert.Equal(MacMatch.Wrong, Verify(key, source, Own, Own, payload));
            if (destination != BabelAddress.Multicast)
                Assert.Equal(MacMatch.Wrong, Verify(key, source, BabelAddress.Multicast, destination, payload));
        }
    }

    private static MacMatch Verify(MacKey key, BabelAddress source, BabelAddress? destination, BabelAddress own, byte[] payload) =>
        Verify(new MacKeys([key]), source, destination, own, payload);

    private static MacMatch Verify(MacKeys keys, BabelAddress source, BabelAddress? destination, BabelAddress own, byte[] payload)
    {
        int end = PacketReader.LengthWithoutTrailer(payload);
        return new Authenticator(keys, () => 1, 0).Verify(source, destination, own, payload.AsSpan(0, end), payload.AsSpan(end));
    }

    private static IEnumerable<JsonElement> Trailer(JsonElement packet) =>
        packet.TryGetProperty("trailer", out JsonElement trailer) ? trailer.EnumerateArray() : [];
}
