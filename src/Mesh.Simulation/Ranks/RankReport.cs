using Mesh.Simulation.Engine;

namespace Mesh.Simulation.Ranks;

/// <summary>What the script may see of a part of the world that one rank computes. The other ranks have what that one told last, which it does before the script looks.</summary>
internal sealed class RankReport
{
    private readonly SimulationEngine _engine;
    private readonly Lane _lane;
    private bool _isChanged;

    /// <summary>Registers a report. All ranks do so in the same order.</summary>
    /// <param name="engine">The world.</param>
    /// <param name="lane">Where that part of the world is computed.</param>
    /// <param name="write">Tells what is so; called at that rank.</param>
    /// <param name="read">Takes over what was told; called at the others.</param>
    public RankReport(SimulationEngine engine, Lane lane, Action<RankWriter> write, Action<RankReader> read)
    {
        (_engine, _lane, Write, Read) = (engine, lane, write, read);
        Number = engine.AddReport(this);
    }

    /// <summary>Its number in the world.</summary>
    public int Number { get; }

    public Action<RankWriter> Write { get; }

    public Action<RankReader> Read { get; }

    /// <summary>Something in it has changed. Does nothing at ranks that do not compute it.</summary>
    public void Change()
    {
        if (_isChanged || !_engine.HasRanks || !_lane.IsLocal)
            return;
        _isChanged = true;
        _lane.Changed.Add(this);
    }

    /// <summary>It is being told.</summary>
    public void Told() => _isChanged = false;
}
