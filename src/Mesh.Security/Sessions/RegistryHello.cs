using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Mesh.Security.Keys;

namespace Mesh.Security.Sessions;

/// <summary>Answer of the registry to hello: a session key that only one node can read.</summary>
/// <remarks>
/// <code>E: the key, encrypted for the node | S: signature of E by the authority</code>
/// All keys of a network have the same size, so the two are equal halves.
/// </remarks>
public static class RegistryHello
{
    /// <summary>The answer.</summary>
    /// <param name="key">A fresh session key.</param>
    /// <param name="node">Key of the node's certificate; of the same size as the authority's.</param>
    /// <param name="authority">Key of the authority.</param>
    /// <param name="entropy">Source of the padding.</param>
    public static byte[] Create(SessionKey key, PublicKey node, PrivateKey authority, IEntropy entropy)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(authority);
        if (node.Length != authority.PublicKey.Length)
            throw new ArgumentException("The key of the node has not the size of the authority's.", nameof(node));
        Span<byte> secret = stackalloc byte[SessionKey.Length];
        key.CopyTo(secret);
        byte[] encrypted = node.Encrypt(secret, entropy);
        CryptographicOperations.ZeroMemory(secret);
        return [.. encrypted, .. authority.Sign(encrypted)];
    }

    /// <summary>Reads the answer; false unless the authority signed it and the node can decrypt a key from it.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> body, PrivateKey node, PublicKey authority, [NotNullWhen(true)] out SessionKey? key)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(authority);
        key = null;
        int half = authority.Length;
        if (body.Length != 2 * half || !authority.Verify(body[..half], body[half..])
            || !node.TryDecrypt(body[..half], out byte[]? secret) || secret.Length != SessionKey.Length)
        {
            return false;
        }
        key = new SessionKey(secret);
        CryptographicOperations.ZeroMemory(secret);
        return true;
    }
}
