using Mesh.Actors;
using Mesh.Simulation.Ranks;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Engine;

/// <summary>Lets virtual time pass over many machines, in one total order.</summary>
/// <remarks>
/// <para>Events are ordered by (virtual time, source, the source's own sequence number), where a source is a machine or a NAT box: an order that depends on what the sources do
/// and not on how the world is computed. At one instant a machine first gets what arrives and then fires its timers. What one source sends to another
/// always takes some time, so nothing sent at an instant arrives at that instant.</para>
/// <para>With several workers the world is cut into as many lanes. No packet gets from one lane to another in less than <see cref="Lookahead"/>, so lanes may run side by side for so long without knowing of each
/// other (conservative synchronisation); then they hand over what they have sent. Doings of the script stand between such windows. Each machine sees the same, and the digest is the same.</para>
/// <para>Processes can compute it together, too: each of these ranks has as many lanes as workers, and runs the whole script. Whatever asks the world at all is asked at all ranks equally.</para>
/// </remarks>
public sealed partial class SimulationEngine : IDisposable
{
    private readonly PriorityQueue<Action, (TimeSpan Time, long Sequence)> _script = new();
    private readonly List<Machine> _machines = [];
    private readonly List<UnderlayNode> _sources = [];
    private readonly Lane[] _all;     // by number, also those of other ranks
    private readonly Lane[] _lanes;   // those that run here
    private readonly LaneCrew? _crew;
    private int _sites;
    private long _scriptSequence;
    private long _scriptEvents;
    private bool _areLanesRunning;

    /// <summary>Makes an empty world.</summary>
    /// <param name="workers">How many threads compute it in this process, 1..64.</param>
    /// <param name="ranks">The other processes that compute it, with as many threads each; null for none. All ranks together have at most <see cref="MaxWorkers"/> threads.</param>
    public SimulationEngine(int workers = 1, IRankLink? ranks = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(workers, 1);
        int count = ranks?.Count ?? 1;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(workers, MaxWorkers / count);
        _ranks = count > 1 ? new RankMeetings(ranks!) : null;
        _all = [.. Enumerable.Range(0, workers * count).Select(number => new Lane(number, workers * count, isLocal: ranks is null || number % count == ranks.Rank))];
        _lanes = [.. _all.Where(static lane => lane.IsLocal)];
        _crew = workers > 1 ? new LaneCrew(_lanes, _all) : null;
    }

    /// <summary>The most workers, those of all ranks together.</summary>
    public const int MaxWorkers = 64;

    /// <summary>Virtual time since the world began.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>The wall clock's reading when the world began, on machines whose clock is right.</summary>
    public DateTimeOffset Epoch { get; init; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>A time that every packet between different sites takes at least. Above zero.</summary>
    public TimeSpan Lookahead
    {
        get;
        init => field = value > TimeSpan.Zero ? value : new TimeSpan(1);
    } = new(1);

    /// <summary>How many threads compute it in this process.</summary>
    public int Workers => _lanes.Length;

    /// <summary>All machines, in order of their making.</summary>
    public IReadOnlyList<Machine> Machines => _machines;

    /// <summary>Packets and script actions handled so far.</summary>
    public long Events => _scriptEvents + Sum(static lane => lane.Events);

    /// <summary>Packets that reached nobody, because the machine was off or nothing listened.</summary>
    public long Undelivered => Sum(static lane => lane.Undelivered);

    /// <summary>Packets lost on the way.</summary>
    public long Lost => Sum(static lane => lane.Lost);

    /// <summary>What all machines have done so far, in 64 bits.</summary>
    public Digest Digest
    {
        get
        {
            var digest = default(Digest);
            digest.Add((ulong)Now.Ticks);
            digest.Add((ulong)Events);
            foreach (ulong value in MachineDigests())
                digest.Add(value);
            return digest;
        }
    }

    /// <summary>Messages that all actors have handled so far.</summary>
    public long Delivered => SumOfRanks(_machines.Sum(m => m.DeliveredMessages));

    /// <summary>Lets time pass up to <paramref name="time"/>.</summary>
    public void RunUntil(TimeSpan time)
    {
        var after = new TimeSpan(time.Ticks + 1);
        while (NextOfLanes() is var next && (next <= time || NextOfScript <= time))
        {
            if (NextOfScript is { } scripted && !(next < scripted))
            {
                RunScript(scripted);
                continue;
            }

            RunLanes(next, NextOfScript is { } following && following < after ? following : after);
        }

        SetNow(time);
    }

    /// <summary>Lets time pass until a condition holds, which is looked at every <paramref name="interval"/>.</summary>
    /// <returns>False where the limit was reached first.</returns>
    public bool RunUntil(Func<bool> condition, TimeSpan limit, TimeSpan interval)
    {
        ArgumentNullException.ThrowIfNull(condition);
        TimeSpan end = Now + limit;
        while (!condition())
        {
            if (Now >= end)
                return false;
            RunUntil(Now + interval < end ? Now + interval : end);
        }

        return true;
    }

    /// <summary>Does something to the world at a time: a fault, a command of the operator. Script actions come before anything else of their instant, and while nothing else happens.</summary>
    /// <exception cref="InvalidOperationException">Called by something that is part of the world, in whose midst the script has no place.</exception>
    public void At(TimeSpan time, Action action)
    {
        if (_areLanesRunning)
            throw new InvalidOperationException("the script is written by the script; a machine does something later by Machine.After");
        _script.Enqueue(action, (time < Now ? Now : time, _scriptSequence++));
    }

    /// <summary>Ends the threads. Time can go on afterwards, on the caller's alone.</summary>
    public void Dispose() => _crew?.Dispose();

    /// <summary>Adds a machine or a box.</summary>
    /// <param name="node">Which.</param>
    /// <param name="beside">One of the same site, to which packets may take less than <see cref="Lookahead"/>; null for a site of its own.</param>
    /// <returns>Its number and its lane.</returns>
    internal (int Id, Lane Lane) AddSource(UnderlayNode node, UnderlayNode? beside)
    {
        Lane lane = beside?.Lane ?? _all[_sites++ % _all.Length];
        if (node is Machine machine)
            _machines.Add(machine);
        _sources.Add(node);
        return (_sources.Count - 1, lane);
    }

    private TimeSpan? NextOfScript => _script.TryPeek(out _, out (TimeSpan Time, long Sequence) key) ? key.Time : null;

    private void RunLanes(TimeSpan? next, TimeSpan end)
    {
        _areLanesRunning = true;
        try
        {
            if (_crew is null && _ranks is null)
            {
                _lanes[0].RunBefore(end);
                return;
            }

            TimeSpan window = next!.Value + Lookahead;
            window = window < end ? window : end;
            if (_crew is not null)
                _crew.RunBefore(window);
            else
                _lanes[0].RunBefore(window);
        }
        finally
        {
            _areLanesRunning = false;
            Touch();
        }
    }

    private TimeSpan? NextOfLanes()
    {
        if (_ranks is not null)
            return NextOfRanks(_ranks);
        TimeSpan? next = null;
        foreach (Lane lane in _lanes)
        {
            if (lane.NextTime is { } time && !(next <= time))
                next = time;
        }

        return next;
    }

    private void RunScript(TimeSpan time)
    {
        SetNow(time);
        while (NextOfScript == time)
        {
            _scriptEvents++;
            _script.Dequeue()();
        }
    }

    private void SetNow(TimeSpan time)
    {
        Now = time;
        foreach (Lane lane in _all)
            lane.Now = time;
    }
}
