using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Mesh.Babel.Mac;

/// <summary>A key that members of a network share, with the algorithm it is for. Its octets never leave it: not by text, not by hash code.</summary>
public sealed class MacKey : IEquatable<MacKey>
{
    /// <summary>Octets of the longest MAC of any algorithm.</summary>
    internal const int MaxMacLength = 32;

    private const int Blake2s128Length = 16;
    private readonly byte[] _octets;
    private readonly Blake2s _prepared;

    private MacKey(MacAlgorithm algorithm, ReadOnlySpan<byte> octets)
    {
        Algorithm = algorithm;
        _octets = octets.ToArray();
        if (algorithm != MacAlgorithm.Blake2s128)
            return;
        // The block of the key is the same for every message.
        _prepared = new Blake2s(Blake2s128Length, octets);
        _prepared.Prepare();
    }

    /// <summary>The algorithm.</summary>
    public MacAlgorithm Algorithm { get; }

    /// <summary>Octets of a MAC: 16 or 32.</summary>
    public int MacLength => Algorithm == MacAlgorithm.Blake2s128 ? Blake2s128Length : HMACSHA256.HashSizeInBytes;

    /// <summary>The longest key of an algorithm, in octets; the shortest has one.</summary>
    public static int MaxLength(MacAlgorithm algorithm) => algorithm == MacAlgorithm.Blake2s128 ? Blake2s.MaxLength : 64;

    /// <summary>Makes a key of octets that came from somewhere else.</summary>
    /// <returns>False where there are none, or too many for the algorithm.</returns>
    public static bool TryCreate(MacAlgorithm algorithm, ReadOnlySpan<byte> octets, [NotNullWhen(true)] out MacKey? key)
    {
        key = octets.IsEmpty || octets.Length > MaxLength(algorithm) ? null : new MacKey(algorithm, octets);
        return key is not null;
    }

    /// <summary>Makes a key of octets that are known to be good.</summary>
    /// <exception cref="ArgumentException">There are none, or too many for the algorithm.</exception>
    public static MacKey Create(MacAlgorithm algorithm, ReadOnlySpan<byte> octets) =>
        TryCreate(algorithm, octets, out MacKey? key)
            ? key
            : throw new ArgumentException($"A key of {octets.Length} octets: {algorithm} takes 1..{MaxLength(algorithm)}.", nameof(octets));

    /// <summary>Computes the MAC of a packet.</summary>
    /// <param name="source">The address from which it is sent.</param>
    /// <param name="destination">The address to which it is sent.</param>
    /// <param name="headerAndBody">The packet without its trailer.</param>
    /// <param name="mac">Room for <see cref="MacLength"/> octets.</param>
    public void Compute(BabelAddress source, BabelAddress destination, ReadOnlySpan<byte> headerAndBody, Span<byte> mac)
    {
        Span<byte> pseudoHeader = stackalloc byte[PseudoHeader.MaxLength];
        pseudoHeader = pseudoHeader[..PseudoHeader.Write(source, destination, pseudoHeader)];
        if (Algorithm == MacAlgorithm.HmacSha256)
        {
            ComputeHmac(pseudoHeader, headerAndBody, mac);
            return;
        }

        Blake2s hash = _prepared;
        hash.Append(pseudoHeader);
        hash.Append(headerAndBody);
        hash.Finish(mac);
    }

    /// <summary>Whether both are the same key; takes the same time whatever the octets are.</summary>
    public bool Equals(MacKey? other) =>
        other is not null && Algorithm == other.Algorithm && CryptographicOperations.FixedTimeEquals(_octets, other._octets);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as MacKey);

    /// <summary>Says nothing about the octets.</summary>
    public override int GetHashCode() => (int)Algorithm;

    /// <summary>Says nothing about the octets.</summary>
    public override string ToString() => $"a key for {Algorithm}";

    private void ComputeHmac(ReadOnlySpan<byte> pseudoHeader, ReadOnlySpan<byte> headerAndBody, Span<byte> mac)
    {
        // The framework takes a message in one piece, unless an object is made for each.
        byte[] message = ArrayPool<byte>.Shared.Rent(pseudoHeader.Length + headerAndBody.Length);
        pseudoHeader.CopyTo(message);
        headerAndBody.CopyTo(message.AsSpan(pseudoHeader.Length));
        _ = HMACSHA256.HashData(_octets, message.AsSpan(0, pseudoHeader.Length + headerAndBody.Length), mac);
        ArrayPool<byte>.Shared.Return(message);
    }
}
