using System.Diagnostics;
using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using Mesh.Actors;
using Mesh.Registry.Dh;

namespace Mesh.Registry.Tests.Dh;

public sealed class DhTests
{
    private static readonly BigInteger Odd2048 = (BigInteger.One << 2047) + BigInteger.One;

    [Theory]
    [InlineData(1024, 2048)]
    [InlineData(2048, 2048)]
    [InlineData(2049, 3072)]
    [InlineData(3072, 3072)]
    [InlineData(4096, 4096)]
    [InlineData(8192, 4096)]
    public void The_group_is_as_strong_as_the_key(int keyBits, int groupBits) => Assert.Equal(groupBits, PrimeOf(FiniteFieldGroup.PemFor(keyBits)).GetBitLength());

    [Theory]
    [InlineData(2048)]
    [InlineData(3072)]
    [InlineData(4096)]
    public void OpenSsl_knows_the_groups_and_finds_their_primes_safe(int bits)
    {
        Assert.Equal(OpenSsl("", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", $"group:ffdhe{bits}"), FiniteFieldGroup.PemFor(bits));
        Assert.Contains("DH parameters appear to be ok", OpenSsl(FiniteFieldGroup.PemFor(bits), "dhparam", "-check", "-noout"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_prime_is_the_one_that_the_standard_prints()
    {
        string hex = PrimeOf(FiniteFieldGroup.PemFor(2048)).ToString("X").TrimStart('0');
        Assert.StartsWith("FFFFFFFFFFFFFFFFADF85458A2BB4A9AAFDC5620273D3CF1", hex, StringComparison.Ordinal);
        Assert.EndsWith("886B423861285C97FFFFFFFFFFFFFFFF", hex, StringComparison.Ordinal);
    }

    [Fact]
    public void Parameters_of_ones_own_lose_what_stands_around_them()
    {
        string pem = FiniteFieldGroup.PemFor(2048);
        Assert.True(DhParameters.TryRead("DH Parameters: (2048 bit)\n" + pem + "made by hand\n", out string read, out string? problem), problem);
        Assert.Equal(pem, read);
        string limited = Pem(Odd2048, 2, 225);   // with the length of private values, as some programs write it
        Assert.True(DhParameters.TryRead(limited, out read, out problem), problem);
        Assert.Equal(limited, read);
    }

    [Fact]
    public void Says_what_is_wrong()
    {
        Refuse("", "no PEM");
        Refuse("-----BEGIN DH PARAMETERS-----\nAAAA\n", "no PEM");
        Refuse(PemEncoding.WriteString("CERTIFICATE", [1, 2, 3]), "it is 'CERTIFICATE'");
        Refuse(PemEncoding.WriteString("X9.42 DH PARAMETERS", [1, 2, 3]), "it is 'X9.42 DH PARAMETERS'");
        Refuse(PemEncoding.WriteString("DH PARAMETERS", [1, 2, 3]), "two numbers in DER");
        Refuse(PemEncoding.WriteString("DH PARAMETERS", []), "two numbers in DER");
        Refuse(Pem(Odd2048), "two numbers in DER");
        Refuse(Pem(Odd2048, 2, 225, 1), "two numbers in DER");
        Refuse(Pem((BigInteger.One << 2046) + 1, 2), "2047 bits");
        Refuse(Pem((BigInteger.One << 16_384) + 1, 2), "16385 bits");
        Refuse(Pem(Odd2048 + 1, 2), "not a prime");
        Refuse(Pem(-Odd2048, 2), "not a prime");
        Refuse(Pem(Odd2048, 1), "generator");
        Refuse(Pem(Odd2048, -2), "generator");
        Refuse(Pem(Odd2048, Odd2048 - 1), "generator");
        Refuse(FiniteFieldGroup.PemFor(2048) + new string(' ', DhParameters.MaxLength), "more than 65536 characters");
    }

    [Theory]
    [InlineData(1ul)]
    [InlineData(2ul)]
    public void Hostile_files_are_a_problem_and_no_exception(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        string good = FiniteFieldGroup.PemFor(2048);
        byte[] der = Convert.FromBase64String(good[PemEncoding.Find(good).Base64Data]);
        int refused = 0;
        for (int round = 0; round < 5_000; round++)
        {
            byte[] bad = der[..(random.Next(3) == 0 ? random.Next(der.Length) : der.Length)];
            for (int mutations = bad.Length == 0 ? 0 : random.Next(4); mutations > 0; mutations--)
                bad[random.Next(2) == 0 ? random.Next(Math.Min(10, bad.Length)) : random.Next(bad.Length)] = (byte)random.Next(256);
            char[] text = PemEncoding.WriteString("DH PARAMETERS", bad).ToCharArray();
            if (random.Next(4) == 0)
                text[random.Next(text.Length)] = "-= \0\u20acA\n"[random.Next(7)];
            bool isGood = DhParameters.TryRead(new string(text), out string pem, out string? problem);
            Assert.Equal(isGood, problem is null);
            Assert.Equal(isGood, pem.Length > 0);
            refused += isGood ? 0 : 1;
        }

        Assert.InRange(refused, 2_000, 4_800);
    }

    private static string Pem(params BigInteger[] numbers)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (BigInteger number in numbers)
                writer.WriteInteger(number);
        }

        return PemEncoding.WriteString("DH PARAMETERS", writer.Encode()) + "\n";
    }

    private static BigInteger PrimeOf(string pem) =>
        new AsnReader(Convert.FromBase64String(pem[PemEncoding.Find(pem).Base64Data]), AsnEncodingRules.DER).ReadSequence().ReadInteger();

    private static void Refuse(string text, string sentence)
    {
        Assert.False(DhParameters.TryRead(text, out string pem, out string? problem));
        Assert.Empty(pem);
        Assert.Contains(sentence, problem, StringComparison.Ordinal);
    }

    private static string OpenSsl(string input, params string[] arguments)
    {
        var start = new ProcessStartInfo("openssl", arguments) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors.Result);
        return output.Length > 0 ? output : errors.Result;
    }
}
