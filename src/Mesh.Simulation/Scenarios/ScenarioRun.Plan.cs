using Mesh.Protocol.Registry;
using Mesh.Registry;
using Mesh.Registry.Rotation;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Scenarios;

/// <content>Faults at certain moments.</content>
public sealed partial class ScenarioRun
{
    private static readonly TimeSpan LieInterval = TimeSpan.FromSeconds(1);

    private readonly HashSet<SimulatedNode> _shutOut = [];   // told so to the registry, which may have been off
    private int _lies;

    private (string Outcome, bool IsGood) CarryOut(FaultPlan plan)
    {
        TimeSpan start = _world.Engine.Now;
        var actions = new List<(TimeSpan At, Action Do)>();
        foreach (TimedFault fault in plan.Faults)
        {
            actions.Add((fault.At, () => Begin(fault)));
            if (fault.Kind == FaultKind.Forge)
            {
                for (TimeSpan at = fault.At + LieInterval; at < fault.At + fault.For; at += LieInterval)
                    actions.Add((at, () => Lie(_world.Find(fault.Machines[0])!)));
            }
            else if (TimedFault.Lasts(fault.Kind))
            {
                actions.Add((fault.At + fault.For, () => End(fault)));
            }
        }

        // Stable: what is written first happens first.
        foreach ((TimeSpan at, Action act) in actions.OrderBy(static action => action.At))
        {
            RunFor(start + at - _world.Engine.Now, static () => false);
            if (IsOver)
                return ("not finished", true);
            act();
        }

        RunFor(start + plan.Duration - _world.Engine.Now, static () => false);
        return (string.Join(", ", plan.Faults.GroupBy(static fault => fault.Kind).OrderBy(static group => group.Key).Select(static group => $"{group.Count()} {TimedFault.NameOf(group.Key)}")), true);
    }

    private void Begin(TimedFault fault)
    {
        SimulatedNode? node = TimedFault.IsOfNode(fault.Kind) ? _world.Find(fault.Machines[0])! : null;
        if (node is not null && fault.Kind != FaultKind.Forge)
            Disturb(node);
        Machine registry = _world.Registry.Machine;
        switch (fault.Kind)
        {
            case FaultKind.Kill:
                node!.Machine.Kill();
                break;
            case FaultKind.Crash:
                node!.Machine.Crash();
                break;
            case FaultKind.Sleep:
                node!.Machine.Sleep();
                break;
            case FaultKind.Leave when node!.IsRunning:
                // Not from within the node's own handler.
                node.Leave(() => node.Machine.After(TimeSpan.Zero, node.Machine.Kill));
                break;
            case FaultKind.Partition:
                _world.Internet.Isolate(fault.Machines.Select(name => _world.Find(name)!.Machine.Gateway));
                DisturbAll();
                break;
            case FaultKind.RotateKeys:
                _world.Registry.Order(new AdvanceRotation(IsForced: false));
                break;
            case FaultKind.SetParameters:
                _world.Registry.Options = _world.Registry.Options with { Hello = fault.Hello };
                if (registry.IsUp)
                {
                    registry.Kill();
                    _world.BootRegistry();
                }

                break;
            case FaultKind.RegistryKill:
                registry.Kill();
                break;
            case FaultKind.RegistryOutage:
                registry.Crash();
                break;
            case FaultKind.Revoke when node!.Identity is { } identity:
                _shutOut.Add(node);
                _world.Registry.Order(new Revoke($"{identity.Certificate.SerialNumber}"));
                break;
            case FaultKind.Forge:
                Lie(node!);
                break;
        }
    }

    private void End(TimedFault fault)
    {
        switch (fault.Kind)
        {
            case FaultKind.Partition:
                _world.Internet.Isolate([]);
                DisturbAll();
                break;
            case FaultKind.RegistryKill or FaultKind.RegistryOutage when !_world.Registry.Machine.IsUp:
                _world.BootRegistry();
                break;
            case FaultKind.Kill or FaultKind.Crash or FaultKind.Sleep or FaultKind.Leave:
                SimulatedNode node = _world.Find(fault.Machines[0])!;
                Disturb(node);
                if (fault.Kind == FaultKind.Leave)
                    node.Machine.Kill();   // where it could not leave in time
                if (fault.Kind == FaultKind.Sleep)
                    node.Machine.Wake();
                else if (!node.Machine.IsUp)
                    _world.Boot(node);
                break;
        }
    }

    private void DisturbAll()
    {
        foreach (SimulatedNode node in _world.Nodes)
            Disturb(node);
    }

    private void Lie(SimulatedNode liar)
    {
        if (liar.IsRunning && liar.Version is { } version)
            liar.Spread(NextLie(version, _lies++));
    }

    // Far ahead with a signature of nothing, the next with the signature of another number, and an old one.
    private NetworkVersion NextLie(NetworkVersion old, int number)
    {
        byte[] signature = new byte[SignatureLength];
        _random.NextBytes(signature);
        NetworkVersion genuine = _world.Registry.Published;
        return (number % 3) switch
        {
            0 => NetworkVersion.Create(genuine.Number + ForgedAhead + (ulong)number, signature),
            1 => NetworkVersion.Create(genuine.Number + 1, genuine.Signature),
            _ => old,
        };
    }

    private bool IsShutOut(SimulatedNode node) => _revoked.ContainsKey(node) || (_shutOut.Contains(node) && node.Identity is { } identity
        && _watch.Registry.Revocations.ContainsKey(identity.Certificate.SerialNumber));
}
