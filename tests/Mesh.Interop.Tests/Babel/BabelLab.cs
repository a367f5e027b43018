using System.Globalization;
using System.Net;
using Mesh.Cli.Tests;
using Mesh.Platform.Linux.Namespaces;
using Mesh.Platform.Linux.Netlink;

namespace Mesh.Interop.Tests.Babel;

/// <summary>Machines, each a network namespace, and links between them that can be cut without anybody being told.</summary>
/// <remarks>
/// A link is a bridge in a namespace of its own. A machine that is number N has fe80::N on each of its links and 2001:db8:N::1 on its loopback. A port that is taken off its bridge keeps its
/// carrier: nothing but the silence shows that the link is cut.
/// </remarks>
internal sealed class BabelLab : IDisposable
{
    private const string Label = "mesh-babel-";

    private readonly List<NetworkNamespace> _spaces = [];
    private readonly List<IDisposable> _parts = [];
    private readonly NetworkNamespace _hub;
    private readonly Dictionary<(LabMachine, string), string> _ports = [];
    private int _bridges;

    public BabelLab()
    {
        NeedsRoot.Check();
        NetworkNamespace.RemoveLeftovers(Label);
        _hub = Add("hub");
    }

    /// <summary>Where the machines' programs keep their files.</summary>
    public TempFolder Folder { get; } = new();

    /// <summary>Adds a machine.</summary>
    /// <param name="number">1..99.</param>
    public LabMachine Machine(int number)
    {
        var machine = new LabMachine(this, number, Add(string.Create(CultureInfo.InvariantCulture, $"m{number}-")));
        machine.Space.Run(() =>
        {
            foreach (string setting in (string[])["all/forwarding", "default/forwarding"])
                File.WriteAllText($"/proc/sys/net/ipv6/conf/{setting}", "1");
            // No other link-local addresses than ours, which can be used at once.
            File.WriteAllText("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1");
            File.WriteAllText("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
            using var netlink = RouteNetlink.Open();
            netlink.AddAddress(netlink.GetLink("lo").Index, machine.Loopback, 128);
        });
        return machine;
    }

    /// <summary>Joins machines by a link. Each knows it by the name that is given.</summary>
    public void Link(string name, params LabMachine[] machines)
    {
        string bridge = string.Create(CultureInfo.InvariantCulture, $"link{_bridges++}");
        int index = _hub.Run(() =>
        {
            using var netlink = RouteNetlink.Open();
            netlink.AddBridge(bridge);
            int made = netlink.GetLink(bridge).Index;
            netlink.SetUp(made, up: true);
            return made;
        });
        foreach (LabMachine machine in machines)
        {
            string port = string.Create(CultureInfo.InvariantCulture, $"p{machine.Number}-{name}");
            machine.Space.Plug(name, _hub, port);
            SetMaster(port, index);
            _ports[(machine, name)] = port;
            machine.Space.Configure(name, machine.LinkLocal, 64);
        }
    }

    /// <summary>Takes a machine off a link; its device does not notice.</summary>
    public void Cut(LabMachine machine, string link) => SetMaster(_ports[(machine, link)], 0);

    /// <summary>Keeps something until the end, when it is disposed before the machines.</summary>
    public T Keep<T>(T part)
        where T : IDisposable
    {
        _parts.Add(part);
        return part;
    }

    public void Dispose()
    {
        foreach (IDisposable part in Enumerable.Reverse(_parts))
            part.Dispose();
        foreach (NetworkNamespace space in Enumerable.Reverse(_spaces))
            space.Dispose();
        Folder.Dispose();
    }

    private void SetMaster(string port, int bridge) => _hub.Run(() =>
    {
        using var netlink = RouteNetlink.Open();
        int index = netlink.GetLink(port).Index;
        netlink.SetMaster(index, bridge);
        netlink.SetUp(index, up: true);
    });

    private NetworkNamespace Add(string name)
    {
        var space = NetworkNamespace.Create($"{Label}{name}");
        _spaces.Add(space);
        return space;
    }
}

/// <summary>One machine.</summary>
internal sealed class LabMachine(BabelLab lab, int number, NetworkNamespace space)
{
    public BabelLab Lab => lab;

    public int Number => number;

    public NetworkNamespace Space => space;

    /// <summary>Its address on every link.</summary>
    public IPAddress LinkLocal { get; } = IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"fe80::{number}"));

    /// <summary>Its own address, which is announced where a test says so.</summary>
    public IPAddress Loopback { get; } = IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"2001:db8:{number}::1"));

    /// <summary>The prefix of <see cref="Loopback"/>, as text.</summary>
    public string Prefix => string.Create(CultureInfo.InvariantCulture, $"2001:db8:{number}::/64");

    /// <summary>A file of the machine.</summary>
    public string File(string name) => lab.Folder[string.Create(CultureInfo.InvariantCulture, $"{number}-{name}")];

    /// <summary>The index of a link.</summary>
    public int IndexOf(string link) => space.Run(() =>
    {
        using var netlink = RouteNetlink.Open();
        return netlink.GetLink(link).Index;
    });

    /// <summary>The kernel's routes that Babel speakers have made, in order.</summary>
    public IReadOnlyList<KernelRoute> KernelRoutes() => space.Run(static () =>
    {
        using var netlink = RouteNetlink.Open();
        return netlink.Routes().Where(static route => route.Protocol is KernelRoute.BabelProtocol or 12).OrderBy(static route => route.ToString(), StringComparer.Ordinal).ToArray();
    });
}
