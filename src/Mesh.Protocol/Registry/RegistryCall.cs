using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;

namespace Mesh.Protocol.Registry;

/// <summary>A call of the registry as the target of a GET request.</summary>
/// <remarks>
/// <code>/METHOD[?NAME=VALUE[&amp;NAME=VALUE...]]</code>
/// The path has one component. Names and values are UTF-8; letters, digits and <c>_.-~</c> stand for themselves, a blank is
/// <c>+</c>, everything else is <c>%XX</c> with upper-case digits. The target is kept as it was sent, because the HMAC of
/// authenticated calls covers exactly that.
/// </remarks>
public sealed class RegistryCall
{
    /// <summary>Characters of the longest target that is read; a request for a certificate is the longest one, with some 2000.</summary>
    public const int MaxTargetLength = 32 * 1024;

    /// <summary>The most arguments that are read, duplicates included.</summary>
    public const int MaxArguments = 16;

    private const int MaxMethodLength = 64;

    private RegistryCall(string target, string method, ImmutableSortedDictionary<string, string> arguments)
    {
        Target = target;
        Method = method;
        Arguments = arguments;
    }

    /// <summary>Path and query, exactly as sent; without the path prefix that a proxy may add.</summary>
    public string Target { get; }

    /// <summary>Name of the method, see <see cref="RegistryMethod"/>.</summary>
    public string Method { get; }

    /// <summary>The arguments; of those with the same name the last one.</summary>
    public ImmutableSortedDictionary<string, string> Arguments { get; }

    /// <summary>A call of our own side.</summary>
    /// <param name="method">Letters, digits and <c>_</c>.</param>
    /// <param name="arguments">In the order in which they are sent.</param>
    /// <exception cref="ArgumentException">The method is not a name, or an argument comes twice.</exception>
    public static RegistryCall Create(string method, params ReadOnlySpan<(string Name, string Value)> arguments)
    {
        ArgumentNullException.ThrowIfNull(method);
        if (!IsMethod(method))
            throw new ArgumentException($"'{method}' is not the name of a method.", nameof(method));
        var target = new StringBuilder("/").Append(method);
        ImmutableSortedDictionary<string, string>.Builder values = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        char separator = '?';
        foreach ((string name, string value) in arguments)
        {
            values.Add(name, value);
            AppendEncoded(target.Append(separator), name);
            AppendEncoded(target.Append('='), value);
            separator = '&';
        }
        return new RegistryCall(target.ToString(), method, values.ToImmutable());
    }

    /// <summary>Reads the target of a request.</summary>
    /// <returns>False when there is not exactly one path component, an argument has no <c>=</c>, an escape is malformed,
    /// a value is not UTF-8, or there is too much of it.</returns>
    public static bool TryParse(string target, [NotNullWhen(true)] out RegistryCall? call)
    {
        ArgumentNullException.ThrowIfNull(target);
        call = null;
        if (target.Length is < 2 or > MaxTargetLength || target[0] != '/')
            return false;
        ReadOnlySpan<char> path = target.AsSpan(1), query = default;
        int mark = path.IndexOf('?');
        if (mark >= 0)
        {
            query = path[(mark + 1)..];
            path = path[..mark];
        }
        if (!IsMethod(path) || query.Count('&') >= MaxArguments)
            return false;

        ImmutableSortedDictionary<string, string>.Builder values = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        if (!query.IsEmpty)
        {
            foreach (Range range in query.Split('&'))
            {
                ReadOnlySpan<char> argument = query[range];
                int equals = argument.IndexOf('=');
                if (equals < 0 || !TryDecode(argument[..equals], out string? name) || !TryDecode(argument[(equals + 1)..], out string? value))
                    return false;
                values[name] = value;
            }
        }
        call = new RegistryCall(target, path.ToString(), values.ToImmutable());
        return true;
    }

    /// <summary>The value of an argument, or null when it was not sent.</summary>
    public string? Argument(string name) => Arguments.GetValueOrDefault(name);

    /// <summary>The method only: arguments can be tokens.</summary>
    public override string ToString() => Method;

    private static bool IsMethod(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > MaxMethodLength)
            return false;
        foreach (char character in text)
        {
            if (!char.IsAsciiLetterOrDigit(character) && character != '_')
                return false;
        }
        return true;
    }

    private static void AppendEncoded(StringBuilder output, string text)
    {
        const string Digits = "0123456789ABCDEF";
        foreach (byte octet in Encoding.UTF8.GetBytes(text))
        {
            if (octet == ' ')
                _ = output.Append('+');
            else if (char.IsAsciiLetterOrDigit((char)octet) || octet is (byte)'_' or (byte)'.' or (byte)'-' or (byte)'~')
                _ = output.Append((char)octet);
            else
                _ = output.Append('%').Append(Digits[octet >> 4]).Append(Digits[octet & 0xF]);
        }
    }

    private static bool TryDecode(ReadOnlySpan<char> text, [NotNullWhen(true)] out string? decoded)
    {
        decoded = null;
        byte[] octets = new byte[text.Length];
        int length = 0;
        for (int index = 0; index < text.Length; index++)
        {
            char character = text[index];
            switch (character)
            {
                case '+':
                    octets[length++] = (byte)' ';
                    break;
                case '%':
                    if (text.Length - index < 3 || !char.IsAsciiHexDigit(text[index + 1]) || !char.IsAsciiHexDigit(text[index + 2]))
                        return false;
                    octets[length++] = (byte)((Nibble(text[index + 1]) << 4) | Nibble(text[index + 2]));
                    index += 2;
                    break;
                // What a request target can not hold (RFC 9112 section 3.2), so two readers could see two things.
                case <= ' ' or >= '\x7F' or '#':
                    return false;
                default:
                    octets[length++] = (byte)character;
                    break;
            }
        }
        if (!Utf8.IsValid(octets.AsSpan(0, length)))
            return false;
        decoded = Encoding.UTF8.GetString(octets, 0, length);
        return true;
    }

    private static int Nibble(char digit) => char.IsAsciiDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
