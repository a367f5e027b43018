using System.Security.Cryptography;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Sessions;

namespace Mesh.Node.Peers;

/// <content>
/// Greetings and secrets. Anybody in the overlay can send a greeting with a foreign source and the certificate of the node there, since certificates are public. So what a greeting
/// makes us do is bounded: one secret in a while, which is sent again to whoever asks meanwhile, and one greeting back in a while.
/// </content>
public sealed partial class PeerActor
{
    private const int MaxRepeatedAnswers = 2;
    private const int IdleOpeningsPerSecond = 1, IdleOpeningBurst = 3;

    private readonly TokenBucket _openings;   // while we wait for a secret
    private readonly TokenBucket _idleOpenings = new(IdleOpeningsPerSecond, IdleOpeningBurst);
    private TimeSpan _greetingSince;
    private int _greetings;
    private Hello0? _answered;
    private TimeSpan _answeredAt;
    private int _repeatedAnswers;
    private Making? _making;
    private Opening? _opening;

    // The newest secret that the peer may remember, whoever made it.
    private SessionKey Newest => Data is { } proposal && proposal.Session.Key.IsNewerThan(_record.Floor) ? proposal.Session.Key : _record.Floor;

    private FsmStep<PeerState, Proposal?> BeginGreeting()
    {
        (_greetingSince, _greetings, _attempts) = (Context.Now, 0, 0);
        Context.Timers.Cancel(RetryDue.Instance);
        Greet();
        return GoTo(PeerState.Greeting);
    }

    private void Greet()
    {
        TimeSpan delay = _ports.Options.GreetingRetry * Math.Pow(2, _greetings++);
        delay = delay < _ports.Options.MaxGreetingRetry ? delay : _ports.Options.MaxGreetingRetry;
        Context.Timers.StartSingle(GreetingDue.Instance, GreetingDue.Instance, delay * (0.9 + (0.2 * Context.Random.NextDouble())));
        SendGreeting(_record.Prefix.FirstAddress(_identity.Network), LocalDatagram.NodePort);
    }

    private void SendGreeting(Ipv6Address to, ushort port)
    {
        ReadOnlyMemory<byte> own = _identity.Certificate.Der.AsMemory();
        Hello0 greeting = _record.Certificate is { } certificate
            ? new Hello0(_ports.Options.Protocol, FingerprintOf(certificate), own)
            : new Hello0(Protocol: null, ReadOnlyMemory<byte>.Empty, own);
        SendHandshake(greeting.Encode(), to, port);
    }

    private FsmStep<PeerState, Proposal?> OnGreeting(GreetingArrived arrived)
    {
        // Of two certificates the one with the greater serial number is the newer one; an old one that somebody sends again changes nothing.
        if (_record.Certificate is not { } known || arrived.Certificate.SerialNumber > known.SerialNumber || known.NotAfter < Context.UtcNow)
            _record.Certificate = arrived.Certificate;
        if (arrived.Greeting.Fingerprint.Span.SequenceEqual(FingerprintOf(_identity.Certificate)))
            return Propose(arrived);

        // It has no certificate of us, or an old one.
        bool isRepeated = arrived.Greeting.Equals(_answered) && _repeatedAnswers < MaxRepeatedAnswers;
        if (_answered is not null && Context.Now - _answeredAt < _ports.Options.GreetingPause && !isRepeated)
        {
            _ports.Counters.Add(PeerCounter.GreetingUnanswered);
            return Stay();
        }

        if (isRepeated && Context.Now - _answeredAt < _ports.Options.GreetingPause)
            _repeatedAnswers++;
        else
            (_answeredAt, _repeatedAnswers) = (Context.Now, 0);
        _answered = arrived.Greeting;
        SendGreeting(arrived.From, arrived.Port);
        return Stay();
    }

    private FsmStep<PeerState, Proposal?> Propose(GreetingArrived arrived)
    {
        if (Data is { } proposal && Context.Now - proposal.MadeAt < _ports.Options.SecretReuse && proposal.Protocol == arrived.Greeting.Protocol)
        {
            SendHandshake(proposal.Datagram, arrived.From, arrived.Port);
            return Stay();
        }

        if (_making is not null || !_ports.Secrets.TryTake(Context.Now))
        {
            _ports.Counters.Add(PeerCounter.SecretLimited);
            return Stay();
        }

        SessionKey key = SessionKey.ForPeerAfter(Context.UtcNow, Newest, _ports.Entropy);
        (NodeIdentity identity, PeerPorts ports, NodeCertificate receiver) = (_identity, _ports, _record.Certificate!);
        _making = new Making(key, arrived);
        _ports.WorkPool.Run(_making, () => SecretEnvelope.Create(key, receiver.PublicKey, identity.Key, ports.Entropy), Self);
        return Stay();
    }

    private FsmStep<PeerState, Proposal?> OnMade(Making made, byte[] envelope)
    {
        if (made != _making)
            return Stay();   // asked for by an earlier life
        _making = null;
        int? protocol = made.For.Greeting.Protocol;
        byte[] datagram = new Hello(protocol is null ? null : _ports.Options.Protocol, envelope).Encode();
        SendHandshake(datagram, made.For.From, made.For.Port);
        var proposal = new Proposal(new PeerSession(made.Key), datagram, Context.Now, protocol);
        return State is PeerState.Idle or PeerState.Greeting ? GoTo(PeerState.Proposed, proposal) : Stay(proposal);
    }

    private FsmStep<PeerState, Proposal?> OnSecret(Hello hello)
    {
        if (_record.Certificate is not { } sender)
        {
            _ports.Counters.Add(PeerCounter.UnknownPeer);
            return Stay();
        }

        TokenBucket limit = State == PeerState.Greeting ? _openings : _idleOpenings;
        if (_opening is not null || !limit.TryTake(Context.Now))
        {
            _ports.Counters.Add(PeerCounter.SecretLimited);
            return Stay();
        }

        NodeIdentity identity = _identity;
        _opening = new Opening(hello);
        _ports.WorkPool.Run(_opening, () => SecretEnvelope.TryOpen(hello.Envelope.Span, identity.Key, sender.PublicKey, out SessionKey? key) ? key : Refused.Instance, Self);
        return Stay();
    }

    private FsmStep<PeerState, Proposal?> OnOpened(Opening opened, SessionKey? key)
    {
        if (opened != _opening)
            return Stay();
        _opening = null;
        if (key is null)
        {
            _ports.Counters.Add(PeerCounter.SecretRefused);
            return Stay();
        }

        if (!key.IsNewerThan(Newest))
        {
            _ports.Counters.Add(PeerCounter.SecretStale);
            return Stay();
        }

        return Begin(new PeerSession(key), opened.Hello.Protocol, isOurTurn: true);
    }

    private FsmStep<PeerState, Proposal?> OnWorkRefused()
    {
        _ports.Counters.Add(PeerCounter.WorkRefused);
        (_making, _opening) = (null, null);
        return Stay();
    }

    private void SendHandshake(ReadOnlyMemory<byte> datagram, Ipv6Address to, ushort port)
    {
        _ports.Counters.Add(PeerCounter.Sent);
        _ports.Port.Send(to, port, datagram);
    }

    private static byte[] FingerprintOf(NodeCertificate certificate) => SHA1.HashData(certificate.Der.AsSpan());   // what the protocol wants; it identifies, and secures nothing

    /// <summary>A secret that is being made. Compared by identity: an outcome for an earlier life of this actor is not taken for the present one's.</summary>
    private sealed class Making(SessionKey key, GreetingArrived arrived)
    {
        public SessionKey Key => key;

        public GreetingArrived For => arrived;
    }

    /// <summary>A secret that is being opened, compared by identity, too.</summary>
    private sealed class Opening(Hello hello)
    {
        public Hello Hello => hello;
    }

    private sealed class Refused
    {
        public static readonly Refused Instance = new();
    }

    private sealed class GreetingDue
    {
        public static readonly GreetingDue Instance = new();
    }
}
