using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Mesh.Protocol.Registry;

/// <summary>Which parameters a network has, signed by its certificate authority. Nodes tell each other and ask for newer ones.</summary>
/// <remarks>
/// <code>number, packed integer | signature of the octets of the number, by the key of the certificate authority</code>
/// Versions compare as octets. As packed integers sort like numbers and a number has one signature, that is the order of the numbers.
/// This type knows the layout only; whether the signature is right is a matter for the security layer.
/// </remarks>
public sealed class NetworkVersion : IEquatable<NetworkVersion>, IComparable<NetworkVersion>
{
    /// <summary>Octets of the longest version that is read: a signature of 16384 bits.</summary>
    public const int MaxLength = PackedInteger.MaxLength + 2048;

    private readonly int _numberLength;

    private NetworkVersion(ImmutableArray<byte> blob, ulong number, int numberLength)
    {
        Blob = blob;
        Number = number;
        _numberLength = numberLength;
    }

    /// <summary>The value in an empty registry: number 0 without signature. It is older than any other.</summary>
    public static NetworkVersion Initial { get; } = new([0], number: 0, numberLength: 1);

    /// <summary>All octets, as they go over the wire.</summary>
    public ImmutableArray<byte> Blob { get; }

    /// <summary>The number of the version; the first published one is 1.</summary>
    public ulong Number { get; }

    /// <summary>The octets of the packed number, which are what is signed.</summary>
    public ReadOnlySpan<byte> SignedOctets => Blob.AsSpan()[.._numberLength];

    /// <summary>The signature; empty when there is none.</summary>
    public ReadOnlySpan<byte> Signature => Blob.AsSpan()[_numberLength..];

    /// <summary>The version with a number and its signature.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number can not be packed.</exception>
    public static NetworkVersion Create(ulong number, ReadOnlySpan<byte> signature)
    {
        byte[] packed = PackedInteger.Encode(number);
        return new NetworkVersion([.. packed, .. signature], number, packed.Length);
    }

    /// <summary>Reads the layout; false when the number is not complete or there is too much.</summary>
    public static bool TryParse(ReadOnlySpan<byte> blob, [NotNullWhen(true)] out NetworkVersion? version)
    {
        version = null;
        if (blob.Length > MaxLength || !PackedInteger.TryRead(blob, out ulong number, out int consumed))
            return false;
        version = new NetworkVersion([.. blob], number, consumed);
        return true;
    }

    /// <summary>Order of the octets.</summary>
    public int CompareTo(NetworkVersion? other) => other is null ? 1 : Blob.AsSpan().SequenceCompareTo(other.Blob.AsSpan());

    /// <summary>Same octets.</summary>
    public bool Equals(NetworkVersion? other) => other is not null && Blob.AsSpan().SequenceEqual(other.Blob.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as NetworkVersion);

    /// <summary>The same in every process, so that a replay sees the same one.</summary>
    public override int GetHashCode() => (int)Number;

    /// <summary>Whether the octets are equal.</summary>
    public static bool operator ==(NetworkVersion? left, NetworkVersion? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Whether an octet differs.</summary>
    public static bool operator !=(NetworkVersion? left, NetworkVersion? right) => !(left == right);

    /// <summary>Older than, see <see cref="CompareTo"/>.</summary>
    public static bool operator <(NetworkVersion? left, NetworkVersion? right) => left is null ? right is not null : left.CompareTo(right) < 0;

    /// <summary>Older than or the same, see <see cref="CompareTo"/>.</summary>
    public static bool operator <=(NetworkVersion? left, NetworkVersion? right) => left is null || left.CompareTo(right) <= 0;

    /// <summary>Newer than, see <see cref="CompareTo"/>.</summary>
    public static bool operator >(NetworkVersion? left, NetworkVersion? right) => right < left;

    /// <summary>Newer than or the same, see <see cref="CompareTo"/>.</summary>
    public static bool operator >=(NetworkVersion? left, NetworkVersion? right) => right <= left;

    /// <summary>The number, and whether it is signed.</summary>
    public override string ToString() => Signature.IsEmpty ? $"{Number} (unsigned)" : $"{Number}";
}
