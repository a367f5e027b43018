namespace Mesh.Babel.Wire;

/// <summary>Challenge Reply (RFC 8967 section 6.4): the answer to a Challenge Request.</summary>
/// <remarks><code>
/// type 19 | length | nonce, 0..192 octets
/// </code></remarks>
public readonly ref struct ChallengeReplyTlv(ReadOnlySpan<byte> nonce)
{
    /// <summary>Type octet.</summary>
    public const byte Type = 19;

    /// <summary>Octets of the longest nonce.</summary>
    public const int MaxNonceLength = ChallengeRequestTlv.MaxNonceLength;

    /// <summary>Copied from the request.</summary>
    public ReadOnlySpan<byte> Nonce { get; } = nonce;

    /// <summary>Reads a body; false where the nonce is too long.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out ChallengeReplyTlv reply)
    {
        reply = default;
        if (body.Length > MaxNonceLength)
            return false;
        reply = new ChallengeReplyTlv(body);
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
