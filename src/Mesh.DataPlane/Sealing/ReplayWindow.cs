namespace Mesh.DataPlane.Sealing;

/// <summary>What a counter is to a replay window.</summary>
public enum Freshness : byte
{
    /// <summary>Higher than all before.</summary>
    Newest,

    /// <summary>Overtaken by others on the way, but not seen before.</summary>
    Late,

    /// <summary>Seen before.</summary>
    Replayed,

    /// <summary>Too far behind to know whether it was seen before.</summary>
    TooOld,
}

/// <summary>Remembers which packet counters were seen (RFC 6479): a ring of bit blocks with one more block than the window needs, so that moving
/// ahead clears whole blocks and never shifts.</summary>
/// <remarks>Not safe for several threads. A copy is another window: keep it in a field.</remarks>
public struct ReplayWindow
{
    /// <summary>How far behind the highest counter seen another is still accepted.</summary>
    public const int Size = 2048;

    private const int BlockBits = 64;
    private const int BlockCount = Size / BlockBits + 1;

    private readonly ulong[] _blocks;
    private ulong _next;   // the highest counter seen, plus 1; 0 before the first

    /// <summary>A window that has seen nothing.</summary>
    public ReplayWindow() => _blocks = new ulong[BlockCount];

    /// <summary>Says what a counter is without recording it: for a cheap refusal before the packet's tag is checked.</summary>
    /// <param name="counter">Below 2^64 - 1.</param>
    public readonly Freshness Check(ulong counter)
    {
        if (counter >= _next)
            return Freshness.Newest;
        if (_next - counter > Size)
            return Freshness.TooOld;
        return (_blocks[Block(counter)] & Bit(counter)) != 0 ? Freshness.Replayed : Freshness.Late;
    }

    /// <summary>Records the counter of a packet whose tag was right.</summary>
    /// <param name="counter">Below 2^64 - 1.</param>
    /// <returns>What the counter was before; it is recorded where that is <see cref="Freshness.Newest"/> or <see cref="Freshness.Late"/>.</returns>
    public Freshness Accept(ulong counter)
    {
        Freshness freshness = Check(counter);
        if (freshness is Freshness.Replayed or Freshness.TooOld)
            return freshness;
        if (freshness == Freshness.Newest)
        {
            Advance(counter);
            _next = counter + 1;
        }
        _blocks[Block(counter)] |= Bit(counter);
        return freshness;
    }

    private readonly void Advance(ulong counter)
    {
        if (_next == 0)
            return;   // all clear yet
        ulong from = (_next - 1) / BlockBits, to = counter / BlockBits;
        ulong steps = Math.Min(to - from, BlockCount);
        for (ulong i = 1; i <= steps; i++)
            _blocks[(int)((from + i) % BlockCount)] = 0;
    }

    private static int Block(ulong counter) => (int)(counter / BlockBits % BlockCount);

    private static ulong Bit(ulong counter) => 1UL << (int)(counter % BlockBits);
}
