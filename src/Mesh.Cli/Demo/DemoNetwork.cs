using System.Diagnostics;
using System.Net;
using Mesh.Platform.Linux.Namespaces;
using Mesh.Platform.Linux.Netlink;

namespace Mesh.Cli.Demo;

/// <summary>One machine of the demo.</summary>
/// <param name="Name">For people.</param>
/// <param name="Namespace">Its network.</param>
/// <param name="Address">Its underlay address.</param>
/// <param name="IsBehindNat">False where others can connect to it.</param>
internal sealed record DemoMachine(string Name, NetworkNamespace Namespace, IPAddress Address, bool IsBehindNat);

/// <summary>The underlay of the demo: a bridge that stands for the Internet, machines on it, and two sites behind NAT. All in network namespaces of its own.</summary>
/// <remarks><code>
///   registry  relay-1  relay-2     paris-1 paris-2 paris-3    tokyo-1 tokyo-2 tokyo-3
///      |         |        |           \      |      /            \      |      /
///      |         |        |           NAT router paris           NAT router tokyo
///   ===+=========+========+==================+=========================+============  198.51.100.0/24
/// </code></remarks>
internal sealed class DemoNetwork : IDisposable
{
    private const int PrefixLength = 24;
    private const string Uplink = "wan";
    private const string Label = "mesh-demo-";

    private readonly Stack<NetworkNamespace> _namespaces = new();
    private readonly NetworkNamespace _internet;
    private int _ports;

    private DemoNetwork() => _internet = AddNamespace("internet");

    /// <summary>The registry's machine, which has a node, too.</summary>
    public DemoMachine Registry => Nodes[0];

    /// <summary>The machines with a node: the registry's, two with public addresses, and those behind NAT.</summary>
    public List<DemoMachine> Nodes { get; } = [];

    /// <summary>Builds it.</summary>
    /// <param name="nodesPerSite">How many nodes each NAT router has behind it.</param>
    /// <exception cref="Platform.Linux.LinuxException">The kernel refused.</exception>
    /// <exception cref="IOException">nft failed.</exception>
    public static DemoNetwork Build(int nodesPerSite)
    {
        var network = new DemoNetwork();
        try
        {
            network.AddBridge(network._internet);
            network.Nodes.Add(network.AddPublic("registry", 1));
            network.Nodes.Add(network.AddPublic("relay-1", 11));
            network.Nodes.Add(network.AddPublic("relay-2", 12));
            network.AddSite("paris", 101, IPAddress.Parse("10.1.0.254"), nodesPerSite);
            network.AddSite("tokyo", 102, IPAddress.Parse("10.2.0.254"), nodesPerSite);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>Removes what an earlier demo left behind because it was killed itself.</summary>
    public static int RemoveLeftovers() => NetworkNamespace.RemoveLeftovers(Label);

    /// <summary>Removes everything, in reverse order; processes that run inside are killed. What cannot be removed does not keep the rest from going.</summary>
    public void Dispose()
    {
        var problems = new List<Exception>();
        while (_namespaces.TryPop(out NetworkNamespace? last))
        {
            try
            {
                last.Dispose();
            }
            catch (Exception e)
            {
                problems.Add(e);
            }
        }

        if (problems.Count > 0)
            throw new IOException($"the demo could not remove all it made: {problems[0].Message}", problems[0]);
    }

    /// <summary>Changes the packet filter of a machine.</summary>
    /// <param name="where">The machine's namespace.</param>
    /// <param name="commands">In the language of nft.</param>
    /// <exception cref="IOException">nft failed.</exception>
    public static void Nft(NetworkNamespace where, string commands)
    {
        Process nft = where.Start(new ProcessStartInfo("nft") { ArgumentList = { commands }, RedirectStandardError = true, UseShellExecute = false });
        string problem = nft.StandardError.ReadToEnd();
        nft.WaitForExit();
        if (nft.ExitCode != 0)
            throw new IOException($"nft failed in {where.Name}: {problem.Trim()}");
    }

    private static IPAddress Public(byte host) => new([198, 51, 100, host]);

    private NetworkNamespace AddNamespace(string name)
    {
        var made = NetworkNamespace.Create($"{Label}{name}");
        _namespaces.Push(made);
        return made;
    }

    private void AddBridge(NetworkNamespace where) => where.Run(() =>
    {
        using var netlink = RouteNetlink.Open();
        netlink.AddBridge("bridge");
        netlink.SetUp(netlink.GetLink("bridge").Index, up: true);
    });

    private DemoMachine AddPublic(string name, byte host)
    {
        NetworkNamespace machine = AddNamespace(name);
        Plug(machine, Uplink, _internet);
        machine.Configure(Uplink, Public(host), PrefixLength);
        return new DemoMachine(name, machine, Public(host), IsBehindNat: false);
    }

    private void AddSite(string site, byte publicHost, IPAddress inside, int nodes)
    {
        NetworkNamespace router = AddNamespace($"{site}-nat");
        Plug(router, Uplink, _internet);
        router.Configure(Uplink, Public(publicHost), PrefixLength);
        AddBridge(router);
        router.Configure("bridge", inside, PrefixLength);
        router.Run(() => File.WriteAllText("/proc/sys/net/ipv4/ip_forward", "1"));
        Nft(router, $"add table ip nat; add chain ip nat out {{ type nat hook postrouting priority srcnat; }}; add rule ip nat out oifname {Uplink} masquerade");
        byte[] network = inside.GetAddressBytes();
        for (byte i = 1; i <= nodes; i++)
        {
            NetworkNamespace machine = AddNamespace($"{site}-{i}");
            var address = new IPAddress([network[0], network[1], network[2], i]);
            Plug(machine, Uplink, router);
            machine.Configure(Uplink, address, PrefixLength);
            machine.Run(() =>
            {
                using var netlink = RouteNetlink.Open();
                netlink.AddRoute(new KernelRoute(IPAddress.Any, 0) { Gateway = inside, Link = netlink.GetLink(Uplink).Index });
            });
            Nodes.Add(new DemoMachine($"{site}-{i}", machine, address, IsBehindNat: true));
        }
    }

    // A virtual cable from the machine to the other one's bridge.
    private void Plug(NetworkNamespace machine, string name, NetworkNamespace bridge)
    {
        string port = $"port{++_ports}";
        machine.Plug(name, bridge, port);
        bridge.Run(() =>
        {
            using var netlink = RouteNetlink.Open();
            int index = netlink.GetLink(port).Index;
            netlink.SetMaster(index, netlink.GetLink("bridge").Index);
            netlink.SetUp(index, up: true);
        });
    }
}
