using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;

namespace Mesh.Registry.Dh;

/// <summary>Diffie-Hellman parameters of an administrator's own, which getDh gives to nodes in place of a <see cref="FiniteFieldGroup"/>.</summary>
/// <remarks>
/// <code>DHParameter ::= SEQUENCE { prime INTEGER, base INTEGER, privateValueLength INTEGER OPTIONAL }       (PKCS #3 section 9)</code>
/// What is checked is the form, the size, and that neither number is one that gives everything away. Whether the prime is one takes minutes: <c>openssl dhparam -check</c>.
/// </remarks>
public static class DhParameters
{
    /// <summary>What the PEM says it is.</summary>
    public const string Label = "DH PARAMETERS";

    /// <summary>Characters that a file may have, explanations before the parameters included.</summary>
    public const int MaxLength = 64 * 1024;

    private const int MinBits = 2048, MaxBits = 16_384;

    /// <summary>Reads a file of parameters.</summary>
    /// <param name="text">PEM; what stands before and behind is passed over.</param>
    /// <param name="pem">The parameters alone, PEM, for the nodes; empty when they are not good.</param>
    /// <param name="problem">What is wrong with them, for the operator; null when nothing is.</param>
    public static bool TryRead(string text, out string pem, out string? problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        pem = "";
        problem = ProblemOf(text, out byte[] encoded);
        if (problem is not null)
            return false;
        pem = PemEncoding.WriteString(Label, encoded) + "\n";
        return true;
    }

    private static string? ProblemOf(string text, out byte[] encoded)
    {
        encoded = [];
        if (text.Length > MaxLength)
            return $"the file has more than {MaxLength} characters";
        if (!PemEncoding.TryFind(text, out PemFields fields))
            return $"there is no PEM in it: it has to have -----BEGIN {Label}-----, as 'openssl dhparam {MinBits}' writes it";
        ReadOnlySpan<char> label = text.AsSpan()[fields.Label];
        if (!label.SequenceEqual(Label))
            return $"it is '{Printable(label)}', and it has to be {Label}, as 'openssl dhparam {MinBits}' writes it";
        encoded = Convert.FromBase64String(text[fields.Base64Data]);
        BigInteger prime, generator;
        try
        {
            var reader = new AsnReader(encoded, AsnEncodingRules.DER);
            AsnReader sequence = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            (prime, generator) = (sequence.ReadInteger(), sequence.ReadInteger());
            if (sequence.HasData)
                _ = sequence.ReadInteger();
            sequence.ThrowIfNotEmpty();
        }
        catch (AsnContentException e)
        {
            return $"it is not made of two numbers in DER: {e.Message}";
        }

        if (prime.Sign <= 0 || prime.IsEven)
            return "its first number is not a prime";
        long bits = prime.GetBitLength();
        if (bits is < MinBits or > MaxBits)
            return $"its prime has {bits} bits; it has to have {MinBits} to {MaxBits}";
        return generator <= BigInteger.One || generator >= prime - BigInteger.One ? "its generator has to be more than 1 and less than the prime less 1" : null;
    }

    private static string Printable(ReadOnlySpan<char> text) => string.Concat(text[..Math.Min(text.Length, 40)].ToString().Where(static c => !char.IsControl(c)));
}
