using System.Text.Json;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Security.Tests;

/// <summary>The authority and the nodes of the vectors. Making RSA keys is slow, so other tests use these keys as well.</summary>
internal static class Identities
{
    public static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static readonly JsonElement Json = Vectors.Load("identities.json");

    public static readonly CertificateAuthority Authority = LoadAuthority();

    public static readonly IReadOnlySet<ulong> NoneRevoked = new HashSet<ulong>();

    public static JsonElement Node(string name) => Json.GetProperty("nodes").GetProperty(name);

    public static JsonElement Foreign => Json.GetProperty("foreign");

    public static PrivateKey KeyOf(JsonElement identity)
    {
        Assert.True(PrivateKey.TryFromPem(identity.Text("key"), out PrivateKey? key));
        return key;
    }

    public static NodeCertificate CertificateOf(JsonElement identity)
    {
        Assert.True(NodeCertificate.TryParsePem(identity.Text("cert"), out NodeCertificate? certificate));
        return certificate;
    }

    private static CertificateAuthority LoadAuthority()
    {
        JsonElement ca = Json.GetProperty("ca");
        Assert.True(CertificateAuthority.TryLoad(ca.Text("cert"), ca.Text("key"), out CertificateAuthority? authority, out string? problem), problem);
        return authority;
    }
}
