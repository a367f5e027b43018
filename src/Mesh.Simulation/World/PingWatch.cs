using Mesh.Simulation.Engine;

namespace Mesh.Simulation.World;

/// <summary>When a node was pinged last by an address.</summary>
public sealed class PingWatch
{
    private readonly SimulationEngine _engine;
    private TimeSpan _lastAt;

    internal PingWatch(SimulationEngine engine) => _engine = engine;

    /// <summary>Time of the world; zero for never.</summary>
    public TimeSpan LastAt
    {
        get
        {
            _engine.Look();
            return _lastAt;
        }
    }

    /// <summary>What is known here, for the report of the node.</summary>
    internal TimeSpan Known => _lastAt;

    internal void See(TimeSpan at) => _lastAt = at;
}
