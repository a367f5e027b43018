using System.Security.Cryptography;
using Mesh.DataPlane;
using Mesh.DataPlane.Sealing;
using Mesh.Platform.Linux.Crypto;

namespace Mesh.Platform.Linux.Tests.Crypto;

public sealed class OpenSslCipherTests
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(static i => (byte)i)];
    private static readonly byte[] Nonce = [.. Enumerable.Range(0, 12).Select(static i => (byte)i)];

    public static TheoryData<DataCipher> Ciphers => [.. Enum.GetValues<DataCipher>()];

    [Theory]
    [MemberData(nameof(Ciphers))]
    public void It_seals_as_the_runtime_does_at_every_length(DataCipher cipher)
    {
        using PacketCipher ours = OpenSslCipher.Create(cipher, Key), theirs = PacketCipher.Create(cipher, Key);
        Assert.IsType<OpenSslCipher>(ours);
        for (int length = 0; length < 100; length++)
        {
            byte[] text = RandomNumberGenerator.GetBytes(length), head = RandomNumberGenerator.GetBytes(12);
            byte[] ourText = new byte[length], theirText = new byte[length], ourTag = new byte[16], theirTag = new byte[16];
            ours.Seal(Nonce, text, ourText, ourTag, head);
            theirs.Seal(Nonce, text, theirText, theirTag, head);
            Assert.Equal((Convert.ToHexString(theirText), Convert.ToHexString(theirTag)), (Convert.ToHexString(ourText), Convert.ToHexString(ourTag)));
            Assert.Equal(cipher == DataCipher.Aes256Gmac, length > 16 ? ourText.AsSpan().SequenceEqual(text) : cipher == DataCipher.Aes256Gmac);

            byte[] opened = [.. theirText];
            Assert.True(ours.TryOpen(Nonce, opened, theirTag, opened, head));
            Assert.Equal(text, opened);
        }
    }

    [Theory]
    [MemberData(nameof(Ciphers))]
    public void A_wrong_tag_text_or_head_is_refused_without_an_exception_and_the_next_is_opened(DataCipher cipher)
    {
        using PacketCipher ours = OpenSslCipher.Create(cipher, Key);
        byte[] text = new byte[50], tag = new byte[16], head = new byte[12], into = new byte[50];
        ours.Seal(Nonce, text, text, tag, head);
        foreach (byte[] changed in new[] { text, tag, head })
        {
            changed[7] ^= 1;
            Assert.False(ours.TryOpen(Nonce, text, tag, into, head));
            changed[7] ^= 1;
            Assert.True(ours.TryOpen(Nonce, text, tag, into, head));
        }
    }

    [Fact]
    public void A_key_of_another_length_is_refused() => Assert.Throws<ArgumentException>(static () => OpenSslCipher.Create(DataCipher.Aes256Gcm, new byte[16]));
}
