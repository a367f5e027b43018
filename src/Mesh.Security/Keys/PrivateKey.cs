using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Mesh.Security.Keys;

/// <summary>An RSA key pair: signs and decrypts.</summary>
/// <remarks>Algorithms as in <see cref="PublicKey"/>. The secret leaves it as PEM only. Safe to use from several threads.</remarks>
public sealed class PrivateKey : IDisposable
{
    /// <summary>Bits of a key when nothing else is asked for.</summary>
    public const int DefaultSize = 2048;

    private readonly RSA _rsa;

    private PrivateKey(RSA rsa, PublicKey publicKey)
    {
        _rsa = rsa;
        PublicKey = publicKey;
    }

    /// <summary>The part that everybody may know.</summary>
    public PublicKey PublicKey { get; }

    internal RSA Rsa => _rsa;

    /// <summary>Makes a new key. It is slow, and the secret always comes from the operating system.</summary>
    /// <param name="size">Bits: a multiple of 8 in 1024..16384. All keys of a network have the size of its authority's.</param>
    public static PrivateKey Generate(int size = DefaultSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, PublicKey.MinSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, PublicKey.MaxSize);
        return TryWrap(RSA.Create(size), out PrivateKey? key) ? key : throw new CryptographicException("The new key is not usable.");
    }

    /// <summary>Reads an unencrypted key, PKCS#8 or PKCS#1.</summary>
    /// <returns>False when there is none, or it is no RSA key of a usable size.</returns>
    public static bool TryFromPem(ReadOnlySpan<char> text, [NotNullWhen(true)] out PrivateKey? key)
    {
        key = null;
        var rsa = RSA.Create();
        try
        {
            if (Pem.TryRead(text, Pem.PrivateKey, out byte[]? octets))
                rsa.ImportPkcs8PrivateKey(octets, out _);
            else if (Pem.TryRead(text, Pem.RsaPrivateKey, out octets))
                rsa.ImportRSAPrivateKey(octets, out _);
            else
                return false;
            CryptographicOperations.ZeroMemory(octets);
            return TryWrap(rsa, out key);
        }
        catch (CryptographicException)
        {
            return false;
        }
        finally
        {
            if (key is null)
                rsa.Dispose();
        }
    }

    /// <summary>The key in the form of PKCS#8, not encrypted. Whoever stores it gives it mode 600.</summary>
    public string ToPem() => _rsa.ExportPkcs8PrivateKeyPem() + "\n";

    /// <summary>Signature of the data; the same data always gives the same signature.</summary>
    public byte[] Sign(ReadOnlySpan<byte> data) => _rsa.SignData(data, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1);

    /// <summary>Decrypts what was encrypted for this key.</summary>
    /// <returns>False for a wrong length or padding. Depending on the system, a wrong padding may instead give random octets,
    /// so that an attacker learns nothing from it: check the length of what you expect.</returns>
    public bool TryDecrypt(ReadOnlySpan<byte> cipher, [NotNullWhen(true)] out byte[]? plain)
    {
        plain = null;
        if (cipher.Length != PublicKey.Length)
            return false;
        try
        {
            plain = _rsa.Decrypt(cipher, RSAEncryptionPadding.Pkcs1);
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _rsa.Dispose();

    /// <summary>Kind and size, without the secret.</summary>
    public override string ToString() => $"RSA private key, {PublicKey.Size} bits";

    internal static PrivateKey Of(ModelledRsa key) => TryWrap(key, out PrivateKey? wrapped) ? wrapped : throw new CryptographicException("The modelled key is not usable.");

    private static bool TryWrap(RSA rsa, [NotNullWhen(true)] out PrivateKey? key)
    {
        RSAParameters parameters = rsa.ExportParameters(includePrivateParameters: false);
        key = PublicKey.TryCreate(parameters.Modulus, parameters.Exponent, out PublicKey? publicKey) ? new PrivateKey(rsa, publicKey) : null;
        return key is not null;
    }
}
