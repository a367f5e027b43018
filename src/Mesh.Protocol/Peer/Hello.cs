using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Mesh.Protocol.Registry;

namespace Mesh.Protocol.Peer;

/// <summary>The end of a handshake: a secret for the session, for the receiver only (protocol reference 4.1).</summary>
/// <remarks>
/// <code>00000002 | protocol, packed integer | envelope: E, the secret encrypted for the receiver | S, the signature of E by the sender</code>
/// A node that states no protocol number gets none, either; one that gets none does not understand the datagram.
/// </remarks>
/// <param name="Protocol">Protocol number of the sender; null to a node that states none.</param>
/// <param name="Envelope">E and S, equal halves.</param>
public sealed record Hello(int? Protocol, ReadOnlyMemory<byte> Envelope)
{
    /// <summary>Number of the kind.</summary>
    public const uint Number = 2;

    /// <summary>Octets of the longest envelope that is read: two of 16384 bits.</summary>
    public const int MaxEnvelopeLength = 4096;

    /// <summary>Reads a datagram; false for another kind, without a protocol number, or where the envelope has no two halves.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> datagram, [NotNullWhen(true)] out Hello? hello)
    {
        hello = null;
        if (datagram.Length <= PeerDatagram.NumberLength || BinaryPrimitives.ReadUInt32BigEndian(datagram) != Number
            || !PackedInteger.TryRead(datagram[PeerDatagram.NumberLength..], out ulong protocol, out int consumed) || protocol > int.MaxValue)
        {
            return false;
        }

        ReadOnlySpan<byte> envelope = datagram[(PeerDatagram.NumberLength + consumed)..];
        if (envelope.Length is 0 or > MaxEnvelopeLength || (envelope.Length & 1) != 0)
            return false;
        hello = new Hello((int)protocol, envelope.ToArray());
        return true;
    }

    /// <summary>The octets of the datagram.</summary>
    public byte[] Encode()
    {
        byte[] number = new byte[PeerDatagram.NumberLength];
        BinaryPrimitives.WriteUInt32BigEndian(number, Number);
        return [.. number, .. Protocol is { } protocol ? PackedInteger.Encode((ulong)protocol) : [], .. Envelope.Span];
    }

    /// <summary>Same protocol and envelope.</summary>
    public bool Equals(Hello? other) => other is not null && Protocol == other.Protocol && Envelope.Span.SequenceEqual(other.Envelope.Span);

    /// <inheritdoc/>
    public override int GetHashCode() => Envelope.Length;
}
