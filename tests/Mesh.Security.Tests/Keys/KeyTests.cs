using System.Security.Cryptography;
using Mesh.Security.Keys;

namespace Mesh.Security.Tests.Keys;

public sealed class KeyTests
{
    private static readonly PrivateKey A = Identities.KeyOf(Identities.Node("A"));
    private static readonly PrivateKey B = Identities.KeyOf(Identities.Node("B"));

    /// <summary>Octets 0, 1, 2 ... and so also zeros, which padding must not have.</summary>
    private sealed class Counting : IEntropy
    {
        public void Fill(Span<byte> destination)
        {
            for (int index = 0; index < destination.Length; index++)
                destination[index] = (byte)index;
        }
    }

    [Fact]
    public void What_is_encrypted_for_a_node_only_that_node_reads()
    {
        byte[] plain = [1, 2, 3];
        byte[] cipher = A.PublicKey.Encrypt(plain, SystemEntropy.Instance);
        Assert.True(A.TryDecrypt(cipher, out byte[]? decrypted));
        Assert.Equal(plain, decrypted);
        Assert.False(B.TryDecrypt(cipher, out decrypted) && decrypted.AsSpan().SequenceEqual(plain));
        Assert.False(A.TryDecrypt(cipher.AsSpan(1), out _));
        Assert.False(A.TryDecrypt([], out _));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(245)]
    public void A_seeded_source_gives_the_same_encryption_again_and_it_can_be_read(int length)
    {
        byte[] plain = [.. Enumerable.Range(0, length).Select(value => (byte)value)];
        byte[] cipher = A.PublicKey.Encrypt(plain, new Counting());
        Assert.Equal(cipher, A.PublicKey.Encrypt(plain, new Counting()));
        Assert.True(A.TryDecrypt(cipher, out byte[]? decrypted));
        Assert.Equal(plain, decrypted);
    }

    [Fact]
    public void A_text_that_is_too_long_is_our_mistake()
    {
        Assert.Equal(245, A.PublicKey.MaxPlainLength);
        Assert.Throws<ArgumentException>(() => A.PublicKey.Encrypt(new byte[246], SystemEntropy.Instance));
    }

    [Fact]
    public void Signatures_hold_for_the_data_and_the_key_only()
    {
        byte[] data = [1, 2, 3];
        byte[] signature = A.Sign(data);
        Assert.Equal(signature, A.Sign(data));
        Assert.True(A.PublicKey.Verify(data, signature));
        Assert.False(A.PublicKey.Verify([1, 2, 4], signature));
        Assert.False(B.PublicKey.Verify(data, signature));
        Assert.False(A.PublicKey.Verify(data, signature.AsSpan(1)));
        Assert.False(A.PublicKey.Verify(data, []));
    }

    [Fact]
    public void Keys_survive_the_text_form()
    {
        Assert.True(PrivateKey.TryFromPem("text before\n" + A.ToPem() + "text after", out PrivateKey? again));
        Assert.Equal(A.PublicKey, again.PublicKey);
        Assert.NotEqual(A.PublicKey, B.PublicKey);
        using var rsa = RSA.Create();
        rsa.ImportFromPem(A.ToPem());
        Assert.True(PrivateKey.TryFromPem(rsa.ExportRSAPrivateKeyPem(), out again));
        Assert.Equal(A.PublicKey, again.PublicKey);
        Assert.DoesNotContain(A.ToPem()[40..80], A.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
    [InlineData("-----BEGIN PRIVATE KEY-----\n*\n-----END PRIVATE KEY-----\n")]
    [InlineData("-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----\n")]
    public void Text_that_is_no_key_is_refused(string text)
    {
        Assert.False(PrivateKey.TryFromPem(text, out _));
        using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.False(PrivateKey.TryFromPem(curve.ExportPkcs8PrivateKeyPem(), out _));
    }

    [Theory]
    [InlineData(127, 1, 65537, "too small")]
    [InlineData(2049, 1, 65537, "too large")]
    [InlineData(128, 2, 65537, "an even modulus")]
    [InlineData(128, 1, 1, "an exponent that encrypts nothing")]
    [InlineData(128, 1, 65536, "an even exponent")]
    public void Numbers_that_are_no_key_are_refused(int length, byte last, int exponent, string what)
    {
        byte[] modulus = new byte[length];
        modulus.AsSpan().Fill(0xC5);
        modulus[^1] = last;
        byte[] octets = [(byte)(exponent >> 16), (byte)(exponent >> 8), (byte)exponent];
        Assert.False(PublicKey.TryCreate(modulus, octets, out _), what);
    }

    [Fact]
    public void New_keys_have_the_size_that_was_asked_for()
    {
        using var key = PrivateKey.Generate(1024);
        Assert.Equal((1024, 65537U), (key.PublicKey.Size, key.PublicKey.Exponent));
        Assert.Throws<ArgumentOutOfRangeException>(() => PrivateKey.Generate(512));
    }
}
