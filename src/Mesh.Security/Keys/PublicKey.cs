using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Security.Cryptography;

namespace Mesh.Security.Keys;

/// <summary>An RSA public key: checks signatures and encrypts for its owner.</summary>
/// <remarks>
/// Signatures are PKCS#1 v1.5 with SHA-512, encryption is PKCS#1 v1.5, as the protocol wants.
/// Safe to use from several threads.
/// </remarks>
public sealed class PublicKey : IEquatable<PublicKey>
{
    /// <summary>Bits of the smallest key that is read.</summary>
    public const int MinSize = 1024;

    /// <summary>Bits of the largest key that is read: time to verify grows with the square.</summary>
    public const int MaxSize = 16384;

    /// <summary>Exponent of every key that our own side makes or certifies. Smaller ones protect badly made messages badly.</summary>
    public const uint CommonExponent = 65537;

    private const int PaddingOverhead = 11;

    // Made when it is needed first: for the system's library to take in a key costs five times as much as to encrypt with it, and most keys are only passed on.
    private readonly Lazy<RSA> _rsa;
    private readonly byte[] _modulus;

    private PublicKey(byte[] modulus, byte[] exponentOctets, uint exponent)
    {
        _rsa = new Lazy<RSA>(() => ModelledKeys.Find(modulus) ?? RSA.Create(new RSAParameters { Modulus = modulus, Exponent = exponentOctets }));
        _modulus = modulus;
        Exponent = exponent;
    }

    /// <summary>Bits of the modulus.</summary>
    public int Size => _modulus.Length * 8;

    /// <summary>Octets of a signature and of an encryption.</summary>
    public int Length => _modulus.Length;

    /// <summary>The public exponent: odd and at least 3.</summary>
    public uint Exponent { get; }

    /// <summary>Octets of the longest text that one encryption holds.</summary>
    public int MaxPlainLength => Length - PaddingOverhead;

    /// <summary>The modulus, unsigned and big-endian.</summary>
    internal ReadOnlySpan<byte> Modulus => _modulus;

    /// <summary>The key with a modulus and exponent, both unsigned and big-endian.</summary>
    /// <returns>False for a size that is not a multiple of 8 in 1024..16384, an even modulus, and an exponent that is even,
    /// below 3 or above 32 bits.</returns>
    public static bool TryCreate(ReadOnlySpan<byte> modulus, ReadOnlySpan<byte> exponent, [NotNullWhen(true)] out PublicKey? key)
    {
        key = null;
        modulus = modulus.TrimStart((byte)0);
        exponent = exponent.TrimStart((byte)0);
        if (modulus.Length is < MinSize / 8 or > MaxSize / 8 || (modulus[0] & 0x80) == 0 || (modulus[^1] & 1) == 0 || exponent.Length is 0 or > sizeof(uint))
            return false;
        uint number = 0;
        foreach (byte octet in exponent)
            number = (number << 8) | octet;
        if (number < 3 || (number & 1) == 0)
            return false;
        key = new PublicKey(modulus.ToArray(), exponent.ToArray(), number);
        return true;
    }

    /// <summary>Whether the signature of <paramref name="data"/> was made with this key.</summary>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) => Verify(data, signature, HashAlgorithmName.SHA512);

    internal bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature, HashAlgorithmName hash)
    {
        try
        {
            return signature.Length == Length && _rsa.Value.VerifyData(data, signature, hash, RSASignaturePadding.Pkcs1);
        }
        // Numbers that are no product of two primes can make the arithmetic itself fail: then nothing was signed with them.
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>Encrypts a short text for the owner of the key.</summary>
    /// <param name="plain">At most <see cref="MaxPlainLength"/> octets.</param>
    /// <param name="entropy">Where the padding comes from; with a seeded source the result can be repeated.</param>
    /// <exception cref="ArgumentException">The text is too long: a bug on our side.</exception>
    public byte[] Encrypt(ReadOnlySpan<byte> plain, IEntropy entropy)
    {
        ArgumentNullException.ThrowIfNull(entropy);
        if (plain.Length > MaxPlainLength)
            throw new ArgumentException($"A key of {Size} bits encrypts at most {MaxPlainLength} octets, not {plain.Length}.", nameof(plain));
        if (_rsa.Value is ModelledRsa modelled)
            return modelled.Encrypt(plain, entropy);
        return entropy is SystemEntropy ? _rsa.Value.Encrypt(plain, RSAEncryptionPadding.Pkcs1) : EncryptWith(plain, entropy);
    }

    // The framework takes the padding from the system. This is RFC 8017 section 7.2.1 by hand, for a run that has to be repeatable.
    private byte[] EncryptWith(ReadOnlySpan<byte> plain, IEntropy entropy)
    {
        Span<byte> encoded = new byte[Length];
        encoded[1] = 2;
        Span<byte> padding = encoded[2..^(plain.Length + 1)];
        entropy.Fill(padding);
        for (int index = 0; index < padding.Length; index++)
        {
            // A zero would end the padding. A source that gives only zeros still ends: the position is mixed in.
            if (padding[index] == 0)
                padding[index] = (byte)(1 + (index % byte.MaxValue));
        }
        plain.CopyTo(encoded[^plain.Length..]);
        var cipher = BigInteger.ModPow(
            new BigInteger(encoded, isUnsigned: true, isBigEndian: true), Exponent, new BigInteger(_modulus, isUnsigned: true, isBigEndian: true));
        byte[] output = new byte[Length];
        int length = cipher.GetByteCount(isUnsigned: true);
        _ = cipher.TryWriteBytes(output.AsSpan(Length - length), out _, isUnsigned: true, isBigEndian: true);
        return output;
    }

    /// <summary>Same modulus and exponent.</summary>
    public bool Equals(PublicKey? other) => other is not null && Exponent == other.Exponent && _modulus.AsSpan().SequenceEqual(other._modulus);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PublicKey);

    /// <summary>The same in every process: the last octets of the modulus.</summary>
    public override int GetHashCode() => BitConverter.ToInt32(_modulus, _modulus.Length - sizeof(int));

    /// <summary>Kind and size.</summary>
    public override string ToString() => $"RSA public key, {Size} bits";
}
