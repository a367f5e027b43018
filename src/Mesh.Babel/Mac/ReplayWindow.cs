using System.Runtime.InteropServices;

namespace Mesh.Babel.Mac;

/// <summary>Which of the last 128 packet counters have been seen (RFC 9467 section 3.2, whose default size this is).</summary>
/// <remarks><code>
/// bit 0 = the highest one seen, bit n = the one n below it
/// </code>
/// The packets of a table leave together and may overtake each other on their way; RFC 8967 alone would have us lose all that arrive after a later one.</remarks>
[StructLayout(LayoutKind.Auto)]
internal struct ReplayWindow
{
    /// <summary>Counters in the window.</summary>
    public const int Size = 128;

    private uint _highest;
    private UInt128 _seen;

    /// <summary>Begins at the counter of an answered challenge: what was sent before that is not believed, seen or not.</summary>
    public ReplayWindow(uint counter) => (_highest, _seen) = (counter, UInt128.MaxValue);

    /// <summary>Whether this counter has been seen, or is so far back that it might have been.</summary>
    public readonly bool IsOld(uint counter)
    {
        if (counter > _highest)
            return false;
        uint distance = _highest - counter;
        return distance >= Size || (_seen >> (int)distance & UInt128.One) != UInt128.Zero;
    }

    /// <summary>Notes a counter that is not old.</summary>
    public void Accept(uint counter)
    {
        if (counter > _highest)
        {
            uint advance = counter - _highest;
            _seen = advance >= Size ? UInt128.Zero : _seen << (int)advance;
            _highest = counter;
        }

        _seen |= UInt128.One << (int)(_highest - counter);
    }
}
