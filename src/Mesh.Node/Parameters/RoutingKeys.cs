using System.Diagnostics.CodeAnalysis;
using Mesh.Protocol.Registry;
using Mesh.Security.Keys;

namespace Mesh.Node.Parameters;

/// <summary>The keys with which routing packets are authenticated, as the network's parameters say at present (protocol reference 3.8).</summary>
/// <param name="Sign">Signs; its signatures are accepted, too. Null: nothing is signed, and signatures are not looked at.</param>
/// <param name="Accept">Signatures of this key are accepted beside; null: there is none.</param>
/// <param name="AcceptsAny">Packets with a wrong signature or none are accepted, too: the first key is being introduced.</param>
public sealed record RoutingKeys(ReadOnlyMemory<byte>? Sign, ReadOnlyMemory<byte>? Accept, bool AcceptsAny)
{
    /// <summary>Octets of a key.</summary>
    public const int KeyLength = 16;

    /// <summary>How many keys there are: 0 to 2.</summary>
    public int Count => (Sign is null ? 0 : 1) + (Accept is null ? 0 : 1);

    /// <summary>No authentication.</summary>
    public static RoutingKeys None { get; } = new(null, null, AcceptsAny: false);

    /// <summary>Decrypts the keys in parameters.</summary>
    /// <param name="parameters">As the registry made them for this node.</param>
    /// <param name="key">This node's key.</param>
    /// <param name="keys">The keys.</param>
    /// <returns>False where they are for somebody else, or are no keys.</returns>
    public static bool TryDecrypt(NetworkParameters parameters, PrivateKey key, [NotNullWhen(true)] out RoutingKeys? keys)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(key);
        keys = null;
        bool acceptsAny = parameters.BabelHmacAccept is { IsEmpty: true };
        byte[]? sign = null, accept = null;
        if (parameters.BabelHmacSign is { } encryptedSign && !TryDecrypt(encryptedSign.AsSpan(), key, out sign))
            return false;
        if (!acceptsAny && parameters.BabelHmacAccept is { } encryptedAccept && !TryDecrypt(encryptedAccept.AsSpan(), key, out accept))
            return false;
        // An array that is null would become memory that is there and empty.
        keys = new RoutingKeys(sign is null ? default(ReadOnlyMemory<byte>?) : sign, accept is null ? default(ReadOnlyMemory<byte>?) : accept, acceptsAny);
        return true;
    }

    /// <summary>Same keys.</summary>
    public bool Equals(RoutingKeys? other) => other is not null && AcceptsAny == other.AcceptsAny && IsSame(Sign, other.Sign) && IsSame(Accept, other.Accept);

    /// <inheritdoc/>
    public override int GetHashCode() => (Sign is null ? 0 : 1) + (Accept is null ? 0 : 2) + (AcceptsAny ? 4 : 0);

    /// <summary>Which keys there are, without them.</summary>
    public override string ToString() => (Sign, Accept, AcceptsAny) switch
    {
        (null, null, _) => "no keys",
        (not null, null, false) => "one key",
        (not null, null, true) => "one key, any signature is accepted",
        _ => "two keys",
    };

    private static bool IsSame(ReadOnlyMemory<byte>? left, ReadOnlyMemory<byte>? right) =>
        left is { } one && right is { } other ? one.Span.SequenceEqual(other.Span) : left is null && right is null;

    private static bool TryDecrypt(ReadOnlySpan<byte> encrypted, PrivateKey key, [NotNullWhen(true)] out byte[]? plain) =>
        key.TryDecrypt(encrypted, out plain) && plain.Length == KeyLength;
}
