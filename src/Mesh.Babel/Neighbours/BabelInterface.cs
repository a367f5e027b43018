using Mesh.Babel.Mac;
using Mesh.Babel.Sending;

namespace Mesh.Babel.Neighbours;

/// <summary>One interface that the speaker uses (RFC 8966 section 3.2.3).</summary>
internal sealed class BabelInterface
{
    /// <summary>Hellos that still come at the pace that was promised before: enough to find a link that was lost with two of them.</summary>
    private const int HellosAtFormerPace = 3;

    private readonly List<BabelInterface> _touched;
    private bool _isTouched;
    private TimeSpan _formerPace;
    private int _leftAtFormerPace;
    private int _hellosSinceTurn;
    private ushort _formerUpdateCentiseconds;
    private TimeSpan _formerUntil;
    private TimeSpan _newsPaidUntil;

    /// <summary>Makes an interface that is not in use yet.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <param name="random">Uniform 64-bit numbers.</param>
    /// <param name="touched">Where it enters itself when it is touched.</param>
    public BabelInterface(InterfaceId id, InterfaceParameters parameters, Func<ulong> random, List<BabelInterface> touched)
    {
        (Id, Parameters, _touched) = (id, parameters, touched);
        (Control, Updates) = (new ControlQueue(this), new UpdateQueue(this));
        SetIntervals(parameters.HelloInterval, parameters.UpdateInterval, TimeSpan.Zero);
        _leftAtFormerPace = 0;
        SetKeys(parameters.Keys, random);
    }

    /// <summary>Its name.</summary>
    public InterfaceId Id { get; }

    /// <summary>Its parameters; keys, intervals and what the round-trip time costs may change.</summary>
    public InterfaceParameters Parameters { get; private set; }

    /// <summary>What signs and checks packets here; null where there are no keys.</summary>
    public Authenticator? Authenticator { get; private set; }

    /// <summary>Number of the next multicast Hello.</summary>
    public Seqno HelloSeqno { get; set; }

    /// <summary>The interval, in centiseconds, of a Hello that leaves with the next packet to all; null where none is due.</summary>
    public ushort? HelloDue { get; set; }

    /// <summary>Whether for some neighbour <see cref="Neighbour.IsIhuDue"/>.</summary>
    public bool IsIhuDue { get; set; }

    /// <summary>When the next scheduled Hello leaves.</summary>
    public TimeSpan NextHello { get; set; }

    /// <summary>When the next full update starts.</summary>
    public TimeSpan NextDump { get; set; }

    /// <summary>Extra packets still to be sent because the interface, or a neighbour on it, is new.</summary>
    public int BurstLeft { get; set; }

    /// <summary>When the next of them leaves.</summary>
    public TimeSpan NextBurst { get; set; } = TimeSpan.MaxValue;

    /// <summary>Whether another burst is to follow, because somebody missed the beginning of this one.</summary>
    public bool IsBurstWanted { get; set; }

    /// <summary>Whether the burst is that of a new interface, which also clears what peers remember of a previous run.</summary>
    public bool IsStarting { get; set; }

    /// <summary>Whether neighbours are asked for their tables, because some of what they said may have been missed.</summary>
    public bool IsCatchingUp { get; set; }

    /// <summary>Whether an Update of this run has left here, to all or to one neighbour.</summary>
    public bool HasAnnounced { get; set; }

    /// <summary>When the last burst for others began, or will begin; null where there was none. Bounds what they can make us send.</summary>
    public TimeSpan? LastBurst { get; set; }

    /// <summary>Neighbours heard here, in the order of their discovery.</summary>
    public List<Neighbour> Neighbours { get; } = [];

    /// <summary>TLVs to be multicast at the end of the current input.</summary>
    public ControlQueue Control { get; }

    /// <summary>Updates to be multicast.</summary>
    public UpdateQueue Updates { get; }

    /// <summary>The interval announced in Updates, in centiseconds.</summary>
    public ushort UpdateCentiseconds { get; private set; }

    /// <summary>The interval announced in Hellos, in centiseconds.</summary>
    public ushort HelloCentiseconds { get; private set; }

    /// <summary>The interval announced in IHUs: three Hellos.</summary>
    public ushort IhuCentiseconds { get; private set; }

    /// <summary>Whether a change of the intervals is so fresh that neighbours may not have heard of it.</summary>
    public bool IsAtFormerPace => _leftAtFormerPace > 0;

    /// <summary>When something is due on this interface or for one of its neighbours.</summary>
    public TimeSpan NextDeadline
    {
        get
        {
            TimeSpan next = Min(Min(NextHello, NextBurst), Min(NextDump, Updates.FlushAt));
            foreach (Neighbour neighbour in Neighbours)
                next = Min(next, neighbour.NextDeadline);
            return next;
        }
    }

    /// <summary>Notes that at the end of the current input something may leave here, and that <see cref="NextDeadline"/> may be another.</summary>
    public void Touch()
    {
        if (_isTouched)
            return;
        _isTouched = true;
        _touched.Add(this);
    }

    /// <summary>What was noted has been done.</summary>
    public void Settle() => _isTouched = false;

    /// <summary>Counts a scheduled Hello.</summary>
    /// <returns>Whether IHUs for everybody go with it: every third time, which is what their interval promises.</returns>
    public bool TakeTurn()
    {
        _hellosSinceTurn = (_hellosSinceTurn + 1) % 3;
        return _hellosSinceTurn == 0;
    }

    /// <summary>How soon the next Hello must come.</summary>
    public TimeSpan TakePace()
    {
        if (_leftAtFormerPace == 0)
            return Parameters.HelloInterval;
        _leftAtFormerPace--;
        return _formerPace;
    }

    /// <summary>Exchanges the intervals.</summary>
    public void SetIntervals(TimeSpan helloInterval, TimeSpan? updateInterval, TimeSpan now)
    {
        TimeSpan promised = IsAtFormerPace ? _formerPace : Parameters.HelloInterval;
        (_formerPace, _leftAtFormerPace) = (promised < helloInterval ? promised : helloInterval, HellosAtFormerPace);
        // The last Update with the old interval lives for 3.5 of them (RFC 8966 appendix B).
        _formerUpdateCentiseconds = LongestUpdateCentiseconds(now);
        _formerUntil = now + (Wire.Centiseconds.ToTimeSpan(_formerUpdateCentiseconds) * 3.5);
        Parameters = Parameters with { HelloInterval = helloInterval, UpdateInterval = updateInterval };
        UpdateCentiseconds = Wire.Centiseconds.From(Parameters.EffectiveUpdateInterval);
        HelloCentiseconds = Wire.Centiseconds.From(helloInterval);
        IhuCentiseconds = Wire.Centiseconds.From(helloInterval * 3);
    }

    /// <summary>The longest interval that an Update of ours which somebody still believes may have announced.</summary>
    public ushort LongestUpdateCentiseconds(TimeSpan now) => now < _formerUntil ? Math.Max(UpdateCentiseconds, _formerUpdateCentiseconds) : UpdateCentiseconds;

    /// <summary>The soonest that news may leave, where one may be told each <paramref name="pause"/>, and <paramref name="burst"/> at once after a quiet time.</summary>
    public TimeSpan NewsAllowedAt(TimeSpan pause, int burst) => _newsPaidUntil - (pause * (burst - 1));

    /// <summary>Notes that updates leave now.</summary>
    public void NoteNews(TimeSpan pause, TimeSpan now) => _newsPaidUntil = (_newsPaidUntil > now ? _newsPaidUntil : now) + pause;

    /// <summary>Exchanges what the round-trip time costs.</summary>
    public void SetRtt(RttParameters? rtt) => Parameters = Parameters with { Rtt = rtt };

    /// <summary>Exchanges the keys. While there are any, the numbers of packets go on.</summary>
    public void SetKeys(MacKeys keys, Func<ulong> random)
    {
        Parameters = Parameters with { Keys = keys };
        if (keys.IsEmpty)
            Authenticator = null;
        else if (Authenticator is { } known)
            known.Keys = keys;
        else
            Authenticator = new Authenticator(keys, random, Parameters.FirstPacketCounter);
    }

    /// <summary>The neighbour with this address, or null.</summary>
    public Neighbour? Find(BabelAddress address)
    {
        foreach (Neighbour neighbour in Neighbours)
        {
            if (neighbour.Address == address)
                return neighbour;
        }

        return null;
    }

    private static TimeSpan Min(TimeSpan left, TimeSpan right) => left < right ? left : right;
}
