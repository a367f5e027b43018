using System.Buffers;
using System.Buffers.Binary;

namespace Mesh.Protocol.Tunnel;

/// <summary>Writes one frame whose payload length is known beforehand. A length that does not come true is our bug and throws.</summary>
internal ref struct FrameWriter
{
    private readonly IBufferWriter<byte> _output;
    private readonly int _length;
    private readonly Span<byte> _frame;
    private int _position;

    public FrameWriter(IBufferWriter<byte> output, byte kind, int payloadLength)
    {
        if (payloadLength > Frame.MaxPayloadLength)
            throw new OverflowException($"A frame of kind {kind} would have {payloadLength} octets.");
        _output = output;
        _length = Frame.HeaderLength + payloadLength;
        _frame = output.GetSpan(_length)[.._length];
        Frame.WriteHeader(_frame, kind, payloadLength);
        _position = Frame.HeaderLength;
    }

    public void Write(byte value) => _frame[_position++] = value;

    public void Write(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_frame[_position..], value);
        _position += sizeof(ushort);
    }

    public void Write(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_frame[_position..], value);
        _position += sizeof(uint);
    }

    public void Write(scoped ReadOnlySpan<byte> value)
    {
        value.CopyTo(_frame[_position..]);
        _position += value.Length;
    }

    public void Write(TunnelKey key)
    {
        key.CopyTo(_frame[_position..]);
        _position += TunnelKey.Length;
    }

    public readonly void Complete()
    {
        if (_position != _length)
            throw new InvalidOperationException($"A frame of {_length} octets was given {_position}.");
        _output.Advance(_length);
    }
}
