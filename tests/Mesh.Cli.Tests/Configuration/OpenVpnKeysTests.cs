using Mesh.Cli.Configuration;
using Mesh.Cli.Node;
using Mesh.Cli.Shell;
using Mesh.Hocon.Schema;
using Mesh.Node.Tunnels.OpenVpn;
using Mesh.Protocol.Addressing;

namespace Mesh.Cli.Tests.Configuration;

public sealed class OpenVpnKeysTests
{
    private static readonly CliContext Context = new() { Out = TextWriter.Null, Error = TextWriter.Null, Environment = new Dictionary<string, string>(StringComparer.Ordinal) };

    [Fact]
    public void It_is_off_unless_it_is_asked_for_and_then_as_in_re6st()
    {
        Assert.Null(OpenVpnKeys.Map(MeshSchema.Load(Context, [], [])));
        OpenVpnOptions options = OpenVpnKeys.Map(MeshSchema.Load(Context, [], ["node.openvpn.enabled=on"]))!;
        Assert.Equal([new OpenVpnListen(1194, AddressProtocol.Udp), new OpenVpnListen(1194, AddressProtocol.Tcp)], options.Servers);
        Assert.Equal([new OpenVpnListen(1194, AddressProtocol.Tcp)], options.EnabledServers);
        Assert.Equivalent(new OpenVpnOptions { Servers = options.Servers }, options, strict: true);
    }

    [Theory]
    [InlineData("node.openvpn.listen=1194")]
    [InlineData("node.openvpn.listen=0/tcp")]
    [InlineData("node.openvpn.listen=65536/tcp")]
    [InlineData("node.openvpn.listen=1194/mesh")]
    [InlineData("node.openvpn.listen=1194/udp4")]
    [InlineData("node.openvpn.listen=1194/tcp,1195/tcp")]
    [InlineData("node.openvpn.disabled-protocols=mesh")]
    [InlineData("node.openvpn.device-prefix=much-too-long")]
    [InlineData("node.openvpn.device-prefix=a/b")]
    [InlineData("node.openvpn.max-restart-delay=1s,node.openvpn.min-restart-delay=2s")]
    public void What_cannot_be_used_is_refused(string settings)
    {
        string[] sets = settings.StartsWith("node.openvpn.max", StringComparison.Ordinal) ? settings.Split(',') : [settings];
        Assert.Throws<CommandFailedException>(() => MeshSchema.Load(Context, [], sets));
    }

    [Fact]
    public void Each_host_is_advertised_with_the_protocols_of_its_family()
    {
        ResolvedConfig config = MeshSchema.Load(Context, [], ["node.openvpn.enabled=on", "node.openvpn.listen=1194/udp,1195/tcp,1196/tcp6"]);
        IEnumerable<AdvertisedAddress> advertised = KernelHost.Advertised(OpenVpnKeys.Map(config)!, ["192.0.2.7", "2001:db8::7", "192.0.2.7"]);
        Assert.Equal("192.0.2.7,1195,tcp;2001:db8::7,1196,tcp6", new AddressList(advertised).ToString());
    }
}
