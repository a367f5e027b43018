namespace Mesh.Babel.Wire;

/// <summary>Challenge Request (RFC 8967 section 6.3): the receiver, by unicast only, is to send the nonce back and so show that its packets are of today.</summary>
/// <remarks><code>
/// type 18 | length | nonce, 0..192 octets
/// </code></remarks>
public readonly ref struct ChallengeRequestTlv(ReadOnlySpan<byte> nonce)
{
    /// <summary>Type octet.</summary>
    public const byte Type = 18;

    /// <summary>Octets of the longest nonce.</summary>
    public const int MaxNonceLength = 192;

    /// <summary>Drawn by the sender for this challenge.</summary>
    public ReadOnlySpan<byte> Nonce { get; } = nonce;

    /// <summary>Reads a body; false where the nonce is too long.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out ChallengeRequestTlv challenge)
    {
        challenge = default;
        if (body.Length > MaxNonceLength)
            return false;
        challenge = new ChallengeRequestTlv(body);
        return true;
    }

    /// <summary>Writes the TLV and returns its octets.</summary>
    public int Encode(Span<byte> output)
    {
        (output[0], output[1]) = (Type, (byte)Nonce.Length);
        Nonce.CopyTo(output[2..]);
        return 2 + Nonce.Length;
    }
}
