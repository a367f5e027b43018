using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Mesh.Cli.Ping;

/// <summary>An ICMPv6 message as raw sockets give and take it: without IPv6 header, and the kernel sees to the checksum (RFC 3542 section 3.1).</summary>
/// <remarks>
/// <code>
/// echo:   type u8: 128 request, 129 reply | code u8 | checksum u16 | identifier u16 | sequence u16 | data
/// error:  type u8: 1..4 | code u8 | checksum u16 | u32 | IPv6 header, 40 octets | the echo message that it is about
/// </code>
/// </remarks>
/// <param name="Identifier">Tells one pinger from another.</param>
/// <param name="Sequence">Tells one request from another.</param>
/// <param name="Problem">What an error says; null for a reply.</param>
/// <param name="Destination">Where the request went that an error is about; null for a reply, which tells by its sender.</param>
internal sealed record EchoMessage(ushort Identifier, ushort Sequence, string? Problem, IPAddress? Destination)
{
    private const int HeaderLength = 8, Ipv6HeaderLength = 40, DestinationOffset = 24, AddressLength = 16;
    private const byte EchoRequest = 128, EchoReply = 129;
    private const byte Unreachable = 1, TooBig = 2, TimeExceeded = 3, ParameterProblem = 4;

    /// <summary>A request.</summary>
    public static byte[] Request(ushort identifier, ushort sequence, int dataLength)
    {
        byte[] message = new byte[HeaderLength + dataLength];
        message[0] = EchoRequest;
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(4), identifier);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(6), sequence);
        return message;
    }

    /// <summary>Reads a reply, or an error about a request; false for anything else.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> message, [NotNullWhen(true)] out EchoMessage? echo)
    {
        echo = null;
        if (message.Length < HeaderLength)
            return false;
        string? problem = null;
        IPAddress? destination = null;
        if (message[0] is Unreachable or TooBig or TimeExceeded or ParameterProblem)
        {
            problem = Describe(message[0], message[1]);
            message = message[HeaderLength..];
            if (message.Length < Ipv6HeaderLength + HeaderLength || message[Ipv6HeaderLength] != EchoRequest)
                return false;
            destination = new IPAddress(message.Slice(DestinationOffset, AddressLength));
            message = message[Ipv6HeaderLength..];
        }
        else if (message[0] != EchoReply)
        {
            return false;
        }
        echo = new EchoMessage(BinaryPrimitives.ReadUInt16BigEndian(message[4..]), BinaryPrimitives.ReadUInt16BigEndian(message[6..]), problem, destination);
        return true;
    }

    // RFC 4443 sections 3.1 to 3.4.
    private static string Describe(byte type, byte code) => (type, code) switch
    {
        (Unreachable, 0) => "no route to the destination",
        (Unreachable, 1) => "forbidden by an administrator",
        (Unreachable, 3) => "the address is unreachable",
        (Unreachable, 5 or 6) => "refused by a routing policy",
        (Unreachable, _) => "the destination is unreachable",
        (TooBig, _) => "the packet is too big",
        (TimeExceeded, _) => "the hop limit was exceeded",
        _ => "a router could not read the packet",
    };
}
