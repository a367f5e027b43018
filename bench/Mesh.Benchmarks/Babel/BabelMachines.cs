using System.Net;
using Mesh.Platform.Linux.Namespaces;
using Mesh.Platform.Linux.Netlink;

namespace Mesh.Benchmarks.Babel;

/// <summary>Machines, each a network namespace, joined by links. A link that can be cut is a bridge in a namespace of its own: a port that is taken off it keeps its carrier, so that only silence tells.</summary>
internal sealed class BabelMachines : IDisposable
{
    private const string Label = "mesh-bench";
    private readonly List<NetworkNamespace> _spaces = [];
    private readonly List<NetworkNamespace> _machines = [];
    private readonly NetworkNamespace _hub;

    /// <summary>Makes machines without links.</summary>
    public BabelMachines(int count)
    {
        _hub = Add();
        try
        {
            for (int i = 0; i < count; i++)
                _machines.Add(AddMachine(i));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The machines' namespaces.</summary>
    public IReadOnlyList<NetworkNamespace> Spaces => _machines;

    /// <summary>A machine's address on all of its links.</summary>
    public static IPAddress LinkLocal(int machine) => IPAddress.Parse($"fe80::{machine + 1:x}");

    /// <summary>A machine's own address.</summary>
    public static IPAddress Own(int machine) => IPAddress.Parse($"2001:db8:1::{machine + 1:x}");

    /// <summary>Removes what a run that was killed has left behind.</summary>
    public static void RemoveLeftovers() => NetworkNamespace.RemoveLeftovers(Label);

    /// <summary>Joins machines by a bridge, at which each has a link of that name.</summary>
    public void Join(string name, params int[] machines)
    {
        string bridge = $"b-{name}";
        _hub.Run(() =>
        {
            using var netlink = RouteNetlink.Open();
            netlink.AddBridge(bridge);
            netlink.SetUp(netlink.GetLink(bridge).Index, up: true);
        });
        foreach (int machine in machines)
        {
            _machines[machine].Plug(name, _hub, Port(name, machine));
            SetMaster(Port(name, machine), bridge);
            _machines[machine].Configure(name, LinkLocal(machine), 64);
        }
    }

    /// <summary>Joins two machines by a link of that name.</summary>
    public void Join(string name, int machine, int other)
    {
        _machines[machine].Plug(name, _machines[other], name);
        _machines[machine].Configure(name, LinkLocal(machine), 64);
        _machines[other].Configure(name, LinkLocal(other), 64);
    }

    /// <summary>Takes a machine off a bridge.</summary>
    public void Cut(string name, int machine) => SetMaster(Port(name, machine), bridge: null);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (NetworkNamespace space in _spaces)
            space.Dispose();
    }

    private static string Port(string name, int machine) => $"{name}-{machine}";

    private void SetMaster(string port, string? bridge) => _hub.Run(() =>
    {
        using var netlink = RouteNetlink.Open();
        int index = netlink.GetLink(port).Index;
        netlink.SetMaster(index, bridge is null ? 0 : netlink.GetLink(bridge).Index);
        netlink.SetUp(index, up: true);
    });

    private NetworkNamespace AddMachine(int number)
    {
        NetworkNamespace space = Add();
        space.Run(() =>
        {
            const string Settings = "/proc/sys/net/ipv6/conf";
            File.WriteAllText($"{Settings}/all/forwarding", "1");
            // No other link-local addresses than ours, which can be used at once.
            File.WriteAllText($"{Settings}/default/addr_gen_mode", "1");
            File.WriteAllText($"{Settings}/default/accept_dad", "0");
            using var netlink = RouteNetlink.Open();
            netlink.AddAddress(netlink.GetLink("lo").Index, Own(number), 128);
        });
        return space;
    }

    private NetworkNamespace Add()
    {
        NetworkNamespace space = NetworkNamespace.Create(Label);
        _spaces.Add(space);
        return space;
    }
}
