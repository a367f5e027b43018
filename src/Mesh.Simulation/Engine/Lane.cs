using Mesh.Simulation.Ranks;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Engine;

/// <summary>A part of the world that one thread runs at a time: some machines and NAT boxes, what is on its way to them, and their timers.</summary>
/// <param name="number">Its number among the lanes of all ranks.</param>
/// <param name="count">How many those are.</param>
/// <param name="isLocal">Whether this process runs it; else another one does, and here is only what leaves for it.</param>
internal sealed class Lane(int number, int count, bool isLocal = true)
{
    private readonly DeliveryQueue _deliveries = new();
    private readonly DeadlineHeap _deadlines = new();
    private readonly List<(Delivery Delivery, DeliveryKey Key)>[] _outgoing = [.. Enumerable.Range(0, count).Select(static _ => new List<(Delivery, DeliveryKey)>())];
    private TimeSpan _end = TimeSpan.MaxValue;
    private bool _isRunning;

    /// <summary>Its number among the lanes.</summary>
    public int Number => number;

    /// <summary>Whether this process runs it.</summary>
    public bool IsLocal => isLocal;

    /// <summary>What the other ranks are to be told of it.</summary>
    public List<RankReport> Changed { get; } = [];

    /// <summary>How far it is: time of the world.</summary>
    public TimeSpan Now { get; set; }

    /// <summary>Packets and delayed doings handled so far.</summary>
    public long Events { get; private set; }

    /// <summary>Packets that reached nobody.</summary>
    public long Undelivered { get; set; }

    /// <summary>Packets lost on the way.</summary>
    public long Lost { get; set; }

    /// <summary>When something is due here, or null.</summary>
    public TimeSpan? NextTime
    {
        get
        {
            TimeSpan next = Next;
            return next == TimeSpan.MaxValue ? null : next;
        }
    }

    private TimeSpan Next
    {
        get
        {
            TimeSpan deadline = _deadlines.Deadline;
            return _deliveries.NextTime < deadline ? _deliveries.NextTime : deadline;
        }
    }

    /// <summary>Takes down when a machine's next timer is due. What was due while it slept is due now: time never goes back.</summary>
    public void SetDeadline(Machine machine)
    {
        TimeSpan? due = machine.NextDeadline;
        _deadlines.Set(machine, due < Now ? Now : due);
    }

    /// <summary>Lets one of its own do something later.</summary>
    public void After(UnderlayNode source, TimeSpan delay, Action action)
    {
        CheckIsLocal(source);
        _deliveries.Enqueue(new Delivery(null, null, action), new DeliveryKey(LaterBy(delay), source.Id, source.NextSequence()));
    }

    /// <summary>A packet leaves one of its own.</summary>
    /// <exception cref="InvalidOperationException">It would arrive in another lane within the time for which that one may be running.</exception>
    public void Send(UnderlayNode from, UnderlayNode to, TimeSpan delay, Packet packet)
    {
        CheckIsLocal(from);
        var delivery = new Delivery(to, packet, null);
        var key = new DeliveryKey(LaterBy(delay), from.Id, from.NextSequence());
        if (to.Lane == this)
            _deliveries.Enqueue(delivery, key);
        else if (!_isRunning && to.Lane.IsLocal)
            to.Lane._deliveries.Enqueue(delivery, key);
        else if (!_isRunning || key.Time >= _end)
            _outgoing[to.Lane.Number].Add((delivery, key));
        else
            throw new InvalidOperationException($"a packet from {from.Name} to {to.Name} takes {delay.TotalMilliseconds:0.###} ms, which is less than the shortest way between machines of different lanes was said to take");
    }

    /// <summary>Runs everything that is due before a time.</summary>
    /// <returns>How many events that were.</returns>
    public long RunBefore(TimeSpan end)
    {
        (_end, _isRunning) = (end, true);
        long before = Events;
        while (Next is var next && next < end)
            RunInstant(next);
        _isRunning = false;
        return Events - before;
    }

    /// <summary>Hands over what has left for other lanes of this rank. They stand still meanwhile.</summary>
    public void Deliver(IReadOnlyList<Lane> lanes)
    {
        for (int i = 0; i < _outgoing.Length; i++)
        {
            if (!lanes[i].IsLocal)
                continue;
            foreach ((Delivery delivery, DeliveryKey key) in _outgoing[i])
                lanes[i]._deliveries.Enqueue(delivery, key);
            _outgoing[i].Clear();
        }
    }

    /// <summary>When the first of those packets arrives that have left for lanes of other ranks; <see cref="TimeSpan.MaxValue"/> where there is none.</summary>
    public TimeSpan FirstLeaving(IReadOnlyList<Lane> lanes)
    {
        TimeSpan first = TimeSpan.MaxValue;
        for (int i = 0; i < _outgoing.Length; i++)
        {
            foreach ((_, DeliveryKey key) in lanes[i].IsLocal ? [] : _outgoing[i])
                first = key.Time < first ? key.Time : first;
        }

        return first;
    }

    /// <summary>Writes what has left for a lane of another rank, which is then gone: how many packets, and each.</summary>
    public void WriteLeaving(int lane, RankWriter writer)
    {
        List<(Delivery Delivery, DeliveryKey Key)> leaving = _outgoing[lane];
        writer.Int(leaving.Count);
        foreach ((Delivery delivery, DeliveryKey key) in leaving)
        {
            writer.Int(delivery.To!.Id);
            writer.Time(key.Time);
            writer.Int(key.Source);
            writer.Long(key.Sequence);
            delivery.Packet!.Write(writer);
        }

        leaving.Clear();
    }

    /// <summary>Takes in what another rank has written for this lane.</summary>
    /// <param name="reader">Its message.</param>
    /// <param name="sources">All machines and boxes, by their numbers.</param>
    public void ReadArriving(RankReader reader, IReadOnlyList<UnderlayNode> sources)
    {
        for (int left = reader.Int(); left > 0; left--)
        {
            int to = reader.Int();
            var key = new DeliveryKey(reader.Time(), reader.Int(), reader.Long());
            if (to < 0 || to >= sources.Count || sources[to].Lane != this || key.Time <= Now)
                throw reader.Wrong($"a packet for source {to} at {key.Time.TotalSeconds:0.0000000} s, which lane {number} at {Now.TotalSeconds:0.0000000} s cannot take");
            _deliveries.Enqueue(new Delivery(sources[to], Packet.Read(reader), null), key);
        }
    }

    private void CheckIsLocal(UnderlayNode source)
    {
        if (!isLocal)
            throw new InvalidOperationException($"{source.Name} is computed by another rank");
    }

    // One tick at least: nothing arrives at the instant at which it was sent.
    private TimeSpan LaterBy(TimeSpan delay) => Now + (delay > TimeSpan.Zero ? delay : new TimeSpan(1));

    private void RunInstant(TimeSpan time)
    {
        Now = time;
        while (_deliveries.NextTime == time)
        {
            Delivery delivery = _deliveries.Dequeue();
            Events++;
            if (delivery.Action is { } action)
                action();
            else
                delivery.To!.Receive(delivery.Packet!);
        }

        while (_deadlines.Deadline == time)
            _deadlines.First!.FireTimers();
    }
}
