using System.Net;
using Mesh.Simulation.Engine;

namespace Mesh.Simulation.Underlay;

/// <summary>Something that packets leave from and arrive at: a machine, a NAT box, or the downlink before one of them.</summary>
public abstract class UnderlayNode
{
    private long _sequence;

    private protected UnderlayNode(SimulationEngine engine, Internet internet, string name, IPAddress address, Place place, UnderlayNode? beside = null)
    {
        (Engine, Internet, Name, Address, Place) = (engine, internet, name, address, place);
        (Id, Lane) = engine.AddSource(this, beside);
    }

    /// <summary>Number within the world; part of the order of events.</summary>
    public int Id { get; }

    /// <summary>Name, for people.</summary>
    public string Name { get; }

    /// <summary>The address others see.</summary>
    public IPAddress Address { get; }

    /// <summary>Where it stands; distance makes latency.</summary>
    public Place Place { get; }

    /// <summary>What is cut off with it: itself, or what stands between it and the Internet.</summary>
    public virtual UnderlayNode Gateway => this;

    /// <summary>Its line to the Internet.</summary>
    public AccessLink Access { get; private set; } = AccessLink.Perfect;

    /// <summary>Packets that its queue had no room for on their way out.</summary>
    public long Dropped { get; internal set; }

    /// <summary>False while it is switched off: it neither gets nor sends.</summary>
    public bool IsOn { get; private protected set; } = true;

    /// <summary>The world that it is part of.</summary>
    internal SimulationEngine Engine { get; }

    private protected TimeSpan Now => Lane.Now;

    /// <summary>The part of the world that it is computed with.</summary>
    internal Lane Lane { get; }

    /// <summary>Whether this process computes it.</summary>
    internal bool IsLocal => Lane.IsLocal;

    private protected Internet Internet { get; }

    /// <summary>What packets out wait for, or null.</summary>
    internal Shaper? Uplink { get; private set; }

    /// <summary>Where packets in wait, or null.</summary>
    internal Downlink? Downlink { get; private set; }

    /// <summary>Gives it another line to the Internet, before anything is sent over it.</summary>
    internal void SetAccess(AccessLink access)
    {
        Access = access;
        Uplink = access.UpBitsPerSecond > 0 ? new Shaper(access.UpBitsPerSecond, access.Queue) : null;
        Downlink = access.DownBitsPerSecond > 0 ? new Downlink(Engine, Internet, this) : null;
    }

    internal long NextSequence() => _sequence++;

    internal abstract void Receive(Packet packet);
}

/// <summary>A place. What its numbers mean is up to the <see cref="LatencyModel"/>: milliseconds on a plane, degrees of latitude and longitude, or the row of a matrix.</summary>
public readonly record struct Place(double X, double Y);
