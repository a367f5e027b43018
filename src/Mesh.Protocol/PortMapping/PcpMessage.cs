namespace Mesh.Protocol.PortMapping;

/// <summary>What all PCP messages have in common (RFC 6887 section 7).</summary>
public static class PcpMessage
{
    /// <summary>The version that is spoken here. NAT-PMP is version 0 of the same protocol.</summary>
    public const byte Version = 2;

    /// <summary>Where servers listen.</summary>
    public const ushort ServerPort = 5351;

    /// <summary>Where clients listen for what servers announce to all.</summary>
    public const ushort ClientPort = 5350;

    /// <summary>Octets of the header, of requests and responses alike.</summary>
    public const int HeaderLength = 24;

    /// <summary>Octets of the longest message.</summary>
    public const int MaxLength = 1100;

    /// <summary>Set in the opcode of a response.</summary>
    internal const byte ResponseFlag = 0x80;

    /// <summary>Length and version are those of a message.</summary>
    internal static bool IsOne(ReadOnlySpan<byte> datagram) => datagram.Length is >= HeaderLength and <= MaxLength && datagram.Length % 4 == 0 && datagram[0] == Version;
}

/// <summary>What is asked for.</summary>
public enum PcpOpcode : byte
{
    /// <summary>Is the server there, and since when? A server says that to all when it has lost its state (RFC 6887 section 14.1).</summary>
    Announce = 0,

    /// <summary>A port is to be mapped, or its mapping to end.</summary>
    Map = 1,
}
