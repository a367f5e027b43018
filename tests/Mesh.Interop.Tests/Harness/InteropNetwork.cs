using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Mesh.Cli.Control;
using Mesh.Cli.Node;
using Mesh.Cli.Shell;
using Mesh.Cli.Tests;
using Mesh.Cli.Tests.Processes;
using Mesh.Cli.Tests.Registry;
using Mesh.Platform.Linux.Namespaces;
using Mesh.Platform.Linux.Netlink;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Interop.Tests.Harness;

/// <summary>Machines on one link, a registry on the first one, and a certificate for each: node N/16 is on machine N.</summary>
internal sealed class InteropNetwork : IAsyncDisposable
{
    /// <summary>The overlay.</summary>
    public const string Overlay = "2001:db8:42::/48";

    private const string Label = "mesh-interop-";
    private const int RegistryPort = 6680;

    private readonly TempFolder _folder = new();
    private readonly List<NetworkNamespace> _spaces = [];
    private readonly Dictionary<Machine, MeshProcess> _nodes = [];
    private readonly List<MeshProcess> _ended = [];
    private MeshProcess? _registry;
    private RegistryVisitor? _visitor;

    private InteropNetwork()
    {
    }

    /// <summary>The machines.</summary>
    public List<Machine> Machines { get; } = [];

    /// <summary>The routers of the last machines, where those are behind NAT.</summary>
    public List<NatBox> Routers { get; } = [];

    private string RegistryDirectory => _folder["registry"];

    private string Url => $"http://{Machines[0].Address}:{RegistryPort}";

    /// <summary>Builds it; no node runs yet.</summary>
    /// <param name="machines">How many.</param>
    /// <param name="settings">Of the registry, as PATH=VALUE.</param>
    public static Task<InteropNetwork> StartAsync(int machines, params string[] settings) => StartAsync(machines, behindNat: 0, settings);

    /// <summary>Builds it, and puts the last machines behind a router each; the link has public addresses then.</summary>
    /// <param name="machines">How many.</param>
    /// <param name="behindNat">How many of them are behind a router.</param>
    /// <param name="settings">Of the registry, as PATH=VALUE.</param>
    public static async Task<InteropNetwork> StartAsync(int machines, int behindNat, string[] settings)
    {
        NeedsRoot.Check();
        NetworkNamespace.RemoveLeftovers(Label);
        var network = new InteropNetwork();
        try
        {
            network.Build(machines, behindNat);
            await network.ServeAsync(settings);
            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    /// <summary>The overlay address of the node on a machine.</summary>
    public string AddressOf(Machine machine) => Machines.IndexOf(machine) is var number && number == 0 ? "2001:db8:42::1" : string.Create(CultureInfo.InvariantCulture, $"2001:db8:42:{number}::1");

    /// <summary>Starts our node on a machine, where OpenVPN is used and nothing else, unless the settings say otherwise.</summary>
    public void StartNode(Machine machine, params string[] settings)
    {
        string[] all = ["node.accept=false", "node.openvpn.enabled=true", "node.advertise-own=all", "node.tunnels.tick=1s", "node.tunnels.min-retry-delay=1s", "log.level=debug", .. settings];
        _nodes[machine] = machine.StartMesh(["node", "run", "--dir", machine.Directory, "--registry", Url, .. all.SelectMany(static setting => (string[])["--set", setting])]);
    }

    /// <summary>Pulls the cable of a machine out of the link that joins them all, or plugs it in.</summary>
    public void SetCable(Machine machine, bool isIn) => _spaces[0].Run(() =>
    {
        using var netlink = RouteNetlink.Open();
        netlink.SetUp(netlink.GetLink(PortOf(Machines.IndexOf(machine))).Index, isIn);
    });

    /// <summary>Ends a node in order.</summary>
    public async Task<CliRun> StopNodeAsync(Machine machine)
    {
        _nodes.Remove(machine, out MeshProcess? process);
        _ended.Add(process!);
        return await process!.TerminateAsync();
    }

    /// <summary>Ends a node as a power failure would.</summary>
    public async Task KillNodeAsync(Machine machine)
    {
        _nodes.Remove(machine, out MeshProcess? process);
        _ended.Add(process!);
        await process!.KillAsync();
    }

    /// <summary>What a node has logged.</summary>
    public string LogOf(Machine machine) => _nodes[machine].Errors;

    /// <summary>How a node is, or null where it does not answer.</summary>
    public static async Task<NodeStatusReport?> StatusAsync(Machine machine)
    {
        try
        {
            using ControlClient client = RunningNode.Connect(machine.Directory);
            return await client.AskAsync<NodeStatusReport>(NodeControl.Status, argument: null, TestContext.Current.CancellationToken);
        }
        catch (CommandFailedException)
        {
            return null;
        }
    }

    /// <summary>Waits until a node's status is as it should be.</summary>
    public async Task<NodeStatusReport> AwaitAsync(Machine machine, string what, Func<NodeStatusReport, bool> condition)
    {
        NodeStatusReport? status = null;
        await Eventually.TrueAsync(async () => (status = await StatusAsync(machine)) is not null && condition(status), what, () => $"{JsonText.Text(status)}\n{LogOf(machine)}");
        return status!;
    }

    /// <summary>Tells the registry where the node on a machine can be reached, as the node would.</summary>
    public async Task AdvertiseAsync(Machine machine, string addresses)
    {
        (NodePrefix prefix, PrivateKey key, AuthorityCertificate authority) = await IdentityAsync(machine);
        VisitorAnswer answer = await _visitor!.CallAsync(prefix, key, authority, RegistryMethod.Advertise, (RegistryMethod.AddressesArgument, addresses));
        Assert.True(answer.Status is HttpStatusCode.OK or HttpStatusCode.NoContent, answer.Text);
    }

    /// <summary>The Diffie-Hellman parameters of the registry, PEM.</summary>
    public async Task<string> DiffieHellmanAsync(Machine machine)
    {
        (NodePrefix prefix, PrivateKey key, AuthorityCertificate authority) = await IdentityAsync(machine);
        return (await _visitor!.CallAsync(prefix, key, authority, RegistryMethod.GetDh)).Text;
    }

    /// <summary>The key with which a node signs routing messages, in hexadecimal.</summary>
    public async Task<string> RoutingKeyAsync(Machine machine)
    {
        (NodePrefix prefix, PrivateKey key, AuthorityCertificate authority) = await IdentityAsync(machine);
        NetworkParameters parameters = await _visitor!.ParametersAsync(prefix, key, authority);
        Assert.True(key.TryDecrypt(parameters.BabelHmacSign!.Value.AsSpan(), out byte[]? sign));
        return Convert.ToHexStringLower(sign);
    }

    /// <summary>Gives the registry an order.</summary>
    public async Task<string> OrderAsync(params string[] order)
    {
        CliRun run = await CliRun.OfAsync(["registry", .. order, "--dir", RegistryDirectory]);   // over its control socket, which has no network
        Assert.True(run.ExitCode == ExitCode.Ok, run.Error);
        return run.Out.Trim();
    }

    public async ValueTask DisposeAsync()
    {
        _visitor?.Dispose();
        foreach (MeshProcess process in _nodes.Values.Concat(_ended))
            await process.DisposeAsync();
        if (_registry is not null)
            await _registry.DisposeAsync();
        foreach (NetworkNamespace space in Enumerable.Reverse(_spaces))
            space.Dispose();   // and kills what still runs inside
        foreach (NatBox router in Routers)
            router.Dispose();
        _folder.Dispose();
    }

    private void Build(int machines, int behindNat)
    {
        NetworkNamespace hub = Add("hub");
        hub.Run(static () =>
        {
            using var netlink = RouteNetlink.Open();
            netlink.AddBridge("bridge");
            netlink.SetUp(netlink.GetLink("bridge").Index, up: true);
        });
        for (byte number = 0; number < machines; number++)
        {
            bool isNatted = number >= machines - behindNat;
            NetworkNamespace space = Add($"m{number}"), plugged = isNatted ? Add($"r{number}") : space;
            string port = PortOf(number), link = isNatted ? NatBox.Outside : "under";
            plugged.Plug(link, hub, port);
            hub.Run(() =>
            {
                using var netlink = RouteNetlink.Open();
                int index = netlink.GetLink(port).Index;
                netlink.SetMaster(index, netlink.GetLink("bridge").Index);
                netlink.SetUp(index, up: true);
            });
            // What is not private: miniupnpd maps nothing where its external address is, nor where it is one for documentation.
            IPAddress address = new([behindNat > 0 ? (byte)20 : (byte)10, 88, 0, (byte)(number + 1)]);
            plugged.Configure(link, address, 24);
            if (isNatted)
            {
                address = new IPAddress([10, number, 0, 1]);
                Routers.Add(new NatBox(plugged, space, new IPAddress([10, number, 0, 254]), address));
            }

            Machines.Add(new Machine(space, address, _folder[$"n{number}"]));
        }
    }

    private static string PortOf(int machine) => string.Create(CultureInfo.InvariantCulture, $"port{machine}");

    private NetworkNamespace Add(string name)
    {
        var space = NetworkNamespace.Create($"{Label}{name}");
        _spaces.Add(space);
        return space;
    }

    private async Task ServeAsync(string[] settings)
    {
        Machine first = Machines[0];
        await OrderAsync("init", "--network", Overlay);
        string[] all = ["registry.hello=1s", .. settings];
        _registry = first.StartMesh(["registry", "run", "--dir", RegistryDirectory, "--listen", $"{first.Address}:{RegistryPort}", .. all.SelectMany(static setting => (string[])["--set", setting])]);
        _visitor = new RegistryVisitor(Url, open: () => first.Space.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)));
        Assert.Equal(Url, await _registry.ReadLineAsync());
        string token = await OrderAsync("token", "add", "--uses", Machines.Count.ToString(CultureInfo.InvariantCulture));
        foreach (Machine machine in Machines)   // in this order, which is that of the prefixes
            await JoinAsync(machine, token);
    }

    // What mesh join does.
    private async Task JoinAsync(Machine machine, string token)
    {
        using PrivateKey key = PrivateKey.Generate();
        NodeCertificate certificate = await _visitor!.JoinAsync(token, key);
        Directory.CreateDirectory(machine.Directory);
        foreach ((string name, string text) in new[] { ("node.key", key.ToPem()), ("node.crt", certificate.ToPem()), ("ca.crt", (await _visitor.GetAsync(RegistryMethod.GetCa)).Text) })
            await File.WriteAllTextAsync(Path.Combine(machine.Directory, name), text, TestContext.Current.CancellationToken);
        File.SetUnixFileMode(Path.Combine(machine.Directory, "node.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static async Task<(NodePrefix Prefix, PrivateKey Key, AuthorityCertificate Authority)> IdentityAsync(Machine machine)
    {
        async Task<string> ReadAsync(string name) => await File.ReadAllTextAsync(Path.Combine(machine.Directory, name), TestContext.Current.CancellationToken);
        Assert.True(PrivateKey.TryFromPem(await ReadAsync("node.key"), out PrivateKey? key));
        return (RegistryVisitor.Read(await ReadAsync("node.crt")).Prefix, key, RegistryVisitor.ReadAuthority(await ReadAsync("ca.crt")));
    }
}
