using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Mesh.Security.Keys;

/// <summary>Keys for simulations of many nodes: they are used as RSA keys of 2048 bits are, with results of the same lengths, and cost microseconds in place of milliseconds.</summary>
/// <remarks>
/// They protect nothing. What tells them from real ones is that this process has made them: nothing that comes from outside, in a certificate or a file, makes a key a modelled one, and
/// only simulations make any. A modelled key is found again by its modulus, which is what certificates hold.
/// </remarks>
internal static class ModelledKeys
{
    private static readonly ConcurrentDictionary<Modulus, ModelledRsa> Known = new();

    /// <summary>The key with a number: the same in every process. Made once.</summary>
    /// <param name="number">Any.</param>
    public static PrivateKey Create(int number)
    {
        Span<byte> seed = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(seed, number);
        byte[] modulus = new byte[ModelledRsa.Length];
        Expand(SHA256.HashData(seed), modulus);
        modulus[0] |= 0x80;   // of full length, and odd: certificates are checked for both
        modulus[^1] |= 1;
        return PrivateKey.Of(Known.GetOrAdd(new Modulus(modulus), static (_, octets) => new ModelledRsa(octets), modulus));
    }

    /// <summary>The modelled key with this modulus, or null where it is none.</summary>
    public static ModelledRsa? Find(byte[] modulus) => Known.IsEmpty || !Known.TryGetValue(new Modulus(modulus), out ModelledRsa? key) ? null : key;

    /// <summary>Fills memory with octets that follow from a seed.</summary>
    public static void Expand(ReadOnlySpan<byte> seed, Span<byte> output)
    {
        Span<byte> block = stackalloc byte[SHA512.HashSizeInBytes];
        SHA512.HashData(seed, block);
        while (!output.IsEmpty)
        {
            int length = Math.Min(output.Length, block.Length);
            block[..length].CopyTo(output);
            output = output[length..];
            SHA512.HashData(block, block);
        }
    }

    private readonly struct Modulus(byte[] octets) : IEquatable<Modulus>
    {
        private readonly byte[] _octets = octets;

        public bool Equals(Modulus other) => _octets.AsSpan().SequenceEqual(other._octets);

        public override bool Equals(object? obj) => obj is Modulus other && Equals(other);

        public override int GetHashCode() => BinaryPrimitives.ReadInt32LittleEndian(_octets.AsSpan(_octets.Length / 2));
    }
}

/// <summary>A modelled key: a signature is a digest of what is signed and of the key, a cipher text is the plain text with such a digest.</summary>
internal sealed class ModelledRsa : RSA
{
    /// <summary>Octets of the modulus, of a signature and of a cipher text: those of 2048 bits.</summary>
    public const int Length = 256;

    // Cipher text: nonce (16) | tag (32) | length (1) | text, XORed with octets that follow from key and nonce | zeros.
    private const int NonceLength = 16;
    private const int TextOffset = NonceLength + SHA256.HashSizeInBytes + 1;

    private readonly byte[] _modulus;

    internal ModelledRsa(byte[] modulus)
    {
        _modulus = modulus;
        KeySizeValue = Length * 8;
    }

    /// <inheritdoc/>
    public override RSAParameters ExportParameters(bool includePrivateParameters) => includePrivateParameters
        ? throw new CryptographicException("a modelled key has no secret")
        : new RSAParameters { Modulus = [.. _modulus], Exponent = [1, 0, 1] };

    /// <inheritdoc/>
    public override void ImportParameters(RSAParameters parameters) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override byte[] SignHash(byte[] hash, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding)
    {
        byte[] signature = new byte[Length];
        ModelledKeys.Expand(Digest("signature"u8, hash), signature);
        return signature;
    }

    /// <inheritdoc/>
    public override bool VerifyHash(byte[] hash, byte[] signature, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding)
    {
        ArgumentNullException.ThrowIfNull(signature);
        return signature.AsSpan().SequenceEqual(SignHash(hash, hashAlgorithm, padding));
    }

    /// <summary>Encrypts.</summary>
    /// <param name="plain">At most as much as a real key of this size takes.</param>
    /// <param name="entropy">Where the nonce comes from.</param>
    public byte[] Encrypt(ReadOnlySpan<byte> plain, IEntropy entropy)
    {
        byte[] cipher = new byte[Length];
        Span<byte> nonce = cipher.AsSpan(0, NonceLength);
        entropy.Fill(nonce);
        cipher[TextOffset - 1] = (byte)plain.Length;
        Cover(nonce, plain, cipher.AsSpan(TextOffset, plain.Length));
        Digest("tag"u8, cipher.AsSpan(TextOffset - 1), nonce).CopyTo(cipher, NonceLength);
        return cipher;
    }

    /// <inheritdoc/>
    public override byte[] Decrypt(byte[] data, RSAEncryptionPadding padding)
    {
        ArgumentNullException.ThrowIfNull(data);
        ReadOnlySpan<byte> nonce = data.AsSpan(0, NonceLength);
        int length = data[TextOffset - 1];
        if (TextOffset + length > Length || !Digest("tag"u8, data.AsSpan(TextOffset - 1), nonce).AsSpan().SequenceEqual(data.AsSpan(NonceLength, SHA256.HashSizeInBytes)))
            throw new CryptographicException("not encrypted for this key");
        byte[] plain = new byte[length];
        Cover(nonce, data.AsSpan(TextOffset, length), plain);
        return plain;
    }

    private void Cover(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> text, Span<byte> output)
    {
        Span<byte> cover = stackalloc byte[Length];
        ModelledKeys.Expand(Digest("cover"u8, nonce), cover);
        for (int i = 0; i < text.Length; i++)
            output[i] = (byte)(text[i] ^ cover[i]);
    }

    private byte[] Digest(ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> data, ReadOnlySpan<byte> more = default) => SHA256.HashData([.. purpose, .. _modulus, .. data, .. more]);
}
