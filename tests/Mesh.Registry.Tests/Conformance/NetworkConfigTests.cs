using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Rotation;
using Mesh.Registry.Tests.Calls;
using Mesh.Security;
using Mesh.Security.Keys;

namespace Mesh.Registry.Tests.Conformance;

/// <summary>What getNetworkConfig answers, beside what a registry of re6st answered with the same settings: netconfig.json.</summary>
public sealed class NetworkConfigTests
{
    private const string Organization = "2.5.4.10";

    // Differ by their nature: compared by what they mean.
    private static readonly string[] Special = ["version", "babel_hmac_sign", "babel_hmac_accept", "valid_until", "same_country"];

    public static TheoryData<string> Cases => [.. Vectors.Load("netconfig.json").GetProperty("cases").EnumerateArray().Select(static c => c.Text("title"))];

    [Theory, MemberData(nameof(Cases))]
    public void The_answer_has_the_names_types_and_values_of_re6st(string title)
    {
        JsonElement vector = Vectors.Load("netconfig.json").GetProperty("cases").EnumerateArray().Single(c => c.Text("title") == title);
        JsonElement expected = vector.GetProperty("json");
        RegistryWorld world = Play(title);
        NodePrefix a = NodePrefix.ParseCommonName("1/16");
        byte[] body = new Caller(world).Hello(a, open: RealKeys.Open("A")).GetParameters().Body;
        Assert.Equal(0x78, body[0]);   // RFC 1950
        using JsonDocument document = JsonDocument.Parse(Expand(body));
        JsonElement actual = document.RootElement;

        Assert.Equal(Names(expected), Names(actual), StringComparer.Ordinal);
        foreach (JsonProperty property in expected.EnumerateObject())
        {
            JsonElement value = actual.GetProperty(property.Name);
            Assert.Equal(property.Value.ValueKind, value.ValueKind);
            if (!Special.Contains(property.Name, StringComparer.Ordinal))
                Assert.True(JsonElement.DeepEquals(property.Value, value), $"{property.Name} is {value}, not {property.Value}");
        }

        Assert.True(NetworkVersion.TryParse(actual.GetProperty("version").GetBytesFromBase64(), out NetworkVersion? version));
        Assert.True(VersionSigner.IsValid(version, RealKeys.Authority.Certificate));
        Assert.Equal(expected.GetProperty("version").GetBytesFromBase64().Length, version.Blob.Length);
        Assert.Equal(Countries(expected), Countries(actual));
        if (actual.TryGetProperty("valid_until", out JsonElement until))
            Assert.InRange(until.GetDouble() - (world.UtcNow - DateTimeOffset.UnixEpoch).TotalSeconds, 3590, 3600);
        AssertKeys(vector, actual);
    }

    [Fact]
    public void The_first_version_has_the_octets_of_re6st()
    {
        var world = new RegistryWorld(authority: RealKeys.Registry());
        NodePrefix node = world.Join("a", request: RealKeys.RequestOf("A", (Organization, "a"))).Prefix;
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        byte[] expected = Vectors.Load("netconfig.json").GetProperty("cases")[0].GetProperty("json").GetProperty("version").GetBytesFromBase64();
        Assert.Equal(expected, world.Parameters(node).Parameters.Version.Blob.ToArray());   // signatures have no randomness
    }

    // The settings and the past that each case had: five certificates, of which 3 and 5 are revoked.
    private static RegistryWorld Play(string title)
    {
        var options = new RegistryOptions { Encrypt = false };
        bool isPlain = title is "no babel key" or "initial state: accept any";
        if (title == "everything")
        {
            options = options with
            {
                Ipv4 = "10.42.0.0/16",
                Ipv4SubnetLength = 8,
                SameCountry = ["FR", "CN"],
                ClientCount = 5,
                MaxClients = 7,
                Encrypt = true,
                Hello = TimeSpan.FromSeconds(4),
                MinProtocol = 3,
                TunnelRefresh = TimeSpan.FromSeconds(60),
            };
        }

        var world = new RegistryWorld(options with { BabelAuthentication = !isPlain }, RealKeys.Registry());
        foreach (string node in new[] { "registry", "A", "B", "C", "anonymous" })
            _ = world.Join(node, request: RealKeys.RequestOf(node, (Organization, node)));
        foreach (string serial in new[] { "5", "3" })
            world.Ask<Done>(new Revoke(serial));
        if (title is "rotation" or "initial state: accept any")
            world.Ask<KeysStepped>(world.Actors.Hmac, new UpdateHmac());
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        return world;
    }

    // As many keys as there, for the node only, empty where they are empty there.
    private static void AssertKeys(JsonElement vector, JsonElement actual)
    {
        using PrivateKey key = RealKeys.KeyOf("A");
        string[] names = ["babel_hmac_sign", "babel_hmac_accept"];
        string[] plain = [.. vector.GetProperty("babel_hmac_plain").EnumerateArray().Select(static k => k.GetString()!)];
        Assert.Equal(plain.Length, names.Count(name => actual.TryGetProperty(name, out _)));
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int index = 0; index < plain.Length; index++)
        {
            byte[] encrypted = actual.GetProperty(names[index]).GetBytesFromBase64();
            if (plain[index].Length == 0)
            {
                Assert.Empty(encrypted);
                continue;
            }

            Assert.True(key.TryDecrypt(encrypted, out byte[]? decrypted));
            Assert.Equal(plain[index].Length / 2, decrypted.Length);
            Assert.True(seen.Add(Convert.ToHexString(decrypted)));
        }
    }

    private static IEnumerable<string> Names(JsonElement json) => json.EnumerateObject().Select(static p => p.Name).Order(StringComparer.Ordinal);

    // A set: the order is that of the operator's words there, and of the alphabet here.
    private static HashSet<string>? Countries(JsonElement json) =>
        json.TryGetProperty("same_country", out JsonElement countries) ? [.. countries.EnumerateArray().Select(static c => c.GetString()!)] : null;

    private static string Expand(byte[] body)
    {
        using var reader = new StreamReader(new ZLibStream(new MemoryStream(body), CompressionMode.Decompress), Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
