using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Mesh.Protocol.Registry;

namespace Mesh.Protocol.Peer;

/// <summary>The beginning of a handshake: here is my certificate, and this is what I know of yours (protocol reference 4.1).</summary>
/// <remarks>
/// <code>
/// 00000000 | certificate of the sender, DER
/// 00000001 | protocol, packed integer | SHA-1 of the receiver's certificate, 20 octets | certificate of the sender, DER
/// 00000001 |                            SHA-1 of the receiver's certificate, 20 octets | certificate of the sender, DER     (before protocol 1)
/// </code>
/// The outer length of the certificate tells the last two apart: it ends where the datagram ends.
/// </remarks>
/// <param name="Protocol">Protocol number of the sender; null where it states none.</param>
/// <param name="Fingerprint">SHA-1 of the certificate that the sender has of the receiver; empty where it has none.</param>
/// <param name="Certificate">The sender's certificate, DER; unchecked but for its outer length.</param>
public sealed record Hello0(int? Protocol, ReadOnlyMemory<byte> Fingerprint, ReadOnlyMemory<byte> Certificate)
{
    /// <summary>Number of the kind without fingerprint.</summary>
    public const uint Number = 0;

    /// <summary>Number of the kind with fingerprint.</summary>
    public const uint NumberWithFingerprint = 1;

    /// <summary>Octets of a fingerprint.</summary>
    public const int FingerprintLength = 20;

    /// <summary>Octets of the longest certificate that is read: one with a key and a signature of 16384 bits and a long subject.</summary>
    public const int MaxCertificateLength = 8192;

    private const byte DerSequence = 0x30;

    /// <summary>Reads a datagram; false for another kind, or where no certificate fills the rest.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> datagram, [NotNullWhen(true)] out Hello0? hello)
    {
        hello = null;
        if (datagram.Length <= PeerDatagram.NumberLength)
            return false;
        ReadOnlySpan<byte> rest = datagram[PeerDatagram.NumberLength..];
        switch (BinaryPrimitives.ReadUInt32BigEndian(datagram))
        {
            case Number when IsCertificate(rest):
                hello = new Hello0(Protocol: null, ReadOnlyMemory<byte>.Empty, rest.ToArray());
                return true;
            case NumberWithFingerprint:
                return (PackedInteger.TryRead(rest, out ulong protocol, out int consumed) && protocol <= int.MaxValue && TryReadRest((int)protocol, rest[consumed..], out hello))
                    || TryReadRest(protocol: null, rest, out hello);
            default:
                return false;
        }
    }

    /// <summary>The octets of the datagram.</summary>
    public byte[] Encode()
    {
        byte[] number = new byte[PeerDatagram.NumberLength];
        if (Fingerprint.IsEmpty)
            return [.. number, .. Certificate.Span];
        BinaryPrimitives.WriteUInt32BigEndian(number, NumberWithFingerprint);
        return [.. number, .. Protocol is { } protocol ? PackedInteger.Encode((ulong)protocol) : [], .. Fingerprint.Span, .. Certificate.Span];
    }

    /// <summary>Same protocol, fingerprint and certificate.</summary>
    public bool Equals(Hello0? other) =>
        other is not null && Protocol == other.Protocol && Fingerprint.Span.SequenceEqual(other.Fingerprint.Span) && Certificate.Span.SequenceEqual(other.Certificate.Span);

    /// <inheritdoc/>
    public override int GetHashCode() => Certificate.Length;

    private static bool TryReadRest(int? protocol, ReadOnlySpan<byte> rest, [NotNullWhen(true)] out Hello0? hello)
    {
        hello = rest.Length > FingerprintLength && IsCertificate(rest[FingerprintLength..])
            ? new Hello0(protocol, rest[..FingerprintLength].ToArray(), rest[FingerprintLength..].ToArray())
            : null;
        return hello is not null;
    }

    // X.690 section 8.1.3: a sequence whose definite length is just what is there. All certificates are longer than 255 octets.
    private static bool IsCertificate(ReadOnlySpan<byte> der) =>
        der.Length is > 4 and <= MaxCertificateLength && der[0] == DerSequence && der[1] == 0x82 && BinaryPrimitives.ReadUInt16BigEndian(der[2..]) == der.Length - 4;
}
