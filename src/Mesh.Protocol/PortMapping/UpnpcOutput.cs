using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Mesh.Protocol.PortMapping;

/// <summary>What the tool <c>upnpc</c> (miniupnpc 2.x) has printed. A part of it is what devices of the local network have told it, so it is looked at as closely as what comes from them directly.</summary>
/// <remarks><code>
///  desc: http://10.1.0.254:5000/rootDesc.xml                     of each device that answered
/// Found valid IGD : http://10.1.0.254:5000/ctl/IPConn
/// ExternalIPAddress = 198.51.100.7
/// external 198.51.100.7:6626 TCP is redirected to internal 10.1.0.1:6626 (duration=3600)
/// AddPortMapping(6626, 6626, 10.1.0.2) failed with code 718 (ConflictInMappingEntry)
/// UPNP_DeletePortMapping() returned : 0
/// </code></remarks>
public sealed record UpnpcOutput
{
    /// <summary>Octets of text that are looked at; what comes after is passed over.</summary>
    public const int MaxLength = 64 * 1024;

    /// <summary>Devices that are looked at.</summary>
    public const int MaxDevices = 32;

    private const int MaxUrlLength = 512;

    /// <summary>Where the devices that answered describe themselves: <c>http://</c> with a numeric IPv4 address.</summary>
    public IReadOnlyList<string> Descriptions { get; init; } = [];

    /// <summary>Whether a gateway was found that is connected.</summary>
    public bool HasGateway { get; init; }

    /// <summary>The gateway's address at its other side, where it says one.</summary>
    public IPAddress? ExternalAddress { get; init; }

    /// <summary>The mapping that the gateway says to have.</summary>
    public UpnpcMapping? Mapping { get; init; }

    /// <summary>The error with which the gateway has refused: 718 the port is taken, 725 only mappings without an end, and others.</summary>
    public int? Error { get; init; }

    /// <summary>Whether the mapping is gone.</summary>
    public bool IsDeleted { get; init; }

    /// <summary>Reads it. Lines that say nothing of use are passed over.</summary>
    public static UpnpcOutput Parse(ReadOnlySpan<char> text)
    {
        var descriptions = new List<string>();
        var output = new UpnpcOutput();
        foreach (ReadOnlySpan<char> whole in text[..Math.Min(text.Length, MaxLength)].EnumerateLines())
        {
            ReadOnlySpan<char> line = whole.Trim(' ');
            if (TryAfter(line, "desc: ", out ReadOnlySpan<char> url))
            {
                if (descriptions.Count < MaxDevices && IsDescription(url))
                    descriptions.Add(url.ToString());
            }
            else if (TryAfter(line, "Found valid IGD : ", out _))
            {
                output = output with { HasGateway = true };
            }
            else if (TryAfter(line, "ExternalIPAddress = ", out ReadOnlySpan<char> address))
            {
                output = output with { ExternalAddress = AddressIn(address) };
            }
            else if (TryAfter(line, "external ", out ReadOnlySpan<char> mapping))
            {
                output = output with { Mapping = MappingIn(mapping) };
            }
            else if (TryAfter(line, "UPNP_DeletePortMapping() ", out ReadOnlySpan<char> deleted))
            {
                output = output with { IsDeleted = deleted.Trim().SequenceEqual("returned : 0") };
            }

            if (line.IndexOf(" failed with code ") is var at and >= 0)
                output = output with { Error = NumberIn(line[(at + " failed with code ".Length)..]) };
        }

        return output with { Descriptions = descriptions };
    }

    /// <summary>The address of the device that a description is of.</summary>
    public static IPAddress HostOf(string description) => IPAddress.Parse(new Uri(description).Host);

    /// <summary>Same in every part.</summary>
    public bool Equals(UpnpcOutput? other) => other is not null && HasGateway == other.HasGateway && Equals(ExternalAddress, other.ExternalAddress) && Mapping == other.Mapping
        && Error == other.Error && IsDeleted == other.IsDeleted && Descriptions.SequenceEqual(other.Descriptions, StringComparer.Ordinal);

    /// <inheritdoc/>
    public override int GetHashCode() => Descriptions.Count;

    private static bool TryAfter(ReadOnlySpan<char> line, string start, out ReadOnlySpan<char> rest)
    {
        bool isOne = line.StartsWith(start, StringComparison.Ordinal);
        rest = isOne ? line[start.Length..] : default;
        return isOne;
    }

    // It becomes an argument of a program, so it may only hold what addresses do.
    private static bool IsDescription(ReadOnlySpan<char> url) =>
        url.Length <= MaxUrlLength && url.StartsWith("http://", StringComparison.Ordinal) && url.IndexOfAnyExceptInRange('!', '~') < 0
        && Uri.TryCreate(url.ToString(), UriKind.Absolute, out Uri? parsed) && parsed.Scheme == "http" && parsed.UserInfo.Length == 0 && AddressIn(parsed.Host) is not null;

    private static IPAddress? AddressIn(ReadOnlySpan<char> text) =>
        text.Count('.') == 3 && IPAddress.TryParse(text, out IPAddress? address) && address.AddressFamily == AddressFamily.InterNetwork ? address : null;

    // ADDRESS:PORT PROTOCOL is redirected to internal ADDRESS:PORT (duration=SECONDS)
    private static UpnpcMapping? MappingIn(ReadOnlySpan<char> text)
    {
        Span<Range> words = stackalloc Range[10];
        if (text.Split(words, ' ', StringSplitOptions.RemoveEmptyEntries) != 8 || !text[words[2].Start..].StartsWith("is redirected to internal ", StringComparison.Ordinal)
            || !TryPort(text[words[0]], out ushort external) || !TryPort(text[words[6]], out ushort @internal) || !TryAfter(text[words[7]], "(duration=", out ReadOnlySpan<char> duration)
            || NumberIn(duration) is not { } seconds)
        {
            return null;
        }

        TransportProtocol? protocol = text[words[1]] switch { "TCP" => TransportProtocol.Tcp, "UDP" => TransportProtocol.Udp, _ => null };
        return protocol is { } known ? new UpnpcMapping(known, @internal, external, TimeSpan.FromSeconds(seconds)) : null;
    }

    private static bool TryPort(ReadOnlySpan<char> endpoint, out ushort port)
    {
        port = 0;
        int colon = endpoint.LastIndexOf(':');
        return colon >= 0 && ushort.TryParse(endpoint[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out port) && port != 0;
    }

    private static int? NumberIn(ReadOnlySpan<char> text)
    {
        int end = text.IndexOfAnyExceptInRange('0', '9');
        return int.TryParse(end < 0 ? text : text[..end], NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
    }
}

/// <summary>A mapping that a UPnP gateway has.</summary>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="InternalPort">The client's port.</param>
/// <param name="ExternalPort">The gateway's port.</param>
/// <param name="Lifetime">How long it lasts; zero: for ever.</param>
public sealed record UpnpcMapping(TransportProtocol Protocol, ushort InternalPort, ushort ExternalPort, TimeSpan Lifetime);
