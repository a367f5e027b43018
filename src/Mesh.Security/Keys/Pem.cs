using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Mesh.Security.Keys;

/// <summary>Text form of keys, certificates and requests (RFC 7468).</summary>
public static class Pem
{
    /// <summary>Label of certificates.</summary>
    public const string Certificate = "CERTIFICATE";

    /// <summary>Label of requests for certificates (PKCS#10).</summary>
    public const string CertificateRequest = "CERTIFICATE REQUEST";

    /// <summary>Label of private keys (PKCS#8).</summary>
    public const string PrivateKey = "PRIVATE KEY";

    /// <summary>Label of RSA private keys (PKCS#1), as older tools write them.</summary>
    public const string RsaPrivateKey = "RSA PRIVATE KEY";

    /// <summary>Characters of the longest text that is read.</summary>
    public const int MaxTextLength = 64 * 1024;

    /// <summary>The octets of the first block with a label; blocks with other labels and text around them are passed over.</summary>
    public static bool TryRead(ReadOnlySpan<char> text, string label, [NotNullWhen(true)] out byte[]? octets)
    {
        octets = null;
        if (text.Length > MaxTextLength)
            return false;
        while (PemEncoding.TryFind(text, out PemFields fields))
        {
            if (text[fields.Label].SequenceEqual(label))
            {
                byte[] decoded = new byte[fields.DecodedDataLength];
                if (!Convert.TryFromBase64Chars(text[fields.Base64Data], decoded, out int length))
                    return false;
                octets = decoded[..length];
                return true;
            }
            text = text[fields.Location.End..];
        }
        return false;
    }

    /// <summary>One block, with a line feed at the end.</summary>
    public static string Write(string label, ReadOnlySpan<byte> octets) => PemEncoding.WriteString(label, octets) + "\n";
}
