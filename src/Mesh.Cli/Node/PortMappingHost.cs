using System.Net;
using System.Net.Sockets;
using Mesh.Cli.Configuration;
using Mesh.Node.PortMapping;
using Mesh.Platform.Linux.PortMapping;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.PortMapping;

namespace Mesh.Cli.Node;

/// <summary>What a node has the gateway map.</summary>
internal static class PortMappingHost
{
    /// <summary>The options, or null where nothing is mapped.</summary>
    /// <param name="settings">The node's.</param>
    /// <param name="listen">Where it accepts native tunnels.</param>
    public static PortMappingOptions? Options(NodeSettings settings, IPEndPoint listen)
    {
        var ports = new List<PortToMap>();
        if (settings.Accept && HasIpv4(listen.Address))
        {
            ports.Add(new PortToMap(TransportProtocol.Tcp, (ushort)listen.Port, AddressProtocol.Mesh));
            ports.Add(new PortToMap(TransportProtocol.Udp, (ushort)listen.Port, null));
        }

        // OpenVPN listens on all addresses.
        foreach ((AddressProtocol protocol, ushort port) in (settings.OpenVpn?.EnabledServers ?? []).Select(static s => (s.Protocol, s.Port)))
        {
            if (protocol is AddressProtocol.Tcp or AddressProtocol.Udp)
                ports.Add(new PortToMap(protocol == AddressProtocol.Tcp ? TransportProtocol.Tcp : TransportProtocol.Udp, port, protocol));
        }

        return PortMappingKeys.Map(settings.Config, ports);
    }

    /// <summary>The way to the gateway, from this network namespace.</summary>
    public static PortMappingPort Open(NodeSettings settings) => new(new PortMappingPortOptions
    {
        Gateway = settings.Config.Get(PortMappingKeys.Gateway) is { Length: > 0 } gateway ? IPAddress.Parse(gateway) : null,
        Local = settings.Listen.Address is { AddressFamily: AddressFamily.InterNetwork } own && !own.Equals(IPAddress.Any) ? own : null,
        Program = settings.Config.Get(PortMappingKeys.Program),
        Mark = settings.Mark,
        UnderlayDevice = settings.UnderlayDevice,
    });

    private static bool HasIpv4(IPAddress listen) => !IPAddress.IsLoopback(listen) && (listen.AddressFamily == AddressFamily.InterNetwork || listen.Equals(IPAddress.IPv6Any));
}
