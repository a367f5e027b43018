using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;

namespace Mesh.Protocol.Peer;

/// <summary>What software a node runs: <c>VERSION, PLATFORM</c> as text (protocol reference 4.4).</summary>
/// <param name="Version">Version of the program.</param>
/// <param name="Platform">Where it runs, for example the operating system and its version.</param>
public sealed record NodeInformation(string Version, string Platform)
{
    /// <summary>Octets of the longest text that is read.</summary>
    public const int MaxLength = 1024;

    private const string Separator = ", ";

    /// <summary>Reads a text; false where it is not UTF-8, too long, or holds control characters, which have no place in a log or on a terminal.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> data, [NotNullWhen(true)] out NodeInformation? information)
    {
        information = null;
        if (data.IsEmpty || data.Length > MaxLength || !Utf8.IsValid(data))
            return false;
        string text = Encoding.UTF8.GetString(data);
        if (text.Any(char.IsControl))
            return false;
        int comma = text.IndexOf(Separator, StringComparison.Ordinal);
        information = comma < 0 ? new NodeInformation(text, "") : new NodeInformation(text[..comma], text[(comma + Separator.Length)..]);
        return true;
    }

    /// <summary>The text, in UTF-8.</summary>
    public byte[] Encode() => Encoding.UTF8.GetBytes(Platform.Length == 0 && Version.Length > 0 ? Version : $"{Version}{Separator}{Platform}");
}
