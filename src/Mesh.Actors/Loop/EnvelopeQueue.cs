using System.Runtime.CompilerServices;

namespace Mesh.Actors.Loop;

/// <summary>A growing ring of envelopes. Used as the loop's run queue and, in small, for the messages that wait for a suspended actor.</summary>
/// <remarks>Positions are ever-growing counters, so the distance between two of them is a number of messages.</remarks>
internal sealed class EnvelopeQueue(int initialCapacity)
{
    private Envelope[] _ring = new Envelope[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)initialCapacity)];
    private long _head;
    private long _tail;

    public int Count => (int)(_tail - _head);

    /// <summary>Where the next envelope will go: a mark for <see cref="TakeBackTo"/>.</summary>
    public long Tail => _tail;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enqueue(ActorCell target, object message, ActorRef? sender)
    {
        Envelope[] ring = _ring;
        long tail = _tail;
        if (tail - _head == ring.Length)
            ring = Grow();
        ref Envelope slot = ref ring[(int)tail & (ring.Length - 1)];
        slot.Target = target;
        slot.Message = message;
        slot.Sender = sender;
        _tail = tail + 1;
    }

    /// <summary>Puts an envelope in front of all others.</summary>
    public void PushFront(in Envelope envelope)
    {
        if (Count == _ring.Length)
            Grow();
        _head--;
        _ring[(int)_head & (_ring.Length - 1)] = envelope;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryDequeue(out Envelope envelope)
    {
        long head = _head;
        if (head == _tail)
        {
            envelope = default;
            return false;
        }

        Envelope[] ring = _ring;
        ref Envelope slot = ref ring[(int)head & (ring.Length - 1)];
        envelope = slot;
        slot = default;   // or the ring would keep dead messages and actors alive
        _head = head + 1;
        return true;
    }

    /// <summary>What <see cref="TryDequeue"/> would give.</summary>
    public bool TryPeek(out Envelope envelope)
    {
        envelope = _head == _tail ? default : _ring[(int)_head & (_ring.Length - 1)];
        return _head != _tail;
    }

    /// <summary>Removes what was enqueued since <paramref name="mark"/> and returns it in order.</summary>
    public Envelope[] TakeBackTo(long mark)
    {
        int count = (int)(_tail - mark);
        if (count == 0)
            return [];
        var taken = new Envelope[count];
        for (int i = 0; i < count; i++)
        {
            ref Envelope slot = ref _ring[(int)(mark + i) & (_ring.Length - 1)];
            taken[i] = slot;
            slot = default;
        }

        _tail = mark;
        return taken;
    }

    private Envelope[] Grow()
    {
        var larger = new Envelope[_ring.Length * 2];
        for (long i = _head; i < _tail; i++)
            larger[(int)i & (larger.Length - 1)] = _ring[(int)i & (_ring.Length - 1)];
        return _ring = larger;
    }
}
