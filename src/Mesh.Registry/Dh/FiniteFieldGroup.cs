using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;

namespace Mesh.Registry.Dh;

/// <summary>The groups of RFC 7919 for Diffie-Hellman, whose primes nobody had to choose: ffdhe2048, ffdhe3072 and ffdhe4096.</summary>
/// <remarks>
/// <code>p = 2^b - 2^(b-64) + (floor(2^(b-130) e) + X) 2^64 - 1        g = 2</code>
/// with the smallest X that makes p a safe prime (RFC 7919 appendix A). They are as good as parameters of one's own, and cost no minutes to make.
/// </remarks>
public static class FiniteFieldGroup
{
    private const int Generator = 2;

    private static readonly (int Bits, int X)[] Groups = [(2048, 560_316), (3072, 2_625_351), (4096, 5_736_041)];
    private static readonly string[] Pems = [.. Groups.Select(static g => PemEncoding.WriteString(DhParameters.Label, Encode(Prime(g.Bits, g.X))) + "\n")];

    /// <summary>The group that is as strong as a key, PEM: the smallest one with as many bits at least, else the largest.</summary>
    /// <param name="keyBits">Bits of the authority's RSA key.</param>
    public static string PemFor(int keyBits)
    {
        int index = Array.FindIndex(Groups, g => g.Bits >= keyBits);
        return Pems[index < 0 ? ^1 : index];
    }

    // e as a fixed-point number from its series 1/0! + 1/1! + ...; the guard bits take the rounding of all terms.
    private static BigInteger Prime(int bits, int x)
    {
        const int GuardBits = 64;
        BigInteger term = BigInteger.One << (bits - 130 + GuardBits), e = BigInteger.Zero;
        for (int k = 1; !term.IsZero; k++)
        {
            e += term;
            term /= k;
        }

        return (BigInteger.One << bits) - (BigInteger.One << (bits - 64)) + (((e >> GuardBits) + x) << 64) - BigInteger.One;
    }

    private static byte[] Encode(BigInteger prime)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(prime);
            writer.WriteInteger(Generator);
        }

        return writer.Encode();
    }
}
