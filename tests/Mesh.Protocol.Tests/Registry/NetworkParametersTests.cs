using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;

namespace Mesh.Protocol.Tests.Registry;

public sealed class NetworkParametersTests
{
    private const string Minimal = "\"\":[\"version\"],\"version\":\"AQ==\",\"protocol\":10,\"registry_prefix\":\"0000000000000000\"";

    private static readonly JsonElement[] Cases = [.. Vectors.Load("netconfig.json").GetProperty("cases").EnumerateArray()];

    public static TheoryData<string> Titles => [.. Cases.Select(vector => vector.Text("title"))];

    [Theory, MemberData(nameof(Titles))]
    public void Reads_the_bodies_of_re6st_and_gives_the_same_values_back(string title)
    {
        JsonElement vector = Cases.Single(item => item.Text("title") == title);
        Assert.True(NetworkParameters.TryDecode(Convert.FromBase64String(vector.Text("http_body_base64")), out NetworkParameters? parameters));
        JsonElement expected = vector.GetProperty("json");
        AssertSameObject(expected, parameters);
        Assert.Empty(parameters.Unknown);
        Assert.Equal(expected.GetProperty("hello").GetInt32(), parameters.Hello.TotalSeconds);
        Assert.Equal(NodePrefix.ParseBits("0000000000000000"), parameters.RegistryPrefix);

        Assert.True(NetworkParameters.TryDecode(parameters.Encode(), out NetworkParameters? again));
        Assert.Equal(parameters, again);
        AssertSameObject(expected, again);
    }

    [Fact]
    public void Has_the_defaults_of_re6st_for_what_is_missing()
    {
        Assert.True(Read($"{{{Minimal}}}", out NetworkParameters? parameters));
        Assert.Equal(1UL, parameters.Version.Number);
        Assert.Equal((1, 10, 20), (parameters.MinProtocol, parameters.ClientCount, parameters.MaxClients));
        Assert.Equal((TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(300)), (parameters.Hello, parameters.TunnelRefresh));
        Assert.Null(parameters.BabelHmacAccept);
        Assert.Null(parameters.ValidUntil);
    }

    [Fact]
    public void Keeps_what_it_does_not_know()
    {
        Assert.True(Read($"{{{Minimal},\"new\":{{\"a\":[1,null]}},\"delay_restart\":2.5}}", out NetworkParameters? parameters));
        Assert.Equal("{\"a\":[1,null]}", parameters.Unknown["new"]);
        Assert.Equal(TimeSpan.FromSeconds(2.5), parameters.DelayRestart);
        Assert.True(NetworkParameters.TryDecode(parameters.Encode(), out NetworkParameters? again));
        Assert.Equal(parameters, again);
    }

    [Fact]
    public void An_empty_accept_key_is_not_an_absent_one()
    {
        Assert.True(Read($"{{{Minimal},\"babel_hmac_accept\":\"\"}}", out NetworkParameters? empty));
        Assert.True(Read($"{{{Minimal}}}", out NetworkParameters? absent));
        Assert.NotNull(empty.BabelHmacAccept);
        Assert.Empty(empty.BabelHmacAccept.Value);
        Assert.Equal("babel_hmac_accept", Assert.Single(empty.ChangedSince(absent)));
        Assert.Equal("babel_hmac_accept", Assert.Single(absent.ChangedSince(empty)));
    }

    [Fact]
    public void Only_versioned_content_makes_a_new_version()
    {
        Assert.True(Read($"{{{Minimal}}}", out NetworkParameters? before));
        NetworkParameters keys = before with { Version = NetworkVersion.Create(2, []), BabelHmacSign = [1], BabelHmacAccept = [], ValidUntil = DateTimeOffset.UnixEpoch };
        Assert.Equal(before.VersionedContent(), keys.VersionedContent());
        Assert.NotEqual(before.VersionedContent(), (before with { Encrypt = true }).VersionedContent(), StringComparer.Ordinal);
        Assert.NotEqual(before.VersionedContent(), (before with { RevokedSerials = [3] }).VersionedContent(), StringComparer.Ordinal);
        Assert.Equal("crl encrypt", string.Join(' ', (before with { Encrypt = true, RevokedSerials = [3] }).ChangedSince(before)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{" + Minimal + ",\"protocol\":11}")]
    [InlineData("{" + Minimal + "} ")]
    [InlineData("{\"\":[],\"version\":\"AQ==\",\"protocol\":10,\"registry_prefix\":\"0\"}")]
    [InlineData("{\"\":[\"version\"],\"version\":\"?\",\"protocol\":10,\"registry_prefix\":\"0\"}")]
    [InlineData("{\"\":[\"version\"],\"version\":\"\",\"protocol\":10,\"registry_prefix\":\"0\"}")]
    [InlineData("{\"\":[\"version\"],\"version\":\"AQ==\",\"protocol\":10,\"registry_prefix\":\"\"}")]
    [InlineData("{\"\":[\"version\"],\"version\":\"AQ==\",\"protocol\":10,\"registry_prefix\":\"2/16\"}")]
    [InlineData("{\"\":[\"version\"],\"version\":\"AQ==\",\"protocol\":\"10\",\"registry_prefix\":\"0\"}")]
    [InlineData("{" + Minimal + ",\"hello\":0}")]
    [InlineData("{" + Minimal + ",\"hello\":-15}")]
    [InlineData("{" + Minimal + ",\"hello\":1e99}")]
    [InlineData("{" + Minimal + ",\"hello\":15.5}")]
    [InlineData("{" + Minimal + ",\"crl\":[-1]}")]
    [InlineData("{" + Minimal + ",\"crl\":[\"1\"]}")]
    [InlineData("{" + Minimal + ",\"crl\":1}")]
    [InlineData("{" + Minimal + ",\"encrypt\":\"yes\"}")]
    [InlineData("{" + Minimal + ",\"ipv4\":\"10.42.0.0\"}")]
    [InlineData("{" + Minimal + ",\"ipv4\":\"10.42.0.1/16\"}")]
    [InlineData("{" + Minimal + ",\"ipv4\":\"10.42.0.0/33\"}")]
    [InlineData("{" + Minimal + ",\"ipv4_sublen\":17}")]
    [InlineData("{" + Minimal + ",\"same_country\":\"FR\"}")]
    [InlineData("{" + Minimal + ",\"same_country\":[1]}")]
    [InlineData("{" + Minimal + ",\"babel_default\":null}")]
    [InlineData("{" + Minimal + ",\"babel_default\":\"\\ud800\"}")]
    [InlineData("{" + Minimal + ",\"babel_hmac_sign\":\"*\"}")]
    [InlineData("{" + Minimal + ",\"valid_until\":1e300}")]
    [InlineData("{" + Minimal + ",\"valid_until\":NaN}")]
    [InlineData("{" + Minimal + ",\"x\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}")]
    public void Rejects_what_no_registry_sends(string json)
    {
        // The one with a blank at its end is fine as JSON; it shows that the cases fail for what is in them.
        Assert.Equal(json.EndsWith(' '), Read(json, out _));
    }

    [Fact]
    public void Rejects_every_truncation_and_what_follows_the_end()
    {
        byte[] body = Convert.FromBase64String(Cases[0].Text("http_body_base64"));
        Assert.All(Hostile.Truncations(body), octets => Assert.False(NetworkParameters.TryDecode(octets, out _)));
        Assert.False(NetworkParameters.TryDecode([.. body, 0], out _));
    }

    [Fact]
    public void Does_not_inflate_a_zip_bomb()
    {
        byte[] body = Compress(new byte[64 * 1024 * 1024]);
        Assert.True(body.Length < NetworkParameters.MaxBodyLength);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(NetworkParameters.TryDecode(body, out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 * NetworkParameters.MaxJsonLength);
        Assert.False(NetworkParameters.TryDecode(new byte[NetworkParameters.MaxBodyLength + 1], out _));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Survives_mutated_bodies_and_objects(int seed)
    {
        byte[] body = Convert.FromBase64String(Cases[1].Text("http_body_base64"));
        foreach (byte[] octets in Hostile.Mutations(seed, 500, body))
            _ = NetworkParameters.TryDecode(octets, out _);

        byte[] json = Encoding.UTF8.GetBytes(Cases[3].GetProperty("json").GetRawText());
        foreach (byte[] octets in Hostile.Mutations(seed, 1_000, json))
        {
            if (!NetworkParameters.TryDecode(Compress(octets), out NetworkParameters? parameters))
                continue;
            Assert.True(NetworkParameters.TryDecode(parameters.Encode(), out NetworkParameters? again));
            Assert.Equal(parameters, again);
        }
    }

    [Theory]
    [InlineData("delay_restart", "0.00000211", "2.1E-06")]
    [InlineData("delay_restart", "0.0000042", "4.2E-06")]
    [InlineData("delay_restart", "0.3", "0.3")]
    [InlineData("valid_until", "1800003600.5", "1800003600.5")]
    public void A_time_in_fractions_of_a_second_is_not_less_each_time_that_it_is_read(string name, string text, string written)
    {
        for (string value = text; ; value = written)
        {
            Assert.True(Read($$"""{"":["version"],"version":"AQ==","protocol":1,"registry_prefix":"0","{{name}}":{{value}}}""", out NetworkParameters? parameters));
            Assert.Equal(written, parameters.Fields()[name]);
            if (value == written)
                return;
        }
    }

    [Fact]
    public void A_body_that_asks_for_a_preset_dictionary_is_refused_and_not_thrown_about()
    {
        byte[] body = Compress("{}"u8.ToArray());
        body[1] |= 0x20;   // FDICT
        body[1] = (byte)((body[1] & 0xE0) | (31 - (((body[0] << 8) | (body[1] & 0xE0)) % 31)));   // and the header's check bits right
        Assert.False(NetworkParameters.TryDecode(body, out _));
    }

    private static void AssertSameObject(JsonElement expected, NetworkParameters parameters)
    {
        IReadOnlyDictionary<string, string> fields = parameters.Fields();
        Assert.Equal(expected.EnumerateObject().Select(property => property.Name).Order(StringComparer.Ordinal), fields.Keys, StringComparer.Ordinal);
        foreach (JsonProperty property in expected.EnumerateObject())
        {
            using JsonDocument value = JsonDocument.Parse(fields[property.Name]);
            Assert.True(JsonElement.DeepEquals(property.Value, value.RootElement), property.Name);
        }
    }

    private static bool Read(string json, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out NetworkParameters? parameters) =>
        NetworkParameters.TryDecode(Compress(Encoding.UTF8.GetBytes(json)), out parameters);

    private static byte[] Compress(byte[] content)
    {
        using var output = new MemoryStream();
        using (var zlib = new ZLibStream(output, CompressionLevel.Fastest, leaveOpen: true))
            zlib.Write(content);
        return output.ToArray();
    }
}
