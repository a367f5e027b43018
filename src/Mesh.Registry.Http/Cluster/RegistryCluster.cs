using System.Globalization;
using System.Net;
using System.Text;
using System.Threading.Channels;
using Mesh.Actors;
using Mesh.Actors.Persistence.Postgres;
using Mesh.Actors.RealTime;
using Mesh.Protocol.Registry;
using Mesh.Registry.Calls;

namespace Mesh.Registry.Http.Cluster;

/// <summary>One process's part in a registry that several processes serve: each takes requests, the leader's actors answer them.</summary>
/// <remarks>
/// <code>
/// client --> leader:   its actors
/// client --> follower: [peer sealed with the leader's secret] --> leader
/// client --> anybody, while nobody leads: waits for ChangePatience, then 503 with Retry-After
/// </code>
/// <para>Actors run only in the process that leads: a term begins when <see cref="Leadership"/> reports that it does, and ends when it reports anything else. A term whose actors stop or
/// do not answer any more is given up, so that another process can do better.</para>
/// <para>A request is sent a second time only where the first one was certainly not looked at, or where it does no harm twice: <see cref="RegistryMethod.RequestCertificate"/> gives
/// the same certificate for the same token and key, while the key of an authenticated call moves on with the first one, and then the node has to say hello again anyway.</para>
/// </remarks>
public sealed class RegistryCluster : IRegistryBackend, IAsyncDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan HealthInterval = TimeSpan.FromSeconds(1);

    // Methods that change nothing, or nothing more the second time.
    private static readonly HashSet<string> Repeatable = new(StringComparer.Ordinal)
    {
        RegistryMethod.Hello, RegistryMethod.GetCa, RegistryMethod.RequestCertificate, RegistryMethod.IsToken, RegistryMethod.DeleteToken, RegistryMethod.GetNodePrefix,
        RegistryMethod.GetIpv6Address, RegistryMethod.GetIpv4Information, RegistryMethod.Versions, RegistryMethod.Topology,
    };

    private readonly Leadership _leadership;
    private readonly RegistryOptions _registry;
    private readonly ClusterOptions _options;
    private readonly Func<long, CancellationToken, Task<RegistryTerm>> _begin;
    private readonly LeaderClient _client;
    private readonly TimeSpan _askTimeout;
    private readonly Channel<View> _views = Channel.CreateUnbounded<View>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _gate = new();
    private View _view = new(new NoLeader("not yet connected to the database"));
    private Task _running = Task.CompletedTask;
    private int _forwards;
    private long _forwarded;
    private long _repeated;
    private long _refused;
    private long _foreign;

    private RegistryCluster(Leadership leadership, RegistryOptions registry, ClusterOptions options, Func<long, CancellationToken, Task<RegistryTerm>> begin)
    {
        (_leadership, _registry, _options, _begin) = (leadership, registry, options, begin);
        _client = new LeaderClient(options);
        _askTimeout = registry.CallTimeout + TimeSpan.FromSeconds(5);
    }

    /// <summary>Who leads, as this process sees it.</summary>
    public LeadershipState State => Current.State;

    /// <summary>The actors that answer in this process: null while another one leads, and while the state is still being read back. For the administrator's commands.</summary>
    public RegistryActors? Actors => Current is { State: Leading leading, Term: { } term } && _leadership.IsLeading(leading.Epoch) ? term.Actors : null;

    RegistryOptions IRegistryBackend.Options => _registry;

    private View Current => Volatile.Read(ref _view);

    /// <summary>Takes part from now on.</summary>
    /// <param name="leadership">Not running yet; the cluster runs it.</param>
    /// <param name="registry">Valid settings of the registry.</param>
    /// <param name="options">Settings of the cluster.</param>
    /// <param name="begin">Begins a term in an epoch: opens the journal for it, starts actors on a loop of their own. An exception gives the lead up, and is logged; so does
    /// a cancelled token, which says that the epoch is over already.</param>
    /// <exception cref="ArgumentException">A setting breaks its rule; the message has all of them.</exception>
    public static RegistryCluster Start(Leadership leadership, RegistryOptions registry, ClusterOptions options, Func<long, CancellationToken, Task<RegistryTerm>> begin)
    {
        ArgumentNullException.ThrowIfNull(leadership);
        ArgumentNullException.ThrowIfNull(registry);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(begin);
        if (options.Validate().ToList() is { Count: > 0 } problems)
            throw new ArgumentException(string.Join("; ", problems), nameof(options));
        var cluster = new RegistryCluster(leadership, registry, options, begin);
        Task leading = Task.Run(() => leadership.RunAsync(cluster.OnChanged, cluster._ending.Token));
        cluster._running = Task.WhenAll(leading, Task.Run(cluster.HoldTermsAsync));
        return cluster;
    }

    /// <summary>Resigns where this process leads, ends its term, and refuses requests from then on.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_ending.IsCancellationRequested)
            return;
        await _ending.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _client.Dispose();
    }

    RegistryResponse? IRegistryBackend.Admit(ref RegistryRequest request, string? forwarding)
    {
        if (forwarding is null)
            return null;
        if (Current is not { State: Leading, Verifier: { } verifier })
            return NotLeading();
        switch (verifier.Check(forwarding, request, out IPAddress peer))
        {
            case ForwardingVerdict.Genuine:
                request = request with { Peer = peer };
                return null;
            case ForwardingVerdict.Replayed:
                return Texts.Response(503, "this request was passed on before", RetryAfter);
            default:
                // Not as if the header were not there: then the peer would be the process that passed it on, and that may be allowed more than its client.
                _ = Interlocked.Increment(ref _foreign);
                return NotLeading();
        }
    }

    async Task<RegistryResponse> IRegistryBackend.AnswerAsync(RegistryRequest request, bool isForwarded)
    {
        if (!string.Equals(request.Verb, "GET", StringComparison.Ordinal))
            return Texts.Response(501, "only GET is served");

        // The usual case first: it leads, and is not limited by what is passed on.
        View view = Current;
        if (view.Term is not null && await AskAsync(view, request).ConfigureAwait(false) is { } answer)
            return answer;
        if (Interlocked.Increment(ref _forwards) > _options.MaxForwards)
        {
            _ = Interlocked.Decrement(ref _forwards);
            _ = Interlocked.Increment(ref _refused);
            return Texts.Response(503, "too many requests wait for the leader", TimeSpan.FromSeconds(1));
        }

        try
        {
            return await AnswerLaterAsync(request, isForwarded, mayHaveBeenSeen: view.Term is not null).ConfigureAwait(false);
        }
        finally
        {
            _ = Interlocked.Decrement(ref _forwards);
        }
    }

    async Task<RegistryResponse> IRegistryBackend.HealthAsync()
    {
        View view = Current;
        switch (view.State)
        {
            case Following following:
                return Texts.Response(200, $"ok, follows {following.Url}");
            case Leading leading when view.Term is { } term && _leadership.IsLeading(leading.Epoch):
                Health health = await term.Actors.Desk.Ask<Health>(new GetHealth(), _askTimeout).ConfigureAwait(false);
                return Texts.Response(health.IsUp ? 200 : 503, health.IsUp ? "ok, leads" : "the registry has stopped");
            case Leading:
                return Texts.Response(503, "the registry is being read back");
            default:
                return Texts.Response(503, "nobody leads");
        }
    }

    void IRegistryBackend.WriteMetrics(StringBuilder text)
    {
        View view = Current;
        (long epoch, int leads) = view.State switch
        {
            Leading leading => (leading.Epoch, _leadership.IsLeading(leading.Epoch) ? 1 : 0),
            Following following => (following.Epoch, 0),
            _ => (0L, 0),
        };
        One("leading", "gauge", "1 while this process leads.", leads);
        One("epoch", "gauge", "Number of the leader's epoch, 0 while nobody leads.", epoch);
        One("forwards", "gauge", "Requests that are passed on or wait for a leader.", Volatile.Read(ref _forwards));
        One("forwarded_total", "counter", "Requests that were passed on to the leader.", Interlocked.Read(ref _forwarded));
        One("forward_repeats_total", "counter", "Requests that were sent once more because of a change of leader.", Interlocked.Read(ref _repeated));
        One("forward_refused_total", "counter", "Requests refused because nobody led for too long or too many waited.", Interlocked.Read(ref _refused));
        One("forward_foreign_total", "counter", "Requests whose proof of being passed on was wrong.", Interlocked.Read(ref _foreign));

        void One(string name, string type, string help, long value) =>
            _ = text.Append(CultureInfo.InvariantCulture, $"# HELP mesh_registry_{name} {help}\n# TYPE mesh_registry_{name} {type}\nmesh_registry_{name} {value}\n");
    }

    // Until there is an answer, or patience is at its end, or the request must not be sent again.
    private async Task<RegistryResponse> AnswerLaterAsync(RegistryRequest request, bool isForwarded, bool mayHaveBeenSeen)
    {
        bool isRepeatable = Repeatable.Contains(NameOf(request.Target));
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token);
        patience.CancelAfter(_options.ChangePatience);
        bool wasForwarded = false;
        while (true)
        {
            if (mayHaveBeenSeen && !isRepeatable)
                return Refuse("the leader has changed while it had this request");
            View view = Current;
            switch (view.State)
            {
                case Leading when view.Term is not null:
                    if (await AskAsync(view, request).ConfigureAwait(false) is { } answer)
                        return answer;
                    mayHaveBeenSeen = true;
                    break;
                case not Leading when isForwarded:
                    return NotLeading();   // who passed it on knows better where to go next than a chain of processes
                case Following following:
                    _ = Interlocked.Increment(ref wasForwarded ? ref _repeated : ref _forwarded);
                    wasForwarded = true;
                    Forwarding forwarding = await _client.SendAsync(following, view.Signer!, request, view.Over).ConfigureAwait(false);
                    if (forwarding.Response is { } response)
                        return response;
                    mayHaveBeenSeen |= forwarding.WasSent;
                    break;
            }

            if (mayHaveBeenSeen && !isRepeatable)
                continue;
            if (!await WaitAsync(view, patience.Token).ConfigureAwait(false))
                return Refuse(_ending.IsCancellationRequested ? "this process is stopping" : "nobody leads at the moment");
        }
    }

    // Null where the term has ended before the answer.
    private async Task<RegistryResponse?> AskAsync(View view, RegistryRequest request)
    {
        if (view is not { State: Leading leading, Term: { } term } || !_leadership.IsLeading(leading.Epoch))
            return null;
        try
        {
            RegistryResponse response = await term.Actors.Desk.Ask<RegistryResponse>(request, _askTimeout, view.Over).ConfigureAwait(false);

            // A process that was frozen meanwhile has an answer out of another time.
            return _leadership.IsLeading(leading.Epoch) ? response : null;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    // For a change, or, where the leader that is known did not answer, for a moment. False where patience is at its end.
    private static async Task<bool> WaitAsync(View view, CancellationToken patience)
    {
        try
        {
            if (view.State is Following)
                _ = await Task.WhenAny(view.Changed.Task, Task.Delay(RetryPause, patience)).ConfigureAwait(false);
            else
                await view.Changed.Task.WaitAsync(patience).ConfigureAwait(false);
            return !patience.IsCancellationRequested;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    // Called by the leadership: from here on nobody is asked who led before.
    private void OnChanged(LeadershipState state)
    {
        Replace(new View(state));
        _options.Log?.Invoke(state switch
        {
            Leading leading => $"leads in epoch {leading.Epoch}",
            Following following => $"follows {following.Url} in epoch {following.Epoch}",
            NoLeader no => $"nobody leads: {no.Reason}",
            _ => state.ToString(),
        });
    }

    private void Replace(View view)
    {
        View former;
        lock (_gate)
        {
            former = _view;
            Volatile.Write(ref _view, view);
        }

        former.End();
        _ = _views.Writer.TryWrite(view);
    }

    // One term at a time: the next one wants the ports and files of the one before.
    private async Task HoldTermsAsync()
    {
        try
        {
            while (true)
            {
                View view = await _views.Reader.ReadAsync(_ending.Token).ConfigureAwait(false);
                if (view.State is not Leading leading || !ReferenceEquals(view, Current) || await BeginAsync(view, leading).ConfigureAwait(false) is not { } term)
                    continue;
                await WatchAsync(view, leading, term).ConfigureAwait(false);
                await term.EndAsync().ConfigureAwait(false);
                _options.Log?.Invoke($"the term of epoch {leading.Epoch} has ended");
            }
        }
        catch (OperationCanceledException)
        {
            // This process takes part no longer.
        }
    }

    private async Task<RegistryTerm?> BeginAsync(View view, Leading leading)
    {
        RegistryTerm term;
        try
        {
            term = await Task.Run(() => _begin(leading.Epoch, view.Over), CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _options.Log?.Invoke($"the term of epoch {leading.Epoch} could not begin: {e.Message}");
            _leadership.Resign(leading.Epoch);
            return null;
        }

        // Those who wait for it look again.
        bool isCurrent;
        var ready = new View(view, term);
        lock (_gate)
        {
            isCurrent = ReferenceEquals(_view, view);
            if (isCurrent)
                Volatile.Write(ref _view, ready);
        }

        if (isCurrent)
            view.Changed.TrySetResult();
        return term;
    }

    // Returns when the term is over.
    private async Task WatchAsync(View view, Leading leading, RegistryTerm term)
    {
        while (!view.Over.IsCancellationRequested)
        {
            string? problem = null;
            try
            {
                await Task.Delay(HealthInterval, view.Over).ConfigureAwait(false);
                Health health = await term.Actors.Desk.Ask<Health>(new GetHealth(), _options.HealthTimeout, view.Over).ConfigureAwait(false);
                problem = health.IsUp ? null : "its journal has failed";
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (AskException)
            {
                problem = $"its actors did not answer for {_options.HealthTimeout.TotalSeconds:0.###} s";
            }

            if (problem is null)
                continue;
            _options.Log?.Invoke($"gives the lead up: {problem}");
            _leadership.Resign(leading.Epoch);
            await Task.WhenAny(Task.Delay(Timeout.InfiniteTimeSpan, view.Over)).ConfigureAwait(false);
        }
    }

    private RegistryResponse Refuse(string why)
    {
        _ = Interlocked.Increment(ref _refused);
        return Texts.Response(503, why, RetryAfter);
    }

    private static RegistryResponse NotLeading() => Texts.Response((int)HttpStatusCode.MisdirectedRequest, "this process does not lead");

    private static string NameOf(string target)
    {
        int mark = target.IndexOf('?', StringComparison.Ordinal);
        string path = mark < 0 ? target : target[..mark];
        return path.Length > 0 ? path[1..] : "";
    }

    /// <summary>What one state means for requests. A new one is made for each change.</summary>
    private sealed class View
    {
        private readonly CancellationTokenSource _over;

        public View(LeadershipState state)
        {
            _over = new CancellationTokenSource();
            (State, Changed, Over) = (state, NewSource(), _over.Token);
            Verifier = state is Leading leading ? new ForwardingVerifier(leading.Secret) : null;
            Signer = state is Following following ? new ForwardingSigner(following.Secret) : null;
        }

        /// <summary>The same state, with a term that answers.</summary>
        public View(View view, RegistryTerm term) =>
            (State, Changed, Over, _over, Verifier, Term) = (view.State, NewSource(), view.Over, view._over, view.Verifier, term);

        public LeadershipState State { get; }

        public RegistryTerm? Term { get; }

        public ForwardingVerifier? Verifier { get; }

        public ForwardingSigner? Signer { get; }

        /// <summary>Completed when another view is current.</summary>
        public TaskCompletionSource Changed { get; }

        /// <summary>Cancelled when the state is over.</summary>
        public CancellationToken Over { get; }

        /// <summary>Tells everybody who works with this state that it is over.</summary>
        public void End()
        {
            Changed.TrySetResult();

            // Not here: what waits for it must not run on the leadership's thread.
            _ = _over.CancelAsync();
        }

        private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
