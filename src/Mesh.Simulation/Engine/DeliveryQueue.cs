using System.Runtime.InteropServices;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Engine;

/// <summary>A packet on its way to somebody, or something that is to be done.</summary>
internal readonly record struct Delivery(UnderlayNode? To, Packet? Packet, Action? Action);

/// <summary>The place of an event in the order of all: (virtual time, source, the source's own number).</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct DeliveryKey(TimeSpan Time, int Source, long Sequence) : IComparable<DeliveryKey>
{
    /// <inheritdoc/>
    public int CompareTo(DeliveryKey other)
    {
        int order = Time.CompareTo(other.Time);
        if (order == 0)
            order = Source.CompareTo(other.Source);
        return order != 0 ? order : Sequence.CompareTo(other.Sequence);
    }

    public static bool operator <(DeliveryKey left, DeliveryKey right) => left.CompareTo(right) < 0;

    public static bool operator <=(DeliveryKey left, DeliveryKey right) => left.CompareTo(right) <= 0;

    public static bool operator >(DeliveryKey left, DeliveryKey right) => left.CompareTo(right) > 0;

    public static bool operator >=(DeliveryKey left, DeliveryKey right) => left.CompareTo(right) >= 0;
}

/// <summary>What is on its way, in the order of keys. The heap holds keys and places alone: moving references about in it would tell the garbage collector of each move, which takes longer than the move.</summary>
internal sealed class DeliveryQueue
{
    private readonly PriorityQueue<int, DeliveryKey> _places = new();
    private readonly List<Delivery> _deliveries = [];
    private readonly Stack<int> _free = new();

    /// <summary>The time of the first; <see cref="TimeSpan.MaxValue"/> where there is none.</summary>
    public TimeSpan NextTime { get; private set; } = TimeSpan.MaxValue;

    /// <summary>Adds one.</summary>
    public void Enqueue(Delivery delivery, DeliveryKey key)
    {
        if (_free.TryPop(out int place))
        {
            _deliveries[place] = delivery;
        }
        else
        {
            place = _deliveries.Count;
            _deliveries.Add(delivery);
        }

        _places.Enqueue(place, key);
        if (key.Time < NextTime)
            NextTime = key.Time;
    }

    /// <summary>Takes the first one, which must be there.</summary>
    public Delivery Dequeue()
    {
        int place = _places.Dequeue();
        Delivery delivery = _deliveries[place];
        _deliveries[place] = default;
        _free.Push(place);
        NextTime = _places.TryPeek(out _, out DeliveryKey key) ? key.Time : TimeSpan.MaxValue;
        return delivery;
    }
}
