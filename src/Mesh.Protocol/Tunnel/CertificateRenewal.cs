using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Mesh.Protocol.Tunnel;

/// <summary>The sender has another certificate than the one that it showed when the stream was opened: for the same node and the same key.</summary>
/// <remarks>
/// <code>length u16, 1..8192 | certificate, DER</code>
/// Who opened the stream has proven that it has the key. So a certificate for that key is as good as one that is shown in a new handshake, and the tunnel may stay.
/// </remarks>
/// <param name="Certificate">DER. Whether it is one at all is for the receiver to judge.</param>
public sealed record CertificateRenewal(ImmutableArray<byte> Certificate)
{
    /// <summary>Kind of the frame.</summary>
    public const byte Kind = 9;

    /// <summary>Octets of the longest certificate; one for a key of 16,384 bits has about 5,000.</summary>
    public const int MaxLength = 8192;

    /// <summary>Reads the payload of a frame.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, [NotNullWhen(true)] out CertificateRenewal? renewal)
    {
        renewal = null;
        var reader = new WireReader(payload);
        if (!reader.TryReadUInt16(out ushort length) || length is 0 or > MaxLength || !reader.TryReadBytes(length, out ReadOnlySpan<byte> certificate) || reader.Remaining > 0)
            return false;
        renewal = new CertificateRenewal([.. certificate]);
        return true;
    }

    /// <summary>Writes the whole frame.</summary>
    /// <exception cref="InvalidOperationException">The certificate is empty or too long: a bug on our side.</exception>
    public void Encode(IBufferWriter<byte> output)
    {
        if (Certificate.Length is 0 or > MaxLength)
            throw new InvalidOperationException($"A certificate in a frame has 1 to {MaxLength} octets, not {Certificate.Length}.");
        var writer = new FrameWriter(output, Kind, sizeof(ushort) + Certificate.Length);
        writer.Write((ushort)Certificate.Length);
        writer.Write(Certificate.AsSpan());
        writer.Complete();
    }

    /// <summary>Same octets.</summary>
    public bool Equals(CertificateRenewal? other) => other is not null && Certificate.AsSpan().SequenceEqual(other.Certificate.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => Certificate.Aggregate(Certificate.Length, static (hash, octet) => (hash * 31) + octet);
}
