using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.Peer;

/// <summary>What a node can do beyond protocol 10. Unknown bits are of newer nodes and kept as they came.</summary>
[Flags]
public enum PeerFeatures : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>It speaks native tunnels: TLS streams with sealed datagrams.</summary>
    NativeTunnels = 1,

    /// <summary>It takes news of network versions in the control stream of a native tunnel.</summary>
    NewsInTunnels = 2,

    /// <summary>It numbers requests to close a tunnel of OpenVPN, and understands numbered ones: <see cref="TunnelKill"/>.</summary>
    NumberedKills = 4,
}

/// <summary>Data of <see cref="PeerCode.Capabilities"/>: by it two of our nodes know each other. A node of re6st acknowledges the message, and is known by that.</summary>
/// <remarks>
/// Big-endian:
/// <code>format u8 = 1 | flags u8, bit 0: this is an answer | features u32 | length u16 | address list as text, UTF-8 | what newer nodes add</code>
/// The list has the addresses of native tunnels, too, which are not told to nodes of re6st.
/// </remarks>
/// <param name="Features">What the sender can do.</param>
/// <param name="Addresses">Where the sender can be reached; possibly nowhere.</param>
/// <param name="IsAnswer">An answer is not answered.</param>
public sealed record PeerCapabilities(PeerFeatures Features, AddressList Addresses, bool IsAnswer)
{
    private const byte Format = 1;
    private const byte AnswerFlag = 1;
    private const int HeaderLength = 8;

    /// <summary>Reads the data of a message; false for another format, where octets are missing, or the list is not one.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> data, [NotNullWhen(true)] out PeerCapabilities? capabilities)
    {
        capabilities = null;
        if (data.Length < HeaderLength || data[0] != Format)
            return false;
        int length = BinaryPrimitives.ReadUInt16BigEndian(data[6..]);
        if (data.Length < HeaderLength + length || !AddressList.TryParse(data.Slice(HeaderLength, length), out AddressList addresses, out _))
            return false;
        capabilities = new PeerCapabilities((PeerFeatures)BinaryPrimitives.ReadUInt32BigEndian(data[2..]), addresses, (data[1] & AnswerFlag) != 0);
        return true;
    }

    /// <summary>The data of the message.</summary>
    public byte[] Encode()
    {
        byte[] text = Encoding.UTF8.GetBytes(Addresses.ToString());
        byte[] data = new byte[HeaderLength + text.Length];
        (data[0], data[1]) = (Format, IsAnswer ? AnswerFlag : (byte)0);
        BinaryPrimitives.WriteUInt32BigEndian(data.AsSpan(2), (uint)Features);
        BinaryPrimitives.WriteUInt16BigEndian(data.AsSpan(6), checked((ushort)text.Length));
        text.CopyTo(data, HeaderLength);
        return data;
    }
}
