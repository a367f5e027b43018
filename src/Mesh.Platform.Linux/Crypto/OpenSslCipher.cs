using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Mesh.DataPlane;
using Mesh.DataPlane.Sealing;

namespace Mesh.Platform.Linux.Crypto;

/// <summary>OpenSSL's ciphers, called without the runtime's classes between: those clear an error queue with each of their five calls, which costs a third of a short
/// packet's time, and say that a tag is wrong with an exception, which a flood of forged datagrams would make dear.</summary>
public sealed unsafe partial class OpenSslCipher : PacketCipher
{
    private const string Library = "libcrypto.so.3";
    private const int GetTag = 0x10, SetTag = 0x11;   // EVP_CTRL_AEAD_GET_TAG, EVP_CTRL_AEAD_SET_TAG

    private static readonly bool IsThere = NativeLibrary.TryLoad(Library, typeof(OpenSslCipher).Assembly, DllImportSearchPath.SafeDirectories, out _);

    private readonly bool _hidesPlaintext;
    private readonly Context _sealing, _opening;

    private OpenSslCipher(nint kind, ReadOnlySpan<byte> key, bool hidesPlaintext)
    {
        _hidesPlaintext = hidesPlaintext;
        _sealing = NewContext(kind, key, encrypts: 1);
        _opening = NewContext(kind, key, encrypts: 0);
    }

    /// <summary>Makes a cipher; the runtime's where this machine has no OpenSSL 3.</summary>
    public static new PacketCipher Create(DataCipher cipher, ReadOnlySpan<byte> key)
    {
        if (!IsThere)
            return PacketCipher.Create(cipher, key);
        if (key.Length != SealedDatagram.KeyLength)
            throw new ArgumentException($"A key has {SealedDatagram.KeyLength} octets, not {key.Length}.", nameof(key));
        return cipher switch
        {
            DataCipher.Aes256Gcm => new OpenSslCipher(Aes256Gcm(), key, hidesPlaintext: true),
            DataCipher.ChaCha20Poly1305 => new OpenSslCipher(ChaCha20Poly1305(), key, hidesPlaintext: true),
            DataCipher.Aes256Gmac => new OpenSslCipher(Aes256Gcm(), key, hidesPlaintext: false),
            _ => throw new ArgumentOutOfRangeException(nameof(cipher), cipher, "No such cipher."),
        };
    }

    /// <inheritdoc/>
    public override void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, Span<byte> tag, ReadOnlySpan<byte> associatedData)
    {
        nint context = _sealing.Pointer;
        fixed (byte* n = nonce, from = plaintext, to = ciphertext, t = tag, a = associatedData)
        {
            int length, done = Initialize(context, 0, 0, null, n, -1);
            done &= Update(context, null, &length, a, associatedData.Length);
            if (_hidesPlaintext)
            {
                done &= Update(context, to, &length, from, plaintext.Length);
            }
            else
            {
                done &= Update(context, null, &length, from, plaintext.Length);
                if (from != to)
                    plaintext.CopyTo(ciphertext);
            }
            byte* nothing = stackalloc byte[16];
            done &= Finish(context, nothing, &length);
            done &= Control(context, GetTag, tag.Length, t);
            if (done != 1)
                throw new CryptographicException("OpenSSL did not seal a datagram.");
        }
    }

    /// <inheritdoc/>
    public override bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> plaintext, ReadOnlySpan<byte> associatedData)
    {
        nint context = _opening.Pointer;
        fixed (byte* n = nonce, from = ciphertext, to = plaintext, t = tag, a = associatedData)
        {
            int length, done = Initialize(context, 0, 0, null, n, -1);
            done &= Update(context, null, &length, a, associatedData.Length);
            if (_hidesPlaintext)
            {
                done &= Update(context, to, &length, from, ciphertext.Length);
            }
            else
            {
                done &= Update(context, null, &length, from, ciphertext.Length);
                if (from != to)
                    ciphertext.CopyTo(plaintext);
            }
            done &= Control(context, SetTag, tag.Length, t);
            byte* nothing = stackalloc byte[16];
            return (done & Finish(context, nothing, &length)) == 1;
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _sealing.Dispose();   // which wipes the key
        _opening.Dispose();
    }

    private static Context NewContext(nint kind, ReadOnlySpan<byte> key, int encrypts)
    {
        var context = new Context(NewContext());
        fixed (byte* k = key)
        {
            if (context.IsInvalid || Initialize(context.Pointer, kind, 0, k, null, encrypts) != 1)
                throw new CryptographicException("OpenSSL did not take a key.");
        }
        return context;
    }

    [LibraryImport(Library, EntryPoint = "EVP_aes_256_gcm")]
    private static partial nint Aes256Gcm();

    [LibraryImport(Library, EntryPoint = "EVP_chacha20_poly1305")]
    private static partial nint ChaCha20Poly1305();

    [LibraryImport(Library, EntryPoint = "EVP_CIPHER_CTX_new")]
    private static partial nint NewContext();

    [LibraryImport(Library, EntryPoint = "EVP_CIPHER_CTX_free")]
    private static partial void FreeContext(nint context);

    // These take about a microsecond and call nobody back: the collector can wait for them.
    [LibraryImport(Library, EntryPoint = "EVP_CipherInit_ex")]
    [SuppressGCTransition]
    private static partial int Initialize(nint context, nint kind, nint engine, byte* key, byte* nonce, int encrypts);

    [LibraryImport(Library, EntryPoint = "EVP_CipherUpdate")]
    [SuppressGCTransition]
    private static partial int Update(nint context, byte* output, int* written, byte* input, int length);

    [LibraryImport(Library, EntryPoint = "EVP_CipherFinal_ex")]
    [SuppressGCTransition]
    private static partial int Finish(nint context, byte* output, int* written);

    [LibraryImport(Library, EntryPoint = "EVP_CIPHER_CTX_ctrl")]
    [SuppressGCTransition]
    private static partial int Control(nint context, int command, int argument, byte* pointer);

    /// <summary>EVP_CIPHER_CTX: a cipher with its key, for one direction.</summary>
    private sealed class Context : SafeHandle
    {
        public Context(nint pointer)
            : base(invalidHandleValue: 0, ownsHandle: true) => SetHandle(pointer);

        public override bool IsInvalid => handle == 0;

        /// <summary>The pointer; whoever uses it holds the cipher, which nobody else disposes of meanwhile.</summary>
        public nint Pointer => handle;

        protected override bool ReleaseHandle()
        {
            FreeContext(handle);
            return true;
        }
    }
}
