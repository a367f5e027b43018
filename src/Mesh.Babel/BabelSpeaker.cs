using System.Diagnostics;
using Mesh.Babel.Neighbours;
using Mesh.Babel.Requests;
using Mesh.Babel.Routes;
using Mesh.Babel.Sending;
using Mesh.Babel.Wire;

namespace Mesh.Babel;

/// <summary>A Babel router (RFC 8966) without sockets, threads or a clock.</summary>
/// <remarks>
/// <para>
/// Every input takes the monotonic time, which must not go backwards, and runs to its end: what it sends and reports has been given to
/// <see cref="IBabelOutput"/> when it returns. After every input ask <see cref="NextDeadline"/> and call <see cref="Tick"/> then. One thread at a time.
/// The same inputs and random numbers give the same packets.
/// </para>
/// <para>
/// The parts: <c>Wire</c> octets, <c>Neighbours</c> Hello, IHU and link cost, <c>Routes</c> what neighbours announced, <c>Sources</c> feasibility distances,
/// <c>Requests</c> what waits for a newer sequence number, <c>Sending</c> queues, <c>Mac</c> whether a packet is a member's and of today (RFC 8967).
/// v4-via-v6 (RFC 9229) is not here: TLVs with its address encoding, 4, are ignored and counted.
/// </para>
/// <para>
/// Where RFC 8966 leaves a choice: Hello timers are exact; seqno requests, and answers to requests, leave at once or urgently; a lost or returned route
/// is announced urgently; a request for the whole table is answered by unicast; a selected route that becomes unfeasible under the same router-id stays
/// selected while its sequence number is not older; a route about to lapse is asked for.
/// </para>
/// </remarks>
public sealed partial class BabelSpeaker
{
    private const long TicksPerCentisecond = TimeSpan.TicksPerMillisecond * 10;
    private const int TicksPerDecisecond = 10;

    private readonly RouterId _routerId;
    private readonly BabelOptions _options;
    private readonly Func<ulong> _random;
    private readonly IBabelOutput _output;
    private readonly IBabelFilter? _filter;
    private readonly RouteTable _routes;
    private readonly Pool<PendingRequest> _requests;
    private readonly Dictionary<int, Hold> _holds = [];   // of rows that are held, or were until there was a route again
    private readonly Dictionary<int, int> _firstRequests = [];   // of rows with requests
    private readonly InterfaceList _interfaces = new();
    private readonly List<BabelInterface> _touched = [];
    private readonly List<Neighbour?> _neighbours = [];
    private readonly Stack<int> _freeSlots = new();
    private readonly List<RouteKey> _changed = [];
    private readonly List<int> _packed = [];
    private readonly PacketWriter _writer;
    private readonly UpdateQueue.RowOrder _packingOrder;
    private readonly Dictionary<int, long> _awaited = [];   // rows whose route has become much worse, and until when a better one is taken at once
    private readonly long[] _counters = new long[(int)BabelCounter.Count];
    private readonly int _smoothingFraction;
    private readonly int _smoothingHalfLife;   // deciseconds
    private TimeSpan _now;
    private long _tick;
    private Seqno _seqno;
    private bool _isShutDown;
    private bool _isPacked;
    private bool _isSequel;   // an update stood before this one in the packet

    /// <summary>Makes a speaker without interfaces and prefixes.</summary>
    /// <param name="routerId">Names this speaker. Use a new one at each start, or keep this and the sequence number: otherwise others may refuse its routes for minutes.</param>
    /// <param name="options">Tuning and limits.</param>
    /// <param name="random">
    /// Uniform 64-bit numbers; used for jitter, the first sequence number and, where there are keys, indices and nonces. These are on the wire for all to see:
    /// they need not be secret, but no two runs may draw the same, so a seed must not come twice in the life of a key.
    /// </param>
    /// <param name="output">Where packets and reports go.</param>
    /// <param name="writer">Scratch space of 64 kB. Speakers on one thread may share one, unless one's output runs another from within a call.</param>
    /// <param name="filter">What is taken and told; everything where not given.</param>
    /// <param name="firstSeqno">The sequence number to begin with: newer than any that was used with this router-id. Random where not given. See <see cref="SeqnoLimit"/>.</param>
    public BabelSpeaker(
        RouterId routerId,
        BabelOptions options,
        Func<ulong> random,
        IBabelOutput output,
        PacketWriter? writer = null,
        IBabelFilter? filter = null,
        Seqno? firstSeqno = null)
    {
        if (!routerId.IsValid)
            throw new ArgumentException("All zeros and all ones are not router-ids.", nameof(routerId));
        ThrowIfAny(options.Problems(), nameof(options));
        _routerId = routerId;
        _options = options;
        _random = random;
        _output = output;
        _filter = filter;
        _writer = writer ?? new PacketWriter();
        _routes = new RouteTable(options.MaxPrefixes, options.MaxRoutes, options.MaxSources);
        _requests = new Pool<PendingRequest>(options.MaxPendingRequests);
        _packingOrder = OrderForPacking;
        _smoothingFraction = SmoothedMetric.FractionPerSecond(options.SmoothingHalfLife);
        _smoothingHalfLife = (int)((CeilTicks(options.SmoothingHalfLife) + TicksPerDecisecond - 1) / TicksPerDecisecond);
        _seqno = firstSeqno ?? new Seqno((ushort)random());
    }

    /// <summary>The newest sequence number of our own that may be used; null for no limit.</summary>
    /// <remarks>
    /// For owners who keep their router-id across restarts. They store a number some steps ahead, set it as the limit, store the next one when <see cref="Seqno"/> comes near, and begin
    /// with the one after the stored one at the next start: so no number is ever used twice, whenever the power fails, and there is one write for many steps.
    /// </remarks>
    public Seqno? SeqnoLimit { get; set; }

    /// <summary>When <see cref="Tick"/> must be called next; <see cref="TimeSpan.MaxValue"/> for never.</summary>
    public TimeSpan NextDeadline
    {
        get
        {
            if (_isShutDown)
                return TimeSpan.MaxValue;
            TimeSpan next = _routes.Timers.TryPeek(_tick, out long tick) ? new TimeSpan(tick * TicksPerCentisecond) : TimeSpan.MaxValue;
            return Min(next, _interfaces.NextDeadline);
        }
    }

    /// <summary>Starts the protocol on an interface.</summary>
    /// <exception cref="ArgumentException">The parameters cannot be used, or the id is taken: one message with every problem.</exception>
    public void AddInterface(InterfaceId id, InterfaceParameters parameters, TimeSpan now)
    {
        ThrowIfAny(parameters.Problems(), nameof(parameters));
        if (FindInterface(id) is not null)
            throw new ArgumentException($"{id} is in use.", nameof(id));
        if (_isShutDown)
            throw new InvalidOperationException("The speaker has been shut down.");
        BeginInput(now);
        var link = new BabelInterface(id, parameters, _random, _touched)
        {
            HelloSeqno = new Seqno((ushort)_random()),
            IsStarting = true,
            BurstLeft = BurstLength,
            NextBurst = now,
            NextHello = now + Early(parameters.HelloInterval),
            NextDump = now + Early(parameters.EffectiveUpdateInterval),
        };
        _interfaces.Add(link);
        SendBurst(link);
        EndInput();
    }

    /// <summary>Stops the protocol on an interface, after telling the neighbours there; routes through it are lost at once.</summary>
    /// <returns>False where there is no such interface.</returns>
    public bool RemoveInterface(InterfaceId id, TimeSpan now)
    {
        if (FindInterface(id) is not { } link)
            return false;
        BeginInput(now);
        SendFarewell(link);
        LoseNeighbours(link);
        _interfaces.Remove(link);
        EndInput();
        return true;
    }

    /// <summary>The link reports its own death: its neighbours are lost at once. The protocol keeps running on it and finds them again.</summary>
    /// <returns>False where there is no such interface.</returns>
    public bool LinkDown(InterfaceId id, TimeSpan now)
    {
        if (FindInterface(id) is not { } link)
            return false;
        BeginInput(now);
        LoseNeighbours(link);
        EndInput();
        return true;
    }

    /// <summary>Changes the intervals of an interface. Neighbours hear of it at once and lose neither us nor our routes, whether they grow or shrink.</summary>
    /// <param name="id">The interface.</param>
    /// <param name="helloInterval">Between Hellos, 10 ms..200 s.</param>
    /// <param name="now">Monotonic time.</param>
    /// <param name="updateInterval">Between full updates, 10 ms..655 s; four Hello intervals where not given.</param>
    /// <returns>False where there is no such interface.</returns>
    /// <exception cref="ArgumentException">The intervals cannot be used: one message with every problem.</exception>
    public bool SetIntervals(InterfaceId id, TimeSpan helloInterval, TimeSpan now, TimeSpan? updateInterval = null)
    {
        if (FindInterface(id) is not { } link)
            return false;
        InterfaceParameters changed = link.Parameters with { HelloInterval = helloInterval, UpdateInterval = updateInterval };
        ThrowIfAny(changed.Problems(), nameof(helloInterval));
        if (changed == link.Parameters)
            return true;
        BeginInput(now);
        ChangeIntervals(link, helloInterval, updateInterval);
        EndInput();
        return true;
    }

    /// <summary>Announces a prefix as our own.</summary>
    /// <param name="key">The prefix, and from where packets have to be if not from everywhere. Must not be one that is never routed.</param>
    /// <param name="now">Monotonic time.</param>
    /// <param name="metric">0 in almost every case.</param>
    /// <returns>False where the table of prefixes is full.</returns>
    public bool Announce(RouteKey key, TimeSpan now, ushort metric = 0)
    {
        if (key.IsMartian || !key.IsConsistent || metric == Metric.Infinity)
            throw new ArgumentException($"{key} with metric {metric} cannot be announced: prefix and source must be routable and of one family, the metric finite.", nameof(key));
        BeginInput(now);
        bool added = _routes.TryFindOrAdd(key, out int row);
        if (added)
        {
            _routes.Rows[row].Flags |= RowFlags.Own;
            _routes.Rows[row].OwnMetric = metric;
            MarkChanged(row);
            Reselect(row, SelectionRule.Immediate);
        }
        else
        {
            Count(BabelCounter.PrefixLimit);
        }

        EndInput();
        return added;
    }

    /// <summary>Takes an own prefix back.</summary>
    /// <returns>False where it was not announced.</returns>
    public bool Withdraw(RouteKey key, TimeSpan now)
    {
        int row = _routes.Find(key);
        if (row < 0 || !_routes.Rows[row].IsOwn)
            return false;
        BeginInput(now);
        _routes.Rows[row].Flags &= ~RowFlags.Own;
        MarkChanged(row);
        Reselect(row, SelectionRule.Immediate);
        _ = ReleaseIfUnused(row);
        EndInput();
        return true;
    }

    /// <summary>Sets the multiplier of a neighbour's cost; its routes are selected again at once, without hysteresis.</summary>
    /// <param name="id">The interface.</param>
    /// <param name="neighbour">The neighbour's address.</param>
    /// <param name="multiplier">In 1/256: 256 = unchanged, 0 = unusable. Forgotten with the neighbour.</param>
    /// <param name="now">Monotonic time.</param>
    /// <returns>False where there is no such neighbour.</returns>
    public bool SetCostMultiplier(InterfaceId id, BabelAddress neighbour, ushort multiplier, TimeSpan now)
    {
        if (FindInterface(id)?.Find(neighbour) is not { } found)
            return false;
        BeginInput(now);
        found.CostMultiplier = multiplier;
        RefreshCost(found, SelectionRule.Immediate);
        EndInput();
        return true;
    }

    /// <summary>Does what is due. Calling it early is harmless.</summary>
    public void Tick(TimeSpan now)
    {
        BeginInput(now);
        TickInterfaces();
        while (_routes.Timers.TryTakeDue(_tick, out int row))
            Serve(row);

        EndInput();
    }

    /// <summary>Takes everything back and says that no Hello will follow. Afterwards there are no interfaces, no routes, and nothing to send.</summary>
    public void Shutdown(TimeSpan now)
    {
        BeginInput(now);
        foreach (BabelInterface link in _interfaces)
            SendFarewell(link);
        _isShutDown = true;
        foreach (BabelInterface link in _interfaces)
            LoseNeighbours(link);
        _interfaces.Clear();
        EndInput();
    }

    private static TimeSpan Min(TimeSpan left, TimeSpan right) => left < right ? left : right;

    private static long CeilTicks(TimeSpan duration) => (duration.Ticks + TicksPerCentisecond - 1) / TicksPerCentisecond;

    private static void ThrowIfAny(IEnumerable<string> problems, string parameter)
    {
        string all = string.Join(' ', problems);
        if (all.Length > 0)
            throw new ArgumentException(all, parameter);
    }

    private void BeginInput(TimeSpan now)
    {
        if (now < _now)
            throw new ArgumentOutOfRangeException(nameof(now), now, $"Time goes backwards: it was {_now} before.");
        long tick = now.Ticks / TicksPerCentisecond;
        bool hasMissedNews = now - _now > UnnoticedNap && now - NextDeadline > UnnoticedNap;
        if (tick - _tick > LongestNap)
            Oversleep(tick);
        _now = now;
        _tick = tick;
        if (hasMissedNews)
            CatchUp();
    }

    private void EndInput()
    {
        FlushAll();
        if (_changed.Count == 0)
            return;
        _changed.Sort(RouteKey.Compare);
        int kept = 1;
        for (int i = 1; i < _changed.Count; i++)
        {
            if (_changed[i] != _changed[kept - 1])
                _changed[kept++] = _changed[i];
        }

        _output.RoutesChanged(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_changed)[..kept]);
        _changed.Clear();
        if (_changed.Capacity > 1024)
            _changed.Capacity = 0;   // a whole table has changed, which is rare
    }

    private BabelInterface? FindInterface(InterfaceId id) => _interfaces.Find(id);

    private Neighbour NeighbourOf(int slot) => _neighbours[slot] ?? throw new UnreachableException($"A route names slot {slot}, which is free.");

    private void Count(BabelCounter counter, long amount = 1) => _counters[(int)counter] += amount;

    private void MarkChanged(int row)
    {
        _changed.Add(_routes.KeyOf(row));
        _isPacked = false;
    }

    /// <summary>Uniform in [3/4, 5/4) of the nominal duration, as babeld does.</summary>
    private TimeSpan Roughly(TimeSpan nominal) => new((nominal.Ticks * 3 / 4) + Below(nominal.Ticks / 2));

    /// <summary>Uniform in [7/8, 1) of a promised interval: jitter that never breaks the promise.</summary>
    private TimeSpan Early(TimeSpan promised) => new((promised.Ticks * 7 / 8) + Below(promised.Ticks / 8));

    private long Below(long limit) => limit <= 0 ? 0 : (long)(((UInt128)_random() * (ulong)limit) >> 64);
}
