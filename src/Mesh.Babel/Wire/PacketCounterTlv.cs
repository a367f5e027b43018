using static System.Buffers.Binary.BinaryPrimitives;

namespace Mesh.Babel.Wire;

/// <summary>PC (RFC 8967 section 6.2): the number of this packet, so that it cannot be played again.</summary>
/// <remarks><code>
/// type 17 | length | packet counter u32 | index, 0..32 octets
/// </code></remarks>
public readonly ref struct PacketCounterTlv(uint counter, ReadOnlySpan<byte> index)
{
    /// <summary>Type octet.</summary>
    public const byte Type = 17;

    /// <summary>Octets of the fixed part.</summary>
    public const int BodyLength = 4;

    /// <summary>Octets of the longest index.</summary>
    public const int MaxIndexLength = 32;

    /// <summary>Grows with every packet under the same index.</summary>
    public uint Counter { get; } = counter;

    /// <summary>Names one run of the counter; the sender never uses it for another one.</summary>
    public ReadOnlySpan<byte> Index { get; } = index;

    /// <summary>Reads a body; false where it is too short, or the index too long.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out PacketCounterTlv counter)
    {
        counter = default;
        if (body.Length is < BodyLength or > BodyLength + MaxIndexLength)
            return false;
        counter = new PacketCounterTlv(ReadUInt32BigEndian(body), body[BodyLength..]);
        return true;
    }

    /// <summary>Writes the TLV and returns its octets.</summary>
    public int Encode(Span<byte> output)
    {
        (output[0], output[1]) = (Type, (byte)(BodyLength + Index.Length));
        WriteUInt32BigEndian(output[2..], Counter);
        Index.CopyTo(output[(2 + BodyLength)..]);
        return 2 + BodyLength + Index.Length;
    }
}
