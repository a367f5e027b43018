using System.Globalization;
using System.Text;
using Mesh.Actors.Persistence;
using Mesh.Fuzz.Tests.Harness;
using Mesh.Node;
using Mesh.Registry.Events;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>Events and snapshots in journals, of this version and of earlier ones. Nobody else should write there; disks do.</summary>
internal static class StoredTargets
{
    private static readonly EventSchema Schema = NodeActor.AddTo(RegistrySchema.AddTo(new EventSchema()));

    private static readonly string[] Events =
    [
        """registry.token-added 1 {"Token":"t","Email":"a@b","PrefixLength":16,"Uses":1,"Expires":"2026-01-02T03:04:05+00:00","Note":"note"}""",
        """registry.token-deleted 1 {"Token":"t"}""",
        """registry.certificate-issued 1 {"Prefix":"01","Pem":"pem","Serial":7,"SubjectSerial":3,"NotAfter":"2026-01-02T03:04:05+00:00"}""",
        """registry.certificate-renewed 1 {"Prefix":"01","Pem":"pem","Serial":8,"NotAfter":"2026-01-02T03:04:05+00:00"}""",
        """registry.node-excluded 1 {"Prefix":"01"}""",
        """registry.node-freed 1 {"Prefix":"01"}""",
        """registry.network-imported 1 {"Tokens":[{"Token":"t","Email":"a@b","PrefixLength":16,"UsesLeft":1,"Expires":"2026-01-02T03:04:05+00:00"}],"Certificates":[],"LastSerial":7,"RegistryPrefix":"01"}""",
        """registry.cleaned 1 {"Tokens":["t"],"Prefixes":["01"]}""",
        """registry.cleaned 2 {"Tokens":["t"],"Prefixes":["01"],"RevokedSerials":[8]}""",
        """registry.cleaned 3 {"Tokens":["t"],"Prefixes":["01"]}""",
        """registry.certificate-revoked 1 {"Serial":8,"NotAfter":"2026-01-02T03:04:05+00:00"}""",
        """registry.parameters-published 1 {"Version":"AQI=","Content":"{}"}""",
        """registry.babel-keys-changed 1 {"Slots":["AQ==","",""]}""",
        """registry.babel-keys-changed 2 {"Slots":["AQ==",null,""]}""",
        """registry.snapshot 1 {"Tokens":[],"Certificates":[],"LastSerial":7,"RegistryPrefix":"01","BabelKeys":["AQ==","",""]}""",
        """registry.snapshot 2 {"Tokens":[],"Certificates":[],"SpentTokens":[],"Revoked":[],"LastSerial":7,"RegistryPrefix":"01","Version":"AQI=","Content":"{}","BabelKeys":["AQ==",null,null]}""",
        """registry.snapshot 3 {"Tokens":[],"Certificates":[{"Prefix":"01","Pem":"pem","Serial":7,"SubjectSerial":3,"NotAfter":"2026-01-02T03:04:05+00:00","IsExcluded":true}],"SpentTokens":[],"LastSerial":7}""",
        """crl.certificates-revoked 1 {"Entries":[{"Serial":8,"NotAfter":"2026-01-02T03:04:05+00:00","Kind":"Excluded"}]}""",
        """crl.revocations-expired 1 {"Serials":[8]}""",
        """crl.snapshot 1 {"Entries":[{"Serial":8,"NotAfter":"2026-01-02T03:04:05+00:00","Kind":"Renewable"}]}""",
        """hmac.keys-changed 1 {"Slots":[null,"AQ==",""],"ValidUntil":"2026-01-02T03:04:05+00:00","At":"2026-01-02T03:04:05+00:00"}""",
        """hmac.rotation-begun 1 {"At":"2026-01-02T03:04:05+00:00"}""",
        """hmac.rotation-halted 1 {"At":"2026-01-02T03:04:05+00:00"}""",
        """parameters.version-signed 1 {"Version":"AQI=","Content":"{}","Steps":3}""",
        """parameters.version-signed 2 {"Version":"AQI=","ContentDigest":"0a","Steps":3}""",
        """node.peer-addresses-changed 1 {"Peer":"1/16","Addresses":"192.0.2.1,326,mesh"}""",
        """node.peer-forgotten 1 {"Peer":"1/16"}""",
        """node.peer-remembered 1 {"Peer":"1/16","Certificate":"AQI=","SecretTime":"2026-01-02T03:04:05+00:00"}""",
        """node.peer-dropped 1 {"Peer":"1/16"}""",
        """node.gateway-remembered 1 {"Gateway":"10.1.0.254","Local":"10.1.0.1","Nonce":"AQIDBAUGBwgJCgsM","Method":"Pcp","Mappings":[{"Protocol":6,"InternalPort":6626,"ExternalPort":7000}]}""",
        """node.gateway-forgotten 1 {"Gateway":"10.1.0.254","Local":"10.1.0.1"}""",
        """node.seqnos-reserved 1 {"RouterId":4660,"Limit":65535}""",
    ];

    public static IEnumerable<FuzzTarget> All() =>
    [
        Target.Octets("stored/events", Target.Encode(Events), Read, Methods.Name(typeof(EventSchema), nameof(EventSchema.Deserialize))) with
        {
            Expected = typeof(JournalException),
            Tokens = Target.Tokens("""{ } [ ] [[[[ " : , null true false "Slots": "Entries": "Kind": "Excluded" "BabelKeys":null "\ud800" \u0000 1e300 -1 "9999-12-31T23:59:59.9999999+00:00" "0001-01-01T00:00:00+14:00" "Content":1 "Version": 2"""),
            OctetsPerOctet = 128,
            BaseOctets = 128 * 1024,
            Check = static (_, value) => Stored(value),
        },
    ];

    private static object? Read(byte[] octets)
    {
        int first = octets.AsSpan().IndexOf((byte)' '), second = first < 0 ? -1 : octets.AsSpan(first + 1).IndexOf((byte)' ') + first + 1;
        return second > first && int.TryParse(octets.AsSpan((first + 1)..second), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int version)
            ? Schema.Deserialize(Encoding.UTF8.GetString(octets.AsSpan(0, first)), version, octets.AsMemory(second + 1))
            : null;
    }

    // What was read can be stored, and is read as the same again.
    private static string? Stored(object value)
    {
        (string name, int version, byte[] payload) = Schema.Serialize(value);
        (string againName, _, byte[] again) = Schema.Serialize(Schema.Deserialize(name, version, payload));
        return name == againName && payload.AsSpan().SequenceEqual(again) ? null : $"{name} {version} {Encoding.UTF8.GetString(payload)} becomes {Encoding.UTF8.GetString(again)}";
    }
}
