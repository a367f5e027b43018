using System.Globalization;
using System.Net;
using Mesh.Protocol.Addressing;

namespace Mesh.Cli.Configuration;

/// <summary>ADDRESS:PORT as an operator writes it: an IPv4 address, or an IPv6 address in brackets. Nodes do not resolve names of other nodes.</summary>
internal static class AdvertisedEndPoint
{
    /// <summary>Reads one; false for anything else.</summary>
    public static bool TryParse(string text, out AdvertisedAddress address)
    {
        address = default;
        int colon = text.LastIndexOf(':');
        if (colon < 1)
            return false;
        string host = text[..colon];
        bool isBracketed = host is ['[', .., ']'];
        if (isBracketed)
            host = host[1..^1];
        return IPAddress.TryParse(host, out _) && isBracketed == host.Contains(':', StringComparison.Ordinal)
            && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port != 0
            && AdvertisedAddress.TryParse($"{host},{port},{AddressProtocol.Mesh.Name()}", out address);
    }
}
