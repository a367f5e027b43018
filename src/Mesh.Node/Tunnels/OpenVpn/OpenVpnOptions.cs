using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tunnels.OpenVpn;

/// <summary>A place where tunnels of OpenVPN are accepted.</summary>
/// <param name="Port">The port, on all addresses of the protocol's family.</param>
/// <param name="Protocol">Not <see cref="AddressProtocol.Mesh"/>.</param>
public sealed record OpenVpnListen(ushort Port, AddressProtocol Protocol);

/// <summary>How a node uses OpenVPN.</summary>
public sealed record OpenVpnOptions
{
    /// <summary>Where tunnels are accepted, one place for each protocol at most. Default: TCP port 1194 (re6st, without UDP, which is disabled there by default).</summary>
    public IReadOnlyList<OpenVpnListen> Servers { get; init; } = [new(1194, AddressProtocol.Tcp)];

    /// <summary>Protocols that are neither served nor dialled. Default: UDP of both families (re6st).</summary>
    public IReadOnlySet<AddressProtocol> Disabled { get; init; } = new HashSet<AddressProtocol> { AddressProtocol.Udp, AddressProtocol.Udp6 };

    /// <summary>Begin of the names of TAP devices, 1 to 7 characters: <c>PREFIX-tcp6</c> is a server's, <c>PREFIX-12</c> that of our tunnel 12.</summary>
    public string DevicePrefix { get; init; } = "mesh";

    /// <summary>How long a tunnel may take to come up. Default 60 s: OpenVPN tries three times.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long what is under way may still arrive after the routes have left a tunnel that is to be closed. Default 500 ms.</summary>
    public TimeSpan DrainTime { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long OpenVPN may take to end a connection. Default 10 s.</summary>
    public TimeSpan ClosingTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a server that has ended stays away; it doubles up to <see cref="MaxRestartDelay"/> as long as none serves for that time. Default 1 s.</summary>
    public TimeSpan MinRestartDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest time that a server stays away. Default 1 minute.</summary>
    public TimeSpan MaxRestartDelay { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The places where tunnels are accepted in the end.</summary>
    public IEnumerable<OpenVpnListen> EnabledServers => Servers.Where(server => !Disabled.Contains(server.Protocol));
}

/// <summary>What tunnels of OpenVPN need.</summary>
/// <param name="Port">Processes.</param>
/// <param name="Options">How they are used.</param>
/// <param name="LinkLocal">Our address on each TAP device.</param>
public sealed record OpenVpnEquipment(IOpenVpnPort Port, OpenVpnOptions Options, Ipv6Address LinkLocal)
{
    /// <summary>What both ends of a tunnel agree on, by the network's parameters (protocol reference 6).</summary>
    /// <param name="device">The end of the device's name.</param>
    /// <param name="hello">Interval of the routing protocol.</param>
    /// <param name="encrypt">Whether the network encrypts.</param>
    public OpenVpnLinkOptions LinkOf(string device, TimeSpan hello, bool encrypt) => new($"{Options.DevicePrefix}-{device}", LinkLocal, hello * 4, encrypt);
}
