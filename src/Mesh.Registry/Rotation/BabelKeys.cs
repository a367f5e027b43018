using System.Collections.Immutable;
using System.Diagnostics;

namespace Mesh.Registry.Rotation;

/// <summary>Where a rotation of the routing keys stands.</summary>
public enum RotationState
{
    /// <summary>No keys: routing messages are not authenticated.</summary>
    None,

    /// <summary>A first key signs; any signature, and none, is accepted.</summary>
    Init,

    /// <summary>One key signs and is accepted.</summary>
    Stable,

    /// <summary>The old key signs; the new one is accepted too.</summary>
    Prepare,

    /// <summary>The new key signs; the old one is still accepted.</summary>
    Switch,
}

/// <summary>The keys that authenticate routing messages, in three slots: each absent, empty (any signature is good) or a key.</summary>
/// <remarks>
/// <code>
/// state    slots   signs  accepted too    next
/// None     - - -   -      -               Init
/// Init     - A ""  A      anything        Stable
/// Stable   A - -   A      -               Prepare
/// Prepare  A B -   A      B               Switch
/// Switch   - B A   B      A               Stable
/// </code>
/// The first present slot signs, the second is accepted too, so a node never gets more than two keys (protocol reference 3.8).
/// </remarks>
public sealed class BabelKeys : IEquatable<BabelKeys>
{
    /// <summary>Octets of a key: BLAKE2s-128.</summary>
    public const int KeyLength = 16;

    private const int SlotCount = 3;

    private readonly ImmutableArray<byte[]?> _slots;

    private BabelKeys(params ImmutableArray<byte[]?> slots)
    {
        _slots = slots;
        State = StateOf(slots) ?? throw new FormatException($"the slots of the routing keys are {Pattern(slots)}, which no rotation leads to");
    }

    /// <summary>No keys at all.</summary>
    public static BabelKeys None { get; } = new(null, null, null);

    /// <summary>Where the rotation stands.</summary>
    public RotationState State { get; }

    /// <summary>Key that messages are signed with, or null.</summary>
    public byte[]? Sign => Present(0);

    /// <summary>Second key that is accepted; empty: any signature is; null: there is none.</summary>
    public byte[]? Accept => Present(1);

    /// <summary>A network begins with one key.</summary>
    public static BabelKeys First(byte[] key) => new(key, null, null);

    /// <summary>The keys after the next step.</summary>
    /// <param name="draw">Makes a key; called only where the step needs one.</param>
    public BabelKeys Next(Func<byte[]> draw)
    {
        ArgumentNullException.ThrowIfNull(draw);
        return State switch
        {
            RotationState.None => new(null, draw(), []),
            RotationState.Init or RotationState.Switch => new(_slots[1], null, null),
            RotationState.Stable => new(_slots[0], draw(), null),
            RotationState.Prepare => new(null, _slots[1], _slots[0]),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>The slots as text: null for an absent one, base64 for others.</summary>
    public IReadOnlyList<string?> ToStored() => [.. _slots.Select(static slot => slot is null ? null : Convert.ToBase64String(slot))];

    /// <summary>Reads <see cref="ToStored"/> back.</summary>
    /// <exception cref="FormatException">It is no state of a rotation.</exception>
    public static BabelKeys FromStored(IEnumerable<string?> stored) =>
        new([.. stored.Select(static slot => slot is null ? null : Convert.FromBase64String(slot))]);

    /// <inheritdoc/>
    public bool Equals(BabelKeys? other) => other is not null && ToStored().SequenceEqual(other.ToStored(), StringComparer.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as BabelKeys);

    /// <inheritdoc/>
    public override int GetHashCode() => (int)State;

    /// <summary>The state only: keys are secret.</summary>
    public override string ToString() => $"routing keys, {State}";

    /// <summary>The state that slots are in; null where no rotation leads to them.</summary>
    public static RotationState? StateOf(ImmutableArray<byte[]?> slots) => Pattern(slots) switch
    {
        "---" => RotationState.None,
        "-K0" => RotationState.Init,
        "K--" => RotationState.Stable,
        "KK-" => RotationState.Prepare,
        "-KK" => RotationState.Switch,
        _ => null,
    };

    /// <summary>The slots without their secrets: - absent, 0 empty, K a key, ? anything else.</summary>
    public static string Pattern(ImmutableArray<byte[]?> slots) => slots.Length != SlotCount
        ? $"{slots.Length} slots"
        : string.Concat(slots.Select(static slot => slot switch { null => '-', [] => '0', { Length: KeyLength } => 'K', _ => '?' }));

    private byte[]? Present(int index) => _slots.Where(static slot => slot is not null).ElementAtOrDefault(index);
}
