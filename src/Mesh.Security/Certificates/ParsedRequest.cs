using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mesh.Security.Keys;
using PublicKey = Mesh.Security.Keys.PublicKey;

namespace Mesh.Security.Certificates;

/// <summary>A request for a certificate whose sender has the key that it names.</summary>
internal sealed class ParsedRequest
{
    private const int MaxLength = 16 * 1024;

    private ParsedRequest(SubjectName subject, PublicKey publicKey)
    {
        Subject = subject;
        PublicKey = publicKey;
    }

    public SubjectName Subject { get; }

    public PublicKey PublicKey { get; }

    /// <summary>Reads and verifies a request.</summary>
    /// <param name="text">PEM, from anybody.</param>
    /// <param name="keySize">Bits that the key has to have.</param>
    /// <param name="parsed">The request, when there is no problem.</param>
    public static RequestProblem TryParse(string text, int keySize, out ParsedRequest? parsed)
    {
        parsed = null;
        if (!Pem.TryRead(text, Pem.CertificateRequest, out byte[]? der) || der.Length > MaxLength || Load(der, verify: false) is not { } request)
            return RequestProblem.Malformed;

        RSAParameters parameters;
        try
        {
            using RSA? rsa = request.PublicKey.GetRSAPublicKey();
            if (rsa is null)
                return RequestProblem.NotRsa;
            parameters = rsa.ExportParameters(includePrivateParameters: false);
        }
        catch (CryptographicException)
        {
            return RequestProblem.Malformed;
        }
        // Size first: to verify with a huge key takes long.
        if (parameters.Modulus!.Length * 8 != keySize
            || !PublicKey.TryCreate(parameters.Modulus, parameters.Exponent, out PublicKey? key) || key.Size != keySize)
        {
            return RequestProblem.WrongKeySize;
        }
        if (key.Exponent < PublicKey.CommonExponent)
            return RequestProblem.WeakExponent;
        if (Load(der, verify: true) is null)
            return RequestProblem.BadSignature;
        if (!SubjectName.TryParse(request.SubjectName.RawData, out SubjectName? subject))
            return RequestProblem.BadSubject;
        parsed = new ParsedRequest(subject, key);
        return RequestProblem.None;
    }

    private static CertificateRequest? Load(byte[] der, bool verify)
    {
        try
        {
            CertificateRequestLoadOptions options = verify ? CertificateRequestLoadOptions.Default : CertificateRequestLoadOptions.SkipSignatureValidation;
            var request = CertificateRequest.LoadSigningRequest(der, HashAlgorithmName.SHA512, out int consumed, options, RSASignaturePadding.Pkcs1);
            return consumed == der.Length ? request : null;
        }
        // The framework tells what is wrong with a request in these two ways.
        catch (Exception exception) when (exception is CryptographicException or NotSupportedException)
        {
            return null;
        }
    }
}
