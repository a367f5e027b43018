namespace Mesh.Protocol.Addressing;

/// <summary>How a node can be reached at an address.</summary>
public enum AddressProtocol
{
    /// <summary>OpenVPN over UDP and IPv4: <c>udp</c>, also read as <c>udp4</c>.</summary>
    Udp,

    /// <summary>OpenVPN over TCP and IPv4: <c>tcp</c>, also read as <c>tcp4</c>.</summary>
    Tcp,

    /// <summary>OpenVPN over UDP and IPv6: <c>udp6</c>.</summary>
    Udp6,

    /// <summary>OpenVPN over TCP and IPv6: <c>tcp6</c>.</summary>
    Tcp6,

    /// <summary>
    /// Native tunnel: TLS over TCP, and UDP on the same port number, of either family: <c>mesh</c>.
    /// It is ours; re6st nodes do not know the name and pass over the address.
    /// </summary>
    Mesh,
}

/// <summary>The names of protocols in address lists.</summary>
public static class AddressProtocolNames
{
    /// <summary>The name that we write.</summary>
    public static string Name(this AddressProtocol protocol) => protocol switch
    {
        AddressProtocol.Udp => "udp",
        AddressProtocol.Tcp => "tcp",
        AddressProtocol.Udp6 => "udp6",
        AddressProtocol.Tcp6 => "tcp6",
        AddressProtocol.Mesh => "mesh",
        _ => throw new ArgumentOutOfRangeException(nameof(protocol), protocol, "There is no such protocol."),
    };

    /// <summary>Reads a name; lower case only.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out AddressProtocol protocol)
    {
        (bool known, protocol) = text switch
        {
            "udp" or "udp4" => (true, AddressProtocol.Udp),
            "tcp" or "tcp4" => (true, AddressProtocol.Tcp),
            "udp6" => (true, AddressProtocol.Udp6),
            "tcp6" => (true, AddressProtocol.Tcp6),
            "mesh" => (true, AddressProtocol.Mesh),
            _ => (false, default),
        };
        return known;
    }
}
