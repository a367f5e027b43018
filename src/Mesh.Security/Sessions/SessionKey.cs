using System.Buffers.Binary;
using System.Security.Cryptography;
using Mesh.Security.Keys;

namespace Mesh.Security.Sessions;

/// <summary>A secret of 20 octets that authenticates messages with HMAC-SHA1 and turns into the next one.</summary>
/// <remarks>SHA-1 is what the protocol wants; as an HMAC and as a ratchet it does not depend on collisions.</remarks>
public sealed class SessionKey
{
    /// <summary>Octets of a key.</summary>
    public const int Length = 20;

    // The year 9000: what a peer claims must not be beyond what a date can hold.
    private static readonly ulong MaxMicroseconds = MicrosecondsOf(new DateTimeOffset(9000, 1, 1, 0, 0, 0, TimeSpan.Zero));

    private readonly byte[] _secret;

    /// <summary>The key in <paramref name="secret"/>, which the caller took from a cryptographic source.</summary>
    /// <exception cref="ArgumentException">There are not exactly 20 octets.</exception>
    public SessionKey(ReadOnlySpan<byte> secret)
    {
        if (secret.Length != Length)
            throw new ArgumentException($"A session key has {Length} octets, not {secret.Length}.", nameof(secret));
        _secret = secret.ToArray();
    }

    /// <summary>A key for a session with the registry: 20 octets of the source.</summary>
    public static SessionKey ForRegistry(IEntropy entropy)
    {
        ArgumentNullException.ThrowIfNull(entropy);
        Span<byte> secret = stackalloc byte[Length];
        entropy.Fill(secret);
        return new SessionKey(secret);
    }

    /// <summary>A key for a session between nodes.</summary>
    /// <remarks>
    /// <code>microseconds since 1970 u64, big-endian | 12 octets of the source</code>
    /// So keys of later sessions are greater, and an old hello that is played again can be told.
    /// </remarks>
    public static SessionKey ForPeer(DateTimeOffset now, IEntropy entropy)
    {
        ArgumentNullException.ThrowIfNull(entropy);
        Span<byte> secret = stackalloc byte[Length];
        BinaryPrimitives.WriteUInt64BigEndian(secret, MicrosecondsOf(now));
        entropy.Fill(secret[sizeof(ulong)..]);
        return new SessionKey(secret);
    }

    /// <summary>A key for a session between nodes that is newer than another one, also where the clock has been set back since: then it continues that one's time.</summary>
    /// <param name="now">The wall clock.</param>
    /// <param name="other">What the receiver may remember of us.</param>
    /// <param name="entropy">Source of the random part.</param>
    public static SessionKey ForPeerAfter(DateTimeOffset now, SessionKey other, IEntropy entropy)
    {
        ArgumentNullException.ThrowIfNull(other);
        DateTimeOffset next = other.Time.AddMicroseconds(1);
        return ForPeer(now > next ? now : next, entropy);
    }

    /// <summary>When a key of a session between nodes was made, by its maker's clock.</summary>
    public DateTimeOffset Time => DateTimeOffset.UnixEpoch.AddTicks((long)Math.Min(BinaryPrimitives.ReadUInt64BigEndian(_secret), MaxMicroseconds) * TimeSpan.TicksPerMicrosecond);

    /// <summary>The smallest key of an instant: what a node takes for the key of a peer that it does not know yet.</summary>
    public static SessionKey FloorAt(DateTimeOffset time)
    {
        Span<byte> secret = stackalloc byte[Length];
        secret.Clear();
        BinaryPrimitives.WriteUInt64BigEndian(secret, MicrosecondsOf(time));
        return new SessionKey(secret);
    }

    /// <summary>Whether this key is strictly greater, as octets; the rule for a hello between nodes.</summary>
    public bool IsNewerThan(SessionKey other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return _secret.AsSpan().SequenceCompareTo(other._secret) > 0;
    }

    /// <summary>The next key; this one can not be found from it.</summary>
    public SessionKey Ratchet() => new(SHA1.HashData(_secret));

    /// <summary>Writes the 20 octets that authenticate a message.</summary>
    public void Authenticate(ReadOnlySpan<byte> message, Span<byte> destination) => _ = HMACSHA1.HashData(_secret, message, destination);

    /// <summary>Whether octets authenticate a message; compared in constant time.</summary>
    public bool Verify(ReadOnlySpan<byte> code, ReadOnlySpan<byte> message)
    {
        Span<byte> expected = stackalloc byte[Length];
        Authenticate(message, expected);
        return CryptographicOperations.FixedTimeEquals(expected, code);
    }

    /// <summary>The value of the header for a message.</summary>
    public string HeaderFor(ReadOnlySpan<byte> message) => Convert.ToBase64String(HMACSHA1.HashData(_secret, message));

    /// <summary>Whether a header belongs to a message; compared in constant time.</summary>
    /// <returns>False for a header that is missing, not base64 or wrong.</returns>
    public bool Verify(string? header, ReadOnlySpan<byte> message)
    {
        Span<byte> received = stackalloc byte[Length];
        return header is not null && Convert.TryFromBase64String(header, received, out int length) && Verify(received[..length], message);
    }

    /// <summary>Writes the 20 octets: only to be encrypted.</summary>
    internal void CopyTo(Span<byte> destination) => _secret.CopyTo(destination);

    /// <summary>A text without the secret.</summary>
    public override string ToString() => "(secret)";

    private static ulong MicrosecondsOf(DateTimeOffset time) => (ulong)Math.Max(0, (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
}
