using System.Diagnostics.CodeAnalysis;
using System.Text;
using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.Registry;

/// <summary>What a registry and the node on the same machine send each other over UDP, from and to <c>[::1]:326</c>.</summary>
/// <remarks>
/// <code>prefix as bits, ASCII | 00 | code u8 | payload</code>
/// The node answers for its own prefix itself and passes the rest on to the peer with that prefix.
/// </remarks>
/// <param name="Prefix">The node that the question is for, or that answers.</param>
/// <param name="Code">What is asked: a code of the protocol between nodes.</param>
/// <param name="Payload">Depends on the code; questions normally have none.</param>
public sealed record LocalDatagram(NodePrefix Prefix, byte Code, ReadOnlyMemory<byte> Payload)
{
    /// <summary>UDP port of nodes.</summary>
    public const int NodePort = 326;

    /// <summary>Reads a datagram; false without a NUL, with a prefix that is not binary, or without code.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> datagram, [NotNullWhen(true)] out LocalDatagram? decoded)
    {
        decoded = null;
        int end = datagram.IndexOf((byte)0);
        if (end is < 1 or > NodePrefix.MaxLength || datagram.Length < end + 2)
            return false;
        Span<char> bits = stackalloc char[end];
        for (int index = 0; index < end; index++)
            bits[index] = (char)datagram[index];
        if (!NodePrefix.TryParseBits(bits, out NodePrefix prefix))
            return false;
        decoded = new LocalDatagram(prefix, datagram[end + 1], datagram[(end + 2)..].ToArray());
        return true;
    }

    /// <summary>The octets of the datagram.</summary>
    /// <exception cref="InvalidOperationException">The prefix is empty: a bug on our side.</exception>
    public byte[] Encode()
    {
        if (Prefix.IsEmpty)
            throw new InvalidOperationException("The empty prefix is no node.");
        return [.. Encoding.ASCII.GetBytes(Prefix.Bits), 0, Code, .. Payload.Span];
    }

    /// <summary>Same prefix, code and payload.</summary>
    public bool Equals(LocalDatagram? other) =>
        other is not null && Prefix == other.Prefix && Code == other.Code && Payload.Span.SequenceEqual(other.Payload.Span);

    /// <inheritdoc/>
    public override int GetHashCode() => (Prefix.GetHashCode() * 31) + Code;
}
