using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Mesh.Protocol.Tunnel;

namespace Mesh.Protocol.Peer;

/// <summary>Data of <see cref="PeerCode.KillRequest"/> and <see cref="PeerCode.KillAnswer"/> between two of our nodes, <see cref="PeerFeatures.NumberedKills"/>. Nodes of re6st send and expect none.</summary>
/// <remarks>
/// Big-endian:
/// <code>format u8 = 1 | flags u8 | reason u8 | round u32 | what newer nodes add
/// flags: 1: the sender serves the tunnel, which the receiver has opened; 2: the sender agrees</code>
/// With it either end of a tunnel may ask, an answer belongs to one request, and it may be a refusal. Who does not agree to a request of its own takes that back.
/// </remarks>
/// <param name="Round">Number of the request, which its answer repeats; not 0.</param>
/// <param name="Reason">Why the tunnel is to go.</param>
/// <param name="IsServer">Of two tunnels between the two nodes it is the one that the receiver has opened.</param>
/// <param name="Agrees">In an answer: the tunnel may be cut.</param>
public sealed record TunnelKill(uint Round, CloseReason Reason, bool IsServer, bool Agrees)
{
    private const byte Format = 1;
    private const byte ServerFlag = 1, AgreesFlag = 2;
    private const int Length = 7;

    /// <summary>Reads the data of a message; false for another format, where octets are missing, and for round 0.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> data, [NotNullWhen(true)] out TunnelKill? kill)
    {
        kill = null;
        if (data.Length < Length || data[0] != Format || BinaryPrimitives.ReadUInt32BigEndian(data[3..]) is not (> 0 and var round))
            return false;
        kill = new TunnelKill(round, (CloseReason)data[2], (data[1] & ServerFlag) != 0, (data[1] & AgreesFlag) != 0);
        return true;
    }

    /// <summary>The data of the message.</summary>
    public byte[] Encode()
    {
        byte[] data = new byte[Length];
        (data[0], data[1], data[2]) = (Format, (byte)((IsServer ? ServerFlag : 0) | (Agrees ? AgreesFlag : 0)), (byte)Reason);
        BinaryPrimitives.WriteUInt32BigEndian(data.AsSpan(3), Round);
        return data;
    }
}
