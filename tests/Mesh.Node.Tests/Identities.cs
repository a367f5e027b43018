using System.Text.Json;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Node.Tests;

/// <summary>Authority and nodes whose keys are made already: making RSA keys is slow.</summary>
internal static class Identities
{
    private static readonly JsonElement Json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", "identities.json"))).RootElement;

    public static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static readonly CertificateAuthority Authority = LoadAuthority();

    public static readonly CertificateVerifier Verifier = new(Authority.Certificate);

    /// <summary>Node 1/16.</summary>
    public static readonly NodeIdentity A = Load("A");

    /// <summary>Node 2/16.</summary>
    public static readonly NodeIdentity B = Load("B");

    public static JsonElement Foreign => Json.GetProperty("foreign");

    public static JsonElement Node(string name) => Json.GetProperty("nodes").GetProperty(name);

    public static PrivateKey KeyOf(JsonElement identity)
    {
        Assert.True(PrivateKey.TryFromPem(identity.GetProperty("key").GetString()!, out PrivateKey? key));
        return key;
    }

    public static NodeCertificate CertificateOf(JsonElement identity)
    {
        Assert.True(NodeCertificate.TryParsePem(identity.GetProperty("cert").GetString()!, out NodeCertificate? certificate));
        return certificate;
    }

    public static AuthorityCertificate AuthorityOf(string pem)
    {
        Assert.True(AuthorityCertificate.TryParsePem(pem, out AuthorityCertificate? authority));
        return authority;
    }

    public static string AuthorityPem => Json.GetProperty("ca").GetProperty("cert").GetString()!;

    private static NodeIdentity Load(string name) => new(Verifier, CertificateOf(Node(name)), KeyOf(Node(name)), Now);

    private static CertificateAuthority LoadAuthority()
    {
        JsonElement ca = Json.GetProperty("ca");
        Assert.True(CertificateAuthority.TryLoad(ca.GetProperty("cert").GetString()!, ca.GetProperty("key").GetString()!, out CertificateAuthority? authority, out string? problem), problem);
        return authority;
    }
}
