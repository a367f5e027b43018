using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Mesh.Protocol.Addressing;
using Mesh.Security.Keys;

namespace Mesh.Security.Certificates;

/// <summary>The certificate of a network's authority: signed by itself, with the network in its serial number.</summary>
public sealed class AuthorityCertificate
{
    private AuthorityCertificate(ParsedCertificate parsed, NetworkPrefix network)
    {
        Parsed = parsed;
        Der = [.. parsed.Der.Span];
        Network = network;
    }

    /// <summary>The certificate, DER.</summary>
    public ImmutableArray<byte> Der { get; }

    /// <summary>The network.</summary>
    public NetworkPrefix Network { get; }

    /// <summary>The key of the authority.</summary>
    public PublicKey PublicKey => Parsed.PublicKey;

    /// <summary>First instant of validity.</summary>
    public DateTimeOffset NotBefore => Parsed.NotBefore;

    /// <summary>Last instant of validity.</summary>
    public DateTimeOffset NotAfter => Parsed.NotAfter;

    /// <summary>The sender of the registry's mails, or null when the subject names none.</summary>
    public string? EmailAddress => Parsed.Subject.Values(SubjectName.EmailAddress).FirstOrDefault();

    internal ParsedCertificate Parsed { get; }

    /// <summary>Reads a certificate; false unless its own key signed it and its serial number holds a network.</summary>
    public static bool TryParse(ReadOnlySpan<byte> der, [NotNullWhen(true)] out AuthorityCertificate? certificate)
    {
        certificate = null;
        if (!ParsedCertificate.TryParse(der, out ParsedCertificate? parsed)
            || (parsed.SerialNumber.Span[0] & 0x80) != 0
            || !NetworkPrefix.TryFromSerial(parsed.SerialNumber.Span, out NetworkPrefix network)
            || !parsed.Issuer.Span.SequenceEqual(parsed.Subject.Encoded.Span)
            || !parsed.IsSignedBy(parsed.PublicKey))
        {
            return false;
        }
        certificate = new AuthorityCertificate(parsed, network);
        return true;
    }

    /// <summary>Reads the first certificate of a PEM text, see <see cref="TryParse"/>.</summary>
    public static bool TryParsePem(ReadOnlySpan<char> text, [NotNullWhen(true)] out AuthorityCertificate? certificate)
    {
        certificate = null;
        return Pem.TryRead(text, Pem.Certificate, out byte[]? der) && TryParse(der, out certificate);
    }

    /// <summary>Whether this is the same authority with other dates. Anything else offered as a renewal is an attack.</summary>
    public bool IsRenewalOf(AuthorityCertificate other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return PublicKey.Equals(other.PublicKey) && Network == other.Network && Parsed.Subject.Encoded.Span.SequenceEqual(other.Parsed.Subject.Encoded.Span);
    }

    /// <summary>Whether the certificate is valid at an instant.</summary>
    public bool IsValidAt(DateTimeOffset time) => time >= NotBefore && time <= NotAfter;

    /// <summary>The certificate as PEM.</summary>
    public string ToPem() => Pem.Write(Pem.Certificate, Der.AsSpan());

    /// <summary>The network.</summary>
    public override string ToString() => $"authority of {Network}";
}
