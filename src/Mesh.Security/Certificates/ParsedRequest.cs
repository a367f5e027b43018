using System.Formats.Asn1;
using System.Security.Cryptography;
using Mesh.Security.Keys;

namespace Mesh.Security.Certificates;

/// <summary>A request for a certificate (PKCS#10, RFC 2986) whose sender has the key that it names.</summary>
/// <remarks>Read by hand, as certificates are: the framework's reader takes the key in three times, each of which costs half a signature.</remarks>
internal sealed class ParsedRequest
{
    private const int MaxLength = 16 * 1024;

    private ParsedRequest(SubjectName subject, PublicKey publicKey)
    {
        Subject = subject;
        PublicKey = publicKey;
    }

    public SubjectName Subject { get; }

    public PublicKey PublicKey { get; }

    /// <summary>Reads and verifies a request.</summary>
    /// <param name="text">PEM, from anybody.</param>
    /// <param name="keySize">Bits that the key has to have.</param>
    /// <param name="parsed">The request, when there is no problem.</param>
    public static RequestProblem TryParse(string text, int keySize, out ParsedRequest? parsed)
    {
        parsed = null;
        if (!Pem.TryRead(text, Pem.CertificateRequest, out byte[]? der) || der.Length > MaxLength)
            return RequestProblem.Malformed;
        try
        {
            return Parse(der, keySize, out parsed);
        }
        // The reader of the framework tells malformed input in this way only.
        catch (AsnContentException)
        {
            return RequestProblem.Malformed;
        }
    }

    // CertificationRequest: signed part { version 0, subject, key, [0] attributes } | algorithm | signature
    private static RequestProblem Parse(byte[] der, int keySize, out ParsedRequest? parsed)
    {
        parsed = null;
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        AsnReader request = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        ReadOnlyMemory<byte> signed = request.PeekEncodedValue();
        AsnReader fields = request.ReadSequence();
        AsnReader algorithmId = request.ReadSequence();
        HashAlgorithmName? hash = HashOf(algorithmId.ReadObjectIdentifier());
        if (hash is not null && algorithmId.HasData)
        {
            algorithmId.ReadNull();
            algorithmId.ThrowIfNotEmpty();
        }

        byte[] signature = request.ReadBitString(out int unused);
        request.ThrowIfNotEmpty();
        if (!fields.TryReadInt32(out int version) || version != 0 || unused != 0)
            return RequestProblem.Malformed;
        ReadOnlyMemory<byte> name = fields.ReadEncodedValue();
        ReadOnlyMemory<byte> encodedKey = fields.ReadEncodedValue();
        if (fields.HasData)
            _ = fields.ReadSetOf(skipSortOrderValidation: true, new Asn1Tag(TagClass.ContextSpecific, 0));
        fields.ThrowIfNotEmpty();

        var keyInfo = new AsnReader(encodedKey, AsnEncodingRules.DER);
        if (keyInfo.ReadSequence().ReadSequence().ReadObjectIdentifier() != ParsedCertificate.RsaEncryption)
            return RequestProblem.NotRsa;
        // Size first: to verify with a huge key takes long.
        if (!ParsedCertificate.TryReadKey(new AsnReader(encodedKey, AsnEncodingRules.DER).ReadSequence(), out PublicKey? key) || key.Size != keySize)
            return RequestProblem.WrongKeySize;
        if (key.Exponent < PublicKey.CommonExponent)
            return RequestProblem.WeakExponent;
        if (hash is not { } known || !key.Verify(signed.Span, signature, known))
            return RequestProblem.BadSignature;
        if (!SubjectName.TryParse(name, out SubjectName? subject))
            return RequestProblem.BadSubject;
        parsed = new ParsedRequest(subject, key);
        return RequestProblem.None;
    }

    // SHA-1 too: here a signature only shows that the sender has the key, which does not depend on collisions.
    private static HashAlgorithmName? HashOf(string algorithm) => algorithm switch
    {
        "1.2.840.113549.1.1.5" => HashAlgorithmName.SHA1,
        "1.2.840.113549.1.1.11" => HashAlgorithmName.SHA256,
        "1.2.840.113549.1.1.12" => HashAlgorithmName.SHA384,
        "1.2.840.113549.1.1.13" => HashAlgorithmName.SHA512,
        _ => null,
    };
}
