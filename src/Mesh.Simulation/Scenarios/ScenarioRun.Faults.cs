using Mesh.Actors;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Scenarios;

/// <content>What is done to machines and to the underlay.</content>
public sealed partial class ScenarioRun
{
    private (string Outcome, bool IsGood) Inflict(Inflict inflict)
    {
        if (inflict.Machine == SimulatedNetwork.RegistryName)
        {
            Inflict(inflict.Fault, _world.Registry.Machine, _world.BootRegistry);
            return ("done", true);
        }

        SimulatedNode[] nodes = inflict.Machine is { } name ? [_world.Find(name)!] : Choose([.. _world.Nodes.Where(node => node != _world.RegistryNode && CanHappen(inflict.Fault, node.Machine))], inflict.Share);
        foreach (SimulatedNode node in nodes)
        {
            Disturb(node);
            Inflict(inflict.Fault, node.Machine, () => _world.Boot(node));
        }

        return (inflict.Machine is null ? $"{nodes.Length} nodes" : "done", true);
    }

    private static void Inflict(MachineFault fault, Machine machine, Action boot)
    {
        switch (fault)
        {
            case MachineFault.Kill:
                machine.Kill();
                break;
            case MachineFault.Crash:
                machine.Crash();
                break;
            case MachineFault.Boot when !machine.IsUp:
                boot();
                break;
            case MachineFault.Sleep:
                machine.Sleep();
                break;
            case MachineFault.Wake:
                machine.Wake();
                break;
        }
    }

    private static bool CanHappen(MachineFault fault, Machine machine) => fault switch
    {
        MachineFault.Boot => !machine.IsUp,
        MachineFault.Wake => machine.IsAsleep,
        _ => machine.IsAwake,
    };

    private (string Outcome, bool IsGood) Partition(Partition partition)
    {
        // The registry and its node stand beside each other and stay on the mainland.
        UnderlayNode[] sites = [.. _world.Nodes.Where(node => node != _world.RegistryNode).Select(static node => node.Machine.Gateway).Distinct()];
        UnderlayNode[] island = partition.Sites.Count > 0
            ? [.. _sites.Where(pair => partition.Sites.Contains(pair.Value.Family, StringComparer.Ordinal)).Select(static pair => pair.Key.Machine.Gateway).Distinct()]
            : Choose(sites, partition.Share);
        _world.Internet.Isolate(island);
        foreach (SimulatedNode node in _world.Nodes)
            Disturb(node);
        return (island.Length == 0 ? "done" : $"{island.Length} of {sites.Length} sites with {_world.Nodes.Count(node => island.Contains(node.Machine.Gateway))} nodes", true);
    }

    private void Disturb(SimulatedNode node)
    {
        _traffic.Disturb(node);
        _watch.Disturb(node);
    }

    private T[] Choose<T>(T[] all, double share)
    {
        _random.Shuffle<T>(all);
        return all[..(int)Math.Ceiling(share * all.Length)];
    }
}
