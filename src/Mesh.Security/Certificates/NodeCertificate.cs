using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using Mesh.Protocol.Addressing;
using Mesh.Security.Keys;

namespace Mesh.Security.Certificates;

/// <summary>What the certificate of a node says. Whether it is true, <see cref="CertificateVerifier"/> decides.</summary>
public sealed class NodeCertificate
{
    internal NodeCertificate(ParsedCertificate parsed, NodePrefix prefix, uint? subjectSerial, ulong serialNumber)
    {
        Parsed = parsed;
        Der = [.. parsed.Der.Span];
        Prefix = prefix;
        SubjectSerial = subjectSerial;
        SerialNumber = serialNumber;
    }

    /// <summary>The certificate, DER.</summary>
    public ImmutableArray<byte> Der { get; }

    /// <summary>The prefix of the node: the one common name of the subject.</summary>
    public NodePrefix Prefix { get; }

    /// <summary>Number of the node for IPv4, the serialNumber of the subject; null when the subject has none.</summary>
    public uint? SubjectSerial { get; }

    /// <summary>Serial number of the certificate, which revocation lists name.</summary>
    public ulong SerialNumber { get; }

    /// <summary>First instant of validity.</summary>
    public DateTimeOffset NotBefore => Parsed.NotBefore;

    /// <summary>Last instant of validity.</summary>
    public DateTimeOffset NotAfter => Parsed.NotAfter;

    /// <summary>The key of the node.</summary>
    public PublicKey PublicKey => Parsed.PublicKey;

    internal ParsedCertificate Parsed { get; }

    /// <summary>Reads a certificate.</summary>
    /// <returns>False unless it is DER of version 1 or 3 with an RSA key, the subject has exactly one common name, which is
    /// <c>INT/LEN</c>, and at most one serialNumber, and the serial number is positive and fits in 64 bits.</returns>
    public static bool TryParse(ReadOnlySpan<byte> der, [NotNullWhen(true)] out NodeCertificate? certificate)
    {
        certificate = null;
        if (!ParsedCertificate.TryParse(der, out ParsedCertificate? parsed))
            return false;
        // Two common names would let one node pass for another with readers that take the other one.
        ImmutableArray<string?> names = parsed.Subject.Values(SubjectName.CommonName);
        ImmutableArray<string?> serials = parsed.Subject.Values(SubjectName.SerialNumber);
        if (names.Length != 1 || !NodePrefix.TryParseCommonName(names[0], out NodePrefix prefix) || serials.Length > 1)
            return false;
        uint? subjectSerial = null;
        if (serials.Length == 1)
        {
            if (!SubjectNumber.TryParse(serials[0], out uint number))
                return false;
            subjectSerial = number;
        }
        var serial = new BigInteger(parsed.SerialNumber.Span, isUnsigned: false, isBigEndian: true);
        if (serial.Sign <= 0 || serial > ulong.MaxValue)
            return false;
        certificate = new NodeCertificate(parsed, prefix, subjectSerial, (ulong)serial);
        return true;
    }

    /// <summary>Reads the first certificate of a PEM text, see <see cref="TryParse"/>.</summary>
    public static bool TryParsePem(ReadOnlySpan<char> text, [NotNullWhen(true)] out NodeCertificate? certificate)
    {
        certificate = null;
        return Pem.TryRead(text, Pem.Certificate, out byte[]? der) && TryParse(der, out certificate);
    }

    /// <summary>Whether this is for the same node and the same key: who has proven to be the owner of one is the owner of the other.</summary>
    public bool IsRenewalOf(NodeCertificate other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Prefix == other.Prefix && PublicKey.Equals(other.PublicKey);
    }

    /// <summary>The certificate as PEM.</summary>
    public string ToPem() => Pem.Write(Pem.Certificate, Der.AsSpan());

    /// <summary>Node and serial number.</summary>
    public override string ToString() => $"certificate {SerialNumber} of {Prefix.CommonName}";
}
