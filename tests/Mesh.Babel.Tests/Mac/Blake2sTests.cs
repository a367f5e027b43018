using Mesh.Babel.Mac;

namespace Mesh.Babel.Tests.Mac;

public sealed class Blake2sTests
{
    private static readonly int[] DigestLengths = [16, 20, 28, 32];
    private static readonly int[] InputLengths = [0, 3, 64, 65, 255, 1024];

    [Fact]
    public void Rfc_7693_appendix_B_abc_has_its_digest() =>
        Assert.Equal("508C5E8C327C14E2E1A72BA34EEB452F37458B209ED63A294D999B4C86675982", Convert.ToHexString(Hash(32, [], "abc"u8)));

    /// <summary>The self-test of the RFC: digests of six messages in four lengths, with and without a key, and one digest over all of them.</summary>
    [Fact]
    public void Rfc_7693_appendix_E_all_digests_together_have_their_digest()
    {
        var all = new Blake2s(32);
        foreach (int digestLength in DigestLengths)
        {
            foreach (int inputLength in InputLengths)
            {
                byte[] input = Sequence(inputLength, (uint)inputLength);
                all.Append(Hash(digestLength, [], input));
                all.Append(Hash(digestLength, Sequence(digestLength, (uint)digestLength), input));
            }
        }

        byte[] digest = new byte[32];
        all.Finish(digest);
        Assert.Equal("6A411F08CE25ADCDFB02ABA641451CEC53C598B24F4FC787FBDC88797F4C1DFE", Convert.ToHexString(digest));
    }

    [Fact]
    public void A_message_has_the_same_digest_in_whatever_pieces_it_comes()
    {
        byte[] key = Sequence(16, 1);
        byte[] message = Sequence(300, 2);
        byte[] digest = new byte[16];
        for (int length = 1; length <= message.Length; length += 7)
        {
            byte[] whole = Hash(16, key, message.AsSpan(0, length));
            for (int split = 0; split <= length; split++)
            {
                var hash = new Blake2s(16, key);
                hash.Append(message.AsSpan(0, split));
                hash.Append(message.AsSpan(split, length - split));
                hash.Finish(digest);
                Assert.Equal(whole, digest);
            }
        }
    }

    [Fact]
    public void A_prepared_state_can_be_copied_for_many_messages()
    {
        byte[] key = Sequence(32, 3);
        var prepared = new Blake2s(16, key);
        prepared.Prepare();
        byte[] digest = new byte[16];
        for (int length = 1; length < 200; length++)
        {
            byte[] message = Sequence(length, 4);
            Blake2s copy = prepared;
            copy.Append(message);
            copy.Finish(digest);
            Assert.Equal(Hash(16, key, message), digest);
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(33, 0)]
    [InlineData(16, 33)]
    public void Lengths_out_of_range_are_our_mistake(int digestLength, int keyLength) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Blake2s(digestLength, new byte[keyLength]));

    private static byte[] Hash(int digestLength, ReadOnlySpan<byte> key, ReadOnlySpan<byte> input)
    {
        var hash = new Blake2s(digestLength, key);
        hash.Append(input);
        byte[] digest = new byte[digestLength];
        hash.Finish(digest);
        return digest;
    }

    /// <summary>The generator of the self-test: Fibonacci numbers, the top octet of each.</summary>
    private static byte[] Sequence(int length, uint seed)
    {
        byte[] output = new byte[length];
        uint a = unchecked(0xDEAD4BAD * seed);
        uint b = 1;
        for (int i = 0; i < length; i++)
        {
            uint next = unchecked(a + b);
            (a, b) = (b, next);
            output[i] = (byte)(next >> 24);
        }

        return output;
    }
}
