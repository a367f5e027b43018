using System.Net;
using Mesh.Cli.Configuration;
using Mesh.Cli.Node;
using Mesh.Cli.Shell;
using Mesh.Node.PortMapping;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.PortMapping;

namespace Mesh.Cli.Tests.Configuration;

public sealed class PortMappingKeysTests
{
    private static readonly CliContext Context = new() { Out = TextWriter.Null, Error = TextWriter.Null, Environment = new Dictionary<string, string>(StringComparer.Ordinal) };

    [Fact]
    public void It_is_on_for_both_ports_of_native_tunnels_unless_something_else_is_said()
    {
        PortMappingOptions options = Options()!;
        Assert.Equal([new PortToMap(TransportProtocol.Tcp, 6626, AddressProtocol.Mesh), new PortToMap(TransportProtocol.Udp, 6626, null)], options.Ports);
        Assert.Equivalent(new PortMappingOptions { Ports = options.Ports }, options, strict: true);
        Assert.Null(Options("node.port-mapping.enabled=off"));
        Assert.Null(Options("node.accept=off"));
        Assert.Null(Options("node.listen=[2001:db8::1]:6626"));
        Assert.Null(Options("node.listen=127.0.0.1:6626"));
        Assert.NotNull(Options("node.listen=10.1.0.1:6626"));
    }

    [Fact]
    public void Ports_of_OpenVPN_are_mapped_too_those_of_IPv4()
    {
        PortMappingOptions options = Options("node.accept=off", "node.openvpn.enabled=on", "node.openvpn.listen=1194/udp,1195/tcp,1196/tcp6", "node.openvpn.disabled-protocols=udp6")!;
        Assert.Equal([new PortToMap(TransportProtocol.Udp, 1194, AddressProtocol.Udp), new PortToMap(TransportProtocol.Tcp, 1195, AddressProtocol.Tcp)], options.Ports);
    }

    [Fact]
    public void What_is_said_is_taken()
    {
        PortMappingOptions options = Options(
            "node.port-mapping.methods=upnp,nat-pmp", "node.port-mapping.lifetime=2h", "node.port-mapping.check-interval=33s", "node.port-mapping.min-retry-delay=7s", "node.port-mapping.max-retry-delay=8s",
            "node.advertise-own=all")!;
        Assert.Equal([PortMappingMethod.Upnp, PortMappingMethod.NatPmp], options.Methods);
        Assert.Equal(
            (TimeSpan.FromHours(2), TimeSpan.FromSeconds(33), TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(8), true),
            (options.Lifetime, options.CheckInterval, options.MinRetryDelay, options.MaxRetryDelay, options.AcceptsPrivate));
    }

    [Theory]
    [InlineData("node.port-mapping.methods=")]
    [InlineData("node.port-mapping.methods=pcp,pcp")]
    [InlineData("node.port-mapping.methods=igd")]
    [InlineData("node.port-mapping.gateway=router")]
    [InlineData("node.port-mapping.gateway=fe80::1")]
    [InlineData("node.port-mapping.gateway=7")]
    [InlineData("node.port-mapping.upnpc=")]
    [InlineData("node.port-mapping.lifetime=1s")]
    [InlineData("node.port-mapping.min-retry-delay=2h")]
    public void What_cannot_be_used_is_refused(string setting) => Assert.Throws<CommandFailedException>(() => MeshSchema.Load(Context, [], [setting]));

    private static PortMappingOptions? Options(params string[] sets)
    {
        NodeSettings settings = NodeSettings.From(MeshSchema.Load(Context, [], ["node.registry=http://127.0.0.1:1", .. sets]));
        return PortMappingHost.Options(settings, new IPEndPoint(settings.Listen.Address, settings.Listen.Port));
    }
}
