using System.Numerics;
using System.Runtime.CompilerServices;

namespace Mesh.Actors;

/// <summary>A running 64-bit digest of what a loop did. Two runs with the same digest did the same things in the same order.</summary>
/// <remarks>Not cryptographic: it is there to notice a difference, not to resist one. Type names enter by FNV-1a of their full name,
/// because hash codes of the runtime differ from process to process.</remarks>
public struct Digest : IEquatable<Digest>
{
    private const ulong Multiplier = 0x9FB21C651E98DF25;
    private const ulong Increment = 0x9E3779B97F4A7C15;   // without it facts of zero would leave an empty digest empty
    private const ulong FnvOffset = 0xCBF29CE484222325;
    private const ulong FnvPrime = 0x100000001B3;

    private ulong _state;

    /// <summary>The digest so far.</summary>
    public readonly ulong Value => _state;

    /// <summary>Mixes in one fact.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(ulong fact) => _state = ((BitOperations.RotateLeft(_state, 23) ^ fact) * Multiplier) + Increment;

    /// <summary>Mixes in a text, by <see cref="OfText"/>.</summary>
    public void Add(string text) => Add(OfText(text));

    /// <summary>FNV-1a of the UTF-16 code units, the same in every process.</summary>
    public static ulong OfText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        ulong hash = FnvOffset;
        foreach (char c in text)
            hash = (hash ^ c) * FnvPrime;
        return hash;
    }

    /// <inheritdoc/>
    public readonly bool Equals(Digest other) => _state == other._state;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is Digest other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => _state.GetHashCode();

    /// <summary>Sixteen hexadecimal digits.</summary>
    public override readonly string ToString() => _state.ToString("x16");

    /// <summary>Equality of values.</summary>
    public static bool operator ==(Digest left, Digest right) => left.Equals(right);

    /// <summary>Inequality of values.</summary>
    public static bool operator !=(Digest left, Digest right) => !left.Equals(right);
}
