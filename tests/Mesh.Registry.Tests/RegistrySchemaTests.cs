using System.Text;
using Mesh.Actors.Persistence;
using Mesh.Registry.Events;
using Mesh.Registry.Parameters;
using Mesh.Registry.Revocation;
using Mesh.Registry.Rotation;

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
        { new NodeExcluded("01"), """registry.node-excluded 1 {"Prefix":"01"}""" },
        {
            new NetworkImported([new TokenEntry("t", "a@b", 16, 1, Date, null)], [], 7, "01"),
            """registry.network-imported 1 {"Tokens":[{"Token":"t","Email":"a@b","PrefixLength":16,"UsesLeft":1,"Expires":"2026-01-02T03:04:05+00:00"}],"Certificates":[],"LastSerial":7,"RegistryPrefix":"01"}"""
        },
        { new NodeFreed("01"), """registry.node-freed 1 {"Prefix":"01"}""" },
        { new CertificateRevoked(8, Date, null), """registry.certificate-revoked 1 {"Serial":8,"NotAfter":"2026-01-02T03:04:05+00:00"}""" },
        { new Cleaned(["t"], ["01"]), """registry.cleaned 3 {"Tokens":["t"],"Prefixes":["01"]}""" },
        { new ParametersPublished([1, 2], "{}"), """registry.parameters-published 1 {"Version":"AQI=","Content":"{}"}""" },
        { new BabelKeysChanged(["AQ==", null, ""]), """registry.babel-keys-changed 2 {"Slots":["AQ==",null,""]}""" },
        {
            new RegistrySnapshot([], [new CertificateEntry("01", null, "pem", 7, 3, Date, IsExcluded: true)], [], 7, null),
            """registry.snapshot 3 {"Tokens":[],"Certificates":[{"Prefix":"01","Pem":"pem","Serial":7,"SubjectSerial":3,"NotAfter":"2026-01-02T03:04:05+00:00","IsExcluded":true}],"SpentTokens":[],"LastSerial":7}"""
        },
        {
            new CertificatesRevoked([new RevocationEntry(8, Date, RevocationKind.Excluded)]),
            """crl.certificates-revoked 1 {"Entries":[{"Serial":8,"NotAfter":"2026-01-02T03:04:05+00:00","Kind":"Excluded"}]}"""
        },
        { new RevocationsExpired([8]), """crl.revocations-expired 1 {"Serials":[8]}""" },
        { new CrlSnapshot([new RevocationEntry(8, Date, RevocationKind.Renewable)]), """crl.snapshot 1 {"Entries":[{"Serial":8,"NotAfter":"2026-01-02T03:04:05+00:00","Kind":"Renewable"}]}""" },
        {
            new KeysChanged([null, "AQ==", ""], Date, Date),
            """hmac.keys-changed 1 {"Slots":[null,"AQ==",""],"ValidUntil":"2026-01-02T03:04:05+00:00","At":"2026-01-02T03:04:05+00:00"}"""
        },
        { new RotationBegun(Date), """hmac.rotation-begun 1 {"At":"2026-01-02T03:04:05+00:00"}""" },
        { new RotationHalted(Date), """hmac.rotation-halted 1 {"At":"2026-01-02T03:04:05+00:00"}""" },
        { new VersionSigned([1, 2], "0a", 3), """parameters.version-signed 2 {"Version":"AQI=","ContentDigest":"0a","Steps":3}""" },
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
        Assert.Equivalent(new Cleaned(["t"], ["01"]), cleaned, strict: true);
        Assert.Equivalent(cleaned, Schema.Deserialize("registry.cleaned", 2, """{"Tokens":["t"],"Prefixes":["01"],"RevokedSerials":[8]}"""u8.ToArray()), strict: true);
        var snapshot = (RegistrySnapshot)Schema.Deserialize("registry.snapshot", 1, """{"Tokens":[],"Certificates":[],"LastSerial":7,"RegistryPrefix":"01","BabelKeys":["AQ==","",""]}"""u8.ToArray());
        Assert.Equal(["AQ==", null, null], snapshot.Legacy!.BabelKeys, StringComparer.Ordinal);
        var signed = (VersionSigned)Schema.Deserialize("parameters.version-signed", 1, """{"Version":"AQI=","Content":"{}","Steps":3}"""u8.ToArray());
        Assert.Equal(("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", 3), (signed.ContentDigest, signed.Steps));
        Assert.Null(((VersionSigned)Schema.Deserialize("parameters.version-signed", 1, """{"Version":"AQI=","Steps":3}"""u8.ToArray())).ContentDigest);
        var keys = (BabelKeysChanged)Schema.Deserialize("registry.babel-keys-changed", 1, """{"Slots":["AQ==","",""]}"""u8.ToArray());
        Assert.Equal(["AQ==", null, null], keys.Slots, StringComparer.Ordinal);
        Assert.Equal((7ul, "01", 0, 0), (snapshot.LastSerial, snapshot.RegistryPrefix, snapshot.SpentTokens.Count, snapshot.Legacy.Revoked.Count));
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
