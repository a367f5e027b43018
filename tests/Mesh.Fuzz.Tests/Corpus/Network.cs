using System.Text.Json;
using Mesh.Protocol.Addressing;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;
using Mesh.Security.Sessions;

namespace Mesh.Fuzz.Tests.Corpus;

/// <summary>The network of the vectors: its authority, its nodes, and the secrets with which inputs are signed again after they were mutated.</summary>
internal static class Network
{
    public static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static readonly JsonElement Json = Files.Json("identities.json");

    public static readonly CertificateAuthority Authority = LoadAuthority();

    public static readonly PrivateKey NodeKey = KeyOf(Json.GetProperty("nodes").GetProperty("A"));

    public static readonly byte[] NodeCertificate = DerOf(Json.GetProperty("nodes").GetProperty("A"));

    /// <summary>All certificates of the network, that of the authority included, and one of another network.</summary>
    public static readonly IReadOnlyList<string> Pems = [.. Files.Values(Json, "cert")];

    public static readonly IReadOnlyList<byte[]> Ders = [.. Pems.Select(static pem => Pem.TryRead(pem, Pem.Certificate, out byte[]? der) ? der : throw new FormatException("no certificate"))];

    public static readonly JsonElement Peers = Files.Json("peer-udp.json");

    public static readonly IReadOnlyList<byte[]> Datagrams = [.. Files.HexValues(Peers, "hex")];

    public static readonly SessionKey SessionKey = new(Convert.FromHexString(Peers.GetProperty("handshake").GetProperty("secret").GetString()!));

    public static NetworkPrefix Prefix => Authority.Certificate.Network;

    private static PrivateKey KeyOf(JsonElement identity) =>
        PrivateKey.TryFromPem(identity.GetProperty("key").GetString(), out PrivateKey? key) ? key : throw new FormatException("no key");

    private static byte[] DerOf(JsonElement identity) =>
        Pem.TryRead(identity.GetProperty("cert").GetString(), Pem.Certificate, out byte[]? der) ? der : throw new FormatException("no certificate");

    private static CertificateAuthority LoadAuthority()
    {
        JsonElement ca = Json.GetProperty("ca");
        return CertificateAuthority.TryLoad(ca.GetProperty("cert").GetString(), ca.GetProperty("key").GetString(), out CertificateAuthority? authority, out string? problem)
            ? authority
            : throw new FormatException(problem);
    }
}
