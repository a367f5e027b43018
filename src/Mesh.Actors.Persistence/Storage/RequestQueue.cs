using System.Runtime.InteropServices;

namespace Mesh.Actors.Persistence.Storage;

/// <summary>What one thread has to do next: any thread adds, one takes all that is there.</summary>
internal sealed class RequestQueue<T>
{
    private readonly object _gate = new();
    private List<T> _filling = [];
    private List<T> _draining = [];
    private int _wanted = 1;
    private bool _isClosed;

    /// <summary>False where the queue is closed.</summary>
    public bool TryAdd(T request)
    {
        lock (_gate)
        {
            if (_isClosed)
                return false;
            _filling.Add(request);
            if (_filling.Count == _wanted)
                Monitor.Pulse(_gate);
            return true;
        }
    }

    /// <summary>Waits until there is something. Empty only when the queue is closed and all has been taken. The span is good until the next call.</summary>
    /// <param name="expected">So many requests are likely to come in one go.</param>
    /// <param name="patience">How long to wait for them once the first one is there.</param>
    public ReadOnlySpan<T> Take(int expected = 1, TimeSpan patience = default)
    {
        _draining.Clear();
        lock (_gate)
        {
            while (_filling.Count == 0 && !_isClosed)
                Monitor.Wait(_gate);
            if (_filling.Count < expected && !_isClosed)
            {
                _wanted = expected;
                Monitor.Wait(_gate, patience);
                _wanted = 1;
            }

            (_filling, _draining) = (_draining, _filling);
        }

        return CollectionsMarshal.AsSpan(_draining);
    }

    /// <summary>Lets nothing more in.</summary>
    /// <returns>False where it was closed before.</returns>
    public bool Close()
    {
        lock (_gate)
        {
            bool first = !_isClosed;
            _isClosed = true;
            Monitor.Pulse(_gate);
            return first;
        }
    }
}
