using Mesh.DataPlane;
using Mesh.DataPlane.Sealing;
using Mesh.Security.Keys;
using Mesh.Simulation.Scenarios;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Tests;

/// <summary>What stands in for RSA and AEAD in large simulations refuses what real ones refuse, and nothing outside takes it for real.</summary>
public sealed class ModelledCryptographyTests
{
    private static readonly PrivateKey Key = SimulatedCryptography.Modelled.KeyOf(1), Other = SimulatedCryptography.Modelled.KeyOf(2);

    [Fact]
    public void A_signature_holds_for_its_text_and_its_key_only()
    {
        byte[] signature = Key.Sign("text"u8);
        Assert.Equal(Key.PublicKey.Length, signature.Length);
        Assert.True(Key.PublicKey.Verify("text"u8, signature));
        Assert.False(Key.PublicKey.Verify("texts"u8, signature));
        Assert.False(Other.PublicKey.Verify("text"u8, signature));
        signature[200] ^= 1;
        Assert.False(Key.PublicKey.Verify("text"u8, signature));
    }

    [Fact]
    public void What_is_encrypted_for_one_key_is_opened_with_it_only()
    {
        byte[] text = [.. Enumerable.Range(0, Key.PublicKey.MaxPlainLength < 200 ? Key.PublicKey.MaxPlainLength : 200).Select(static i => (byte)i)];
        byte[] cipher = Key.PublicKey.Encrypt(text, new Counting());
        Assert.Equal(Key.PublicKey.Length, cipher.Length);
        Assert.True(Key.TryDecrypt(cipher, out byte[]? plain));
        Assert.Equal(text, plain);
        Assert.False(Other.TryDecrypt(cipher, out _));
        cipher[120] ^= 1;
        Assert.False(Key.TryDecrypt(cipher, out _));
    }

    [Fact]
    public void A_public_key_that_is_read_from_a_certificate_is_the_modelled_one_again()
    {
        Assert.True(PublicKey.TryCreate(Key.PublicKey.Modulus, [1, 0, 1], out PublicKey? read));
        Assert.True(read.Verify("text"u8, Key.Sign("text"u8)));
    }

    [Fact]
    public void Of_a_modulus_that_this_process_has_not_made_as_a_modelled_one_it_is_not_taken_for_one()
    {
        byte[] modulus = Key.PublicKey.Modulus.ToArray();
        modulus[10] ^= 1;
        Assert.True(PublicKey.TryCreate(modulus, [1, 0, 1], out PublicKey? read));
        Assert.False(read.Verify("text"u8, Key.Sign("text"u8)));
    }

    [Fact]
    public void A_datagram_is_opened_only_as_it_was_sealed()
    {
        using PacketCipher cipher = SimulatedCryptography.Modelled.Ciphers(DataCipher.Aes256Gcm, new byte[32]), other = SimulatedCryptography.Modelled.Ciphers(DataCipher.Aes256Gcm, [.. Enumerable.Repeat((byte)1, 32)]);
        byte[] text = [.. Enumerable.Range(0, 77).Select(static i => (byte)i)], sealedText = new byte[77], tag = new byte[16], opened = new byte[77], nonce = new byte[12];
        cipher.Seal(nonce, text, sealedText, tag, "head"u8);
        Assert.True(cipher.TryOpen(nonce, sealedText, tag, opened, "head"u8));
        Assert.Equal(text, opened);
        Assert.False(other.TryOpen(nonce, sealedText, tag, opened, "head"u8));
        Assert.False(cipher.TryOpen(nonce, sealedText, tag, opened, "hood"u8));
        Assert.False(cipher.TryOpen([1, .. nonce[1..]], sealedText, tag, opened, "head"u8));
        sealedText[76] ^= 1;
        Assert.False(cipher.TryOpen(nonce, sealedText, tag, opened, "head"u8));
    }

    [Fact]
    public void A_network_with_modelled_cryptography_joins_routes_and_refuses_the_revoked()
    {
        Scenario scenario = ScenarioReader.Load(Path.Combine(AppContext.BaseDirectory, "scenarios", "revocation.conf")) with { Cryptography = SimulatedCryptography.Modelled };
        ScenarioResult result = new ScenarioRun(scenario, seed: 3).Run();
        Assert.Empty(result.Violations);
        Assert.Contains("Modelled: TCP", result.Model, StringComparison.Ordinal);
        Assert.Contains("digests of the same lengths", result.Model, StringComparison.Ordinal);
        Assert.Equal(result.Digest, new ScenarioRun(scenario, seed: 3).Run().Digest);
    }

    // Each machine handles the same messages at the same times: neither lengths nor times depend on which cryptography it is (ADR 0017).
    [Theory]
    [InlineData("quickstart")]
    [InlineData("revocation")]
    [InlineData("mixed-versions")]
    public void Real_and_modelled_cryptography_give_the_same_run(string name)
    {
        Scenario scenario = ScenarioReader.Load(Path.Combine(AppContext.BaseDirectory, "scenarios", $"{name}.conf"));
        Assert.False(scenario.Cryptography.IsModelled);
        ScenarioResult real = new ScenarioRun(scenario, seed: 2).Run(), modelled = new ScenarioRun(scenario with { Cryptography = SimulatedCryptography.Modelled }, seed: 2).Run();
        Assert.Equal((real.Digest, real.Messages), (modelled.Digest, modelled.Messages));
        Assert.Equal(real.Steps, modelled.Steps);
        Assert.NotEqual(real.Digest, new ScenarioRun(scenario, seed: 3).Run().Digest, StringComparer.Ordinal);
    }

    private sealed class Counting : IEntropy
    {
        private byte _next;

        public void Fill(Span<byte> destination)
        {
            foreach (ref byte octet in destination)
                octet = _next++;
        }
    }
}
