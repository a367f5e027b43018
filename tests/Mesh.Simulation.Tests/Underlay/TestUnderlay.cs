using System.Net;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Simulation.Engine;
using Mesh.Simulation.Ranks;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Tests.Underlay;

/// <summary>Machines without actors, to test what is below them.</summary>
internal sealed class TestUnderlay : IDisposable
{
    private readonly DeterministicRandom _random;

    public TestUnderlay(InternetOptions? options = null, ulong seed = 1, int workers = 1, TimeSpan? lookahead = null, IRankLink? ranks = null)
    {
        options ??= new InternetOptions { Jitter = TimeSpan.Zero };
        Engine = new SimulationEngine(workers, ranks) { Lookahead = lookahead ?? options.BaseLatency };
        _random = new DeterministicRandom(seed);
        Internet = new Internet(Engine, options);
    }

    public SimulationEngine Engine { get; }

    public Internet Internet { get; }

    public void Dispose() => Engine.Dispose();

    public Machine AddPublic(string address, Place place = default, AccessLink? access = null)
    {
        var machine = new Machine(Engine, Internet, address, IPAddress.Parse(address), place, nat: null, _random.Fork());
        machine.SetAccess(access ?? AccessLink.Perfect);
        Internet.Attach(machine);
        Boot(machine);
        return machine;
    }

    public NatBox AddNat(string address, IPAddress? mapsAt = null, NatKind kind = NatKind.Restricted, NatBox? carrier = null)
    {
        var box = new NatBox(Engine, Internet, address, IPAddress.Parse(address), default, _random.Fork(), carrier) { MapsAt = mapsAt, Kind = kind };
        if (carrier is null)
            Internet.Attach(box);
        return box;
    }

    public Machine AddInside(NatBox box, string address)
    {
        var machine = new Machine(Engine, Internet, address, IPAddress.Parse(address), default, box, _random.Fork());
        Boot(machine);
        return machine;
    }

    public static void Boot(Machine machine) => machine.Boot(new EventSchema(), log: null, static _ => { });

    /// <summary>Sends a datagram with one octet, where the machine is computed.</summary>
    public static void SendUdp(Machine from, int port, IPEndPoint to, byte octet = 0) =>
        from.Act(_ => from.Send(new Packet(PacketProtocol.Udp, new IPEndPoint(from.Address, port), to, new[] { octet })));

    /// <summary>Notes what arrives at a port: from where, when, which octet.</summary>
    public List<(IPEndPoint From, TimeSpan At, byte Octet)> Listen(Machine machine, int port)
    {
        var arrived = new List<(IPEndPoint, TimeSpan, byte)>();
        machine.ListenUdp(port, p => arrived.Add((p.Source, machine.WorldTime, p.Payload.Span[0])));
        return arrived;
    }

    public void Run(TimeSpan duration) => Engine.RunUntil(Engine.Now + duration);
}
