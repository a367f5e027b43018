using Mesh.Actors;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Engine;

/// <summary>Lets virtual time pass over many machines, in one total order.</summary>
/// <remarks>
/// Events are ordered by (virtual time, source, the source's own sequence number), where a source is a machine or a NAT box: an order that depends on what the sources do
/// and not on how the world is computed. At one instant a machine first gets what arrives and then fires its timers. What one source sends to another
/// always takes some time, so nothing sent at an instant arrives at that instant.
/// </remarks>
public sealed class SimulationEngine
{
    private readonly PriorityQueue<Delivery, DeliveryKey> _deliveries = new(new ByTimeAndSource());
    private readonly DeadlineHeap _deadlines = new();
    private readonly List<Machine> _machines = [];
    private readonly Dictionary<int, Machine> _byId = [];
    private int _sources;
    private long _scriptSequence;

    /// <summary>Virtual time since the world began.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>The wall clock's reading when the world began, on machines whose clock is right.</summary>
    public DateTimeOffset Epoch { get; init; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>All machines, in order of their making.</summary>
    public IReadOnlyList<Machine> Machines => _machines;

    /// <summary>Packets and script actions handled so far.</summary>
    public long Events { get; private set; }

    /// <summary>Packets that reached nobody, because the machine was off or nothing listened.</summary>
    public long Undelivered { get; internal set; }

    /// <summary>What all machines have done so far, in 64 bits.</summary>
    public Digest Digest
    {
        get
        {
            var digest = default(Digest);
            digest.Add((ulong)Now.Ticks);
            digest.Add((ulong)Events);
            foreach (Machine machine in _machines)
                digest.Add(machine.DigestValue);
            return digest;
        }
    }

    /// <summary>Messages that all actors have handled so far.</summary>
    public long Delivered => _machines.Sum(m => m.DeliveredMessages);

    /// <summary>Lets time pass up to <paramref name="time"/>.</summary>
    public void RunUntil(TimeSpan time)
    {
        while (NextTime() is { } next && next <= time)
            RunInstant(next);
        Now = time;
    }

    /// <summary>Lets time pass until a condition holds, which is looked at every <paramref name="interval"/>.</summary>
    /// <returns>False where the limit was reached first.</returns>
    public bool RunUntil(Func<bool> condition, TimeSpan limit, TimeSpan interval)
    {
        ArgumentNullException.ThrowIfNull(condition);
        TimeSpan end = Now + limit;
        while (!condition())
        {
            if (Now >= end)
                return false;
            RunUntil(Now + interval < end ? Now + interval : end);
        }

        return true;
    }

    /// <summary>Does something to the world at a time: a fault, a command of the operator. Script actions come before anything else of their instant.</summary>
    public void At(TimeSpan time, Action action) =>
        _deliveries.Enqueue(new Delivery(null, null, action), new DeliveryKey(time < Now ? Now : time, -1, _scriptSequence++));

    /// <summary>Lets a source do something later, as part of its own doings.</summary>
    internal void After(UnderlayNode source, TimeSpan delay, Action action) =>
        _deliveries.Enqueue(new Delivery(null, null, action), new DeliveryKey(Now + (delay > TimeSpan.Zero ? delay : new TimeSpan(1)), source.Id, source.NextSequence()));

    internal int AddSource(UnderlayNode node)
    {
        if (node is Machine machine)
        {
            _machines.Add(machine);
            _byId.Add(_sources, machine);
        }

        return _sources++;
    }

    internal void Send(UnderlayNode from, UnderlayNode to, TimeSpan delay, Packet packet)
    {
        // One tick at least: a packet never arrives at the instant at which it was sent.
        TimeSpan arrival = Now + (delay > TimeSpan.Zero ? delay : new TimeSpan(1));
        _deliveries.Enqueue(new Delivery(to, packet, null), new DeliveryKey(arrival, from.Id, from.NextSequence()));
    }

    internal void SetDeadline(Machine machine) => _deadlines.Set(machine.Id, machine.NextDeadline);

    private TimeSpan? NextTime()
    {
        TimeSpan? next = _deliveries.TryPeek(out _, out DeliveryKey key) ? key.Time : null;
        return _deadlines.TryPeek(out TimeSpan deadline, out _) && (next is null || deadline < next) ? deadline : next;
    }

    private void RunInstant(TimeSpan time)
    {
        Now = time;
        while (_deliveries.TryPeek(out Delivery delivery, out DeliveryKey key) && key.Time == time)
        {
            _deliveries.Dequeue();
            Events++;
            if (delivery.Action is { } action)
                action();
            else
                delivery.To!.Receive(delivery.Packet!);
        }

        while (_deadlines.TryPeek(out TimeSpan deadline, out int id) && deadline == time)
            _byId[id].FireTimers();
    }

    private readonly record struct Delivery(UnderlayNode? To, Packet? Packet, Action? Action);

    private readonly record struct DeliveryKey(TimeSpan Time, int Source, long Sequence);

    private sealed class ByTimeAndSource : IComparer<DeliveryKey>
    {
        public int Compare(DeliveryKey x, DeliveryKey y)
        {
            int order = x.Time.CompareTo(y.Time);
            if (order == 0)
                order = x.Source.CompareTo(y.Source);
            return order != 0 ? order : x.Sequence.CompareTo(y.Sequence);
        }
    }
}
