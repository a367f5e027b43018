using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.DataPlane.Sealing;
using Mesh.Security.Keys;

namespace Mesh.Simulation.World;

/// <summary>What the machines of a simulated network sign and encrypt with.</summary>
public abstract class SimulatedCryptography
{
    private SimulatedCryptography()
    {
    }

    /// <summary>That of real machines: RSA keys of 2048 bits from a fixed pool, AES-256-GCM.</summary>
    public static SimulatedCryptography Real { get; } = new RealCryptography();

    /// <summary>
    /// Results of the same lengths in microseconds: digests in place of RSA and of the AEAD. A wrong signature, key or tag is refused as a real one is; what is said protects nothing, and
    /// the time that signatures take on real machines passes as it does with real ones.
    /// </summary>
    public static SimulatedCryptography Modelled { get; } = new ModelledCryptography();

    /// <summary>Whether it is <see cref="Modelled"/>.</summary>
    public bool IsModelled => this is ModelledCryptography;

    internal abstract PrivateKey Authority { get; }

    internal abstract PacketCipherFactory Ciphers { get; }

    /// <summary>The key of node number <paramref name="index"/>.</summary>
    internal abstract PrivateKey KeyOf(int index);

    private sealed class RealCryptography : SimulatedCryptography
    {
        internal override PrivateKey Authority => SimulationKeys.Authority;

        internal override PacketCipherFactory Ciphers => PacketCipher.Create;

        internal override PrivateKey KeyOf(int index) => SimulationKeys.OfNode(index);
    }

    private sealed class ModelledCryptography : SimulatedCryptography
    {
        internal override PrivateKey Authority => ModelledKeys.Create(-1);

        internal override PacketCipherFactory Ciphers => static (_, key) => new ModelledCipher(key);

        internal override PrivateKey KeyOf(int index) => ModelledKeys.Create(index);
    }

    // The text as it is, and 16 octets that depend on all of it and on the key.
    private sealed class ModelledCipher : PacketCipher
    {
        private readonly Digest _ofKey;

        public ModelledCipher(ReadOnlySpan<byte> key) => Add(ref _ofKey, key);

        public override void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, Span<byte> tag, ReadOnlySpan<byte> associatedData)
        {
            Tag(nonce, plaintext, associatedData, tag);
            plaintext.CopyTo(ciphertext);
        }

        public override bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> plaintext, ReadOnlySpan<byte> associatedData)
        {
            Span<byte> expected = stackalloc byte[SealedDatagram.TagLength];
            Tag(nonce, ciphertext, associatedData, expected);
            if (!tag.SequenceEqual(expected))
                return false;
            ciphertext.CopyTo(plaintext);
            return true;
        }

        public override void Dispose()
        {
        }

        private void Tag(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> text, ReadOnlySpan<byte> associatedData, Span<byte> tag)
        {
            Digest digest = _ofKey;
            Add(ref digest, nonce);
            Add(ref digest, associatedData);
            Add(ref digest, text);
            BinaryPrimitives.WriteUInt64LittleEndian(tag, digest.Value);
            digest.Add(0);
            BinaryPrimitives.WriteUInt64LittleEndian(tag[sizeof(ulong)..], digest.Value);
        }

        private static void Add(ref Digest digest, ReadOnlySpan<byte> octets)
        {
            digest.Add((ulong)octets.Length);
            ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(octets);
            foreach (ulong word in words)
                digest.Add(word);
            foreach (byte octet in octets[(words.Length * sizeof(ulong))..])
                digest.Add(octet);
        }
    }
}
