namespace Mesh.Registry.Mail;

/// <summary>What an e-mail address has to look like before a mail is sent to it (RFC 5321 section 4.1.2, lengths section 4.5.3.1).</summary>
/// <remarks>
/// Narrower than the standard: no quoted names (<c>"a b"@c</c>), no addresses of machines (<c>a@[192.0.2.1]</c>), ASCII only. Nobody uses them, but they have been
/// ways past checks. So nothing of an address has a meaning in a header, a mail server's command or a mailbox file.
/// </remarks>
public static class MailAddress
{
    /// <summary>Longest address: that of a path, less its angle brackets.</summary>
    public const int MaxLength = 254;

    private const int MaxLocalLength = 64, MaxLabelLength = 63;
    private const string Specials = "!#$%&'*+-/=?^_`{|}~";

    /// <summary>What is wrong with an address, for whoever wrote it; null where nothing is.</summary>
    public static string? ProblemOf(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.Length is 0 or > MaxLength)
            return $"an e-mail address has 1 to {MaxLength} characters";
        int at = address.IndexOf('@', StringComparison.Ordinal);
        if (at < 0 || at != address.LastIndexOf('@'))
            return "an e-mail address has one @";
        if (at > MaxLocalLength || !AreParts(address.AsSpan(0, at), IsLocalPart))
            return $"before the @ of an e-mail address are 1 to {MaxLocalLength} letters, digits or characters of {Specials}, with single dots between them";
        return AreParts(address.AsSpan(at + 1), IsLabel) ? null : "behind the @ of an e-mail address is the name of a domain";
    }

    private static bool AreParts(ReadOnlySpan<char> text, Func<string, bool> isPart)
    {
        foreach (Range part in text.Split('.'))
        {
            if (!isPart(text[part].ToString()))
                return false;
        }

        return true;
    }

    private static bool IsLocalPart(string part) => part.Length > 0 && part.All(static c => char.IsAsciiLetterOrDigit(c) || Specials.Contains(c, StringComparison.Ordinal));

    private static bool IsLabel(string label) =>
        label.Length is > 0 and <= MaxLabelLength && label[0] != '-' && label[^1] != '-' && label.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-');
}
