using System.Diagnostics.CodeAnalysis;
using System.Net;
using Mesh.Hocon;
using Mesh.Protocol.Addressing;

namespace Mesh.Cli.Shell;

/// <summary>Checks all arguments of a command before anything is done, and reports all mistakes at once.</summary>
internal sealed class Checks
{
    private readonly List<string> _problems = [];

    /// <summary>True while there is no mistake.</summary>
    public bool IsClean => _problems.Count == 0;

    /// <summary>Notes a mistake: option, value and rule in a sentence.</summary>
    public void Add(string problem) => _problems.Add(problem);

    /// <summary>Ends the command where there were mistakes.</summary>
    public void ThrowIfAny()
    {
        if (_problems.Count > 0)
            throw CommandFailedException.Usage(_problems);
    }

    /// <summary>The base URL of a registry, without a slash at its end.</summary>
    public string Url(string option, string text)
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https" && url!.Host.Length > 0
            && url.Query.Length == 0 && url.Fragment.Length == 0 && url.UserInfo.Length == 0)
            return text.TrimEnd('/');
        Add($"{option} {text}: expected the base URL of a registry, as in http://registry.example.org:6680");
        return text;
    }

    /// <summary>ADDRESS:PORT, with an IPv6 address in brackets.</summary>
    public IPEndPoint EndPoint(string option, string text)
    {
        if (IPEndPoint.TryParse(text, out IPEndPoint? endPoint) && HasPort(text, endPoint))
            return endPoint;
        Add($"{option} {text}: expected ADDRESS:PORT, as in 192.0.2.1:6680 or [::]:6680");
        return new IPEndPoint(IPAddress.IPv6Any, 0);
    }

    /// <summary>An IPv6 address.</summary>
    public void Ipv6Address(string option, string text)
    {
        if (!Protocol.Addressing.Ipv6Address.TryParse(text, out _))
            Add($"{option} {text}: expected an IPv6 address, as in 2001:db8:42:1::1");
    }

    /// <summary>An IPv6 prefix, where there is any text.</summary>
    public void Ipv6Prefix(string option, string? text)
    {
        if (text is not null && !Protocol.Addressing.Ipv6Prefix.TryParse(text, out _))
            Add($"{option} {text}: expected an IPv6 prefix without bits beyond its length, as in 2001:db8:42:1::/64");
    }

    /// <summary>The common name of a node, where there is any text.</summary>
    public void Node(string option, string? text)
    {
        if (text is not null && !NodePrefix.TryParseCommonName(text, out _))
            Add($"{option} {text}: expected a node as its certificate names it, as in 2/16");
    }

    /// <summary>A duration with its unit.</summary>
    public TimeSpan Duration(string option, string text)
    {
        var value = new HoconScalar(HoconKind.String, text, new HoconOrigin(HoconSource.CommandLine, option, 0, 0));
        if (HoconConvert.TryToDuration(value, out TimeSpan duration) && duration > TimeSpan.Zero)
            return duration;
        Add($"{option} {text}: expected a duration with its unit, as in 90s, 12h or 2d");
        return TimeSpan.Zero;
    }

    /// <summary>A whole number from <paramref name="min"/> to <paramref name="max"/>.</summary>
    public void Range(string option, long value, long min, long max)
    {
        if (value < min || value > max)
            Add($"{option} {value}: expected a number from {min} to {max}");
    }

    /// <summary>Exactly one of two options has to be there.</summary>
    public void OneOf(string first, [NotNullWhen(true)] string? firstValue, string second, string? secondValue)
    {
        if (firstValue is null == secondValue is null)
            Add(firstValue is null ? $"one of {first} and {second} is needed" : $"{first} and {second} exclude each other");
    }

    /// <summary>A directory that has to be there.</summary>
    public void Directory(string option, string path)
    {
        if (File.Exists(path))
            Add($"{option} {path}: this is a file, and a directory is expected");
        else if (!System.IO.Directory.Exists(path))
            Add($"{option} {path}: there is no such directory");
    }

    // Without a port, the parser takes what it can for an address.
    private static bool HasPort(string text, IPEndPoint parsed) =>
        text.EndsWith($":{parsed.Port}", StringComparison.Ordinal) && (text.StartsWith('[') || text.Count(c => c == ':') == 1);
}
