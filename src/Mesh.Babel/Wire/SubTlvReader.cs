namespace Mesh.Babel.Wire;

/// <summary>What the sub-TLVs of a TLV ask for.</summary>
public enum SubTlvOutcome
{
    /// <summary>The TLV may be used.</summary>
    Accepted,

    /// <summary>One of them is mandatory and not understood: the TLV counts only for the parser state (RFC 8966 section 4.4).</summary>
    UnknownMandatory,

    /// <summary>The last one runs past its TLV: the TLV counts only for the parser state.</summary>
    Malformed,
}

/// <summary>Walks the sub-TLVs behind the self-delimited part of a TLV (RFC 8966 section 4.4).</summary>
/// <remarks><code>
/// type u8 | length u8 | body      type 0 (Pad1) is a single octet; bit 0x80 of the type = mandatory
/// </code></remarks>
public ref struct SubTlvReader(ReadOnlySpan<byte> input)
{
    private const byte Pad1 = 0;
    private const byte MandatoryBit = 0x80;
    private ReadOnlySpan<byte> _rest = input;

    /// <summary>Type of the current sub-TLV.</summary>
    public byte Type { get; private set; }

    /// <summary>Body of the current sub-TLV.</summary>
    public ReadOnlySpan<byte> Body { get; private set; }

    /// <summary>Whether the walk ended because a sub-TLV was cut short.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>Moves to the next sub-TLV.</summary>
    public bool MoveNext()
    {
        if (_rest.IsEmpty || IsMalformed)
            return false;
        Type = _rest[0];
        Body = default;
        if (Type == Pad1)
        {
            _rest = _rest[1..];
            return true;
        }

        if (_rest.Length < 2 || _rest.Length - 2 < _rest[1])
        {
            IsMalformed = true;
            return false;
        }

        Body = _rest.Slice(2, _rest[1]);
        _rest = _rest[(2 + _rest[1])..];
        return true;
    }

    /// <summary>Walks all of <paramref name="input"/>.</summary>
    /// <param name="input">The sub-TLVs of one TLV.</param>
    /// <param name="wanted">The one type that means something in this TLV, or 0.</param>
    /// <param name="found">The body of the first one of that type; empty where there is none.</param>
    /// <param name="count">How many of that type there are.</param>
    public static SubTlvOutcome Check(ReadOnlySpan<byte> input, byte wanted, out ReadOnlySpan<byte> found, out int count)
    {
        found = default;
        count = 0;
        if (input.IsEmpty)
            return SubTlvOutcome.Accepted;
        var outcome = SubTlvOutcome.Accepted;
        var reader = new SubTlvReader(input);
        while (reader.MoveNext())
        {
            if (reader.Type == wanted && wanted != Pad1)
            {
                if (count++ == 0)
                    found = reader.Body;
            }
            else if ((reader.Type & MandatoryBit) != 0)
            {
                outcome = SubTlvOutcome.UnknownMandatory;
            }
        }

        return reader.IsMalformed ? SubTlvOutcome.Malformed : outcome;
    }
}
