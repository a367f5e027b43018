using Mesh.Cli.Configuration;
using Mesh.Cli.Node;
using Mesh.Cli.Shell;
using Mesh.Hocon.Schema;

namespace Mesh.Cli.Tests.Node;

public sealed class NodeCommandTests
{
    private const string Registry = "http://registry.example.org:6680";

    [Fact]
    public async Task A_missing_directory_and_one_that_has_not_joined_are_told_apart()
    {
        using var folder = new TempFolder();
        (await CliRun.OfAsync("node", "run", "--dir", folder["none"])).RefusesWith("there is no such directory");
        (await CliRun.OfAsync("node", "run", "--dir", folder.Path, "--registry", Registry))
            .RefusesWith("has no node.key and no node.crt and no ca.crt: this machine has not joined a network yet; mesh join --help says how");
    }

    [Fact]
    public async Task The_registry_has_to_be_known()
    {
        using var folder = new TempFolder();
        (await CliRun.OfAsync("node", "run", "--dir", folder.Path)).RefusesWith("node.registry is not set");
    }

    [Fact]
    public async Task All_wrong_arguments_are_reported_at_once()
    {
        using var folder = new TempFolder();
        (await CliRun.OfAsync("node", "run", "--dir", folder.Path, "--registry", "x", "--listen", "y", "--advertise", "z"))
            .RefusesWith("--registry x: expected", "--listen y: expected ADDRESS:PORT", "--advertise z: expected ADDRESS:PORT");
    }

    [Fact]
    public async Task The_configuration_in_the_directory_is_read()
    {
        using var folder = new TempFolder();
        string file = folder.Write("node.conf", "node.registry = 7\n");
        (await CliRun.OfAsync("node", "run", "--dir", folder.Path)).RefusesWith($"{file}:1:17: node.registry: expected an http or https URL");
    }

    [Fact]
    public async Task Who_asks_a_node_that_does_not_run_hears_how_to_start_it()
    {
        using var folder = new TempFolder();
        foreach (string command in (string[])["status", "peers"])
        {
            (await CliRun.OfAsync(command, "--dir", folder.Path)).FailsWith("the node in", "is not running; start it with: mesh node run --dir");
            (await CliRun.OfAsync(command, "--dir", folder["none"])).RefusesWith("there is no such directory");
        }
    }

    [Fact]
    public void Settings_come_from_the_keys()
    {
        ResolvedConfig config = MeshSchema.Schema.Resolve(new ConfigSources
        {
            Sets =
            [
                $"node.registry={Registry}/", "node.listen=192.0.2.1:99", "node.accept=no", "node.advertise=192.0.2.9:1,[2001:db8::1]:2", "node.device.name=overlay",
                "node.device.mtu=1300", "node.data-plane.socket-buffer=1 MiB", "node.data-plane.icmp-errors-per-second=7", "node.data-plane.icmp-error-burst=8", "node.tunnel.link-mtu=1400",
            ],
        }).Config;
        NodeSettings settings = NodeSettings.From(config);
        Assert.Equal(Registry, settings.RegistryUrl);
        Assert.Equal(("192.0.2.1:99", false), (settings.Listen.ToString(), settings.Accept));
        Assert.Equal("192.0.2.9,1,mesh;2001:db8::1,2,mesh", settings.Tunnels.Advertised.ToString());
        Assert.Equal(1400, settings.Tunnels.Tunnel.LinkMtu);
        Mesh.Platform.Linux.Forwarding.LinuxDataPlaneOptions plane = settings.DataPlane(static _ => { });
        Assert.Equal(("overlay", 1300, 1 << 20), (plane.DeviceName, plane.DeviceMtu, plane.SocketBufferOctets));
        Assert.Equal((7, 8), (plane.Engine.IcmpErrorsPerSecond, plane.Engine.IcmpErrorBurst));
    }
}
