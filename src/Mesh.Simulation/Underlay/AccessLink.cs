using System.Net;
using Mesh.Simulation.Engine;

namespace Mesh.Simulation.Underlay;

/// <summary>A site's line to the Internet: what it adds to the Internet's own delays and losses.</summary>
public sealed record AccessLink
{
    /// <summary>A line without limits.</summary>
    public static AccessLink Perfect { get; } = new();

    /// <summary>A packet takes up to this much longer, at random, in either direction.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>Share of packets that are lost on it, 0..1, in either direction.</summary>
    public double Loss { get; init; }

    /// <summary>What goes out in a second, in bits; 0 is without limit.</summary>
    public double UpBitsPerSecond { get; init; }

    /// <summary>What comes in in a second, in bits; 0 is without limit.</summary>
    public double DownBitsPerSecond { get; init; }

    /// <summary>How long a packet waits at most for those before it: for longer there is no room in the queue, and it is dropped. Default 100 ms.</summary>
    public TimeSpan Queue { get; init; } = TimeSpan.FromMilliseconds(100);
}

/// <summary>A line with so many bits a second and a queue before it, from whose end packets drop (drop-tail).</summary>
internal sealed class Shaper(double bitsPerSecond, TimeSpan queue)
{
    private TimeSpan _freeAt;

    /// <summary>Puts a packet into the queue.</summary>
    /// <param name="now">Time of the world.</param>
    /// <param name="octets">Its length.</param>
    /// <param name="passes">How long it takes until the last bit is through.</param>
    /// <returns>False where there is no room.</returns>
    public bool TryPass(TimeSpan now, int octets, out TimeSpan passes)
    {
        TimeSpan waits = _freeAt > now ? _freeAt - now : TimeSpan.Zero;
        passes = waits + TimeSpan.FromSeconds(octets * 8 / bitsPerSecond);
        if (waits > queue)
            return false;
        _freeAt = now + passes;
        return true;
    }
}

/// <summary>The provider's end of a site's line, where packets wait until the line has room for them. What drops of TCP comes again later, as its sender would send it again.</summary>
internal sealed class Downlink(SimulationEngine engine, Internet internet, UnderlayNode site) : UnderlayNode(engine, internet, $"{site.Name}-downlink", IPAddress.None, site.Place)
{
    private readonly Shaper _line = new(site.Access.DownBitsPerSecond, site.Access.Queue);

    internal override void Receive(Packet packet)
    {
        if (_line.TryPass(Engine.Now, packet.Octets, out TimeSpan passes))
        {
            Engine.Send(this, site, passes, packet);
            return;
        }

        Dropped++;
        if (packet.Protocol == PacketProtocol.Tcp)
            Engine.Send(this, this, Internet.Retransmission(0), packet);
    }
}
