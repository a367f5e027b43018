using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using Mesh.Actors;
using Mesh.Fuzz.Tests.Corpus;
using Mesh.Fuzz.Tests.Harness;
using Mesh.Node;
using Mesh.Node.Certificates;
using Mesh.Protocol.Registry;
using Mesh.Security;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;
using Mesh.Security.Sessions;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>Certificates, keys, and what is signed or encrypted with them.</summary>
internal static class SecurityTargets
{
    private const byte Sequence = 0x30, BitString = 3;

    // An RSA operation with the largest key that is accepted.
    private static readonly TimeSpan RsaTime = TimeSpan.FromMilliseconds(100);

    private static readonly IReadOnlySet<ulong> NoneRevoked = new HashSet<ulong>();

    private static readonly JsonElement Auth = Files.Json("registry-auth.json");

    private static readonly string Request = MakeRequest();

    private static readonly NodeCertificate Own = NodeCertificate.TryParse(Network.NodeCertificate, out NodeCertificate? own) ? own : throw new FormatException("no certificate");

    private static readonly PrivateKey[] Signers = [Network.Authority.Key, Network.NodeKey];

    public static IEnumerable<FuzzTarget> All() =>
    [
        Certificates<NodeCertificate>("node", NodeCertificate.TryParse, static certificate => [.. certificate.Der], static (a, b) => a.Der.AsSpan().SequenceEqual(b.Der.AsSpan())),
        Certificates<AuthorityCertificate>("authority", AuthorityCertificate.TryParse, static certificate => [.. certificate.Der], static (a, b) => a.Der.AsSpan().SequenceEqual(b.Der.AsSpan())),
        Certificates<ParsedCertificate>("parsed", ParsedCertificate.TryParse, static certificate => certificate.Der.ToArray(), static (a, b) => a.Der.Span.SequenceEqual(b.Der.Span)) with
        {
            Covers = [Methods.Name(typeof(ParsedCertificate), nameof(ParsedCertificate.TryParse)), Methods.Name(typeof(ParsedCertificate), "TryReadKey"), Methods.Name(typeof(SubjectName), nameof(SubjectName.TryParse))],
        },
        Target.Octets("security/certificate-verified", Network.Ders, Verify) with { Repairs = [Resign, ChangeAndResign], BaseOctets = 64 * 1024, BaseTime = RsaTime },
        Target.Octets("security/renewal", Network.Ders, static der => Renew(Pem.Write(Pem.Certificate, der), RenewalOffer.OfCertificate)) with { Repairs = [Resign, ChangeAndResign], BaseOctets = 128 * 1024, BaseTime = RsaTime, Share = 2 },
        Target.Octets("security/authority-renewal", Network.Ders, static der => Renew(Pem.Write(Pem.Certificate, der), RenewalOffer.OfAuthority)) with { Repairs = [Resign, ChangeAndResign], BaseOctets = 128 * 1024, BaseTime = RsaTime, Share = 2 },
        Target.Octets("security/request", [DerOf(Request)], static der => ParsedRequest.TryParse(Pem.Write(Pem.CertificateRequest, der), 2048, out ParsedRequest? parsed) == RequestProblem.None ? parsed : null,
            Methods.Name(typeof(ParsedRequest), nameof(ParsedRequest.TryParse))) with
        {
            Repairs = [Resign, ChangeAndResign, DerTree.Mutate],
            BaseOctets = 64 * 1024,
            BaseTime = RsaTime,
            Check = static (_, value) => IssueFor((ParsedRequest)value),
        },
        Target.Octets("security/subject", [.. Network.Ders.SelectMany(Names)], static der => SubjectName.TryParse(der, out SubjectName? name) ? name : null, Methods.Name(typeof(SubjectName), nameof(SubjectName.TryParse)))
            with { Repairs = [DerTree.Mutate], BaseOctets = 64 * 1024 },
        Target.Octets("security/envelope", [.. Files.HexValues(Auth, "body").Where(static body => body.Length == 512), .. Network.Datagrams.Where(static d => d.Length > 512).Select(static d => d[^512..])], OpenEnvelope,
            Methods.Name(typeof(SecretEnvelope), nameof(SecretEnvelope.TryOpen)), Methods.Name(typeof(PrivateKey), nameof(PrivateKey.TryDecrypt)))
            with { Repairs = [SealSecret, SealCipher], BaseTime = RsaTime },
        Target.Octets("security/version-signature", [.. Files.HexValues(Files.Json("version.json"), "blob")],
            static blob => NetworkVersion.TryParse(blob, out NetworkVersion? version) && VersionSigner.IsValid(version, Network.Authority.Certificate) ? version : null)
            with { Repairs = [static (random, _) => [.. VersionSigner.Sign(Network.Authority, random.NextUInt64() % PackedInteger.MaxValue).Blob]], BaseTime = RsaTime },
        Target.Octets("security/revocation-notice", [RevocationNotice.Sign(Network.Authority, 7)], static notice => RevocationNotice.IsValid(notice, 7, Network.Authority.Certificate) ? 7 : null) with { BaseTime = RsaTime },
        Target.Octets("security/public-key", [[.. Network.Authority.Certificate.PublicKey.Modulus, 1, 0, 1]], MakePublicKey) with { MaxLength = 2100, BaseTime = RsaTime, BaseOctets = 64 * 1024 },

        Pems("certificate-pem", [.. Network.Pems], static text => NodeCertificate.TryParsePem(text, out NodeCertificate? certificate) ? certificate : null, Methods.Name(typeof(NodeCertificate), nameof(NodeCertificate.TryParsePem))),
        Pems("authority-pem", [.. Network.Pems], static text => AuthorityCertificate.TryParsePem(text, out AuthorityCertificate? certificate) ? certificate : null,
            Methods.Name(typeof(AuthorityCertificate), nameof(AuthorityCertificate.TryParsePem)), Methods.Name(typeof(Pem), nameof(Pem.TryRead))),
        Pems("request-pem", [Request], static text => ParsedRequest.TryParse(text, 2048, out ParsedRequest? parsed) == RequestProblem.None ? parsed : null),
        Pems("private-key-pem", [.. Files.Values(Network.Json, "key"), RsaPem()], LoadKey, Methods.Name(typeof(PrivateKey), nameof(PrivateKey.TryFromPem))) with { Repairs = [ChangePem] },
        Pems("authority-files", [.. Network.Pems], static text => CertificateAuthority.TryLoad(text, Network.Authority.Key.ToPem(), out CertificateAuthority? authority, out string? problem) ? authority : Refused(problem),
            Methods.Name(typeof(CertificateAuthority), nameof(CertificateAuthority.TryLoad))),
        Target.Text<Fingerprint>("security/fingerprint", [Fingerprint.Of("x"u8).ToString(), "sha1:" + new string('0', 40), "SHA512:" + new string('f', 128)],
            static (ReadOnlySpan<char> text, [MaybeNullWhen(false)] out Fingerprint fingerprint) => Fingerprint.TryParse(text.ToString(), out fingerprint, out string? problem) || Refused(problem) is not null,
            static fingerprint => fingerprint.ToString(), static (a, b) => a.Algorithm == b.Algorithm && a.Digest.SequenceEqual(b.Digest))
            with { Covers = [Methods.Name(typeof(Fingerprint), nameof(Fingerprint.TryParse))], Tokens = Target.Tokens("sha1: sha256: sha384: sha512: : ::") },
        Target.Text<uint>("security/subject-number", ["0", "4294967295"], static (ReadOnlySpan<char> text, out uint number) => SubjectNumber.TryParse(text.ToString(), out number), static number => $"{number}", isCanonical: true)
            with { Covers = [Methods.Name(typeof(SubjectNumber), nameof(SubjectNumber.TryParse))] },
        Target.Text("security/session-header", [.. Files.Values(Auth, "request_header")], static header => Network.SessionKey.Verify(header, "x"u8) ? null : header.Length),
    ];

    private static FuzzTarget Certificates<T>(string name, OctetDecoder<T> decode, Func<T, byte[]> encode, Func<T, T, bool> isEqual)
        where T : notnull =>
        Target.Octets("security/certificate-" + name, Network.Ders, decode, encode, isEqual, isCanonical: true) with { Repairs = [DerTree.Mutate, ChangeAndResign], BaseOctets = 64 * 1024, BaseTime = RsaTime };

    private static FuzzTarget Pems(string name, IEnumerable<string> corpus, Func<string, object?> run, params IReadOnlyList<string> covers) => Target.Text("security/" + name, corpus, run, covers) with
    {
        Tokens = Target.Encode(["-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n", "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN X-----", "-----END X-----", "-----", "=", "==", "\n", "AAAA"]),
        Repairs = [ChangePem],
        MaxLength = 20_000,
        BaseOctets = 64 * 1024,
        BaseTime = RsaTime,
        TimePerOctet = TimeSpan.FromMicroseconds(20),
    };

    private static object? Refused(string? problem) => string.IsNullOrEmpty(problem) ? throw new InvalidOperationException("refused without a reason") : null;

    private static object? Verify(byte[] der)
    {
        var verifier = new CertificateVerifier(Network.Authority.Certificate);
        CertificateVerdict verdict = verifier.Verify(der, Network.Now, NoneRevoked, out NodeCertificate? certificate);
        return verdict == CertificateVerdict.Valid ? certificate!.Prefix.Subnet(Network.Prefix) : null;
    }

    private delegate RenewalOffer Judge(CertificateKnowledge known, ReadOnlySpan<byte> body, DateTimeOffset now);

    // What a node makes of the certificates that it asks the registry for, and when it asks again.
    private static object? Renew(string pem, Judge judge)
    {
        var known = new CertificateKnowledge(new NodeIdentity(new CertificateVerifier(Network.Authority.Certificate), Own, Network.NodeKey, Network.Now), NoneRevoked);
        RenewalOffer offer = judge(known, Encoding.UTF8.GetBytes(pem), Network.Now);
        return offer switch
        {
            RenewalOffer.Fresh fresh => (known with { Identity = fresh.Identity }).StatusAt(Network.Now),
            RenewalOffer.Unusable { Reason.Length: > 0 } => null,
            RenewalOffer.Unchanged => known.StatusAt(Network.Now),
            _ => throw new InvalidOperationException("refused without a reason"),
        };
    }

    // What is accepted can be issued for: nothing in a request may make the registry fail when it signs.
    private static string? IssueFor(ParsedRequest request)
    {
        byte[] subject = request.Subject.ForNode(new Protocol.Addressing.NodePrefix(1, 16), 7);
        return SubjectName.TryParse(subject, out SubjectName? name) && name.Values(SubjectName.CommonName) is ["1/16"] ? null : $"the subject becomes {Convert.ToHexString(subject)}";
    }

    private static object? OpenEnvelope(byte[] envelope) =>
        SecretEnvelope.TryOpen(envelope, Network.NodeKey, Network.Authority.Certificate.PublicKey, out SessionKey? key) ? key.Time : null;

    private static object? MakePublicKey(byte[] octets)
    {
        int modulus = Math.Max(0, octets.Length - 3);
        return PublicKey.TryCreate(octets.AsSpan(0, modulus), octets.AsSpan(modulus), out PublicKey? key) && !key.Verify("x"u8, new byte[key.Length]) ? key : null;
    }

    private static object? LoadKey(string text)
    {
        if (!PrivateKey.TryFromPem(text, out PrivateKey? key))
            return null;
        key.Dispose();
        return key.PublicKey;
    }

    // SEQUENCE { what is signed, algorithm, signature }: certificates and requests.
    private static byte[] Resign(DeterministicRandom random, byte[] der) =>
        DerTree.Parse(der, out _)?.Parts is [var signed, var algorithm, _, ..]
            ? DerTree.Encode(Sequence, signed, algorithm, DerTree.Encode(BitString, [0], Signers[random.Next(Signers.Length)].Sign(signed)))
            : der;

    /// <summary>A certificate in which something was changed, and which the authority or a node signed anew.</summary>
    public static byte[] ChangeAndResign(DeterministicRandom random, byte[] der) => Resign(random, DerTree.Mutate(random, der));

    private static byte[] SealSecret(DeterministicRandom random, byte[] octets)
    {
        byte[] secret = octets[..Math.Min(octets.Length, random.Next(4) == 0 ? random.Next(200) : SessionKey.Length)];
        return SealCipher(random, Network.NodeKey.PublicKey.Encrypt(secret, SystemEntropy.Instance));
    }

    private static byte[] SealCipher(DeterministicRandom random, byte[] octets)
    {
        byte[] cipher = octets[..Math.Min(octets.Length, 256)];
        return [.. cipher, .. Network.Authority.Key.Sign(cipher)];
    }

    // The octets inside, and base64 around them again.
    private static byte[] ChangePem(DeterministicRandom random, byte[] text)
    {
        string pem = Encoding.UTF8.GetString(text);
        if (!System.Security.Cryptography.PemEncoding.TryFind(pem, out System.Security.Cryptography.PemFields fields))
            return text;
        byte[] der = DerTree.Mutate(random, Convert.FromBase64String(pem[fields.Base64Data]));
        return Encoding.UTF8.GetBytes(Pem.Write(pem[fields.Label], der));
    }

    private static IEnumerable<byte[]> Names(byte[] der) =>
        DerTree.Parse(der, out _)!.Parts is [var signed, ..] ? DerTree.Parse(signed, out _)!.Parts.Where(static part => part[0] == Sequence && SubjectName.TryParse(part, out _)) : [];

    private static string MakeRequest()
    {
        var builder = new CertificateRequestBuilder();
        foreach ((string name, string value) in new[] { ("C", "DE"), ("O", "Üben"), ("emailAddress", "a@example.com") })
            _ = builder.TryAdd(name, value);
        return builder.ToPem(Network.NodeKey);
    }

    private static byte[] DerOf(string pem) => Pem.TryRead(pem, Pem.CertificateRequest, out byte[]? der) ? der : throw new FormatException("no request");

    private static string RsaPem() => Network.NodeKey.Rsa.ExportRSAPrivateKeyPem() + "\n";
}
