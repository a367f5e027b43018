using System.Globalization;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.OpenVpn;

namespace Mesh.Platform.Linux.OpenVpn;

/// <summary>Files that OpenVPN reads.</summary>
/// <param name="Authority">Certificate of the network's authority, PEM.</param>
/// <param name="Certificate">The node's, PEM.</param>
/// <param name="Key">The node's private key, PEM, mode 600.</param>
public sealed record OpenVpnFiles(string Authority, string Certificate, string Key);

/// <summary>The command lines of OpenVPN that nodes of re6st expect at the other end (protocol reference 6); docs/protocols/openvpn.md says where ours differ, and why.</summary>
internal static class OpenVpnArguments
{
    /// <summary>MTU of a device whose frames leave in UDP datagrams: with it they fit into packets of 1500 octets, over IPv6 too.</summary>
    public const int DatagramDeviceMtu = 1400;

    // For versions that reckon the device's MTU from it: octets of a datagram's payload, and what a server adds.
    private const int LinkMtuIpv4 = 1432, LinkMtuIpv6 = 1450, ServerExtra = 93;

    /// <summary>A server's arguments.</summary>
    public static IReadOnlyList<string> Server(OpenVpnServerOrder order, OpenVpnFiles files, OpenVpnVersion version, string socket)
    {
        AddressProtocol protocol = order.Protocol;
        return
        [
            .. Device(order.Link),
            "--tls-server", "--mode", "server",
            "--dh", "none",
            "--port", Number(order.Port),
            "--proto", protocol switch
            {
                AddressProtocol.Udp => "udp4",
                AddressProtocol.Tcp => "tcp-server",
                AddressProtocol.Tcp6 => "tcp6-server",
                _ => protocol.Name(),
            },
            .. Mtu(protocol, version, isServer: true),
            "--ping-exit", Seconds(order.Link.Silence),
            .. Credentials(files, order.Link.Encrypt, version),
            .. Management(socket),
            "--management-client-auth", "--auth-user-pass-optional",
        ];
    }

    /// <summary>A client's arguments.</summary>
    public static IReadOnlyList<string> Client(OpenVpnClientOrder order, OpenVpnFiles files, OpenVpnVersion version, string socket)
    {
        AdvertisedAddress remote = order.Remote;
        return
        [
            .. Device(order.Link),
            "--nobind", "--client",
            "--remote", remote.Host, Number(remote.Port), remote.Protocol == AddressProtocol.Udp ? "udp4" : remote.Protocol.Name(),
            .. Mtu(remote.Protocol, version, isServer: false),
            "--verify-x509-name", order.Peer.CommonName, "name",
            "--resolv-retry", "0",
            "--connect-retry-max", "3",
            "--tls-exit",
            "--remap-usr1", "SIGTERM",
            "--ping-exit", Seconds(order.Link.Silence),
            .. Credentials(files, order.Link.Encrypt, version),
            .. Management(socket),
        ];
    }

    private static string[] Device(OpenVpnLinkOptions link) => ["--dev-type", "tap", "--dev", link.Device, "--persist-tun", "--persist-key", "--script-security", "0"];

    private static string[] Mtu(AddressProtocol protocol, OpenVpnVersion version, bool isServer)
    {
        if (protocol is not (AddressProtocol.Udp or AddressProtocol.Udp6))
            return [];
        if (version.HasDataCiphersOnly)
            return ["--tun-mtu", Number(DatagramDeviceMtu), "--mtu-disc", "yes"];
        int mtu = (protocol == AddressProtocol.Udp ? LinkMtuIpv4 : LinkMtuIpv6) + (isServer ? ServerExtra : 0);
        return ["--link-mtu", Number(mtu), "--mtu-disc", "yes"];
    }

    private static string[] Credentials(OpenVpnFiles files, bool encrypt, OpenVpnVersion version)
    {
        string[] all = ["--ca", files.Authority, "--cert", files.Certificate, "--key", files.Key];
        if (encrypt)
            return all;
        // An end of version 2.6 with the defaults does not accept "none"; so there both ends still encrypt.
        return version.HasDataCiphersOnly
            ? [.. all, "--data-ciphers", "AES-256-GCM:AES-128-GCM:none", "--data-ciphers-fallback", "none"]
            : [.. all, "--cipher", "none", "--ncp-disable"];
    }

    // The process is a client of the socket, so it ends when we are gone; and does nothing before we are there.
    private static string[] Management(string socket) =>
        ["--management", socket, "unix", "--management-client", "--management-hold", "--management-up-down", "--suppress-timestamps"];

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Seconds(TimeSpan time) => Number((int)Math.Ceiling(time.TotalSeconds));
}
