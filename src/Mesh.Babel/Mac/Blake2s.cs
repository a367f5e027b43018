using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Mesh.Babel.Mac;

/// <summary>BLAKE2s (RFC 7693): a hash with digests of 1 to 32 octets, and with a key of up to 32 octets a MAC. The framework has none.</summary>
/// <remarks>
/// A value: a copy taken halfway goes its own way, so that what is the same for many messages is done once. The state is a matrix of 4 by 4 words; its rows
/// are vectors, and a round mixes the four columns at a time and then, the rows turned against each other, the four diagonals.
/// </remarks>
[StructLayout(LayoutKind.Auto)]
internal struct Blake2s
{
    /// <summary>Octets of the longest key and of the longest digest.</summary>
    public const int MaxLength = 32;

    private const int BlockLength = 64;

    private readonly int _digestLength;
    private Vector128<uint> _low;
    private Vector128<uint> _high;
    private ulong _compressed;
    private int _pendingLength;
    private Block _pending;

    /// <summary>Starts a hash.</summary>
    /// <param name="digestLength">1..32 octets. It goes into the hash: a short digest is not the beginning of a long one.</param>
    /// <param name="key">At most 32 octets; empty for a hash without a key.</param>
    public Blake2s(int digestLength, ReadOnlySpan<byte> key = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(digestLength, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(digestLength, MaxLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(key.Length, MaxLength, nameof(key));
        _digestLength = digestLength;
        // The parameter block (section 2.8): digest length, key length, fanout 1, depth 1, and no tree.
        _low = InitialLow ^ Vector128.CreateScalar((uint)(digestLength | (key.Length << 8) | 0x0101_0000));
        _high = InitialHigh;
        if (key.IsEmpty)
            return;
        // The key, filled up with zeros, is the first block.
        key.CopyTo(_pending);
        _pendingLength = BlockLength;
    }

    private static Vector128<uint> InitialLow => Vector128.Create(0x6A09_E667u, 0xBB67_AE85u, 0x3C6E_F372u, 0xA54F_F53Au);

    private static Vector128<uint> InitialHigh => Vector128.Create(0x510E_527Fu, 0x9B05_688Cu, 0x1F83_D9ABu, 0x5BE0_CD19u);

    /// <summary>Works off a key that is waiting. For a state that is copied for each of many messages, none of which is empty.</summary>
    public void Prepare()
    {
        if (_pendingLength < BlockLength)
            return;
        Compress(_pending, BlockLength, isLast: false);
        _pendingLength = 0;
    }

    /// <summary>Adds to the message.</summary>
    public void Append(ReadOnlySpan<byte> input)
    {
        // The last block is treated differently, so a full one waits until it is known not to be the last.
        int free = BlockLength - _pendingLength;
        if (input.Length > free)
        {
            if (_pendingLength > 0)
            {
                input[..free].CopyTo(((Span<byte>)_pending)[_pendingLength..]);
                Compress(_pending, BlockLength, isLast: false);
                input = input[free..];
                _pendingLength = 0;
            }

            while (input.Length > BlockLength)
            {
                Compress(input[..BlockLength], BlockLength, isLast: false);
                input = input[BlockLength..];
            }
        }

        input.CopyTo(((Span<byte>)_pending)[_pendingLength..]);
        _pendingLength += input.Length;
    }

    /// <summary>Ends the message and writes its digest, as many octets as the constructor was told. Nothing may be appended any more.</summary>
    public void Finish(Span<byte> digest)
    {
        ((Span<byte>)_pending)[_pendingLength..].Clear();
        Compress(_pending, _pendingLength, isLast: true);
        Span<byte> all = stackalloc byte[MaxLength];
        for (int i = 0; i < 4; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(all[(4 * i)..], _low[i]);
            BinaryPrimitives.WriteUInt32LittleEndian(all[(16 + (4 * i))..], _high[i]);
        }

        all[.._digestLength].CopyTo(digest);
    }

    private void Compress(ReadOnlySpan<byte> block, int length, bool isLast)
    {
        if (BitConverter.IsLittleEndian)
        {
            Compress(MemoryMarshal.AsRef<Words>(block), length, isLast);
            return;
        }

        Span<byte> turned = stackalloc byte[BlockLength];
        BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<byte, uint>(block), MemoryMarshal.Cast<byte, uint>(turned));
        Compress(MemoryMarshal.AsRef<Words>(turned), length, isLast);
    }

    /// <summary>The function F (section 3.2). The rounds are written out because constant positions in the block are what makes it fast.</summary>
    private void Compress(in Words m, int length, bool isLast)
    {
        _compressed += (ulong)length;
        Vector128<uint> a = _low;
        Vector128<uint> b = _high;
        Vector128<uint> c = InitialLow;
        Vector128<uint> d = InitialHigh ^ Vector128.Create((uint)_compressed, (uint)(_compressed >> 32), isLast ? uint.MaxValue : 0, 0);
        Round(ref a, ref b, ref c, ref d, m.W0, m.W1, m.W2, m.W3, m.W4, m.W5, m.W6, m.W7, m.W8, m.W9, m.W10, m.W11, m.W12, m.W13, m.W14, m.W15);
        Round(ref a, ref b, ref c, ref d, m.W14, m.W10, m.W4, m.W8, m.W9, m.W15, m.W13, m.W6, m.W1, m.W12, m.W0, m.W2, m.W11, m.W7, m.W5, m.W3);
        Round(ref a, ref b, ref c, ref d, m.W11, m.W8, m.W12, m.W0, m.W5, m.W2, m.W15, m.W13, m.W10, m.W14, m.W3, m.W6, m.W7, m.W1, m.W9, m.W4);
        Round(ref a, ref b, ref c, ref d, m.W7, m.W9, m.W3, m.W1, m.W13, m.W12, m.W11, m.W14, m.W2, m.W6, m.W5, m.W10, m.W4, m.W0, m.W15, m.W8);
        Round(ref a, ref b, ref c, ref d, m.W9, m.W0, m.W5, m.W7, m.W2, m.W4, m.W10, m.W15, m.W14, m.W1, m.W11, m.W12, m.W6, m.W8, m.W3, m.W13);
        Round(ref a, ref b, ref c, ref d, m.W2, m.W12, m.W6, m.W10, m.W0, m.W11, m.W8, m.W3, m.W4, m.W13, m.W7, m.W5, m.W15, m.W14, m.W1, m.W9);
        Round(ref a, ref b, ref c, ref d, m.W12, m.W5, m.W1, m.W15, m.W14, m.W13, m.W4, m.W10, m.W0, m.W7, m.W6, m.W3, m.W9, m.W2, m.W8, m.W11);
        Round(ref a, ref b, ref c, ref d, m.W13, m.W11, m.W7, m.W14, m.W12, m.W1, m.W3, m.W9, m.W5, m.W0, m.W15, m.W4, m.W8, m.W6, m.W2, m.W10);
        Round(ref a, ref b, ref c, ref d, m.W6, m.W15, m.W14, m.W9, m.W11, m.W3, m.W0, m.W8, m.W12, m.W2, m.W13, m.W7, m.W1, m.W4, m.W10, m.W5);
        Round(ref a, ref b, ref c, ref d, m.W10, m.W2, m.W8, m.W4, m.W7, m.W6, m.W1, m.W5, m.W15, m.W11, m.W9, m.W14, m.W3, m.W12, m.W13, m.W0);
        _low ^= a ^ c;
        _high ^= b ^ d;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(
        ref Vector128<uint> a,
        ref Vector128<uint> b,
        ref Vector128<uint> c,
        ref Vector128<uint> d,
        uint m0,
        uint m1,
        uint m2,
        uint m3,
        uint m4,
        uint m5,
        uint m6,
        uint m7,
        uint m8,
        uint m9,
        uint m10,
        uint m11,
        uint m12,
        uint m13,
        uint m14,
        uint m15)
    {
        Mix(ref a, ref b, ref c, ref d, Vector128.Create(m0, m2, m4, m6), Vector128.Create(m1, m3, m5, m7));
        b = Vector128.Shuffle(b, Vector128.Create(1u, 2, 3, 0));
        c = Vector128.Shuffle(c, Vector128.Create(2u, 3, 0, 1));
        d = Vector128.Shuffle(d, Vector128.Create(3u, 0, 1, 2));
        Mix(ref a, ref b, ref c, ref d, Vector128.Create(m8, m10, m12, m14), Vector128.Create(m9, m11, m13, m15));
        b = Vector128.Shuffle(b, Vector128.Create(3u, 0, 1, 2));
        c = Vector128.Shuffle(c, Vector128.Create(2u, 3, 0, 1));
        d = Vector128.Shuffle(d, Vector128.Create(1u, 2, 3, 0));
    }

    /// <summary>The function G (section 3.1), on four columns at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Mix(ref Vector128<uint> a, ref Vector128<uint> b, ref Vector128<uint> c, ref Vector128<uint> d, Vector128<uint> x, Vector128<uint> y)
    {
        a = a + b + x;
        d = Vector128.Shuffle((d ^ a).AsByte(), Vector128.Create((byte)2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)).AsUInt32();   // right by 16
        c += d;
        b = RotateRight(b ^ c, 12);
        a = a + b + y;
        d = Vector128.Shuffle((d ^ a).AsByte(), Vector128.Create((byte)1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12)).AsUInt32();   // right by 8
        c += d;
        b = RotateRight(b ^ c, 7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> RotateRight(Vector128<uint> value, int count) => (value >>> count) | (value << (32 - count));

    [InlineArray(BlockLength)]
    private struct Block
    {
        private byte _first;
    }

    /// <summary>A block as 16 words.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Words
    {
        public uint W0;
        public uint W1;
        public uint W2;
        public uint W3;
        public uint W4;
        public uint W5;
        public uint W6;
        public uint W7;
        public uint W8;
        public uint W9;
        public uint W10;
        public uint W11;
        public uint W12;
        public uint W13;
        public uint W14;
        public uint W15;
    }
}
