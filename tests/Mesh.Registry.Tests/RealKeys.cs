using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Mesh.Actors;
using Mesh.Registry.Authority;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;
using Mesh.Security.Sessions;

namespace Mesh.Registry.Tests;

/// <summary>The authority and the nodes of the vectors. Making RSA keys is slow, so tests use these.</summary>
internal static class RealKeys
{
    private static readonly JsonElement Identities = Vectors.Load("identities.json");

    public static readonly CertificateAuthority Authority = LoadAuthority();

    /// <summary>A registry of this authority. Secrets and paddings come from the seed.</summary>
    public static RsaRegistryAuthority Registry(ulong seed = 3) => new(Authority, new SeededEntropy(seed));

    public static PrivateKey KeyOf(string node)
    {
        Assert.True(PrivateKey.TryFromPem(Pem(node), out PrivateKey? key));
        return key;
    }

    /// <summary>The same key for .NET's own classes, which make requests that ours never would.</summary>
    public static RSA RsaOf(string node)
    {
        var rsa = RSA.Create();
        rsa.ImportFromPem(Pem(node));
        return rsa;
    }

    /// <summary>A request as re6st-conf makes it, with this subject.</summary>
    public static string RequestOf(string node, params (string Type, string Value)[] subject)
    {
        var name = new X500DistinguishedNameBuilder();
        foreach ((string type, string value) in subject)
            name.Add(type, value);
        using RSA rsa = RsaOf(node);
        return new CertificateRequest(name.Build(), rsa, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1).CreateSigningRequestPem() + "\n";
    }

    /// <summary>Opens the answer to a hello, as the owner of the key.</summary>
    public static Func<byte[], SessionKey> Open(string node) => body =>
    {
        using PrivateKey key = KeyOf(node);
        Assert.True(SecretEnvelope.TryOpen(body, key, Authority.Certificate.PublicKey, out SessionKey? session));
        return session;
    };

    private static string Pem(string node) => Identities.GetProperty("nodes").GetProperty(node).Text("key");

    private static CertificateAuthority LoadAuthority()
    {
        JsonElement ca = Identities.GetProperty("ca");
        Assert.True(CertificateAuthority.TryLoad(ca.Text("cert"), ca.Text("key"), out CertificateAuthority? authority, out string? problem), problem);
        return authority;
    }

    private sealed class SeededEntropy(ulong seed) : IEntropy
    {
        private readonly DeterministicRandom _random = new(seed);

        public void Fill(Span<byte> destination) => _random.NextBytes(destination);
    }
}
