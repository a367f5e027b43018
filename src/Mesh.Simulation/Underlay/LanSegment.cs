namespace Mesh.Simulation.Underlay;

/// <summary>Machines that are plugged into one switch: what one of them sends to a group reaches all others. Only scripts change it.</summary>
public sealed class LanSegment
{
    private readonly List<Machine> _machines = [];

    /// <summary>Who is plugged in, in that order.</summary>
    public IReadOnlyList<Machine> Machines => _machines;

    /// <summary>Plugs a machine in here, and out where it was.</summary>
    public void Plug(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        machine.Lan?._machines.Remove(machine);
        _machines.Add(machine);
        machine.Lan = this;
    }
}
