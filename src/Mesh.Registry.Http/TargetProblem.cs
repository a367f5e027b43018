using System.Globalization;
using System.Text.Unicode;
using Mesh.Protocol.Registry;

namespace Mesh.Registry.Http;

/// <summary>Says for the log what is wrong with the target of a request that <see cref="RegistryCall"/> refuses. Never quotes it: arguments can be tokens.</summary>
internal static class TargetProblem
{
    /// <summary>A few words, or null where the target is well-formed.</summary>
    public static string? Of(string target)
    {
        if (RegistryCall.TryParse(target, out _))
            return null;
        if (target.Length > RegistryCall.MaxTargetLength)
            return "the target is too long";
        if (target.Length == 0 || target[0] != '/')
            return "the target is not a path";
        int mark = target.IndexOf('?', StringComparison.Ordinal);
        ReadOnlySpan<char> path = mark < 0 ? target.AsSpan(1) : target.AsSpan(1, mark - 1);
        if (path.IsEmpty || path.Contains('/'))
            return "the path has not exactly one component";
        if (mark < 0)
            return "the path is not the name of a method";
        ReadOnlySpan<char> query = target.AsSpan(mark + 1);
        if (query.Count('&') >= RegistryCall.MaxArguments)
            return "there are too many arguments";
        foreach (Range range in query.Split('&'))
        {
            ReadOnlySpan<char> argument = query[range];
            if (!query.IsEmpty && !argument.Contains('='))
                return "an argument has no value";
            if (!TryUnescape(argument, out byte[] octets))
                return "an escape is malformed";
            if (!Utf8.IsValid(octets))
                return "an argument is not UTF-8";
        }

        return "the path is not the name of a method, or an argument has a character that it must not have";
    }

    private static bool TryUnescape(ReadOnlySpan<char> text, out byte[] octets)
    {
        octets = [];
        var output = new List<byte>(text.Length);
        while (!text.IsEmpty)
        {
            bool isEscape = text[0] == '%';
            byte octet = (byte)text[0];
            if (isEscape && (text.Length < 3 || !byte.TryParse(text.Slice(1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out octet)))
                return false;
            output.Add(octet);
            text = text[(isEscape ? 3 : 1)..];
        }

        octets = [.. output];
        return true;
    }
}
