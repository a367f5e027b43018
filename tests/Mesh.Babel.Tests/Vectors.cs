using System.Text.Json;
using Mesh.Babel.Mac;

namespace Mesh.Babel.Tests;

/// <summary>Recorded exchanges of other implementations, decoded independently.</summary>
internal static class Vectors
{
    public static TheoryData<string> Captures =>
    [
        "01-plain", "07-retraction-ab", "07-retraction-bc", "08-seqno-request-ab", "08-seqno-request-ac", "08-seqno-request-bc",
        "13-packing-plain", "18-bird-plain", "22-frr-plain", "05-rtt-at-a", "05-rtt-at-b",
        "06-source-specific-ab", "06-source-specific-bc", "12-seqno-request-source-specific-bc", "24-bird-source-specific",
        "07b-babeld-withdraw-bug", "09-wildcard-retraction-shutdown", "10-unfeasible-ab", "10-unfeasible-ac", "10-unfeasible-bc", "23-frr-vs-mac-permissive", "25-lan-four-nodes",
    ];

    /// <summary>Those whose packets are signed.</summary>
    public static TheoryData<string> MacCaptures =>
    [
        "02-mac-blake2s128", "03-mac-hmac-sha256", "04-mac-challenge-restart", "11-unicast-rtt-mac", "14-packing-mac", "19-bird-mac-blake2s128",
        "19-bird-mac-hmac-sha256", "20-key-rotation", "21-accept-bad-signatures",
    ];

    public static JsonElement Load(string name)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", name + ".json")));
        return document.RootElement.Clone();
    }

    public static IEnumerable<(byte[] Payload, BabelAddress Source, JsonElement Packet)> Packets(string name)
    {
        foreach (JsonElement packet in Load(name).GetProperty("packets").EnumerateArray())
        {
            yield return (
                Convert.FromHexString(packet.GetProperty("udp_payload_hex").GetString()!), BabelAddress.Parse(packet.GetProperty("src").GetString()!), packet);
        }
    }

    public static IEnumerable<byte[]> AllPayloads() => Captures.Concat(MacCaptures).SelectMany(row => Packets(row.Data).Select(packet => packet.Payload));

    public static MacKey Key(JsonElement key) => MacKey.Create(
        string.Equals(key.GetProperty("type").GetString(), "blake2s128", StringComparison.Ordinal) ? MacAlgorithm.Blake2s128 : MacAlgorithm.HmacSha256,
        Convert.FromHexString(key.GetProperty("value").GetString()!));

    /// <summary>The keys of a capture, by name.</summary>
    public static Dictionary<string, MacKey> Keys(string name) =>
        Load(name).GetProperty("keys").EnumerateArray().ToDictionary(key => key.GetProperty("id").GetString()!, Key, StringComparer.Ordinal);

    public static BabelAddress Destination(JsonElement packet) => BabelAddress.Parse(packet.GetProperty("dst").GetString()!);

    public static TimeSpan Time(JsonElement packet) => TimeSpan.FromSeconds(packet.GetProperty("t").GetDouble());
}
