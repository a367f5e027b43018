using System.Net;

namespace Mesh.Registry.Geography;

/// <summary>Where somebody is, as far as the registry cares.</summary>
/// <param name="Code">ISO 3166-1 code, two capital letters; empty where only the continent is known.</param>
/// <param name="Continent">Two capital letters (<c>EU</c>); empty where only the country is known.</param>
public readonly record struct Country(string Code, string Continent)
{
    private const int Letters = 26;
    private const string Unknown = "*";

    // All codes that can be, so that a lookup makes no string.
    private static readonly string[] Codes = [.. Enumerable.Range(0, Letters * Letters).Select(static n => $"{(char)('A' + (n / Letters))}{(char)('A' + (n % Letters))}")];

    /// <summary>Reads the argument <c>location</c> of requestCertificate: <c>COUNTRY,CONTINENT</c> (<c>FR,EU</c>), where <c>*</c> is what is not known.</summary>
    /// <returns>Null where the text says nothing (<c>*,*</c> or empty) or is not of that form: it comes from a stranger, and nobody depends on it.</returns>
    public static Country? ParseLocation(ReadOnlySpan<char> text)
    {
        int comma = text.IndexOf(',');
        if (comma < 0 || !TryParsePart(text[..comma], out string code) || !TryParsePart(text[(comma + 1)..], out string continent))
            return null;
        return code.Length == 0 && continent.Length == 0 ? null : new Country(code, continent);
    }

    /// <summary>Whether the text is two capital letters.</summary>
    public static bool IsCode(ReadOnlySpan<char> text) => text is [>= 'A' and <= 'Z', >= 'A' and <= 'Z'];

    /// <summary>The code in two octets of ASCII, or null where they are none.</summary>
    internal static string? CodeOf(ReadOnlySpan<byte> text) =>
        text is [>= (byte)'A' and <= (byte)'Z', >= (byte)'A' and <= (byte)'Z'] ? Codes[((text[0] - 'A') * Letters) + (text[1] - 'A')] : null;

    /// <summary><c>FR,EU</c>.</summary>
    public override string ToString() => $"{(Code is { Length: > 0 } ? Code : Unknown)},{(Continent is { Length: > 0 } ? Continent : Unknown)}";

    private static bool TryParsePart(ReadOnlySpan<char> text, out string code)
    {
        bool isUnknown = text is Unknown;
        code = isUnknown || !IsCode(text) ? "" : text.ToString();
        return isUnknown || code.Length > 0;
    }
}

/// <summary>Knows in which country an address is. In memory, so that actors may ask; any thread may.</summary>
public interface ICountries
{
    /// <summary>Where the address is, or null where that is not known. IPv4 addresses mapped into IPv6 are IPv4 addresses.</summary>
    Country? Find(IPAddress address);
}
