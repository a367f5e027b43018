using Mesh.Actors;
using Mesh.Actors.Ports;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Sessions;

namespace Mesh.Node.Peers;

/// <summary>The session with one other node: handshake, sequence numbers, messages that are repeated until they are answered (protocol reference 4).</summary>
/// <remarks>
/// <code>
/// we have something to say                     the peer has something to say
///   ── hello0 ──────────────▶                    ◀───────────── hello0 ──
///   ◀────────────── hello0 ──                    ── hello, our secret ──▶
///   ── hello0, fingerprint ──▶                   ◀──────────── version ──
///   ◀───── hello, its secret ─
///   ── version ─────────────▶
/// </code>
/// <para>What is said while there is no session waits for one. A session that works stays in use until another one is proven to work: a greeting that somebody else sent in the peer's
/// name costs nothing but the secret that answers it. State diagram: <c>docs/states/peer.md</c>.</para>
/// </remarks>
public sealed partial class PeerActor : Fsm<PeerState, Proposal?>
{
    private readonly PeerPorts _ports;
    private readonly PeerRecord _record;
    private readonly List<Tell> _waiting = [];
    private NodeIdentity _identity;
    private int _attempts;   // of the first one that waits; 0 while it is not under way
    private TimeSpan _answeredLast;   // acknowledgements that take longer than a message's repetition are lost
    private int _answers;    // acknowledgements that are still to come for other things than the first one that waits

    private PeerActor(PeerPorts ports, PeerRecord record, NodeIdentity identity)
    {
        (_ports, _record, _identity) = (ports, record, identity);
        _openings = new DataPlane.TokenBucket(ports.Options.OpeningsPerSecond, ports.Options.OpeningsPerSecond);
        foreach (FsmTransition<PeerState> transition in Transitions)
            Allow(transition.From, transition.To, transition.Because);
        When(PeerState.Greeting, WhileGreeting);
        When(PeerState.Proposed, WhileProposed, ports.Options.SecretReuse);
        When(PeerState.Connected, WhileConnected);
        WhenUnhandled(InAnyState);
        OnTransition(OnChanged);
    }

    /// <summary>The declared transitions.</summary>
    public static IReadOnlyList<FsmTransition<PeerState>> Transitions { get; } =
    [
        new(PeerState.Idle, PeerState.Greeting, "something is to be said"),
        new(PeerState.Idle, PeerState.Proposed, "the peer greets us"),
        new(PeerState.Idle, PeerState.Connected, "the peer sends a secret"),
        new(PeerState.Greeting, PeerState.Connected, "the peer sends a secret, or shows that it has the old one"),
        new(PeerState.Greeting, PeerState.Proposed, "the peer greets us"),
        new(PeerState.Greeting, PeerState.Idle, "nobody answers for too long"),
        new(PeerState.Proposed, PeerState.Connected, "a message shows that the peer has the secret"),
        new(PeerState.Proposed, PeerState.Greeting, "no message comes, and something is to be said"),
        new(PeerState.Proposed, PeerState.Idle, "no message comes"),
        new(PeerState.Connected, PeerState.Greeting, "a message is not answered, or the numbers are used up"),
    ];

    /// <summary>A session in its first state.</summary>
    internal static Props Create(PeerPorts ports, PeerRecord record, NodeIdentity identity) => Props.Create(() =>
    {
        var peer = new PeerActor(ports, record, identity);
        peer.StartWith(PeerState.Idle, data: null);
        return peer;
    });

    /// <inheritdoc/>
    protected override void PreStart()
    {
        _record.Enter(PeerState.Idle, Context.Now);
        _record.Session = null;
    }

    // What waits is lost with the instance.
    /// <inheritdoc/>
    protected override void PostStop()
    {
        foreach (Tell _ in _waiting)
            _ports.Counters.Add(PeerCounter.Undelivered);
    }

    private FsmStep<PeerState, Proposal?>? WhileGreeting(FsmEvent<Proposal?> e)
    {
        if (e.Message is not GreetingDue)
            return null;
        if (Context.Now - _greetingSince < _ports.Options.GreetingPatience)
        {
            Greet();
            return Stay();
        }

        _ports.Owner.Tell(new PeerSilent(_record.Prefix), Self);
        return GiveUp();
    }

    private FsmStep<PeerState, Proposal?>? WhileProposed(FsmEvent<Proposal?> e)
    {
        if (e.Message is not StateTimeout)
            return null;
        // The proposal stays good: its confirmation may be late.
        return _waiting.Count == 0 ? GoTo(PeerState.Idle) : BeginGreeting();
    }

    private FsmStep<PeerState, Proposal?>? WhileConnected(FsmEvent<Proposal?> e)
    {
        if (e.Message is not RetryDue)
            return null;
        DropLate();
        if (_attempts == 0)
            return Continue();
        if (_attempts >= _ports.Options.MessageAttempts || _record.Session!.IsExhausted)
            return BeginGreeting();
        Transmit();
        return Stay();
    }

    private FsmStep<PeerState, Proposal?>? InAnyState(FsmEvent<Proposal?> e)
    {
        switch (e.Message)
        {
            case DatagramArrived datagram:
                return OnDatagram(datagram);
            case Respond respond:
                return OnRespond(respond);
            case Tell tell:
                return OnTell(tell);
            case TellFirst first:
                _waiting.RemoveAll(waiting => waiting.Code == first.Code);
                _waiting.Insert(0, new Tell(first.Code, first.Data));
                _attempts = 0;
                return Continue();
            case GreetingArrived greeting:
                return OnGreeting(greeting);
            case SecretArrived secret:
                return OnSecret(secret.Hello);
            case WorkDone { Tag: Making making } done:
                return OnMade(making, (byte[])done.Result);
            case WorkDone { Tag: Opening opening } done:
                return OnOpened(opening, done.Result as SessionKey);
            case WorkRejected or WorkFailed:
                return OnWorkRefused();
            case GoOn:
                return Continue();
            case UseIdentity use:
                _identity = use.Identity;
                return Stay();
            case GreetingDue or RetryDue or StateTimeout:
                return Stay();   // of a state that has been left
            default:
                return null;
        }
    }

    private FsmStep<PeerState, Proposal?> OnTell(Tell tell)
    {
        int same = _waiting.FindIndex(_attempts > 0 ? 1 : 0, waiting => waiting.Code == tell.Code);
        if (same >= 0)
        {
            _waiting[same] = tell;
        }
        else
        {
            if (_waiting.Count >= _ports.Options.MaxWaiting)
            {
                _waiting.RemoveAt(_attempts > 0 ? 1 : 0);
                _ports.Counters.Add(PeerCounter.Undelivered);
            }

            _waiting.Add(tell);
        }

        return Continue();
    }

    // Does what is possible now about what waits.
    private FsmStep<PeerState, Proposal?> Continue()
    {
        DropLate();
        if (_waiting.Count == 0)
            return Stay();
        switch (State)
        {
            case PeerState.Idle:
                return BeginGreeting();
            case PeerState.Connected when _record.Session!.IsExhausted:
                return BeginGreeting();
            case PeerState.Connected when _attempts == 0:
                Transmit();
                break;
        }

        return Stay();
    }

    private void DropLate()
    {
        bool isUnderWay = _attempts > 0 && _waiting[0].Until < Context.Now;
        for (int gone = _waiting.RemoveAll(waiting => waiting.Until < Context.Now); gone > 0; gone--)
            _ports.Counters.Add(PeerCounter.Undelivered);
        if (!isUnderWay)
            return;
        ExpectAcknowledgement();   // it may still come
        _attempts = 0;
        Context.Timers.Cancel(RetryDue.Instance);
    }

    private void Transmit()
    {
        Tell next = _waiting[0];
        Context.Timers.StartSingle(RetryDue.Instance, RetryDue.Instance, _ports.Options.MessageRetry * Math.Pow(2, _attempts));
        _attempts++;
        Send([next.Code, .. next.Data.Span], _record.Prefix.FirstAddress(_identity.Network), LocalDatagram.NodePort);
    }

    private FsmStep<PeerState, Proposal?> OnRespond(Respond respond)
    {
        // The numbers may be used up; then the peer greets us in the end.
        bool hasData = respond.Data is { IsEmpty: false };
        if (hasData)
            ExpectAcknowledgement();
        if (_record.Session is { IsExhausted: false })
            Send(hasData ? [respond.Code, .. respond.Data!.Value.Span] : [], respond.To, respond.Port);   // a code without data would be a question
        return Continue();   // where its message has begun the session, what waits comes after the answer
    }

    private void Send(ReadOnlySpan<byte> payload, Protocol.Addressing.Ipv6Address to, ushort port)
    {
        _ports.Counters.Add(PeerCounter.Sent);
        _ports.Port.Send(to, port, _record.Session!.Seal(payload));
    }

    private FsmStep<PeerState, Proposal?> OnDatagram(DatagramArrived arrived)
    {
        if (!SessionMessage.TryDecode(arrived.Datagram.Span, out SessionMessage message))
        {
            _ports.Counters.Add(PeerCounter.Malformed);
            return Stay();
        }

        PeerMessageVerdict verdict = _record.Session?.Open(message) ?? PeerMessageVerdict.BadMac;
        bool isConfirmation = false;
        if (verdict == PeerMessageVerdict.BadMac && Data is { } proposal)
        {
            verdict = proposal.Session.Open(message);
            isConfirmation = verdict == PeerMessageVerdict.Accepted;
        }

        if (verdict != PeerMessageVerdict.Accepted)
        {
            _ports.Counters.Add(verdict == PeerMessageVerdict.Replayed ? PeerCounter.Replayed : PeerCounter.BadMac);
            return Stay();
        }

        _record.Hear(Context.Now);
        FsmStep<PeerState, Proposal?> step = isConfirmation ? Begin(Data!.Session, Data.Protocol, isOurTurn: false) : ShowsLife(message);
        if (!message.IsAcknowledgement)
        {
            _ports.Counters.Add(PeerCounter.Messages);
            _ports.Owner.Tell(new PeerSpoke(_record.Prefix, message.Code, message.Data.ToArray(), arrived.From, arrived.Port), Self);
        }
        else if (isConfirmation)
        {
            Self.Tell(GoOn.Instance);
        }

        return step;
    }

    // An acknowledgement does not say of what. One message of ours at most is under way, but answers are acknowledged, too: those come first. So a message may be sent once more than is
    // needed, and never once too few.
    private FsmStep<PeerState, Proposal?> ShowsLife(SessionMessage message)
    {
        if (message.IsAcknowledgement && _answers > 0 && Context.Now - _answeredLast < _ports.Options.MessageRetry)
        {
            _answers--;
        }
        else if (_attempts > 0 && (message.IsAcknowledgement || (message.Code == _waiting[0].Code && !message.Data.IsEmpty && message.Code is not (PeerCode.KillRequest or PeerCode.KillAnswer))))
        {
            // What both ends say by themselves may have crossed, and is no answer then: the acknowledgement is still to come, and must not be taken for that of the next message.
            if (!message.IsAcknowledgement && message.Code is PeerCode.NetworkVersion or PeerCode.Capabilities)
                ExpectAcknowledgement();
            _waiting.RemoveAt(0);
            _attempts = 0;
            Context.Timers.Cancel(RetryDue.Instance);
        }

        if (State == PeerState.Connected)
            return Continue();
        _attempts = 0;
        Self.Tell(GoOn.Instance);
        return GoTo(PeerState.Connected);   // it was not dead, only slow
    }

    private void ExpectAcknowledgement() => (_answers, _answeredLast) = (Context.Now - _answeredLast < _ports.Options.MessageRetry ? _answers + 1 : 1, Context.Now);

    // From now on the session is in use.
    private FsmStep<PeerState, Proposal?> Begin(PeerSession session, int? protocol, bool isOurTurn)
    {
        (_record.Session, _record.Floor, _record.Protocol) = (session, session.Key, protocol ?? 0);
        _record.Hear(Context.Now);
        (_attempts, _answers) = (0, 0);
        Context.Timers.Cancel(RetryDue.Instance);
        _ports.Counters.Add(PeerCounter.Established);
        _ports.Owner.Tell(new PeerReady(_record.Prefix, _record.Certificate!, session.Key, isOurTurn), Self);
        return State == PeerState.Connected ? Stay(null) : GoTo(PeerState.Connected, null);
    }

    private void OnChanged(PeerState from, PeerState to)
    {
        _record.Enter(to, Context.Now);
        if (to != PeerState.Greeting)
            Context.Timers.Cancel(GreetingDue.Instance);
    }

    private FsmStep<PeerState, Proposal?> GiveUp()
    {
        foreach (Tell _ in _waiting)
            _ports.Counters.Add(PeerCounter.Undelivered);
        _waiting.Clear();
        _attempts = 0;
        return GoTo(PeerState.Idle);
    }

    private sealed class GoOn
    {
        public static readonly GoOn Instance = new();
    }

    private sealed class RetryDue
    {
        public static readonly RetryDue Instance = new();
    }
}

/// <summary>A secret that was sent and not confirmed yet.</summary>
/// <param name="Session">The session that it would begin.</param>
/// <param name="Datagram">The hello with it, to be sent again.</param>
/// <param name="MadeAt">When it was made.</param>
/// <param name="Protocol">The protocol number that the peer states, or null.</param>
public sealed record Proposal(PeerSession Session, ReadOnlyMemory<byte> Datagram, TimeSpan MadeAt, int? Protocol);
