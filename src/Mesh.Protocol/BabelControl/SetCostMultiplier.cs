using System.Buffers.Binary;
using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.BabelControl;

/// <summary>Makes the routes through one neighbour dearer, or unusable.</summary>
/// <remarks><code>address of the neighbour 16 | interface index u32 | multiplier u16</code>
/// The answer is one octet, 0 where nobody has that address on that interface.</remarks>
/// <param name="Neighbour">Its link-local address.</param>
/// <param name="InterfaceIndex">Where it is.</param>
/// <param name="Multiplier">256 is one, 4096 sixteenfold, 0 unusable.</param>
public readonly record struct SetCostMultiplier(Ipv6Address Neighbour, uint InterfaceIndex, ushort Multiplier)
{
    private const int BodyLength = Ipv6Address.Length + sizeof(uint) + sizeof(ushort);

    /// <summary>Reads a body.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out SetCostMultiplier command)
    {
        command = default;
        if (body.Length != BodyLength || !Ipv6Address.TryRead(body[..Ipv6Address.Length], out Ipv6Address neighbour))
            return false;
        command = new SetCostMultiplier(
            neighbour, BinaryPrimitives.ReadUInt32BigEndian(body[Ipv6Address.Length..]), BinaryPrimitives.ReadUInt16BigEndian(body[(Ipv6Address.Length + sizeof(uint))..]));
        return true;
    }

    /// <summary>The packet.</summary>
    public byte[] Encode()
    {
        Span<byte> body = stackalloc byte[BodyLength];
        Neighbour.Write(body);
        BinaryPrimitives.WriteUInt32BigEndian(body[Ipv6Address.Length..], InterfaceIndex);
        BinaryPrimitives.WriteUInt16BigEndian(body[(Ipv6Address.Length + sizeof(uint))..], Multiplier);
        return ControlPacket.Encode(ControlPacket.CostMultiplier, body);
    }

    /// <summary>Reads the body of the answer: whether the neighbour was found.</summary>
    public static bool TryDecodeAnswer(ReadOnlySpan<byte> body, out bool isDone)
    {
        isDone = body.Length == 1 && body[0] != 0;
        return body.Length == 1;
    }
}
