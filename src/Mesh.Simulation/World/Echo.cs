using Mesh.Simulation.Engine;

namespace Mesh.Simulation.World;

/// <summary>A ping that the script has had a node send.</summary>
public sealed class Echo
{
    /// <summary>Payload where nothing is said.</summary>
    public const int DefaultOctets = 16;

    private readonly SimulationEngine _engine;
    private TimeSpan? _roundTrip;

    internal Echo(SimulationEngine engine) => _engine = engine;

    /// <summary>Null until the answer has come.</summary>
    public TimeSpan? RoundTrip
    {
        get
        {
            _engine.Look();
            return _roundTrip;
        }
    }

    // Set by the sender, which may run beside others: what is common to all is counted afterwards.
    internal void Answer(TimeSpan roundTrip) => _roundTrip = roundTrip;
}
