using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Mesh.Security.Sessions;

/// <summary>A secret of 20 octets that authenticates messages with HMAC-SHA1 and turns into the next one.</summary>
/// <remarks>SHA-1 is what the protocol wants; as an HMAC and as a ratchet it does not depend on collisions.</remarks>
public sealed class SessionKey
{
    /// <summary>Octets of a key.</summary>
    public const int Length = 20;

    private readonly byte[] _secret;

    /// <summary>The key in <paramref name="secret"/>, which the caller took from a cryptographic source.</summary>
    /// <exception cref="ArgumentException">There are not exactly 20 octets.</exception>
    public SessionKey(ReadOnlySpan<byte> secret)
    {
        if (secret.Length != Length)
            throw new ArgumentException($"A session key has {Length} octets, not {secret.Length}.", nameof(secret));
        _secret = secret.ToArray();
    }

    /// <summary>The next key; this one can not be found from it.</summary>
    [SuppressMessage("Security", "CA5350", Justification = "The protocol wants SHA-1, see the remarks of the type.")]
    public SessionKey Ratchet() => new(SHA1.HashData(_secret));

    /// <summary>The value of the header for a message.</summary>
    [SuppressMessage("Security", "CA5350", Justification = "The protocol wants HMAC-SHA1, see the remarks of the type.")]
    public string HeaderFor(ReadOnlySpan<byte> message) => Convert.ToBase64String(HMACSHA1.HashData(_secret, message));

    /// <summary>Whether a header belongs to a message; compared in constant time.</summary>
    /// <returns>False for a header that is missing, not base64 or wrong.</returns>
    [SuppressMessage("Security", "CA5350", Justification = "The protocol wants HMAC-SHA1, see the remarks of the type.")]
    public bool Verify(string? header, ReadOnlySpan<byte> message)
    {
        Span<byte> received = stackalloc byte[HMACSHA1.HashSizeInBytes];
        if (header is null || !Convert.TryFromBase64String(header, received, out int length) || length != received.Length)
            return false;
        Span<byte> expected = stackalloc byte[HMACSHA1.HashSizeInBytes];
        _ = HMACSHA1.HashData(_secret, message, expected);
        return CryptographicOperations.FixedTimeEquals(expected, received);
    }

    /// <summary>Writes the 20 octets: only for the answer to hello, encrypted.</summary>
    internal void CopyTo(Span<byte> destination) => _secret.CopyTo(destination);

    /// <summary>A text without the secret.</summary>
    public override string ToString() => "(secret)";
}
