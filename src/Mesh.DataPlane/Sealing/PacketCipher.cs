using System.Security.Cryptography;

namespace Mesh.DataPlane.Sealing;

/// <summary>Makes the cipher of one key. A simulation may hand in a cheap stand-in.</summary>
/// <param name="cipher">Which cipher.</param>
/// <param name="key"><see cref="SealedDatagram.KeyLength"/> octets.</param>
public delegate PacketCipher PacketCipherFactory(DataCipher cipher, ReadOnlySpan<byte> key);

/// <summary>An authenticated cipher with one key. Used by one thread at a time.</summary>
/// <remarks>Plaintext and ciphertext are of equal length and either the same memory or apart.</remarks>
public abstract class PacketCipher : IDisposable
{
    /// <summary>The real ciphers.</summary>
    public static PacketCipher Create(DataCipher cipher, ReadOnlySpan<byte> key) => cipher switch
    {
        DataCipher.Aes256Gcm => new AesCipher(key),
        DataCipher.ChaCha20Poly1305 => new ChaChaCipher(key),
        DataCipher.Aes256Gmac => new GmacCipher(key),
        _ => throw new ArgumentOutOfRangeException(nameof(cipher), cipher, "No such cipher."),
    };

    /// <summary>Encrypts and writes the tag.</summary>
    public abstract void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, Span<byte> tag,
        ReadOnlySpan<byte> associatedData);

    /// <summary>Checks the tag and decrypts.</summary>
    /// <returns>False where the tag is wrong; what <paramref name="plaintext"/> then holds is undefined.</returns>
    public abstract bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> plaintext,
        ReadOnlySpan<byte> associatedData);

    /// <inheritdoc/>
    public abstract void Dispose();

    private sealed class AesCipher(ReadOnlySpan<byte> key) : PacketCipher
    {
        private readonly AesGcm _aes = new(key, SealedDatagram.TagLength);

        public override void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, Span<byte> tag,
            ReadOnlySpan<byte> associatedData) =>
            _aes.Encrypt(nonce, plaintext, ciphertext, tag, associatedData);

        public override bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> plaintext,
            ReadOnlySpan<byte> associatedData)
        {
            try
            {
                _aes.Decrypt(nonce, ciphertext, tag, plaintext, associatedData);
                return true;
            }
            catch (AuthenticationTagMismatchException)
            {
                return false;   // the only way this API says so
            }
        }

        public override void Dispose() => _aes.Dispose();
    }

    private sealed class ChaChaCipher(ReadOnlySpan<byte> key) : PacketCipher
    {
        private readonly ChaCha20Poly1305 _chaCha = new(key);

        public override void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, Span<byte> tag,
            ReadOnlySpan<byte> associatedData) =>
            _chaCha.Encrypt(nonce, plaintext, ciphertext, tag, associatedData);

        public override bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> plaintext,
            ReadOnlySpan<byte> associatedData)
        {
            try
            {
                _chaCha.Decrypt(nonce, ciphertext, tag, plaintext, associatedData);
                return true;
            }
            catch (AuthenticationTagMismatchException)
            {
                return false;
            }
        }

        public override void Dispose() => _chaCha.Dispose();
    }

    // GMAC is GCM whose whole text is associated data (NIST SP 800-38D section 3). It has to be one piece, so it is written behind the associated data.
    private sealed class GmacCipher(ReadOnlySpan<byte> key) : PacketCipher
    {
        private readonly AesGcm _aes = new(key, SealedDatagram.TagLength);

        public override void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, Span<byte> tag,
            ReadOnlySpan<byte> associatedData)
        {
            _aes.Encrypt(nonce, [], [], tag, Joined(associatedData, plaintext));
            plaintext.CopyTo(ciphertext);
        }

        public override bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> plaintext,
            ReadOnlySpan<byte> associatedData)
        {
            try
            {
                _aes.Decrypt(nonce, [], tag, [], Joined(associatedData, ciphertext));
            }
            catch (AuthenticationTagMismatchException)
            {
                return false;
            }
            ciphertext.CopyTo(plaintext);
            return true;
        }

        public override void Dispose() => _aes.Dispose();

        private static ReadOnlySpan<byte> Joined(ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> text)
        {
            Span<byte> both = Scratch.ForAuthentication(associatedData.Length + text.Length);
            associatedData.CopyTo(both);
            text.CopyTo(both[associatedData.Length..]);
            return both;
        }
    }
}
