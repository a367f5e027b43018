using Mesh.Protocol.Tunnel;

namespace Mesh.Platform.Linux.Streams;

/// <summary>Gathers what a stream brings until a frame is whole. Frames may be cut anywhere.</summary>
internal sealed class FrameBuffer
{
    private const int MaxLength = Frame.HeaderLength + Frame.MaxPayloadLength;

    private byte[] _octets = new byte[16 * 1024];
    private int _start;
    private int _end;

    /// <summary>Room to read into; never empty. What was taken before is overwritten.</summary>
    public Memory<byte> Free()
    {
        if (_start > 0)
        {
            _octets.AsSpan(_start, _end - _start).CopyTo(_octets);
            (_start, _end) = (0, _end - _start);
        }
        if (_end == _octets.Length)
            Array.Resize(ref _octets, Math.Min(2 * _octets.Length, MaxLength));   // not at the longest yet, or a frame would have been whole
        return _octets.AsMemory(_end);
    }

    /// <summary>Says how much was read into <see cref="Free"/>.</summary>
    public void Filled(int length) => _end += length;

    /// <summary>Takes the next frame, if it is whole.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="payload">Its payload; valid until <see cref="Free"/> is called, and free to be changed.</param>
    public bool TryTake(out byte kind, out Memory<byte> payload)
    {
        payload = default;
        if (!Frame.TryRead(_octets.AsSpan(_start, _end - _start), out kind, out _, out int consumed))
            return false;
        payload = _octets.AsMemory(_start + Frame.HeaderLength, consumed - Frame.HeaderLength);
        _start += consumed;
        return true;
    }
}
