using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Engine;

/// <summary>A part of the world that one thread runs at a time: some machines and NAT boxes, what is on its way to them, and their timers.</summary>
internal sealed class Lane(int number, int count)
{
    private readonly DeliveryQueue _deliveries = new();
    private readonly DeadlineHeap _deadlines = new();
    private readonly List<(Delivery Delivery, DeliveryKey Key)>[] _outgoing = [.. Enumerable.Range(0, count).Select(static _ => new List<(Delivery, DeliveryKey)>())];
    private TimeSpan _end = TimeSpan.MaxValue;
    private bool _isRunning;

    /// <summary>Its number among the lanes.</summary>
    public int Number => number;

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

    /// <summary>Takes down when a machine's next timer is due.</summary>
    public void SetDeadline(Machine machine) => _deadlines.Set(machine, machine.NextDeadline);

    /// <summary>Lets one of its own do something later.</summary>
    public void After(UnderlayNode source, TimeSpan delay, Action action) =>
        _deliveries.Enqueue(new Delivery(null, null, action), new DeliveryKey(LaterBy(delay), source.Id, source.NextSequence()));

    /// <summary>A packet leaves one of its own.</summary>
    /// <exception cref="InvalidOperationException">It would arrive in another lane within the time for which that one may be running.</exception>
    public void Send(UnderlayNode from, UnderlayNode to, TimeSpan delay, Packet packet)
    {
        var delivery = new Delivery(to, packet, null);
        var key = new DeliveryKey(LaterBy(delay), from.Id, from.NextSequence());
        if (to.Lane == this)
            _deliveries.Enqueue(delivery, key);
        else if (!_isRunning)
            to.Lane._deliveries.Enqueue(delivery, key);
        else if (key.Time >= _end)
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

    /// <summary>Hands over what has left for other lanes. They stand still meanwhile.</summary>
    public void Deliver(IReadOnlyList<Lane> lanes)
    {
        for (int i = 0; i < _outgoing.Length; i++)
        {
            foreach ((Delivery delivery, DeliveryKey key) in _outgoing[i])
                lanes[i]._deliveries.Enqueue(delivery, key);
            _outgoing[i].Clear();
        }
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
