using System.Text.Json;

namespace Mesh.Babel.Tests;

/// <summary>Recorded exchanges of other implementations, decoded independently.</summary>
internal static class Vectors
{
    public static TheoryData<string> Captures =>
    [
        "01-plain", "07-retraction-ab", "07-retraction-bc", "08-seqno-request-ab", "08-seqno-request-ac", "08-seqno-request-bc",
        "13-packing-plain", "18-bird-plain", "22-frr-plain",
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

    public static IEnumerable<byte[]> AllPayloads() => Captures.SelectMany(row => Packets(row.Data).Select(packet => packet.Payload));
}
