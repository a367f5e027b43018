using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Mesh.Protocol.Tunnel;

/// <summary>32 octets with which one direction of a tunnel is sealed. They are drawn by the side that will receive.</summary>
/// <remarks>The text form never shows the key, and two keys are compared in constant time.</remarks>
[StructLayout(LayoutKind.Auto)]
public readonly struct TunnelKey : IEquatable<TunnelKey>
{
    /// <summary>Octets of a key.</summary>
    public const int Length = 32;

    private readonly UInt128 _first;
    private readonly UInt128 _second;

    /// <summary>The key in <paramref name="octets"/>, which the caller took from a cryptographic source.</summary>
    /// <exception cref="ArgumentException">There are not exactly 32 octets.</exception>
    public TunnelKey(ReadOnlySpan<byte> octets)
    {
        if (octets.Length != Length)
            throw new ArgumentException($"A tunnel key has {Length} octets, not {octets.Length}.", nameof(octets));
        _first = MemoryMarshal.Read<UInt128>(octets);
        _second = MemoryMarshal.Read<UInt128>(octets[16..]);
    }

    /// <summary>Writes the 32 octets.</summary>
    public void CopyTo(Span<byte> destination)
    {
        MemoryMarshal.Write(destination, _first);
        MemoryMarshal.Write(destination[16..], _second);
    }

    /// <inheritdoc/>
    public bool Equals(TunnelKey other)
    {
        Span<byte> octets = stackalloc byte[2 * Length];
        CopyTo(octets);
        other.CopyTo(octets[Length..]);
        return CryptographicOperations.FixedTimeEquals(octets[..Length], octets[Length..]);
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is TunnelKey other && Equals(other);

    /// <summary>The same for all keys: a hash of a secret says something about it, and keys are no dictionary keys.</summary>
    public override int GetHashCode() => 0;

    /// <summary>Whether the octets are equal.</summary>
    public static bool operator ==(TunnelKey left, TunnelKey right) => left.Equals(right);

    /// <summary>Whether an octet differs.</summary>
    public static bool operator !=(TunnelKey left, TunnelKey right) => !left.Equals(right);

    /// <summary>A text without the secret.</summary>
    public override string ToString() => "(secret)";
}
