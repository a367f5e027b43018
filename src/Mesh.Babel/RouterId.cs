using System.Buffers.Binary;

namespace Mesh.Babel;

/// <summary>Names a speaker in the whole network: 8 octets, opaque (RFC 8966 section 4.1.3).</summary>
/// <param name="Value">The octets, first one in the most significant bits. All zeros and all ones are not valid.</param>
public readonly record struct RouterId(ulong Value)
{
    /// <summary>Octets on the wire.</summary>
    public const int Length = 8;

    /// <summary>False for the two values that RFC 8966 section 4.1.3 forbids.</summary>
    public bool IsValid => Value is not 0 and not ulong.MaxValue;

    /// <summary>Reads 8 octets.</summary>
    public static RouterId FromOctets(ReadOnlySpan<byte> octets) => new(BinaryPrimitives.ReadUInt64BigEndian(octets));

    /// <summary>Writes 8 octets.</summary>
    public void WriteTo(Span<byte> destination) => BinaryPrimitives.WriteUInt64BigEndian(destination, Value);

    /// <inheritdoc/>
    public override string ToString()
    {
        string hex = Value.ToString("x16");
        return string.Join(':', Enumerable.Range(0, Length).Select(i => hex.Substring(2 * i, 2)));
    }
}
