namespace Mesh.Actors.Persistence.Storage;

/// <summary>Carries out requests in their order.</summary>
internal delegate void RequestCarrier(ReadOnlySpan<object> requests);

/// <summary>A journal's two threads, and the queues before them.</summary>
/// <remarks><code>
/// actors --requests--> [queue] --> writer --commit--> outcomes to ReplyTo
///                                    |
///                                    +--loads, in turn--> [queue] --> loader --> EventsLoaded to ReplyTo
/// </code></remarks>
/// <typeparam name="TTicket">A load whose turn has come.</typeparam>
internal sealed class JournalThreads<TTicket>
{
    private const int GatherFrom = 32;
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(1);

    private readonly string _journal;
    private readonly RequestQueue<object> _requests = new();
    private readonly RequestQueue<TTicket> _loads;
    private readonly RequestCarrier _write;
    private readonly Action<TTicket> _load;
    private readonly Thread _writing;
    private readonly Thread _loading;

    /// <param name="journal">Where the journal is, for messages.</param>
    /// <param name="loads">Where the writer puts loads.</param>
    /// <param name="write">Carries out what has gathered, on the one thread that writes. Must not throw.</param>
    /// <param name="load">Carries out one load, on the one thread that reads. Must not throw.</param>
    public JournalThreads(string journal, RequestQueue<TTicket> loads, RequestCarrier write, Action<TTicket> load)
    {
        (_journal, _loads, _write, _load) = (journal, loads, write, load);
        _writing = new Thread(Write) { IsBackground = true, Name = "journal-writer" };
        _loading = new Thread(Load) { IsBackground = true, Name = "journal-loader" };
        _writing.Start();
        _loading.Start();
    }

    public void Append(AppendRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Events.Count == 0)
            throw new ArgumentException($"stream '{request.Stream}': an append needs at least one event", nameof(request));
        if (!_requests.TryAdd(request))
            request.ReplyTo.Tell(new AppendFailed(request.Id, JournalFailure.Unavailable, Closed(request.Stream)), sender: null);
    }

    public void Load(LoadRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!_requests.TryAdd(request))
            request.ReplyTo.Tell(new LoadFailed(request.Id, JournalFailure.Unavailable, Closed(request.Stream)), sender: null);
    }

    public void SaveSnapshot(SnapshotRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!_requests.TryAdd(request))
            request.ReplyTo.Tell(new SnapshotFailed(request.Id, JournalFailure.Unavailable, Closed(request.Stream)), sender: null);
    }

    /// <summary>Something for the writer alone.</summary>
    public void Add(object request) => _requests.TryAdd(request);

    /// <summary>Lets nothing more in, and returns when all that was asked for has been carried out.</summary>
    /// <returns>False where that was done before.</returns>
    public bool Close()
    {
        if (!_requests.Close())
            return false;
        _writing.Join();
        _ = _loads.Close();
        _loading.Join();
        return true;
    }

    private void Write()
    {
        // Actors that were told together persist again together. To begin with the first of them would cost a sync for one event, while the others wait.
        int expected = 1;
        while (_requests.Take(expected, Patience) is { IsEmpty: false } requests)
        {
            _write(requests);
            expected = requests.Length < GatherFrom ? 1 : requests.Length / 2;
        }
    }

    private void Load()
    {
        while (_loads.Take() is { IsEmpty: false } tickets)
        {
            foreach (TTicket ticket in tickets)
                _load(ticket);
        }
    }

    private string Closed(string stream) => $"journal '{_journal}', stream '{stream}': the journal is closed";
}
