using Mesh.Protocol.Tunnel;

namespace Mesh.Platform.Linux.Streams;

/// <summary>Frames on their way out of a stream: any thread adds, one task takes all there are at once, so that small frames share TLS records.</summary>
internal sealed class SendQueue(int capacity) : IDisposable
{
    private const int KeptLength = 256 * 1024;   // a buffer that had to grow further is not kept

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _changed = new(0);
    private byte[] _filling = new byte[4096];
    private byte[] _taken = new byte[4096];
    private int _filled;
    private int _takenLength;
    private bool _complete;

    /// <summary>Adds a frame.</summary>
    /// <param name="kind">The frame's kind.</param>
    /// <param name="payload">Its payload.</param>
    /// <param name="limit">How many octets may be queued with it, up to the capacity.</param>
    public SendResult TryAdd(byte kind, ReadOnlySpan<byte> payload, int limit)
    {
        int length = Frame.HeaderLength + payload.Length;
        lock (_lock)
        {
            if (_complete)
                return SendResult.Closed;
            if (_takenLength + _filled + length > Math.Min(limit, capacity))
                return SendResult.Full;
            if (_filled + length > _filling.Length)
                Array.Resize(ref _filling, Math.Max(_filled + length, 2 * _filling.Length));
            Frame.WriteHeader(_filling.AsSpan(_filled), kind, payload.Length);
            payload.CopyTo(_filling.AsSpan(_filled + Frame.HeaderLength));
            if (_filled == 0)
                _changed.Release();
            _filled += length;
        }
        return SendResult.Queued;
    }

    /// <summary>Takes no more frames.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            if (_complete)
                return;
            _complete = true;
            _changed.Release();
        }
    }

    /// <summary>Waits for frames and takes all of them. What was taken before counts as sent.</summary>
    /// <returns>Valid until the next call; empty where all was taken and no more comes.</returns>
    public async ValueTask<ReadOnlyMemory<byte>> TakeAsync()
    {
        lock (_lock)
            _takenLength = 0;
        while (true)
        {
            lock (_lock)
            {
                if (_filled > 0)
                {
                    byte[] empty = _taken.Length <= KeptLength ? _taken : new byte[4096];
                    (_taken, _takenLength) = (_filling, _filled);
                    (_filling, _filled) = (empty, 0);
                    return _taken.AsMemory(0, _takenLength);
                }
                if (_complete)
                    return default;
            }
            await _changed.WaitAsync().ConfigureAwait(false);
        }
    }

    public void Dispose() => _changed.Dispose();
}

/// <summary>What became of a frame.</summary>
internal enum SendResult
{
    Queued,
    Full,
    Closed,
}
