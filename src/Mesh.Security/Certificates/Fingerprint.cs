using System.Collections.Immutable;
using System.Security.Cryptography;

namespace Mesh.Security.Certificates;

/// <summary>A digest by which an operator recognises the certificate of an authority: <c>ALG:HEX</c>.</summary>
/// <remarks>
/// sha256, sha384 and sha512 are read, and sha1 because published fingerprints of old networks have it; <see cref="IsWeak"/> tells.
/// The digest covers the DER. New ones are always sha256.
/// </remarks>
public sealed class Fingerprint
{
    private Fingerprint(string algorithm, ImmutableArray<byte> digest)
    {
        Algorithm = algorithm;
        Digest = digest;
    }

    /// <summary>Lower-case name of the algorithm.</summary>
    public string Algorithm { get; }

    /// <summary>The digest.</summary>
    public ImmutableArray<byte> Digest { get; }

    /// <summary>Whether the algorithm should not be used for something new.</summary>
    public bool IsWeak => Algorithm == "sha1";

    /// <summary>The fingerprint of a certificate, with SHA-256.</summary>
    public static Fingerprint Of(ReadOnlySpan<byte> der) => new("sha256", [.. SHA256.HashData(der)]);

    /// <summary>Reads what an operator wrote; upper case and colons between the octets are fine.</summary>
    /// <param name="text"><c>ALG:HEX</c>.</param>
    /// <param name="fingerprint">The fingerprint.</param>
    /// <param name="problem">Otherwise what is wrong, as a sentence for the operator.</param>
    public static bool TryParse(
        string text,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Fingerprint? fingerprint,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        fingerprint = null;
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0)
        {
            problem = $"Fingerprint '{text}' has no algorithm; it is written ALG:HEX, for example sha256: and 64 digits.";
            return false;
        }
        string algorithm = text[..colon].ToLowerInvariant();
        int length = LengthOf(algorithm);
        if (length == 0)
        {
            problem = $"Fingerprint algorithm '{text[..colon]}' is not one of sha256, sha384, sha512, sha1.";
            return false;
        }
        string digits = text[(colon + 1)..].Replace(":", "", StringComparison.Ordinal);
        if (digits.Length != 2 * length || !digits.All(char.IsAsciiHexDigit))
        {
            problem = $"A fingerprint with {algorithm} has {2 * length} hexadecimal digits; '{text[(colon + 1)..]}' does not.";
            return false;
        }
        fingerprint = new Fingerprint(algorithm, [.. Convert.FromHexString(digits)]);
        problem = null;
        return true;
    }

    /// <summary>Whether the certificate has this fingerprint.</summary>
    public bool Matches(ReadOnlySpan<byte> der) => CryptographicOperations.FixedTimeEquals(DigestOf(der), Digest.AsSpan());

    /// <summary>What is said when a certificate has another fingerprint.</summary>
    public string MismatchWith(ReadOnlySpan<byte> der) =>
        $"The certificate of the authority has fingerprint {new Fingerprint(Algorithm, [.. DigestOf(der)])}, but {this} was expected.";

    /// <summary><c>ALG:HEX</c> in lower case.</summary>
    public override string ToString() => $"{Algorithm}:{Convert.ToHexStringLower(Digest.AsSpan())}";

    private static int LengthOf(string algorithm) => algorithm switch
    {
        "sha1" => SHA1.HashSizeInBytes,
        "sha256" => SHA256.HashSizeInBytes,
        "sha384" => SHA384.HashSizeInBytes,
        "sha512" => SHA512.HashSizeInBytes,
        _ => 0,
    };

    private byte[] DigestOf(ReadOnlySpan<byte> der) => Algorithm switch
    {
        "sha1" => SHA1.HashData(der),
        "sha384" => SHA384.HashData(der),
        "sha512" => SHA512.HashData(der),
        _ => SHA256.HashData(der),
    };
}
