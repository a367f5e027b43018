using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.Peers;
using Mesh.Node.Ports;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <summary>What a tunnel knows about the exchange of keys.</summary>
/// <param name="PeerHello">The peer's hello, once it came.</param>
/// <param name="Cipher">The cipher the connecting side chose, once it is known.</param>
public sealed record TunnelProgress(TunnelHello? PeerHello, SealingCipher? Cipher);

/// <summary>One tunnel to one peer: a TLS control stream, and the datagrams whose keys were agreed on it.</summary>
/// <remarks>
/// <para>Both ends greet at once with an index and a key for the datagrams they want to get. The connecting end then chooses the cipher, the other confirms it. Packets
/// flow in the stream from then on, and in datagrams as soon as a probe has come back (<see cref="TunnelActor"/>'s path part).</para>
/// <para>State diagram: <c>docs/states/tunnel.md</c>, held against <see cref="Transitions"/> by a test.</para>
/// </remarks>
public sealed partial class TunnelActor : Fsm<TunnelState, TunnelProgress>
{
    private const int QuietKeepAlives = 3;   // intervals between two while datagrams pass
    private const byte RoutingFrameKind = 0x40;   // a routing packet inside the control stream, where datagrams do not pass

    private readonly TunnelIndex _index;
    private readonly bool _isClient;
    private readonly NodePrefix _expected;
    private readonly TunnelOptions _options;
    private readonly TunnelPorts _ports;
    private readonly ArrayBufferWriter<byte> _frame = new(128);
    private readonly NodePrefix _peer;
    private StreamId _stream;
    private IPEndPoint? _remote;
    private ReadOnlyMemory<byte> _certificate;
    private ShowCertificate? _toShow;   // came before the tunnel was up
    private TunnelKey _receiveKey;
    private TimeSpan _lastHeard;
    private TimeSpan _keepAliveSentAt;
    private uint _keepAliveSequence;
    private int _unansweredQuestions;   // since the stream was heard
    private TimeSpan? _roundTrip;
    private bool _wasUp;
    private bool _isRouted;
    private CloseReason? _peerReason;
    private bool _isBound;
    private string _endReason = "stopped";

    private TunnelActor(TunnelIndex index, NodePrefix expected, TunnelOptions options, TunnelPorts ports, bool isClient)
    {
        (_index, _expected, _options, _ports, _isClient, _peer) = (index, expected, options, ports, isClient, expected);
        foreach (FsmTransition<TunnelState> transition in Transitions)
            Allow(transition.From, transition.To, transition.Because);
        When(TunnelState.Connecting, WhileConnecting, options.ConnectTimeout + TimeSpan.FromSeconds(5));
        When(TunnelState.Greeting, WhileGreeting, options.GreetingTimeout);
        When(TunnelState.Up, WhileUp);
        When(TunnelState.Closing, WhileClosing, options.ClosingTimeout);
        When(TunnelState.Draining, WhileDraining, options.DrainTime);
        WhenUnhandled(InAnyState);
        OnTransition((_, _) => PublishStatus());
    }

    /// <summary>The declared transitions.</summary>
    public static IReadOnlyList<FsmTransition<TunnelState>> Transitions { get; } =
    [
        new(TunnelState.Connecting, TunnelState.Greeting, "stream open, peer is whom we want"),
        new(TunnelState.Greeting, TunnelState.Up, "hello and cipher exchanged"),
        new(TunnelState.Greeting, TunnelState.Closing, "asked to close"),
        new(TunnelState.Up, TunnelState.Closing, "asked to close"),
        new(TunnelState.Up, TunnelState.Draining, "the peer asks to close, or both ends agreed"),
    ];

    /// <summary>A tunnel that we open to <paramref name="peer"/> at the first of <paramref name="remotes"/> where it answers.</summary>
    /// <exception cref="ArgumentException">There are no remotes.</exception>
    public static Props Client(TunnelIndex index, NodePrefix peer, IReadOnlyList<IPEndPoint> remotes, TunnelOptions options, TunnelPorts ports)
    {
        if (remotes.Count == 0)
            throw new ArgumentException("A tunnel needs an address to be opened at.", nameof(remotes));
        return Props.Create(() => MakeClient(index, peer, remotes, options, ports));
    }

    private static TunnelActor MakeClient(TunnelIndex index, NodePrefix peer, IReadOnlyList<IPEndPoint> remotes, TunnelOptions options, TunnelPorts ports)
    {
        var tunnel = new TunnelActor(index, peer, options, ports, isClient: true) { _remote = remotes[0] };
        foreach (IPEndPoint remote in remotes)
            tunnel._untried.Enqueue(remote);
        tunnel.StartWith(TunnelState.Connecting, new TunnelProgress(null, null));
        return tunnel;
    }

    /// <summary>A tunnel that a peer opened to us.</summary>
    public static Props Server(TunnelIndex index, NodePrefix peer, StreamOpened opened, TunnelOptions options, TunnelPorts ports) => Props.Create(() =>
    {
        var tunnel = new TunnelActor(index, peer, options, ports, isClient: false) { _remote = opened.Remote, _stream = opened.Stream, _certificate = opened.PeerCertificate };
        tunnel.StartWith(TunnelState.Greeting, new TunnelProgress(null, null));
        return tunnel;
    });

    /// <inheritdoc/>
    protected override void PreStart()
    {
        _ports.DataPlane.AddTunnel(_index, Self);
        _isBound = true;
        if (_isClient)
        {
            DialNext();
        }
        else
        {
            _ports.Streams.SetOwner(_stream, Self);
            Greet();
        }

        PublishStatus();
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        LeaveRouting();
        if (_isBound)
            _ports.DataPlane.RemoveTunnel(_index);
        if (_stream.Value != 0)
            _ports.Streams.Close(_stream);
        if (_resuming.Value != 0)
            _ports.Streams.Close(_resuming);
        CloseOthers();
        PublishStatus(isGone: true);
        _ports.Manager.Tell(new TunnelEnded(_index, _peer, _isClient, _wasUp, _endReason) { PeerReason = _peerReason }, Self);
    }

    private FsmStep<TunnelState, TunnelProgress>? WhileGreeting(FsmEvent<TunnelProgress> e)
    {
        switch (e.Message)
        {
            case FrameReceived { Kind: TunnelHello.Kind } frame when e.Data.PeerHello is null:
                if (!TunnelHello.TryDecode(frame.Payload.Span, out TunnelHello? hello))
                    return End("the peer's hello is malformed");
                _ports.Manager.Tell(new SeenAt(hello.ReceiverSeenAt), Self);
                if (!_isClient)
                {
                    _ports.Manager.Tell(new TunnelGreeted(_index, hello.Capabilities.HasFlag(TunnelCapabilities.OnlyTunnel)), Self);
                    return Stay(e.Data with { PeerHello = hello });
                }

                if (!hello.TryChoose(_options.Ciphers, out SealingCipher chosen))
                    return End("the peer offers no cipher that we have");
                _frame.ResetWrittenCount();
                new TunnelReady(chosen).Encode(_frame);
                Send();
                return Stay(new TunnelProgress(hello, chosen));
            case FrameReceived { Kind: TunnelReady.Kind } frame when e.Data.PeerHello is { } greeted:
                if (!TunnelReady.TryDecode(frame.Payload.Span, out TunnelReady ready))
                    return End("the peer's choice of a cipher is malformed");
                if (_isClient ? ready.Cipher != e.Data.Cipher : !_options.Ciphers.Contains(ready.Cipher))
                    return End($"the peer chose cipher {ready.Cipher}, which was not agreed");
                if (!_isClient)
                {
                    _frame.ResetWrittenCount();
                    ready.Encode(_frame);
                    Send();
                }

                BecomeUp(greeted, ready.Cipher);
                return GoTo(TunnelState.Up, new TunnelProgress(greeted, ready.Cipher));
            case TellPeers tell:
                SendPeers(tell);   // to a peer that is about to be refused
                return Stay();
            case FrameReceived { Kind: PeerAddresses.Kind } frame when e.Data.PeerHello is not null && PeerAddresses.TryDecode(frame.Payload.Span, out PeerAddresses? others):
                _ports.Manager.Tell(new PeersLearned(_peer, others), Self);
                return Stay();
            case FrameReceived { Kind: CloseRequest.Kind } frame when CloseRequest.TryDecode(frame.Payload.Span, out CloseRequest? refusal):
                Answer(refusal);
                return End(_endReason);
            case FrameReceived { Kind: StreamResume.Kind } frame when !_isClient && e.Data.PeerHello is null
                && StreamResume.TryDecode(frame.Payload.Span, out StreamResume resume) && resume is { IsAnswer: false, ReceiverIndex: > 0 and <= DataPlaneEngine.MaxTunnels }:
                _ports.Manager.Tell(new TunnelResumes(_index, new TunnelIndex((int)resume.ReceiverIndex)), Self);
                return Stay();
            case HandStreamOver handOver when e.Data.PeerHello is null:
                return HandOver(handOver);
            case FrameReceived frame:
                return End($"frame of kind {frame.Kind} before the exchange of keys was over");
            case StateTimeout:
                return End("the peer did not finish the exchange of keys in time");
            default:
                return null;
        }
    }

    private FsmStep<TunnelState, TunnelProgress>? WhileUp(FsmEvent<TunnelProgress> e)
    {
        if (WhileResuming(e.Message) is { } step)
            return step;
        switch (e.Message)
        {
            case FrameReceived frame:
                return OnFrame(frame);
            case RoutingPacket packet:
                SendRouting(packet.Packet);
                return Stay();
            case RoutingLinksWanted:
                _ports.Router.Tell(new RoutingLinkUp(_index, _peer, Self), Self);
                return Stay();
            case TellPeers tell:
                SendPeers(tell);
                return Stay();
            case TellVersion tell:
                _frame.ResetWrittenCount();
                new VersionNews(tell.Version).Encode(_frame);
                Send();
                if (Context.Now - _streamHeard > _options.KeepAliveInterval)
                    AskForLife();   // whether it arrives
                return Stay();
            case ShowCertificate show:
                Show(show);
                return Stay();
            case AskToClose ask:
                AskPeer(ask);
                return Stay();
            case AnswerToClose answer:
                AnswerPeer(answer);
                return Stay();
            case TakeBackRequest request:
                TakeBack(request);
                return Stay();
            case CutTunnel cut:
                return Cut(cut);
            case DataPlaneEvent happened:
                OnDataPlane(happened);
                return Stay();
            case KeepAliveDue:
                return OnKeepAliveDue();
            case DoubtTunnel:
                AskForLife();
                return Stay();
            case RekeyDue:
                OnRekeyDue();
                return Stay();
            case ProbeDue:
                OnProbeDue();
                return Stay();
            case MtuRaiseDue:
                OnMtuRaiseDue();
                return Stay();
            default:
                return null;
        }
    }

    private FsmStep<TunnelState, TunnelProgress>? InAnyState(FsmEvent<TunnelProgress> e)
    {
        switch (e.Message)
        {
            case StreamClosed closed when closed.Stream != _stream:
                return Stay();   // one of the addresses that were tried beside, or one that was given up
            case StreamClosed closed:
                _stream = default;
                return End(_agreedEnd ?? closed.Reason);
            case StreamOpened other:
                _ports.Streams.Close(other.Stream);   // it came when another one was taken already
                return Stay();
            case CloseTunnel close:
                return Close(close);
            case ShowCertificate early:
                _toShow = early;
                return Stay();
            case FrameReceived or DataPlaneEvent or RoutingPacket or RoutingLinksWanted or TellPeers or TellVersion or StreamTakenOver or UnderlayChanged
                or AskToClose or AnswerToClose or TakeBackRequest or CutTunnel or DoubtTunnel:
                return Stay();   // too early or too late; the peer repeats what matters
            default:
                return null;
        }
    }

    private FsmStep<TunnelState, TunnelProgress> OnFrame(FrameReceived frame)
    {
        _lastHeard = _streamHeard = Context.Now;
        _unansweredQuestions = 0;
        switch (frame.Kind)
        {
            case KeepAlive.Kind when KeepAlive.TryDecode(frame.Payload.Span, out KeepAlive keepAlive):
                OnKeepAlive(keepAlive);
                return Stay();
            case RoutingFrameKind:
                _ports.Router.Tell(new RoutingPacket(_index, frame.Payload));
                return Stay();
            case PeerAddresses.Kind when PeerAddresses.TryDecode(frame.Payload.Span, out PeerAddresses? addresses):
                _ports.Manager.Tell(new PeersLearned(_peer, addresses), Self);
                return Stay();
            case PathReport.Kind when PathReport.TryDecode(frame.Payload.Span, out PathReport report):
                OnPathReport(report);
                return Stay();
            case Rekey.Kind when Rekey.TryDecode(frame.Payload.Span, out Rekey rekey):
                OnRekey(rekey);
                return Stay();
            case CertificateRenewal.Kind when CertificateRenewal.TryDecode(frame.Payload.Span, out CertificateRenewal? renewal):
                _ports.Manager.Tell(new PeerRenewed(_index, renewal.Certificate.AsMemory()), Self);
                return Stay();
            case CloseRequest.Kind when CloseRequest.TryDecode(frame.Payload.Span, out CloseRequest? request):
                return OnCloseRequest(request);
            case CloseAnswer.Kind when CloseAnswer.TryDecode(frame.Payload.Span, out CloseAnswer? answer):
                OnCloseAnswer(answer);
                return Stay();
            case VersionNews.Kind when VersionNews.TryDecode(frame.Payload.Span, out VersionNews? news):
                Context.System.EventStream.Publish(new VersionHeard(_peer, news.Version));
                return Stay();
            case KeepAlive.Kind or PeerAddresses.Kind or PathReport.Kind or Rekey.Kind or CloseRequest.Kind or CloseAnswer.Kind or VersionNews.Kind or CertificateRenewal.Kind:
                return End($"the peer sent a malformed frame of kind {frame.Kind}");
            default:
                return Stay();   // a newer peer may send more kinds than we know
        }
    }

    private void SendPeers(TellPeers tell)
    {
        _frame.ResetWrittenCount();
        tell.Addresses.Encode(_frame);
        Send();
    }

    private void Show(ShowCertificate show)
    {
        _frame.ResetWrittenCount();
        show.Renewal.Encode(_frame);
        Send();
    }

    private void Greet()
    {
        _receiveKey = DrawKey();
        _lastHeard = Context.Now;
        bool isOnly = _isClient && _ports.IsOnlyTunnel(_index);
        _frame.ResetWrittenCount();
        new TunnelHello
        {
            Capabilities = TunnelCapabilities.PacketsInStream | TunnelCapabilities.Roaming | TunnelCapabilities.OrderlyClose | (isOnly ? TunnelCapabilities.OnlyTunnel : TunnelCapabilities.None),
            ReceiverIndex = (uint)_index.Value,
            Key = _receiveKey,
            Ciphers = _options.Ciphers,
            UdpPort = _isClient ? _options.UdpPort : _options.UdpPortFor(_remote!.Address),
            LinkMtu = _options.LinkMtu,
            ReceiverSeenAt = Observed(_remote!),
        }.Encode(_frame);
        Send();
    }

    private void BecomeUp(TunnelHello hello, SealingCipher cipher)
    {
        _wasUp = true;
        _streamHeard = Context.Now;
        _keys = new DataKeys(hello.ReceiverIndex, Octets(hello.Key), Octets(_receiveKey), TunnelOptions.ToDataCipher(cipher)!.Value);
        _receiveKey = default;
        _ports.DataPlane.SetKeys(_index, _keys);
        _ports.DataPlane.BindStream(_index, _stream);
        UseStream();
        Context.Timers.StartPeriodic(KeepAliveDue.Instance, KeepAliveDue.Instance, _options.KeepAliveInterval);
        StartRekeying();
        _ports.Manager.Tell(new TunnelUp(_index, _peer, _isClient, _certificate) { Cipher = cipher, Remote = _remote }, Self);
        _ports.Router.Tell(new RoutingLinkUp(_index, _peer, Self), Self);
        _isRouted = true;
        StartProbing(hello.UdpPort, hello.LinkMtu);
        if (_toShow is { } show)
            Show(show);
    }

    private FsmStep<TunnelState, TunnelProgress> OnKeepAliveDue()
    {
        if (Context.Now - _lastHeard > _options.KeepAliveInterval * _options.MissedKeepAlives)
            return End($"nothing heard for {(Context.Now - _lastHeard).TotalSeconds:0} s");
        LookAtStream();
        if (IsToAskForLife())
            AskForLife();
        return Stay();
    }

    // The stream's round trip is of interest while packets go there. While datagrams pass, probes tell that the peer is there, and the stream is asked seldom; but what had no answer is asked again soon. The
    // client's questions tell a server what its own would, as long as they come, and its probes that it has not forgotten the tunnel.
    private bool IsToAskForLife()
    {
        if (_path == TunnelPathKind.Stream)
            return true;
        TimeSpan silence = Context.Now - _streamHeard;
        return _isClient
            ? _unansweredQuestions > 0 || silence > _options.KeepAliveInterval * (QuietKeepAlives - 0.5)
            : silence > _options.KeepAliveInterval * (QuietKeepAlives + 1.5) || Context.Now - _lastHeard > _options.KeepAliveInterval * 1.5;
    }

    private void AskForLife()
    {
        _keepAliveSequence++;
        _unansweredQuestions++;
        _keepAliveSentAt = Context.Now;
        _frame.ResetWrittenCount();
        new KeepAlive(_keepAliveSequence, IsEcho: false).Encode(_frame);
        Send();
    }

    private void OnKeepAlive(KeepAlive keepAlive)
    {
        if (keepAlive.IsEcho)
        {
            OnRekeyConfirmed(keepAlive.Sequence);
            if (keepAlive.Sequence == _keepAliveSequence && _path == TunnelPathKind.Stream)
                SetRoundTrip(Context.Now - _keepAliveSentAt);
            return;
        }

        _frame.ResetWrittenCount();
        new KeepAlive(keepAlive.Sequence, IsEcho: true).Encode(_frame);
        Send();
    }

    private void SetRoundTrip(TimeSpan measured)
    {
        _roundTrip = measured;
        PublishStatus();
    }

    private FsmStep<TunnelState, TunnelProgress> End(string reason)
    {
        _endReason = reason;
        return StopStep();
    }

    // The frame in the buffer, copied: a port keeps what it is given.
    private void Send()
    {
        ReadOnlySpan<byte> frame = _frame.WrittenSpan;
        _ports.Streams.Send(_stream, frame[0], frame[Frame.HeaderLength..].ToArray());
    }

    private void PublishStatus(bool isGone = false) =>
        Context.System.EventStream.Publish(new TunnelStatus(_index, _peer, _isClient, State, _path, _remote, _roundTrip, isGone));

    private static ObservedEndpoint Observed(IPEndPoint endpoint)
    {
        IPAddress address = endpoint.Address.IsIPv4MappedToIPv6 ? endpoint.Address.MapToIPv4() : endpoint.Address;
        Span<byte> octets = stackalloc byte[Ipv6Address.Length];
        if (!address.TryWriteBytes(octets, out int length))
            return default;
        if (length == sizeof(uint))
            return ObservedEndpoint.Ipv4(BinaryPrimitives.ReadUInt32BigEndian(octets), (ushort)endpoint.Port);
        return Ipv6Address.TryRead(octets, out Ipv6Address ipv6) ? ObservedEndpoint.Ipv6(ipv6, (ushort)endpoint.Port) : default;
    }

    private sealed class KeepAliveDue
    {
        public static readonly KeepAliveDue Instance = new();
    }

    private sealed class ProbeDue
    {
        public static readonly ProbeDue Instance = new();
    }
}
