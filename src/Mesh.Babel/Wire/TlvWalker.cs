namespace Mesh.Babel.Wire;

/// <summary>Walks TLVs without a look at what is in them: for the trailer, and for a first look at the body.</summary>
/// <remarks><code>
/// type u8 | length u8 | body      type 0 (Pad1) is a single octet
/// </code></remarks>
internal ref struct TlvWalker(ReadOnlySpan<byte> input)
{
    private ReadOnlySpan<byte> _rest = input;

    /// <summary>Type of the current TLV.</summary>
    public byte Type { get; private set; }

    /// <summary>Body of the current TLV.</summary>
    public ReadOnlySpan<byte> Body { get; private set; }

    /// <summary>Whether the walk ended at a TLV that is cut short. Those before it are good.</summary>
    public bool IsTruncated { get; private set; }

    /// <summary>Moves to the next TLV, past padding of one octet.</summary>
    public bool MoveNext()
    {
        while (!_rest.IsEmpty && _rest[0] == PadTlv.Pad1Type)
            _rest = _rest[1..];
        if (_rest.IsEmpty)
            return false;
        if (_rest.Length < 2 || _rest.Length - 2 < _rest[1])
        {
            IsTruncated = true;
            _rest = default;
            return false;
        }

        Type = _rest[0];
        Body = _rest.Slice(2, _rest[1]);
        _rest = _rest[(2 + _rest[1])..];
        return true;
    }
}
