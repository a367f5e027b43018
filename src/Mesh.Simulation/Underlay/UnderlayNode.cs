using System.Net;
using Mesh.Simulation.Engine;

namespace Mesh.Simulation.Underlay;

/// <summary>Something that packets leave from and arrive at: a machine or a NAT box.</summary>
public abstract class UnderlayNode
{
    private long _sequence;

    private protected UnderlayNode(SimulationEngine engine, Internet internet, string name, IPAddress address, Place place)
    {
        (Engine, Internet, Name, Address, Place) = (engine, internet, name, address, place);
        Id = engine.AddSource(this);
    }

    /// <summary>Number within the world; part of the order of events.</summary>
    public int Id { get; }

    /// <summary>Name, for people.</summary>
    public string Name { get; }

    /// <summary>The address others see.</summary>
    public IPAddress Address { get; }

    /// <summary>Where it stands; distance makes latency.</summary>
    public Place Place { get; }

    /// <summary>False while it is switched off: it neither gets nor sends.</summary>
    public bool IsOn { get; private protected set; } = true;

    private protected SimulationEngine Engine { get; }

    private protected Internet Internet { get; }

    internal long NextSequence() => _sequence++;

    internal abstract void Receive(Packet packet);
}

/// <summary>A place on the map, in milliseconds of one-way delay along each axis.</summary>
public readonly record struct Place(double X, double Y)
{
    /// <summary>One-way delay to another place: the distance.</summary>
    public double MillisecondsTo(Place other) => Math.Sqrt(((X - other.X) * (X - other.X)) + ((Y - other.Y) * (Y - other.Y)));
}
