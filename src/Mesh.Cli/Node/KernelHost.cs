using System.Net;
using System.Net.Sockets;
using Mesh.Actors;
using Mesh.Cli.Configuration;
using Mesh.Cli.Files;
using Mesh.Cli.Shell;
using Mesh.Hocon.Schema;
using Mesh.Node.Tunnels.OpenVpn;
using Mesh.Platform.Linux.KernelInterfaces;
using Mesh.Platform.Linux.OpenVpn;
using Mesh.Protocol.Addressing;

namespace Mesh.Cli.Node;

/// <summary>What a node needs of this machine beyond its TUN device: links and routes of the kernel, forwarding where it is a gateway, has tunnels of OpenVPN or a LAN, and that program.</summary>
internal sealed class KernelHost : IAsyncDisposable
{
    private readonly KernelForwarding? _forwarding;

    private KernelHost(KernelForwarding? forwarding, OpenVpnPort? processes, KernelLinkPort links, LinkWatchPort? interfaces) =>
        (_forwarding, Processes, Links, Interfaces) = (forwarding, processes, links, interfaces);

    /// <summary>OpenVPN, or null where it is not enabled.</summary>
    public OpenVpnPort? Processes { get; }

    public KernelLinkPort Links { get; }

    /// <summary>Interfaces of the LAN, or null where there are none.</summary>
    public LinkWatchPort? Interfaces { get; }

    /// <summary>Prepares it.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="directory">Where the node's files are.</param>
    /// <param name="dataPlane">Index of the TUN device.</param>
    /// <param name="address">The node's address.</param>
    /// <param name="log">Gets what OpenVPN and the kernel say.</param>
    /// <exception cref="CommandFailedException">Something is missing: a sentence says what.</exception>
    public static KernelHost Open(ResolvedConfig config, NodeDirectory directory, int dataPlane, Ipv6Address address, Action<LogLevel, string, string> log)
    {
        bool hasOpenVpn = config.Get(OpenVpnKeys.Enabled);
        OpenVpnPort? processes = hasOpenVpn ? OpenProcesses(config, directory, log) : null;
        try
        {
            bool hasLan = config.Get(NodeKeys.Interfaces).Count > 0;
            KernelForwarding? forwarding = hasOpenVpn || hasLan || config.Get(NodeKeys.Gateway) ? KernelForwarding.Enable(directory.ForwardingPath) : null;
            LinkWatchPort? interfaces = hasLan ? new LinkWatchPort((level, text) => log(level, "lan", text)) : null;
            return new KernelHost(forwarding, processes, new KernelLinkPort(dataPlane, address.ToIPAddress(), (level, text) => log(level, "routes", text)), interfaces);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandFailedException.Failed($"the kernel cannot be told to forward packets: {e.Message.TrimEnd('.')}", e);
        }
    }

    private static OpenVpnPort OpenProcesses(ResolvedConfig config, NodeDirectory directory, Action<LogLevel, string, string> log)
    {
        try
        {
            string program = config.Get(OpenVpnKeys.Program);
            return OpenVpnPort.Open(new OpenVpnPortOptions
            {
                Program = program,
                Version = OpenVpnPort.Detect(program),
                Files = new OpenVpnFiles(directory.AuthorityPath, directory.CertificatePath, directory.KeyPath),
                RunDirectory = directory.OpenVpnPath,
                Log = (level, text) => log(level, "openvpn", text),
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandFailedException.Failed($"tunnels of OpenVPN cannot be used: {e.Message.TrimEnd('.')}", e);
        }
    }

    /// <summary>Where others can reach this node by OpenVPN.</summary>
    /// <param name="options">What it listens on.</param>
    /// <param name="hosts">The addresses that it has, or that others reach it by.</param>
    public static IEnumerable<AdvertisedAddress> Advertised(OpenVpnOptions options, IEnumerable<string> hosts) =>
        from host in hosts.Distinct(StringComparer.Ordinal)
        let isIpv6 = IPAddress.TryParse(host, out IPAddress? address) && address.AddressFamily == AddressFamily.InterNetworkV6
        from listen in options.EnabledServers
        where isIpv6 == listen.Protocol is AddressProtocol.Udp6 or AddressProtocol.Tcp6
        select new AdvertisedAddress(host, listen.Port, listen.Protocol);

    /// <summary>Ends the processes, removes the routes and stops forwarding, in that order.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Processes is not null)
            await Processes.DisposeAsync();
        Interfaces?.Dispose();
        Links.Dispose();
        _forwarding?.Dispose();
    }
}
