using System.Collections.Immutable;

namespace Mesh.Babel.Mac;

/// <summary>The keys of an interface: with which we sign, and whose signatures we take (RFC 8967 sections 3.1, 5).</summary>
/// <remarks>
/// A packet carries one MAC for each key to sign with. A packet that came is good if one of its MACs is good under one of all these keys. A network changes
/// its key in steps, so that nodes which are one step apart understand each other: sign with the old and accept the new; sign with the new and accept the
/// old; forget the old. It gets its first key by a step in which nodes sign and accept everything.
/// </remarks>
public sealed class MacKeys : IEquatable<MacKeys>
{
    /// <summary>The most keys that can be given, of both kinds together. A packet that came costs up to one MAC for each, two where its destination is not known.</summary>
    public const int MaxKeys = 8;

    /// <summary>The most keys to sign with: their MACs have to fit into the smallest packet, beside the largest TLV.</summary>
    public const int MaxSignKeys = 4;

    /// <summary>Makes a set of keys.</summary>
    /// <param name="sign">What our packets are signed with; with none, nothing is signed or checked.</param>
    /// <param name="accept">Other keys whose signatures are good.</param>
    /// <param name="acceptAny">Whether packets are used that are not signed at all, or wrongly, or that are repetitions. What is wrong is counted all the same.</param>
    /// <exception cref="ArgumentException">Too many keys, or keys to accept and none to sign with: nobody who has them would listen to us.</exception>
    public MacKeys(IEnumerable<MacKey> sign, IEnumerable<MacKey>? accept = null, bool acceptAny = false)
    {
        Sign = [.. sign.Distinct()];
        Accept = accept is null ? [] : [.. accept.Distinct()];
        AcceptAny = acceptAny;
        Good = [.. Sign.Union(Accept)];
        if (Sign.Length == 0 && Accept.Length > 0)
            throw new ArgumentException($"{Accept.Length} keys to accept and none to sign with.", nameof(accept));
        if (Sign.Length > MaxSignKeys || Good.Length > MaxKeys)
            throw new ArgumentException($"{Sign.Length} keys to sign with, {Good.Length} in all: at most {MaxSignKeys} and {MaxKeys} can be used.", nameof(sign));
    }

    /// <summary>No keys: no packet is signed, and none is checked.</summary>
    public static MacKeys None { get; } = new([]);

    /// <summary>What our packets are signed with.</summary>
    public ImmutableArray<MacKey> Sign { get; }

    /// <summary>Other keys whose signatures are good.</summary>
    public ImmutableArray<MacKey> Accept { get; }

    /// <summary>Whether packets are used whatever their signature.</summary>
    public bool AcceptAny { get; }

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => Sign.Length == 0;

    /// <summary>All keys whose signatures are good, each once.</summary>
    internal ImmutableArray<MacKey> Good { get; }

    /// <inheritdoc/>
    public bool Equals(MacKeys? other) =>
        other is not null && AcceptAny == other.AcceptAny && Sign.AsSpan().SequenceEqual(other.Sign.AsSpan()) && Accept.AsSpan().SequenceEqual(other.Accept.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as MacKeys);

    /// <inheritdoc/>
    public override int GetHashCode() => (Sign.Length << 8) | (Accept.Length << 1) | (AcceptAny ? 1 : 0);

    /// <summary>How many there are, and nothing of their octets.</summary>
    public override string ToString() => IsEmpty ? "no keys" : $"{Sign.Length} to sign, {Accept.Length} to accept{(AcceptAny ? ", anything accepted" : string.Empty)}";
}
