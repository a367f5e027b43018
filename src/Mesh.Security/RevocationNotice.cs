using System.Globalization;
using System.Text;
using Mesh.Security.Certificates;

namespace Mesh.Security;

/// <summary>The authority's word that a certificate is revoked, for a node that is shut out: it gets no session with the registry any more, and so no revocation list.</summary>
/// <remarks>
/// <code>signature, by the authority's key, of the ASCII text "mesh: certificate SERIAL is revoked"</code>
/// A serial number is never used again, so the notice is true for ever and can be repeated by anybody. Its text is none of the other things that the authority signs: those are
/// version numbers (up to 8 octets), answers to hello (as long as the key) and certificates (DER, which begins with 0x30).
/// </remarks>
public static class RevocationNotice
{
    /// <summary>The notice for a serial number.</summary>
    public static byte[] Sign(CertificateAuthority authority, ulong serial)
    {
        ArgumentNullException.ThrowIfNull(authority);
        return authority.Key.Sign(TextFor(serial));
    }

    /// <summary>Whether the authority says that this certificate is revoked.</summary>
    /// <param name="notice">Anything.</param>
    /// <param name="serial">Serial number of the certificate.</param>
    /// <param name="authority">The network's authority.</param>
    public static bool IsValid(ReadOnlySpan<byte> notice, ulong serial, AuthorityCertificate authority)
    {
        ArgumentNullException.ThrowIfNull(authority);
        return authority.PublicKey.Verify(TextFor(serial), notice);
    }

    private static byte[] TextFor(ulong serial) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"mesh: certificate {serial} is revoked"));
}
