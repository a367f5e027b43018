using System.Buffers.Binary;

namespace Mesh.Protocol.Peer;

/// <summary>A message of a session between nodes, whose authenticity is for the session to judge (protocol reference 4.1).</summary>
/// <remarks>
/// <code>
/// number u32, 3 and above | payload | HMAC-SHA1 of number and payload, 20 octets
///                           \_ code u8 | data, or nothing at all: an acknowledgement
/// </code>
/// Every message that is not empty is answered: with its code and the answer's data, or with an acknowledgement.
/// </remarks>
public readonly ref struct SessionMessage
{
    /// <summary>Number of the first message in each direction; what is below belongs to handshakes.</summary>
    public const uint FirstNumber = 3;

    /// <summary>Octets of the authentication code.</summary>
    public const int MacLength = 20;

    /// <summary>Octets of an acknowledgement, the shortest message.</summary>
    public const int MinLength = PeerDatagram.NumberLength + MacLength;

    private readonly ReadOnlySpan<byte> _datagram;

    private SessionMessage(ReadOnlySpan<byte> datagram) => _datagram = datagram;

    /// <summary>The sender's count of messages.</summary>
    public uint Number => BinaryPrimitives.ReadUInt32BigEndian(_datagram);

    /// <summary>What is authenticated: number and payload.</summary>
    public ReadOnlySpan<byte> Authenticated => _datagram[..^MacLength];

    /// <summary>What authenticates it.</summary>
    public ReadOnlySpan<byte> Mac => _datagram[^MacLength..];

    /// <summary>Code and data, or nothing.</summary>
    public ReadOnlySpan<byte> Payload => _datagram[PeerDatagram.NumberLength..^MacLength];

    /// <summary>Whether it only acknowledges.</summary>
    public bool IsAcknowledgement => Payload.IsEmpty;

    /// <summary>The code; 0 for an acknowledgement, which has none.</summary>
    public byte Code => Payload.IsEmpty ? (byte)0 : Payload[0];

    /// <summary>The data behind the code.</summary>
    public ReadOnlySpan<byte> Data => Payload.IsEmpty ? default : Payload[1..];

    /// <summary>Reads the layout; false for a datagram of a handshake, and for one that is too short.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> datagram, out SessionMessage message)
    {
        bool isMessage = datagram.Length >= MinLength && BinaryPrimitives.ReadUInt32BigEndian(datagram) >= FirstNumber;
        message = isMessage ? new SessionMessage(datagram) : default;
        return isMessage;
    }
}
