using System.Buffers.Binary;

namespace Mesh.Protocol.Peer;

/// <summary>Kinds of datagrams between nodes, told by the number that each begins with (protocol reference 4.1).</summary>
public enum PeerDatagramKind
{
    /// <summary>At most four octets, which nobody sends.</summary>
    Malformed,

    /// <summary>0 or 1: the sender shows its certificate (<see cref="Hello0"/>).</summary>
    Hello0,

    /// <summary>2: the sender gives the receiver a secret (<see cref="Hello"/>).</summary>
    Hello,

    /// <summary>3 and above: a message of a session (<see cref="SessionMessage"/>).</summary>
    Message,
}

/// <summary>Looks at the start of datagrams.</summary>
public static class PeerDatagram
{
    /// <summary>Octets of the number that each datagram begins with.</summary>
    public const int NumberLength = sizeof(uint);

    /// <summary>Protocol number that we speak.</summary>
    public const int Protocol = 10;

    /// <summary>Nodes with a smaller protocol number know no countries in addresses.</summary>
    public const int CountryProtocol = 7;

    /// <summary>The kind of a datagram; what follows is not looked at.</summary>
    public static PeerDatagramKind KindOf(ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length <= NumberLength)
            return PeerDatagramKind.Malformed;
        return BinaryPrimitives.ReadUInt32BigEndian(datagram) switch
        {
            Hello0.Number or Hello0.NumberWithFingerprint => PeerDatagramKind.Hello0,
            Hello.Number => PeerDatagramKind.Hello,
            _ => PeerDatagramKind.Message,
        };
    }
}
