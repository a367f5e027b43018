using Mesh.Babel.Neighbours;

namespace Mesh.Babel.Sending;

/// <summary>Encoded TLVs, other than Updates, for one destination. They leave at the end of the input that queued them.</summary>
/// <param name="link">The interface by which they leave.</param>
internal sealed class ControlQueue(BabelInterface link)
{
    private const int KeptCapacity = 256;
    private byte[] _octets = [];
    private int _length;

    /// <summary>Whether nothing waits.</summary>
    public bool IsEmpty => _length == 0;

    /// <summary>Adds one or more TLVs.</summary>
    public void Add(ReadOnlySpan<byte> tlvs)
    {
        link.Touch();
        if (_octets.Length - _length < tlvs.Length)
            Array.Resize(ref _octets, Math.Max(_octets.Length * 2, _length + tlvs.Length + 32));
        tlvs.CopyTo(_octets.AsSpan(_length));
        _length += tlvs.Length;
    }

    /// <summary>Takes the next TLV from <paramref name="position"/> on; they are self-delimiting.</summary>
    public bool TryNext(ref int position, out ReadOnlySpan<byte> tlv)
    {
        tlv = default;
        if (position >= _length)
            return false;
        int length = 2 + _octets[position + 1];
        tlv = _octets.AsSpan(position, length);
        position += length;
        return true;
    }

    /// <summary>Forgets all; a large buffer is given back, because thousands of these exist in a simulation.</summary>
    public void Clear()
    {
        _length = 0;
        if (_octets.Length > KeptCapacity)
            _octets = [];
    }
}
