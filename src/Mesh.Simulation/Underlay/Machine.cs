using System.Net;
using System.Net.Sockets;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Simulation.Engine;
using Mesh.Simulation.Ranks;

namespace Mesh.Simulation.Underlay;

/// <summary>A computer: an actor system while it runs, a disk that outlives it, and ports on the underlay.</summary>
public sealed class Machine : UnderlayNode
{
    private static readonly TimeSpan LoopbackLatency = TimeSpan.FromMicroseconds(20);

    private readonly DeterministicRandom _random;
    private readonly DeterministicRandom _network;
    private readonly Dictionary<int, Action<Packet>> _udp = [];
    private readonly NatBox? _nat;
    private readonly List<Action> _held = [];   // until it wakes
    private readonly Tracing.TimerCauses _timerCauses = new();
    private Machine? _beside;
    private Action<ReadOnlyMemory<byte>>? _loopback;
    private Action<Packet>? _lanReceived;
    private Digest _past;
    private long _pastDelivered;
    private TimeSpan _bootedAt;
    private SimulatedTcp _tcp;
    private InMemoryJournal? _journal;
    private readonly RankReport _report;
    private bool _isUp;

    internal Machine(SimulationEngine engine, Internet internet, string name, IPAddress address, Place place, NatBox? nat, DeterministicRandom random, UnderlayNode? beside = null)
        : base(engine, internet, name, address, place, nat ?? beside)
    {
        _random = random;
        _network = random.Fork();
        _nat = nat;
        _tcp = new SimulatedTcp(this);
        nat?.AttachInside(this);
        _report = new RankReport(engine, Lane, WriteReport, ReadReport);
    }

    /// <summary>When it was switched on last: time of the world.</summary>
    internal TimeSpan BootedAt => _bootedAt;

    /// <summary>The running system, or null while the machine is off or another rank computes it.</summary>
    public ActorSystem? System { get; private set; }

    /// <summary>Whether it is on, for the script.</summary>
    public bool IsUp
    {
        get
        {
            Engine.Look();
            return _isUp;
        }
    }

    /// <summary>Whether it is on and not asleep, for the script.</summary>
    public bool IsAwake => IsUp && !IsAsleep;

    /// <summary>What the machine has written; survives crashes.</summary>
    public SimulatedDisk Disk { get; private set; } = new();

    /// <summary>How its disk is. Takes effect at once.</summary>
    public DiskCondition DiskCondition
    {
        get;
        set
        {
            field = value;
            if (_journal is not null)
                value.ApplyTo(_journal);
        }
    } = DiskCondition.Good;

    /// <summary>How far the machine's wall clock is ahead of the true time, from the next <see cref="Boot"/> on.</summary>
    public TimeSpan ClockSkew { get; set; }

    /// <summary>The machine's TCP.</summary>
    public SimulatedTcp Tcp => _tcp;

    /// <summary>True where a NAT box stands between the machine and the Internet.</summary>
    public bool IsBehindNat => _nat is not null;

    /// <summary>The switch that its interface is plugged into, or null where it has no such interface.</summary>
    public LanSegment? Lan { get; internal set; }

    /// <summary>Its link-local address on the LAN.</summary>
    public IPAddress LinkLocal => new([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte)(Id >> 24), (byte)(Id >> 16), (byte)(Id >> 8), (byte)Id]);

    /// <summary>Its address of the other family, always a public one, or null.</summary>
    public IPAddress? OtherAddress { get; private set; }

    /// <summary>Its address of a family, or null: what it sends from.</summary>
    public IPAddress? AddressOf(AddressFamily family) => Address.AddressFamily == family ? Address : OtherAddress?.AddressFamily == family ? OtherAddress : null;

    /// <summary>Its addresses, the usual one first.</summary>
    public IEnumerable<IPAddress> Addresses => OtherAddress is { } other ? [Address, other] : [Address];

    /// <summary>Whether an address is one of the Internet, and of a family that the machine has.</summary>
    public bool Reaches(IPAddress address) => Internet.Has(address) && AddressOf(address.AddressFamily) is not null;

    /// <summary>What the Internet sees of it: itself, or the NAT box before it.</summary>
    public override UnderlayNode Gateway => (UnderlayNode?)_nat?.Outermost ?? this;

    /// <summary>The NAT box of its site, or null.</summary>
    public NatBox? Nat => _nat;

    /// <summary>Secrets of this machine: from the seed, so that a run can be repeated.</summary>
    public DeterministicRandom Entropy { get; private set; } = new(0);

    /// <summary>True between <see cref="Sleep"/> and <see cref="Wake"/>.</summary>
    public bool IsAsleep { get; private set; }

    /// <summary>Time of the world, which the machine's own clocks need not show.</summary>
    internal TimeSpan WorldTime => Now;

    internal int DeadlinePlace { get; set; } = DeadlineHeap.Nowhere;

    internal TimeSpan? NextDeadline => IsAsleep ? null : System?.Loop.NextDeadline is { } due ? due + _bootedAt : null;

    internal ulong DigestValue
    {
        get
        {
            Digest digest = _past;
            if (System is not null)
                digest.Add(System.Loop.Digest.Value);
            return digest.Value;
        }
    }

    internal long DeliveredMessages => _pastDelivered + (System?.Loop.Delivered ?? 0);

    /// <summary>Switches the machine on with a new actor system.</summary>
    /// <param name="schema">What its persistent actors store.</param>
    /// <param name="log">Where its log goes, or null.</param>
    /// <param name="start">Makes the first actors.</param>
    /// <exception cref="InvalidOperationException">It is running.</exception>
    public void Boot(EventSchema schema, ILogSink? log, Action<ActorSystem> start)
    {
        ArgumentNullException.ThrowIfNull(start);
        if (IsUp)
            throw new InvalidOperationException($"{Name} is running already");
        IsOn = true;
        _bootedAt = Now;
        SetUp(true);
        if (!Lane.IsLocal)
            return;
        Entropy = _random.Fork();
        _journal = new InMemoryJournal(Disk);
        DiskCondition.ApplyTo(_journal);
        System = new ActorSystem(new ActorSystemOptions
        {
            Name = Name,
            Seed = _random.NextUInt64(),
            Epoch = Engine.Epoch + Now + ClockSkew,
            Journal = _journal,
            Schema = schema,
            Log = log,
        });
        start(System);
        Settle();
    }

    /// <summary>The process is killed: the machine answers what comes to its ports with a reset. What was not durable is lost.</summary>
    public void Kill()
    {
        if (!IsUp)
            return;
        _tcp.ResetAll();
        Forget(isPowerLost: false);
    }

    /// <summary>The power fails: nothing answers any more until <see cref="Boot"/>. A disk that lies loses what it has in its cache.</summary>
    public void Crash()
    {
        Forget(isPowerLost: true);
        IsOn = false;
    }

    /// <summary>It gets an empty disk.</summary>
    /// <exception cref="InvalidOperationException">It is running.</exception>
    public void Reinstall()
    {
        if (IsUp)
            throw new InvalidOperationException($"{Name} is running");
        Disk = new SimulatedDisk();
    }

    /// <summary>The lid is closed: nothing runs, and datagrams are lost, while connections stand. Does nothing where it is off or asleep.</summary>
    public void Sleep()
    {
        if (!IsAwake)
            return;
        IsAsleep = true;
        Engine.Touch();
        _report.Change();
        Lane.SetDeadline(this);
    }

    /// <summary>The lid is opened: both clocks have gone on meanwhile, as CLOCK_BOOTTIME does, and TCP delivers what it has sent again and again.</summary>
    public void Wake()
    {
        if (!IsAsleep)
            return;
        IsAsleep = false;
        Engine.Touch();
        _report.Change();
        Action[] held = [.. _held];
        _held.Clear();
        Settle();
        foreach (Action action in held)
            action();
        Lane.SetDeadline(this);
    }

    /// <summary>Somebody sets its wall clock, on (positive) or back. Timers do not notice: they go by the other clock.</summary>
    public void JumpClock(TimeSpan by)
    {
        ClockSkew += by;
        if (System is not null)
            System.Loop.Epoch += by;
    }

    /// <summary>Receives datagrams to a port.</summary>
    public void ListenUdp(int port, Action<Packet> receive) => _udp[port] = receive;

    /// <summary>From now on this and the other are two programs of one computer: they reach each other over its loopback address.</summary>
    public void PutBeside(Machine other)
    {
        ArgumentNullException.ThrowIfNull(other);
        (_beside, other._beside) = (other, this);
    }

    /// <summary>Receives what the program beside this one sends.</summary>
    public void ListenLoopback(Action<ReadOnlyMemory<byte>> receive) => _loopback = receive;

    /// <summary>Sends to the program beside this one.</summary>
    /// <returns>False where there is none that listens.</returns>
    public bool SendLoopback(ReadOnlyMemory<byte> datagram)
    {
        if (_beside?._loopback is null)
            return false;
        var here = new IPEndPoint(IPAddress.IPv6Loopback, 0);
        Lane.Send(this, _beside, LoopbackLatency, new Packet(PacketProtocol.Loopback, here, here, datagram) { Cause = Internet.Trace?.Current ?? 0 });
        return true;
    }

    /// <summary>Receives what comes over the LAN.</summary>
    public void ListenLan(Action<Packet> receive) => _lanReceived = receive;

    /// <summary>Sends over the LAN to the machine with a link-local address, or to all others where it is that of a group. What is for nobody goes nowhere.</summary>
    internal void SendOnLan(PacketProtocol protocol, IPAddress to, ReadOnlyMemory<byte> payload)
    {
        if (!IsOn || IsAsleep || Lan is null)
            return;
        var packet = new Packet(protocol, new IPEndPoint(LinkLocal, 0), new IPEndPoint(to, 0), payload);
        foreach (Machine other in Lan.Machines)
        {
            if (other != this && (to.IsIPv6Multicast || other.LinkLocal.Equals(to)))
                Internet.SendInside(this, other, packet);
        }
    }

    /// <summary>The script has the running machine do something, at the rank that computes it; nothing where it is off.</summary>
    internal void Act(Action<ActorSystem> action)
    {
        Engine.Touch();
        if (System is { } running)
            action(running);
    }

    /// <summary>Does something later, unless the machine has stopped by then.</summary>
    public void After(TimeSpan delay, Action action)
    {
        if (System is not { } running)
            return;
        long cause = Internet.Trace?.Current ?? 0;
        Lane.After(this, delay, () => Traced("work is done", cause, () => Do(running, action)));
    }

    /// <summary>Sends a packet; a NAT box on the way may change its source.</summary>
    internal void Send(Packet packet)
    {
        if (!IsOn || IsAsleep)
            return;
        if (Internet.Trace is { } trace)
            packet = packet with { Cause = trace.Current };
        AddressFamily family = packet.Destination.AddressFamily;
        if (family == Address.AddressFamily)
        {
            if (_nat is not null)
                Internet.SendInside(this, _nat, packet);
            else
                Internet.Route(this, packet, _network);
        }
        else if (AddressOf(family) is { } source)
        {
            Internet.Route(this, packet with { Source = new IPEndPoint(source, packet.Source.Port) }, _network);
        }
        else if (packet.Protocol == PacketProtocol.Tcp)   // the kernel says at once that the network is unreachable
        {
            Lane.Send(this, this, LoopbackLatency, SimulatedTcp.Refusal(packet));
        }
        else
        {
            Lane.Undelivered++;
        }
    }

    internal void AttachOther(IPAddress address)
    {
        OtherAddress = address;
        Internet.Attach(this, address);
    }

    /// <summary>Lets the machine handle what something outside its loop has told its actors.</summary>
    internal void Settle()
    {
        if (System is null || IsAsleep)
            return;
        System.Loop.AdvanceClock(Now - _bootedAt);
        RunReady(System.Loop);
        Lane.SetDeadline(this);
    }

    internal void FireTimers()
    {
        EventLoop loop = System!.Loop;
        TimeSpan now = Now - _bootedAt;
        if (Internet.Trace is { } trace)
        {
            FireTraced(loop, now, trace);
        }
        else
        {
            while (loop.FireNext(now))
                loop.RunReady();
        }

        Lane.SetDeadline(this);
    }

    internal override void Receive(Packet packet)
    {
        if (Internet.Trace is null)
            Take(packet);
        else
            TakeTraced(packet);
    }

    // Apart from the others, which must not pay for what these capture.
    private void TakeTraced(Packet packet) =>
        Traced($"{packet.Protocol.ToString().ToUpperInvariant()} from {packet.Source}, {packet.Payload.Length} octets", packet.Cause, () => Take(packet));

    private void FireTraced(EventLoop loop, TimeSpan now, Tracing.CausalTrace trace)
    {
        while (loop.NextDeadline <= now)
        {
            ArmedTimer timer = loop.ArmedTimers()[0];
            Traced($"timer of {timer.Path}: {timer.Message.GetType().Name}", _timerCauses.Take(timer, loop), () =>
            {
                loop.FireNext(now);
                trace.Run(loop);
            });
        }
    }

    private void Take(Packet packet)
    {
        if (!IsOn && packet.Protocol == PacketProtocol.Tcp)
        {
            _tcp.Miss(packet);
            return;
        }

        if (!IsOn || (IsAsleep && (packet.Protocol is PacketProtocol.Udp or PacketProtocol.LanRouting or PacketProtocol.LanPacket)))
        {
            Lane.Undelivered++;
            return;
        }

        if (IsAsleep)
        {
            _held.Add(() => Receive(packet));
            return;
        }

        System?.Loop.AdvanceClock(Now - _bootedAt);
        if (packet.Protocol == PacketProtocol.Tcp)
            _tcp.Receive(packet);
        else if (packet.Protocol == PacketProtocol.Loopback && System is not null && _loopback is not null)
            _loopback(packet.Payload);
        else if (packet.Protocol is PacketProtocol.LanRouting or PacketProtocol.LanPacket && System is not null && _lanReceived is not null)
            _lanReceived(packet);
        else if (System is not null && _udp.TryGetValue(packet.Destination.Port, out Action<Packet>? receive))
            receive(packet);
        else
            Lane.Undelivered++;
        Settle();
    }

    // What happens meanwhile is one event, with this cause.
    private void Traced(string trigger, long cause, Action act)
    {
        bool isBegin = Internet.Trace?.Begin(Now, Name, trigger, cause) == true;
        act();
        if (!isBegin)
            return;
        if (System is not null)
            _timerCauses.Note(System.Loop, Internet.Trace!.Current);
        Internet.Trace!.End();
    }

    private void RunReady(EventLoop loop)
    {
        if (Internet.Trace is { } trace)
            Traced("something is done to it", 0, () => trace.Run(loop));
        else
            loop.RunReady();
    }

    private void Do(ActorSystem running, Action action)
    {
        if (System != running)
            return;
        if (IsAsleep)
        {
            _held.Add(() => Do(running, action));
            return;
        }

        running.Loop.AdvanceClock(Now - _bootedAt);
        action();
        Settle();
    }

    private void Forget(bool isPowerLost)
    {
        if (!IsUp)
            return;
        SetUp(false);
        IsAsleep = false;
        if (System is null)   // another rank's
            return;
        _past.Add(System.Loop.Digest.Value);
        _pastDelivered += System.Loop.Delivered;
        Disk.Crash(Now - _bootedAt, _random, isPowerLost);   // its own clock stands since it last had something to do
        System = null;
        _held.Clear();
        _timerCauses.Clear();
        _udp.Clear();
        _loopback = null;
        _lanReceived = null;
        _tcp = new SimulatedTcp(this);
        Lane.SetDeadline(this);
    }

    private void SetUp(bool isUp)
    {
        _isUp = isUp;
        Engine.Touch();
        _report.Change();
    }

    private void WriteReport(RankWriter writer)
    {
        writer.Bool(_isUp);
        writer.Bool(IsAsleep);
    }

    private void ReadReport(RankReader reader) => (_isUp, IsAsleep) = (reader.Bool(), reader.Bool());
}
