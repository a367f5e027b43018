namespace Mesh.Actors.Loop;

/// <summary>The one door through which other threads hand messages to a loop.</summary>
/// <remarks>Producers append under a lock, the loop swaps the whole list out under the same lock: one lock per batch at either end.</remarks>
internal sealed class Inbox
{
    private readonly Lock _gate = new();
    private Envelope[] _filling = new Envelope[64];
    private Envelope[] _draining = new Envelope[64];
    private int _count;

    /// <summary>Called on a producer's thread when the inbox was empty before.</summary>
    public Action? Arrived { get; set; }

    public bool IsEmpty => Volatile.Read(ref _count) == 0;

    public void Post(ActorCell target, object message, ActorRef? sender)
    {
        bool first;
        lock (_gate)
        {
            first = _count == 0;
            if (_count == _filling.Length)
                Array.Resize(ref _filling, _count * 2);
            _filling[_count] = new Envelope { Target = target, Message = message, Sender = sender };
            Volatile.Write(ref _count, _count + 1);
        }

        if (first)
            Arrived?.Invoke();
    }

    public void Post(ReadOnlySpan<Envelope> batch)
    {
        bool first;
        lock (_gate)
        {
            first = _count == 0;
            if (_filling.Length - _count < batch.Length)
                Array.Resize(ref _filling, Math.Max(_filling.Length * 2, _count + batch.Length));
            batch.CopyTo(_filling.AsSpan(_count));
            Volatile.Write(ref _count, _count + batch.Length);
        }

        if (first)
            Arrived?.Invoke();
    }

    /// <summary>Takes what is there. The span is good until the next call; the caller clears it.</summary>
    public Span<Envelope> Take()
    {
        if (IsEmpty)
            return default;
        lock (_gate)
        {
            int count = _count;
            (_filling, _draining) = (_draining, _filling);
            Volatile.Write(ref _count, 0);
            return _draining.AsSpan(0, count);
        }
    }
}
