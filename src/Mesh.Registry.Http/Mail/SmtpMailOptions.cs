using System.Globalization;
using System.Net;

namespace Mesh.Registry.Http.Mail;

/// <summary>Settings of <see cref="SmtpMail"/>.</summary>
public sealed record SmtpMailOptions
{
    /// <summary>Name or address of the mail server.</summary>
    public required string Host { get; init; }

    /// <summary>Its port, 1..65535. Default 25.</summary>
    public int Port { get; init; } = 25;

    /// <summary>Name for the login, or null for none.</summary>
    public string? User { get; init; }

    /// <summary>Password for the login.</summary>
    public string? Password { get; init; }

    /// <summary>Encrypt with STARTTLS, and send nothing to a server that cannot or whose certificate is not trusted. Default false.</summary>
    public bool StartTls { get; init; }

    /// <summary>How long one mail may take; 1 s..60 s, default 20 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How many mails are sent at a time; 1..32, default 4.</summary>
    public int Connections { get; init; } = 4;

    /// <summary>How many mails may wait; 1..1000, default 16.</summary>
    public int MaxWaiting { get; init; } = 16;

    /// <summary>Reads <c>HOST</c>, <c>HOST:PORT</c> or <c>[ADDRESS]:PORT</c>; an IPv6 address without port needs no brackets.</summary>
    public static bool TryParseHost(string text, out string host, out int port)
    {
        ArgumentNullException.ThrowIfNull(text);
        (host, port) = (text, 25);
        if (IPAddress.TryParse(text, out _) && !text.StartsWith('['))
            return true;
        int colon = text.LastIndexOf(':');
        if (colon > text.LastIndexOf(']'))
        {
            host = text[..colon];
            if (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is 0 or > IPEndPoint.MaxPort)
                return false;
        }

        if (host is ['[', .., ']'])
        {
            host = host[1..^1];
            return host.AsSpan().IndexOfAny('[', ']') < 0 && IPAddress.TryParse(host, out _);   // which knows brackets too
        }

        return Uri.CheckHostName(host) is UriHostNameType.Dns or UriHostNameType.IPv4;
    }

    /// <summary>Every setting that breaks its rule, one sentence each.</summary>
    public IEnumerable<string> Validate()
    {
        if (Uri.CheckHostName(Host) == UriHostNameType.Unknown)
            yield return $"the mail server is '{Host}'; it has to be a name or an address";
        if (Port is < 1 or > IPEndPoint.MaxPort)
            yield return $"the port of the mail server is {Port}; it has to be 1 to {IPEndPoint.MaxPort}";
        if (User is { Length: 0 } || User?.Any(char.IsControl) == true || Password?.Any(char.IsControl) == true)
            yield return "the user or the password for the mail server is empty or has control characters";
        if (User is null != Password is null)
            yield return "the mail server needs a user and a password, or neither";
        if (Timeout < TimeSpan.FromSeconds(1) || Timeout > TimeSpan.FromSeconds(60))
            yield return $"the time limit for the mail server is {Timeout.TotalSeconds:0.###} s; it has to be 1 to 60";
        if (Connections is < 1 or > 32)
            yield return $"connections to the mail server are {Connections}; they have to be 1 to 32";
        if (MaxWaiting is < 1 or > 1000)
            yield return $"mails that may wait are {MaxWaiting}; they have to be 1 to 1000";
    }

    /// <summary>Where, and not with what password.</summary>
    public override string ToString() => $"{Host}:{Port}";
}
