using System.Net;
using Mesh.Babel;
using Mesh.Cli.Configuration;
using Mesh.Cli.Shell;
using Mesh.DataPlane;
using Mesh.Hocon.Schema;
using Mesh.Node.Peers;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.OpenVpn;
using Mesh.Platform.Linux.Forwarding;
using Mesh.Protocol.Addressing;

namespace Mesh.Cli.Node;

/// <summary>What a configuration says about a node.</summary>
/// <param name="Config">The configuration, for the parts that read it themselves.</param>
/// <param name="RegistryUrl">Base URL of the registry, without a slash at its end.</param>
/// <param name="Listen">Where tunnels are accepted.</param>
/// <param name="Accept">Whether any are.</param>
/// <param name="Tunnels">Tunnels, with the addresses that are advertised.</param>
/// <param name="Peers">Sessions with other nodes.</param>
/// <param name="Babel">Routing.</param>
internal sealed record NodeSettings(ResolvedConfig Config, string RegistryUrl, IPEndPoint Listen, bool Accept, TunnelsOptions Tunnels, PeersOptions Peers, BabelOptions Babel)
{
    /// <summary>Tunnels of OpenVPN, or null for none.</summary>
    public OpenVpnOptions? OpenVpn { get; init; }

    /// <summary>The settings of a configuration.</summary>
    /// <exception cref="CommandFailedException">What a node needs is missing.</exception>
    public static NodeSettings From(ResolvedConfig config)
    {
        if (!config.TryGet(NodeKeys.Registry, out Uri? registry))
            throw CommandFailedException.Usage($"{NodeKeys.Registry.Path} is not set: say --registry URL, or set it in the configuration");
        AdvertisedAddress[] advertised = [.. config.Get(NodeKeys.Advertise).Select(static text => AdvertisedEndPoint.TryParse(text, out AdvertisedAddress address) ? address : throw new FormatException(text))];
        BabelOptions babel = BabelKeys.Map(config);
        if (babel.Problems().ToList() is { Count: > 0 } problems)
            throw CommandFailedException.Usage(problems);
        TunnelsOptions tunnels = TunnelKeys.Map(config) with { Advertised = new AddressList(advertised) };
        return new NodeSettings(config, registry.OriginalString.TrimEnd('/'), config.Get(NodeKeys.Listen), config.Get(NodeKeys.Accept), tunnels, PeersKeys.Map(config), babel) { OpenVpn = OpenVpnKeys.Map(config) };
    }

    /// <summary>The mark of what goes into the underlay, or null for none.</summary>
    public uint? Mark => Config.Get(NodeKeys.Mark) is var mark and not 0 ? (uint)mark : null;

    /// <summary>The only interface of the underlay, or null for any.</summary>
    public string? UnderlayDevice => Config.Get(NodeKeys.UnderlayDevice) is { Length: > 0 } device ? device : null;

    /// <summary>Settings of the data plane.</summary>
    /// <param name="failed">Told when forwarding has ended.</param>
    public LinuxDataPlaneOptions DataPlane(Action<Exception> failed) => new()
    {
        DeviceName = Config.Get(NodeKeys.DeviceName),
        DeviceMtu = Config.Get(NodeKeys.DeviceMtu),
        Local = Listen,
        SocketBufferOctets = (int)Config.Get(NodeKeys.SocketBuffer),
        Offload = Config.Get(NodeKeys.Offload),
        Mark = Mark,
        UnderlayDevice = UnderlayDevice,
        Engine = new LinuxDataPlaneOptions().Engine with
        {
            IcmpErrorsPerSecond = Config.Get(NodeKeys.IcmpErrorsPerSecond),
            IcmpErrorBurst = Config.Get(NodeKeys.IcmpErrorBurst),
            WornAfter = Config.Get(NodeKeys.RekeyPackets),
            ForwardsForHost = OpenVpn is not null || Config.Get(NodeKeys.Gateway) || Config.Get(NodeKeys.Interfaces).Count > 0,   // the kernel forwards from TAP devices, the world or the LAN
        },
        Failed = failed,
    };
}
