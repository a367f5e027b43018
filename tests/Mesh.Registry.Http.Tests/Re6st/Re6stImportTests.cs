using Mesh.Actors.Persistence;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Events;
using Mesh.Registry.Http.Re6st;
using Mesh.Registry.Parameters;
using Mesh.Registry.Revocation;
using Mesh.Registry.Rotation;

namespace Mesh.Registry.Http.Tests.Re6st;

public sealed class Re6stImportTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(8_640_000);

    [Fact]
    public void A_network_becomes_the_first_events_of_each_memory()
    {
        using var file = Re6stDatabaseFile.Used();
        IReadOnlyDictionary<string, IReadOnlyList<object>> streams = EventsOf(file);
        Assert.Equal(["crl", "hmac", "parameters", "registry"], streams.Keys, StringComparer.Ordinal);

        var network = Assert.IsType<NetworkImported>(Assert.Single(streams["registry"]));
        Assert.Equal((6UL, "0000000000000000"), (network.LastSerial, network.RegistryPrefix));
        Assert.Equal(["registry@example.com", "A@example.com", "B@example.com", null, "C@example.com"], network.Certificates.Select(static c => c.Email), StringComparer.Ordinal);
        CertificateEntry a = network.Certificates[1];
        Assert.Equal(("0000000000000001", Re6stDatabaseFile.PemOf("A"), 2UL, 1, false), (a.Prefix, a.Pem, a.Serial, a.SubjectSerial, a.IsExcluded));
        Assert.Equal(new TokenEntry("free text", "", 32, 1, DateTimeOffset.FromUnixTimeSeconds(1_790_000_000) + Grace, "from re6st"), Assert.Single(network.Tokens));   // the other one is too old

        Assert.Equal([new RevocationEntry(6, DateTimeOffset.FromUnixTimeSeconds(1_800_000_000), RevocationKind.Renewable)], Assert.IsType<CertificatesRevoked>(Assert.Single(streams["crl"])).Entries);
        var keys = Assert.IsType<KeysChanged>(Assert.Single(streams["hmac"]));
        Assert.Equal([Convert.ToBase64String(Re6stDatabaseFile.Key(1)), null, null], keys.Slots, StringComparer.Ordinal);
        Assert.Equal((null, Now), (keys.ValidUntil, keys.At));
        var version = Assert.IsType<VersionSigned>(Assert.Single(streams["parameters"]));
        Assert.Equal(Re6stDatabaseFile.VersionBlob(1), version.Version);
        Assert.Equal((null, 1L), (version.ContentDigest, version.Steps));
    }

    [Fact]
    public void Every_event_can_be_stored_and_read_back()
    {
        using var file = Re6stDatabaseFile.Used();
        EventSchema schema = RegistrySchema.AddTo(new EventSchema());
        foreach (object happened in EventsOf(file).Values.SelectMany(static events => events))
        {
            (string name, int version, byte[] payload) = schema.Serialize(happened);
            object read = schema.Deserialize(name, version, payload);
            Assert.IsType(happened.GetType(), read);
            Assert.Equal(payload, schema.Serialize(read).Payload);
        }
    }

    [Fact]
    public void A_network_without_nodes_has_nothing_but_its_key()
    {
        using var file = Re6stDatabaseFile.Fresh();
        IReadOnlyDictionary<string, IReadOnlyList<object>> streams = EventsOf(file);
        Assert.Equal(["hmac", "registry"], streams.Keys, StringComparer.Ordinal);
        var network = Assert.IsType<NetworkImported>(Assert.Single(streams["registry"]));
        Assert.Equal((0UL, null, 0, 0), (network.LastSerial, network.RegistryPrefix, network.Certificates.Count, network.Tokens.Count));
    }

    [Fact]
    public void A_network_without_keys_stays_without_until_somebody_orders_a_step()
    {
        using var file = Re6stDatabaseFile.Used();
        file.Execute("DELETE FROM config WHERE name LIKE 'babel_hmac%'");
        IReadOnlyDictionary<string, IReadOnlyList<object>> streams = EventsOf(file);
        Assert.False(streams.ContainsKey("hmac"));
        Assert.Equal(0, ((VersionSigned)streams["parameters"][0]).Steps);
    }

    [Theory]
    [InlineData(null, 1, 0)]
    [InlineData(1, 2, null)]
    [InlineData(null, 2, 1)]
    public void A_rotation_under_way_is_taken_over_as_it_is(int? first, int? second, int? third)
    {
        using var file = Re6stDatabaseFile.Used();
        file.Execute("DELETE FROM config WHERE name LIKE 'babel_hmac%'");
        byte[]?[] keys = [.. new[] { first, second, third }.Select(static key => key is null ? null : key == 0 ? [] : Re6stDatabaseFile.Key((byte)key.Value))];
        for (int slot = 0; slot < keys.Length; slot++)
        {
            if (keys[slot] is { } key)
                file.Set($"babel_hmac{slot}", key);
        }

        file.Set("valid_until", 1_800_000_000.25);
        var changed = (KeysChanged)EventsOf(file)["hmac"][0];
        Assert.Equal(keys.Select(static key => key is null ? null : Convert.ToBase64String(key)), changed.Slots, StringComparer.Ordinal);
        Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_250), changed.ValidUntil);
        Assert.Equal(keys.First(static key => key is not null), BabelKeys.FromStored(changed.Slots).Sign);
    }

    [Fact]
    public void Tokens_and_revocations_that_are_over_are_left_out_to_the_second()
    {
        using var file = Re6stDatabaseFile.Used();
        long now = Now.ToUnixTimeSeconds(), grace = (long)Grace.TotalSeconds;
        file.Execute("DELETE FROM token; DELETE FROM crl");
        file.Execute("INSERT INTO token VALUES ('over', '', 16, $date), ('good', '', 16, $date + 1), ('for ever', '', 16, 253402300799)", ("$date", now - grace));
        file.Execute("INSERT INTO crl VALUES (5, $now), (6, $now + 1)", ("$now", now));
        IReadOnlyDictionary<string, IReadOnlyList<object>> streams = EventsOf(file);
        IReadOnlyList<TokenEntry> tokens = ((NetworkImported)streams["registry"][0]).Tokens;
        Assert.Equal([("for ever", DateTimeOffset.MaxValue), ("good", Now.AddSeconds(1))], tokens.Select(static token => (token.Token, token.Expires)));
        Assert.Equal([6UL], ((CertificatesRevoked)streams["crl"][0]).Entries.Select(static entry => entry.Serial));
        Assert.Equal(1, Re6stRegistryReader.Read(file.Path, Re6stDatabaseFile.Authority).Summarize(Now, Grace).ExpiredTokens);
        file.Execute("DELETE FROM crl WHERE serial = 6");
        Assert.False(EventsOf(file).ContainsKey("crl"));
    }

    [Fact]
    public void A_certificate_without_a_number_in_its_subject_has_none()
    {
        using var file = Re6stDatabaseFile.Used();
        Re6stRegistry registry = Re6stRegistryReader.Read(file.Path, Re6stDatabaseFile.Authority);
        Re6stNode old = registry.Nodes[1] with { SubjectSerial = null };
        var network = (NetworkImported)Re6stImport.EventsOf(registry with { Nodes = registry.Nodes.SetItem(1, old) }, Now, Grace)["registry"][0];
        Assert.Equal([0, -1, 2, 3, 4], network.Certificates.Select(static c => c.SubjectSerial));
        Assert.Equal(NodePrefix.ParseCommonName("1/16").Bits, network.Certificates[1].Prefix);
    }

    [Fact]
    public void Settings_are_those_that_both_have_and_each_stands_on_a_line_of_its_own()
    {
        Assert.Empty(Re6stImport.SettingsOf(lastConfig: null));
        Assert.Equal(["encrypt = false"], Re6stImport.SettingsOf("{}"), StringComparer.Ordinal);   // of a registry from before there was the setting
        Assert.Equal(["encrypt = false", "babel-default = \"max-rtt-penalty 5000 rtt-max 500 rtt-decay 125\""], Re6stImport.SettingsOf(Re6stDatabaseFile.LastConfig), StringComparer.Ordinal);
        Assert.Equal(
            ["encrypt = false", "min-protocol = 2", "hello = 15 s", "tunnel-refresh = 300 s", "same-country = [\"FR\", \"DE\"]", """babel-default = "a\"\n${HOME}" """.TrimEnd()],
            Re6stImport.SettingsOf("""{"babel_default": "a\"\n${HOME}", "hello": 15, "hello": 15, "min_protocol": 2, "same_country": ["FR", "DE"], "tunnel_refresh": 300, "unheard_of": 1}"""),
            StringComparer.Ordinal);
    }

    private static IReadOnlyDictionary<string, IReadOnlyList<object>> EventsOf(Re6stDatabaseFile file) =>
        Re6stImport.EventsOf(Re6stRegistryReader.Read(file.Path, Re6stDatabaseFile.Authority), Now, Grace);
}
