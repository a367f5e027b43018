using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Mesh.Security.Keys;

namespace Mesh.Security.Sessions;

/// <summary>A session key on its way: only one node can read it, and it knows who sent it.</summary>
/// <remarks>
/// <code>E: the key, encrypted for the receiver | S: signature of E by the sender</code>
/// It is the answer of the registry to hello, where the sender is the authority, and the end of the hello between nodes.
/// All keys of a network have the same size, so the two are equal halves.
/// </remarks>
public static class SecretEnvelope
{
    /// <summary>Encrypts and signs a key.</summary>
    /// <param name="key">A fresh session key.</param>
    /// <param name="receiver">Who may read it.</param>
    /// <param name="sender">Who sends it; a key of the same size.</param>
    /// <param name="entropy">Source of the padding.</param>
    /// <exception cref="ArgumentException">The keys differ in size: a certificate was not verified before.</exception>
    public static byte[] Create(SessionKey key, PublicKey receiver, PrivateKey sender, IEntropy entropy)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(receiver);
        ArgumentNullException.ThrowIfNull(sender);
        if (receiver.Length != sender.PublicKey.Length)
            throw new ArgumentException("The key of the receiver has not the size of the sender's.", nameof(receiver));
        Span<byte> secret = stackalloc byte[SessionKey.Length];
        key.CopyTo(secret);
        byte[] encrypted = receiver.Encrypt(secret, entropy);
        CryptographicOperations.ZeroMemory(secret);
        return [.. encrypted, .. sender.Sign(encrypted)];
    }

    /// <summary>Opens an envelope; false unless the sender signed it and the receiver can decrypt a key from it.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> envelope, PrivateKey receiver, PublicKey sender, [NotNullWhen(true)] out SessionKey? key)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        ArgumentNullException.ThrowIfNull(sender);
        key = null;
        int half = sender.Length;
        if (envelope.Length != 2 * half || !sender.Verify(envelope[..half], envelope[half..])
            || !receiver.TryDecrypt(envelope[..half], out byte[]? secret) || secret.Length != SessionKey.Length)
        {
            return false;
        }
        key = new SessionKey(secret);
        CryptographicOperations.ZeroMemory(secret);
        return true;
    }
}
