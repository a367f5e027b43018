using System.Text;
using Mesh.Actors.Persistence;
using Mesh.Registry.Events;

namespace Mesh.Registry.Tests;

public sealed class RegistrySchemaTests
{
    private static readonly EventSchema Schema = RegistrySchema.AddTo(new EventSchema());
    private static readonly DateTimeOffset Date = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    /// <summary>Every stored shape, in the very text that is in journals. A change here needs a new version and an upcaster.</summary>
    public static TheoryData<object, string> Shapes => new()
    {
        {
            new TokenAdded("t", "a@b", 16, 1, Date, "note"),
            """registry.token-added 1 {"Token":"t","Email":"a@b","PrefixLength":16,"Uses":1,"Expires":"2026-01-02T03:04:05+00:00","Note":"note"}"""
        },
        { new TokenDeleted("t"), """registry.token-deleted 1 {"Token":"t"}""" },
        {
            new CertificateIssued(null, "01", null, "pem", 7, 3, Date),
            """registry.certificate-issued 1 {"Prefix":"01","Pem":"pem","Serial":7,"SubjectSerial":3,"NotAfter":"2026-01-02T03:04:05+00:00"}"""
        },
        { new CertificateRenewed("01", "pem", 8, Date), """registry.certificate-renewed 1 {"Prefix":"01","Pem":"pem","Serial":8,"NotAfter":"2026-01-02T03:04:05+00:00"}""" },
        { new CertificateRevoked(8, Date, null), """registry.certificate-revoked 1 {"Serial":8,"NotAfter":"2026-01-02T03:04:05+00:00"}""" },
        { new Cleaned(["t"], ["01"], [8]), """registry.cleaned 2 {"Tokens":["t"],"Prefixes":["01"],"RevokedSerials":[8]}""" },
        { new ParametersPublished([1, 2], "{}"), """registry.parameters-published 1 {"Version":"AQI=","Content":"{}"}""" },
        { new BabelKeysChanged(["AQ==", null, ""]), """registry.babel-keys-changed 2 {"Slots":["AQ==",null,""]}""" },
        {
            new RegistrySnapshot([], [], [], [], 7, null, null, null, [null, null, null]),
            """registry.snapshot 2 {"Tokens":[],"Certificates":[],"SpentTokens":[],"Revoked":[],"LastSerial":7,"BabelKeys":[null,null,null]}"""
        },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void Stored_shapes_stay_as_they_are(object value, string stored)
    {
        (string name, int version, byte[] payload) = Schema.Serialize(value);
        Assert.Equal(stored, $"{name} {version} {Encoding.UTF8.GetString(payload)}");
        Assert.Equivalent(value, Schema.Deserialize(name, version, payload), strict: true);
    }

    [Fact]
    public void Older_shapes_are_still_read()
    {
        var cleaned = (Cleaned)Schema.Deserialize("registry.cleaned", 1, """{"Tokens":["t"],"Prefixes":["01"]}"""u8.ToArray());
        Assert.Equivalent(new Cleaned(["t"], ["01"], []), cleaned, strict: true);
        var snapshot = (RegistrySnapshot)Schema.Deserialize("registry.snapshot", 1, """{"Tokens":[],"Certificates":[],"LastSerial":7,"RegistryPrefix":"01","BabelKeys":["AQ==","",""]}"""u8.ToArray());
        Assert.Equal(["AQ==", null, null], snapshot.BabelKeys, StringComparer.Ordinal);
        var keys = (BabelKeysChanged)Schema.Deserialize("registry.babel-keys-changed", 1, """{"Slots":["AQ==","",""]}"""u8.ToArray());
        Assert.Equal(["AQ==", null, null], keys.Slots, StringComparer.Ordinal);
        Assert.Equal((7ul, "01", 0, 0), (snapshot.LastSerial, snapshot.RegistryPrefix, snapshot.SpentTokens.Count, snapshot.Revoked.Count));
    }

    [Theory]
    [InlineData("registry.token-deleted", 1, """{"Token":"t","Unknown":1}""")]
    [InlineData("registry.token-deleted", 2, """{"Token":"t"}""")]
    [InlineData("registry.cleaned", 1, """[]""")]
    [InlineData("registry.token-deleted", 1, """{"Token":null}""")]
    [InlineData("registry.else", 1, """{}""")]
    public void What_does_not_fit_is_not_guessed(string name, int version, string payload) =>
        Assert.Equal(JournalFailure.UnknownEvent, Assert.Throws<JournalException>(() => Schema.Deserialize(name, version, Encoding.UTF8.GetBytes(payload))).Failure);
}
