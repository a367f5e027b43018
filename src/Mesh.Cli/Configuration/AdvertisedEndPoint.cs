using System.Globalization;
using Mesh.Protocol.Addressing;

namespace Mesh.Cli.Configuration;

/// <summary>HOST:PORT as an operator writes it: a name, an IPv4 address, or an IPv6 address in brackets.</summary>
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
        return isBracketed == host.Contains(':', StringComparison.Ordinal)
            && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port != 0
            && AdvertisedAddress.TryParse($"{host},{port},{AddressProtocol.Mesh.Name()}", out address);
    }
}
