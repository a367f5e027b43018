using System.Buffers.Binary;
using Mesh.Protocol.Peer;

namespace Mesh.Security.Sessions;

/// <summary>What became of a message that claims to belong to a session.</summary>
public enum PeerMessageVerdict
{
    /// <summary>It is authentic and newer than all before.</summary>
    Accepted,

    /// <summary>The code is wrong: another session's, or nobody's.</summary>
    BadMac,

    /// <summary>It is authentic, but its number is not above the last accepted one: a repetition, or overtaken by a later one.</summary>
    Replayed,
}

/// <summary>A session between two nodes: one secret for both directions, and a count of messages in each (protocol reference 4.3).</summary>
/// <remarks>Numbers start at 3 in both directions and only grow; gaps are losses. A direction that has used up its numbers cannot send any more: that takes a new session.</remarks>
public sealed class PeerSession
{
    private const uint BeforeFirst = SessionMessage.FirstNumber - 1;

    private readonly SessionKey _key;
    private uint _sent = BeforeFirst;
    private uint _received = BeforeFirst;

    /// <summary>A session in which nothing was sent yet.</summary>
    public PeerSession(SessionKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        _key = key;
    }

    /// <summary>The secret.</summary>
    public SessionKey Key => _key;

    /// <summary>Number of the last message sent; 2 before the first.</summary>
    public uint LastSent => _sent;

    /// <summary>Number of the last message accepted; 2 before the first.</summary>
    public uint LastReceived => _received;

    /// <summary>Whether no number is left for another message.</summary>
    public bool IsExhausted => _sent == uint.MaxValue;

    /// <summary>The next message with that payload.</summary>
    /// <param name="payload">Code and data; empty for an acknowledgement.</param>
    /// <exception cref="InvalidOperationException">The session is exhausted, see <see cref="IsExhausted"/>: a bug on our side.</exception>
    public byte[] Seal(ReadOnlySpan<byte> payload)
    {
        if (IsExhausted)
            throw new InvalidOperationException("No number is left in this session.");
        _sent++;
        byte[] datagram = new byte[SessionMessage.MinLength + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(datagram, _sent);
        payload.CopyTo(datagram.AsSpan(PeerDatagram.NumberLength));
        _key.Authenticate(datagram.AsSpan(0, datagram.Length - SessionMessage.MacLength), datagram.AsSpan(datagram.Length - SessionMessage.MacLength));
        return datagram;
    }

    /// <summary>Judges a message, and counts it where it is accepted.</summary>
    public PeerMessageVerdict Open(SessionMessage message)
    {
        if (!_key.Verify(message.Mac, message.Authenticated))
            return PeerMessageVerdict.BadMac;
        if (message.Number <= _received)
            return PeerMessageVerdict.Replayed;
        _received = message.Number;
        return PeerMessageVerdict.Accepted;
    }
}
