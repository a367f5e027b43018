using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mesh.Security.Keys;

namespace Mesh.Security.Certificates;

/// <summary>Builds what a node sends to the registry to get a certificate (PKCS#10, RFC 2986), signed with SHA-512.</summary>
public sealed class CertificateRequestBuilder
{
    internal const string CountryType = "2.5.4.6";

    // Short and long names as OpenSSL and re6st-conf use them. Common name and serial number are missing: the registry gives them.
    private static readonly Dictionary<string, string> Types = new(StringComparer.Ordinal)
    {
        ["C"] = CountryType,
        ["countryName"] = CountryType,
        ["ST"] = "2.5.4.8",
        ["stateOrProvinceName"] = "2.5.4.8",
        ["L"] = "2.5.4.7",
        ["localityName"] = "2.5.4.7",
        ["O"] = "2.5.4.10",
        ["organizationName"] = "2.5.4.10",
        ["OU"] = "2.5.4.11",
        ["organizationalUnitName"] = "2.5.4.11",
        ["SN"] = "2.5.4.4",
        ["surname"] = "2.5.4.4",
        ["GN"] = "2.5.4.42",
        ["givenName"] = "2.5.4.42",
        ["title"] = "2.5.4.12",
        ["emailAddress"] = SubjectName.EmailAddress,
    };

    private readonly List<(string Type, string Value)> _attributes = [];

    /// <summary>The names of attributes that a subject may have.</summary>
    public static ImmutableArray<string> KnownNames { get; } = [.. Types.Keys];

    /// <summary>Adds an attribute to the subject.</summary>
    /// <returns>False for a name that is not known, common name and serial number among them, and for a value that can not be encoded:
    /// empty, longer than 64 characters (e-mail addresses 255), or a country that has not two letters.</returns>
    public bool TryAdd(string name, string value)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(value);
        const int MaxLength = 64, MaxEmailLength = 255, CountryLength = 2;
        if (!Types.TryGetValue(name, out string? type))
            return false;
        bool isEncodable = type switch
        {
            CountryType => value.Length == CountryLength && value.All(char.IsAsciiLetter),
            SubjectName.EmailAddress => value.Length is > 0 and <= MaxEmailLength && value.All(char.IsAscii),
            _ => value.Length is > 0 and <= MaxLength && !value.Any(char.IsSurrogate),
        };
        if (!isEncodable || value.Any(char.IsControl))
            return false;
        _attributes.Add((type, value));
        return true;
    }

    /// <summary>The request for a key, as PEM.</summary>
    public string ToPem(PrivateKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var subject = new X500DistinguishedName(SubjectName.Build(_attributes));
        var request = new CertificateRequest(subject, key.Rsa, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1);
        return request.CreateSigningRequestPem() + "\n";
    }
}
