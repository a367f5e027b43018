using System.Buffers.Binary;
using System.Text;
using Mesh.DataPlane.Sealing;

namespace Mesh.DataPlane.Tests.Sealing;

public sealed class SealedSessionTests
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    // Made with another implementation of both ciphers.
    [Theory]
    [InlineData(DataCipher.Aes256Gcm,
        "01020304000000000000000043D9C6B6B4A0F12D085C83365A255810CA61102B", "01020304000000000000000158B3CC9432FD2401BCE7FDB42DEA80144E673F19")]
    [InlineData(DataCipher.ChaCha20Poly1305,
        "01020304000000000000000055DD31592D92F11D7AD5147FE270A04171C6787E", "01020304000000000000000124390FB14C955DD3E549B48A2E026CE0575B014F")]
    public void Sealed_datagrams_have_the_documented_bytes(DataCipher cipher, string first, string second)
    {
        var sealing = new SealingSession(0x01020304, cipher, Key);
        Assert.Equal(first, Convert.ToHexString(Seal(sealing, "Mesh"u8)));
        Assert.Equal(second, Convert.ToHexString(Seal(sealing, "Mesh"u8)));

        var opening = new OpeningSession(cipher, Key);
        Assert.Equal(OpenResult.Newest, opening.Open(Convert.FromHexString(second), TimeSpan.Zero, out Span<byte> plaintext));
        Assert.Equal("Mesh", Encoding.ASCII.GetString(plaintext));
        Assert.Equal(OpenResult.Late, opening.Open(Convert.FromHexString(first), TimeSpan.Zero, out _));
        Assert.Equal(OpenResult.Replayed, opening.Open(Convert.FromHexString(first), TimeSpan.Zero, out _));
    }

    [Theory]
    [InlineData(DataCipher.Aes256Gcm)]
    [InlineData(DataCipher.ChaCha20Poly1305)]
    [InlineData(DataCipher.Aes256Gmac)]
    public void Sealing_in_place_gives_the_same_bytes(DataCipher cipher)
    {
        byte[] apart = Seal(new SealingSession(7, cipher, Key), "in place or not"u8);
        var inPlace = new byte[apart.Length];
        Span<byte> text = inPlace.AsSpan(SealedDatagram.HeaderLength, 15);
        "in place or not"u8.CopyTo(text);
        Assert.True(new SealingSession(7, cipher, Key).TrySeal(text, inPlace));
        Assert.Equal(apart, inPlace);
    }

    [Theory]
    [InlineData(DataCipher.Aes256Gcm)]
    [InlineData(DataCipher.ChaCha20Poly1305)]
    [InlineData(DataCipher.Aes256Gmac)]
    public void Every_truncation_and_every_changed_bit_is_refused(DataCipher cipher)
    {
        byte[] datagram = Seal(new SealingSession(7, cipher, Key), "payload"u8);
        var opening = new OpeningSession(cipher, Key);
        for (int length = 0; length < datagram.Length; length++)
        {
            OpenResult result = opening.Open(datagram[..length], TimeSpan.Zero, out _);
            Assert.Equal(length < SealedDatagram.Overhead ? OpenResult.Malformed : OpenResult.NotAuthentic, result);
        }
        for (int bit = 0; bit < datagram.Length * 8; bit++)
        {
            byte[] changed = [.. datagram];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Contains(opening.Open(changed, TimeSpan.Zero, out Span<byte> plaintext), new[] { OpenResult.NotAuthentic, OpenResult.Malformed });
            Assert.True(plaintext.IsEmpty);
        }
        Assert.Equal(OpenResult.Newest, opening.Open(datagram, TimeSpan.Zero, out _));   // and none of that used up its counter
    }

    [Fact]
    public void An_empty_plaintext_is_sealed_too()
    {
        byte[] datagram = Seal(new SealingSession(7, DataCipher.Aes256Gcm, Key), default);
        Assert.Equal(SealedDatagram.Overhead, datagram.Length);
        Assert.Equal(OpenResult.Newest, new OpeningSession(DataCipher.Aes256Gcm, Key).Open(datagram, TimeSpan.Zero, out _));
    }

    [Fact]
    public void A_datagram_of_another_length_than_plaintext_and_overhead_is_our_mistake() =>
        Assert.Throws<ArgumentException>(() => new SealingSession(7, DataCipher.Aes256Gcm, Key).TrySeal(new byte[10], new byte[37]));

    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    [InlineData(33)]
    public void A_key_of_another_length_is_our_mistake(int length)
    {
        Assert.Throws<ArgumentException>(() => new SealingSession(7, DataCipher.Aes256Gcm, new byte[length]));
        Assert.Throws<ArgumentException>(() => new OpeningSession(DataCipher.Aes256Gcm, new byte[length]));
    }

    [Fact]
    public void A_counter_that_no_sender_uses_is_malformed()
    {
        var datagram = new byte[40];
        BinaryPrimitives.WriteUInt64BigEndian(datagram.AsSpan(4), SealedDatagram.CounterLimit);
        Assert.Equal(OpenResult.Malformed, new OpeningSession(DataCipher.Aes256Gcm, Key).Open(datagram, TimeSpan.Zero, out _));
        datagram.AsSpan(4, 8).Fill(0xff);
        Assert.Equal(OpenResult.Malformed, new OpeningSession(DataCipher.Aes256Gcm, Key).Open(datagram, TimeSpan.Zero, out _));
    }

    [Fact]
    public void Threads_that_share_sessions_never_share_a_counter_and_lose_nothing()
    {
        const int Threads = 6, Each = 2000;
        var sealing = new SealingSession(7, DataCipher.ChaCha20Poly1305, Key);
        var opening = new OpeningSession(DataCipher.ChaCha20Poly1305, Key);
        int opened = 0, repeatsOpened = 0;
        var work = new Thread[Threads];
        for (int t = 0; t < Threads; t++)
        {
            work[t] = new Thread(() =>
            {
                for (int i = 0; i < Each; i++)
                {
                    byte[] datagram = Seal(sealing, "shared"u8), copy = [.. datagram];
                    // A thread that is left behind by more than the window loses its packet rightly; it is not counted as opened.
                    OpenResult first = opening.Open(datagram, TimeSpan.Zero, out _);
                    if (first is OpenResult.Newest or OpenResult.Late or OpenResult.TooOld)
                        Interlocked.Increment(ref opened);
                    if (opening.Open(copy, TimeSpan.Zero, out _) is OpenResult.Newest or OpenResult.Late)
                        Interlocked.Increment(ref repeatsOpened);
                }
            });
        }
        foreach (Thread thread in work)
            thread.Start();
        foreach (Thread thread in work)
            thread.Join();
        Assert.Equal(Threads * Each, opened);
        Assert.Equal(0, repeatsOpened);
        Assert.Equal((ulong)(Threads * Each), sealing.SealedCount);
    }

    [Fact]
    public void A_retired_session_finishes_what_it_is_given()
    {
        var sealing = new SealingSession(7, DataCipher.Aes256Gcm, Key);
        Seal(sealing, "before"u8);
        sealing.Retire();
        Assert.Equal(1, BinaryPrimitives.ReadInt64BigEndian(Seal(sealing, "after"u8).AsSpan(4)));
    }

    private static byte[] Seal(SealingSession sealing, ReadOnlySpan<byte> plaintext)
    {
        var datagram = new byte[plaintext.Length + SealedDatagram.Overhead];
        Assert.True(sealing.TrySeal(plaintext, datagram));
        return datagram;
    }
}
