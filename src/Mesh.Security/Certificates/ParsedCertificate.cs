using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using Mesh.Security.Keys;

namespace Mesh.Security.Certificates;

/// <summary>The fields of an X.509 certificate (RFC 5280 section 4.1) that the network uses. Nothing is verified yet.</summary>
/// <remarks>
/// Version 1 and 3 are read; extensions are passed over, since a network has one authority and no chains. Read by hand rather than by
/// the framework's type: that one accepts more than DER, holds a native handle for each and throws on garbage.
/// </remarks>
internal sealed class ParsedCertificate
{
    /// <summary>Octets of the longest certificate that is read; one with a key of 16384 bits has some 5000.</summary>
    public const int MaxLength = 16 * 1024;

    internal const string RsaEncryption = "1.2.840.113549.1.1.1";

    private readonly byte[] _der;

    private ParsedCertificate(byte[] der) => _der = der;

    public ReadOnlyMemory<byte> Der => _der;

    public required ReadOnlyMemory<byte> Signed { get; init; }

    public required HashAlgorithmName Hash { get; init; }

    public required byte[] Signature { get; init; }

    /// <summary>Big-endian, two's complement, as encoded.</summary>
    public required ReadOnlyMemory<byte> SerialNumber { get; init; }

    public required ReadOnlyMemory<byte> Issuer { get; init; }

    public required SubjectName Subject { get; init; }

    public required DateTimeOffset NotBefore { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    public required PublicKey PublicKey { get; init; }

    /// <summary>Reads a certificate, of which nothing may be left over.</summary>
    public static bool TryParse(ReadOnlySpan<byte> der, [NotNullWhen(true)] out ParsedCertificate? certificate)
    {
        certificate = null;
        if (der.Length is 0 or > MaxLength)
            return false;
        try
        {
            certificate = Parse(der.ToArray());
        }
        // The reader of the framework tells malformed input in this way only.
        catch (AsnContentException)
        {
            return false;
        }
        return certificate is not null;
    }

    /// <summary>Whether the key made the signature of this certificate.</summary>
    public bool IsSignedBy(PublicKey key) => key.Verify(Signed.Span, Signature, Hash);

    private static ParsedCertificate? Parse(byte[] der)
    {
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        AsnReader certificate = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        ReadOnlyMemory<byte> signed = certificate.PeekEncodedValue();
        AsnReader fields = certificate.ReadSequence();
        ReadOnlyMemory<byte> algorithm = certificate.ReadEncodedValue();
        byte[] signature = certificate.ReadBitString(out int unused);
        certificate.ThrowIfNotEmpty();

        var versionTag = new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true);
        if (fields.HasData && fields.PeekTag() == versionTag)
        {
            AsnReader version = fields.ReadSequence(versionTag);
            if (!version.TryReadInt32(out int number) || number is < 0 or > 2)
                return null;
            version.ThrowIfNotEmpty();
        }
        ReadOnlyMemory<byte> serial = fields.ReadIntegerBytes();
        if (!fields.ReadEncodedValue().Span.SequenceEqual(algorithm.Span) || unused != 0 || HashOf(algorithm) is not { } hash)
            return null;
        ReadOnlyMemory<byte> issuer = fields.ReadEncodedValue();
        AsnReader validity = fields.ReadSequence();
        DateTimeOffset notBefore = ReadTime(validity), notAfter = ReadTime(validity);
        validity.ThrowIfNotEmpty();
        if (!SubjectName.TryParse(fields.ReadEncodedValue(), out SubjectName? subject) || !TryReadKey(fields.ReadSequence(), out PublicKey? key))
            return null;
        return new ParsedCertificate(der)
        {
            Signed = signed,
            Hash = hash,
            Signature = signature,
            SerialNumber = serial,
            Issuer = issuer,
            Subject = subject,
            NotBefore = notBefore,
            NotAfter = notAfter,
            PublicKey = key,
        };
    }

    // SHA-1 and MD5 are not accepted: a collision would let a stranger move a signature to another certificate.
    private static HashAlgorithmName? HashOf(ReadOnlyMemory<byte> algorithm) =>
        new AsnReader(algorithm, AsnEncodingRules.DER).ReadSequence().ReadObjectIdentifier() switch
        {
            "1.2.840.113549.1.1.11" => HashAlgorithmName.SHA256,
            "1.2.840.113549.1.1.12" => HashAlgorithmName.SHA384,
            "1.2.840.113549.1.1.13" => HashAlgorithmName.SHA512,
            _ => null,
        };

    private static DateTimeOffset ReadTime(AsnReader validity) =>
        validity.PeekTag() == Asn1Tag.UtcTime ? validity.ReadUtcTime() : validity.ReadGeneralizedTime();

    internal static bool TryReadKey(AsnReader keyInfo, [NotNullWhen(true)] out PublicKey? key)
    {
        key = null;
        if (keyInfo.ReadSequence().ReadObjectIdentifier() is not RsaEncryption)
            return false;
        byte[] encoded = keyInfo.ReadBitString(out int unused);
        keyInfo.ThrowIfNotEmpty();
        if (unused != 0)
            return false;
        var reader = new AsnReader(encoded, AsnEncodingRules.DER);
        AsnReader numbers = reader.ReadSequence();
        reader.ThrowIfNotEmpty();
        ReadOnlyMemory<byte> modulus = numbers.ReadIntegerBytes(), exponent = numbers.ReadIntegerBytes();
        numbers.ThrowIfNotEmpty();
        bool arePositive = (modulus.Span[0] & 0x80) == 0 && (exponent.Span[0] & 0x80) == 0;
        return arePositive && PublicKey.TryCreate(modulus.Span, exponent.Span, out key);
    }
}
