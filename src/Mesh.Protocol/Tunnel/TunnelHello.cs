using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Mesh.Protocol.Tunnel;

/// <summary>What a side can do beyond the first version of the protocol. The values are on the wire.</summary>
[Flags]
public enum TunnelCapabilities : uint
{
    /// <summary>Only what every node can do.</summary>
    None = 0,

    /// <summary>Accepts packets as <see cref="Frame.Packet"/> frames in the control stream, where UDP does not pass.</summary>
    PacketsInStream = 1,

    /// <summary>Follows the peer to a new address when a datagram that opens comes from there.</summary>
    Roaming = 2,

    /// <summary>The sender has no other tunnel: a receiver that is full makes room for it if it can.</summary>
    OnlyTunnel = 4,

    /// <summary>Takes close requests with a round: it moves its routes away before it agrees, and it may refuse.</summary>
    OrderlyClose = 8,
}

/// <summary>First message of both sides of a native tunnel, sent at once and without waiting for the other's.</summary>
/// <remarks>
/// Payload, big-endian:
/// <code>
/// version u16 | capabilities u32 | receiver index u32 | key, 32 octets
/// | cipher count u8, 1..8 | ciphers u8 each, best first
/// | UDP port u16, 0 = no UDP | link MTU u16 | observed endpoint, 1, 7 or 19 octets
/// </code>
/// The stream is confidential, so the key is not encrypted again. Octets that follow are refused in version 1 and
/// ignored in higher ones, so that a later version can add fields and still be answered.
/// </remarks>
public sealed record TunnelHello
{
    /// <summary>Kind of the frame.</summary>
    public const byte Kind = 1;

    /// <summary>The version of the protocol that this code speaks.</summary>
    public const ushort CurrentVersion = 1;

    /// <summary>The most ciphers that a side may offer.</summary>
    public const int MaxCiphers = 8;

    private const int FixedLength = 2 + 4 + 4 + TunnelKey.Length + 1 + 2 + 2;

    /// <summary>Version of the protocol that the sender speaks; both use the lower one.</summary>
    public ushort Version { get; init; } = CurrentVersion;

    /// <summary>What the sender can do; unknown bits are kept and mean nothing.</summary>
    public TunnelCapabilities Capabilities { get; init; }

    /// <summary>Number that datagrams sent to the sender of this message begin with.</summary>
    public required uint ReceiverIndex { get; init; }

    /// <summary>Key that datagrams sent to the sender of this message are sealed with.</summary>
    public required TunnelKey Key { get; init; }

    /// <summary>Ciphers that the sender can open, the one it likes best first; 1..8, no value twice, no 0.</summary>
    public required IReadOnlyList<SealingCipher> Ciphers { get; init; }

    /// <summary>UDP port on which the sender receives; 0 when it has no UDP.</summary>
    public ushort UdpPort { get; init; }

    /// <summary>Octets of the largest IP packet of the underlay that the sender can send and receive on its own link; 0 = not known.</summary>
    public ushort LinkMtu { get; init; }

    /// <summary>The receiver's address and port as the sender sees them, from which the receiver learns its external address.</summary>
    public ObservedEndpoint ReceiverSeenAt { get; init; }

    /// <summary>Reads the payload of a frame; false for anything that is not exactly a hello.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, [NotNullWhen(true)] out TunnelHello? hello)
    {
        hello = null;
        var reader = new WireReader(payload);
        if (!reader.TryReadUInt16(out ushort version) || version == 0
            || !reader.TryReadUInt32(out uint capabilities)
            || !reader.TryReadUInt32(out uint index)
            || !reader.TryReadBytes(TunnelKey.Length, out ReadOnlySpan<byte> key)
            || !reader.TryReadByte(out byte count)
            || !reader.TryReadBytes(count, out ReadOnlySpan<byte> ciphers) || !AreValid(ciphers)
            || !reader.TryReadUInt16(out ushort port)
            || !reader.TryReadUInt16(out ushort mtu)
            || !ObservedEndpoint.TryRead(ref reader, out ObservedEndpoint seenAt))
        {
            return false;
        }
        if (version == CurrentVersion && reader.Remaining > 0)
            return false;

        var offered = new SealingCipher[ciphers.Length];
        for (int position = 0; position < offered.Length; position++)
            offered[position] = (SealingCipher)ciphers[position];
        hello = new TunnelHello
        {
            Version = version,
            Capabilities = (TunnelCapabilities)capabilities,
            ReceiverIndex = index,
            Key = new TunnelKey(key),
            Ciphers = offered,
            UdpPort = port,
            LinkMtu = mtu,
            ReceiverSeenAt = seenAt,
        };
        return true;
    }

    /// <summary>Writes the whole frame.</summary>
    /// <exception cref="InvalidOperationException">The ciphers are none, too many, 0 or not distinct: a bug on our side.</exception>
    public void Encode(IBufferWriter<byte> output)
    {
        Span<byte> ciphers = stackalloc byte[MaxCiphers];
        if (Ciphers.Count > MaxCiphers)
            throw new InvalidOperationException($"A hello offers 1..{MaxCiphers} ciphers, not {Ciphers.Count}.");
        ciphers = ciphers[..Ciphers.Count];
        for (int index = 0; index < ciphers.Length; index++)
            ciphers[index] = (byte)Ciphers[index];
        if (!AreValid(ciphers))
            throw new InvalidOperationException($"A hello offers 1..{MaxCiphers} distinct ciphers.");

        var writer = new FrameWriter(output, Kind, FixedLength + ciphers.Length + ReceiverSeenAt.EncodedLength);
        writer.Write(Version);
        writer.Write((uint)Capabilities);
        writer.Write(ReceiverIndex);
        writer.Write(Key);
        writer.Write((byte)ciphers.Length);
        writer.Write(ciphers);
        writer.Write(UdpPort);
        writer.Write(LinkMtu);
        ReceiverSeenAt.Write(ref writer);
        writer.Complete();
    }

    /// <summary>The first cipher of <paramref name="preferred"/> that the sender of this hello can open as well.</summary>
    /// <returns>False when there is no common one.</returns>
    public bool TryChoose(IReadOnlyList<SealingCipher> preferred, out SealingCipher cipher)
    {
        foreach (SealingCipher candidate in preferred)
        {
            if (Ciphers.Contains(candidate))
            {
                cipher = candidate;
                return true;
            }
        }
        cipher = default;
        return false;
    }

    /// <summary>Same fields, the ciphers in the same order.</summary>
    public bool Equals(TunnelHello? other) =>
        other is not null && Version == other.Version && Capabilities == other.Capabilities && ReceiverIndex == other.ReceiverIndex
        && Key == other.Key && Ciphers.SequenceEqual(other.Ciphers) && UdpPort == other.UdpPort && LinkMtu == other.LinkMtu
        && ReceiverSeenAt == other.ReceiverSeenAt;

    /// <inheritdoc/>
    public override int GetHashCode() => (int)ReceiverIndex;

    private static bool AreValid(ReadOnlySpan<byte> ciphers)
    {
        if (ciphers.Length is 0 or > MaxCiphers)
            return false;
        for (int index = 0; index < ciphers.Length; index++)
        {
            if (ciphers[index] == 0 || ciphers[(index + 1)..].Contains(ciphers[index]))
                return false;
        }
        return true;
    }
}
