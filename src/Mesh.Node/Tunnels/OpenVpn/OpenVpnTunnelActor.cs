using System.Net;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.Peers;
using Mesh.Node.Ports;
using Mesh.Node.Routing;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels.OpenVpn;

/// <summary>States of an <see cref="OpenVpnTunnelActor"/>.</summary>
public enum OpenVpnTunnelState
{
    /// <summary>OpenVPN is at work on it.</summary>
    Connecting,

    /// <summary>Frames flow.</summary>
    Up,

    /// <summary>The routes have left it, and it is being ended.</summary>
    Closing,
}

/// <summary>One tunnel of OpenVPN with one peer: a process of its own where we opened it, a client of one of our servers where the peer did.</summary>
/// <remarks>To its manager it is like a <see cref="TunnelActor"/>: it tells <see cref="OpenVpnTunnelUp"/> and <see cref="TunnelEnded"/>, and takes <see cref="CloseTunnel"/>. What the two ends agree on
/// before it is cut goes in messages between nodes, over other tunnels (protocol reference 7.6).
/// State diagram: <c>docs/states/openvpn-tunnel.md</c>, held against <see cref="Transitions"/> by a test.</remarks>
public sealed class OpenVpnTunnelActor : Fsm<OpenVpnTunnelState, OpenVpnPeer?>
{
    private const string AgreedEnd = "closed by the peer, as agreed";

    private readonly TunnelIndex _index;
    private readonly NodePrefix _peer;
    private readonly TunnelPorts _ports;
    private readonly OpenVpnEquipment _equipment;
    private readonly OpenVpnClientOrder? _order;
    private readonly OpenVpnClientAsks? _asks;
    private readonly TunnelPathKind _path;
    private OpenVpnProcessId _process;
    private int _link;
    private bool _isOver;
    private bool _isRouted;
    private bool _wasUp;
    private string _endReason = "stopped";
    private CloseReason? _agreedReason;   // the peer may cut at any moment, and this is why

    private OpenVpnTunnelActor(TunnelIndex index, NodePrefix peer, TunnelPorts ports, AddressProtocol protocol, OpenVpnClientOrder? order, OpenVpnPeerAsks? asks)
    {
        (_index, _peer, _ports, _order, _asks, _equipment) = (index, peer, ports, order, asks?.Asks, ports.OpenVpn!);
        _path = protocol is AddressProtocol.Udp or AddressProtocol.Udp6 ? TunnelPathKind.OpenVpnUdp : TunnelPathKind.OpenVpnTcp;
        if (asks is not null)
            (_process, _link) = (asks.Asks.Process, asks.Link);
        foreach (FsmTransition<OpenVpnTunnelState> transition in Transitions)
            Allow(transition.From, transition.To, transition.Because);
        When(OpenVpnTunnelState.Connecting, WhileConnecting, _equipment.Options.ConnectTimeout);
        When(OpenVpnTunnelState.Up, WhileUp);
        When(OpenVpnTunnelState.Closing, WhileClosing, _equipment.Options.ClosingTimeout);
        WhenUnhandled(InAnyState);
        OnTransition((_, _) => PublishStatus());
        StartWith(OpenVpnTunnelState.Connecting, asks?.Asks.Peer);
    }

    /// <summary>The declared transitions.</summary>
    public static IReadOnlyList<FsmTransition<OpenVpnTunnelState>> Transitions { get; } =
    [
        new(OpenVpnTunnelState.Connecting, OpenVpnTunnelState.Up, "OpenVPN says so, and the peer is whom we want"),
        new(OpenVpnTunnelState.Connecting, OpenVpnTunnelState.Closing, "asked to close, or it takes too long"),
        new(OpenVpnTunnelState.Up, OpenVpnTunnelState.Closing, "asked to close"),
    ];

    private OpenVpnOptions Options => _equipment.Options;

    private bool IsClient => _order is not null;

    /// <summary>A tunnel that we open.</summary>
    public static Props Client(TunnelIndex index, OpenVpnClientOrder order, TunnelPorts ports) =>
        Props.Create(() => new OpenVpnTunnelActor(index, order.Peer, ports, order.Remote.Protocol, order, asks: null));

    /// <summary>A tunnel that a peer opens to us, and that may come up.</summary>
    public static Props Server(TunnelIndex index, NodePrefix peer, OpenVpnPeerAsks asks, TunnelPorts ports) =>
        Props.Create(() => new OpenVpnTunnelActor(index, peer, ports, asks.Protocol, order: null, asks));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        if (_order is not null)
            _process = _equipment.Port.StartClient(_order, Self);
        else
            _equipment.Port.Admit(_asks!, Self);
        PublishStatus();
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        LeaveRouting();
        Cut();
        PublishStatus(isGone: true);
        _ports.Manager.Tell(new TunnelEnded(_index, _peer, IsClient, _wasUp, _endReason) { PeerReason = _agreedReason }, Self);
    }

    private FsmStep<OpenVpnTunnelState, OpenVpnPeer?>? WhileConnecting(FsmEvent<OpenVpnPeer?> e)
    {
        switch (e.Message)
        {
            case OpenVpnUp { Peer: { } peer } up:
                _link = up.Link;
                if (peer.CommonName != _peer.CommonName || peer.SerialNumber is null)
                    return End($"{_order!.Remote} is {peer.CommonName}, expected {_peer}");
                return BecomeUp(peer, up.SeenAt);
            case OpenVpnClientIn:
                return BecomeUp(e.Data!, seenAt: null);
            case StateTimeout:
                _endReason = "it did not come up in time";
                Cut();
                return GoTo(OpenVpnTunnelState.Closing);
            default:
                return null;
        }
    }

    private FsmStep<OpenVpnTunnelState, OpenVpnPeer?>? WhileUp(FsmEvent<OpenVpnPeer?> e)
    {
        switch (e.Message)
        {
            case OpenVpnClientAsks asks when asks.Peer.CommonName == e.Data!.CommonName && asks.Peer.SerialNumber == e.Data.SerialNumber:
                _equipment.Port.Admit(asks, Self);   // fresh keys for who is in; where it was revoked meanwhile, we were told to close
                return Stay();
            case RoutingLinksWanted:
                JoinRouting();
                return Stay();
            case AskToClose ask:
                TellPeer(PeerCode.KillRequest, ToKill(ask.Round, ask.Reason, agrees: false), ask.Until);
                return Stay();
            case TakeBackRequest request:
                TellPeer(PeerCode.KillAnswer, ToKill(request.Round, request.Reason, agrees: false), request.Until);
                return Stay();
            case AnswerToClose answer:
                AnswerPeer(answer);
                return Stay();
            case CutTunnel cut:
                _agreedReason = null;
                return Close(new CloseTunnel(CloseReason.Retired, cut.Text));
            default:
                return null;
        }
    }

    private FsmStep<OpenVpnTunnelState, OpenVpnPeer?>? WhileClosing(FsmEvent<OpenVpnPeer?> e)
    {
        switch (e.Message)
        {
            case CutDue:
                Cut();
                return Stay();
            case StateTimeout:
                return End(_endReason);
            case OpenVpnEnded or OpenVpnClientGone:
                _isOver = true;
                return End(_endReason);
            default:
                return null;
        }
    }

    private FsmStep<OpenVpnTunnelState, OpenVpnPeer?>? InAnyState(FsmEvent<OpenVpnPeer?> e)
    {
        switch (e.Message)
        {
            case OpenVpnEnded ended:
                _isOver = true;
                return End(_agreedReason is null ? ended.Reason : AgreedEnd);
            case OpenVpnClientGone:
                _isOver = true;
                return End(_agreedReason is null ? "the connection is gone" : AgreedEnd);
            case CloseTunnel close when State != OpenVpnTunnelState.Closing:
                return Close(close);
            case OpenVpnClientAsks asks:
                _equipment.Port.Refuse(asks, "it has another certificate now, or its tunnel is being closed");
                return Stay();
            case OpenVpnEvent or CloseTunnel or RoutingLinksWanted or CutDue or TellPeers or TellVersion or ShowCertificate or UnderlayChanged
                or AskToClose or TakeBackRequest or AnswerToClose or CutTunnel:
                return Stay();   // too early or too late, or what only native tunnels carry
            default:
                return null;
        }
    }

    private FsmStep<OpenVpnTunnelState, OpenVpnPeer?> BecomeUp(OpenVpnPeer peer, IPAddress? seenAt)
    {
        _wasUp = true;
        JoinRouting();
        _ports.Manager.Tell(new OpenVpnTunnelUp(_index, _peer, peer.SerialNumber!.Value, seenAt), Self);
        return GoTo(OpenVpnTunnelState.Up, peer);
    }

    private TunnelKill ToKill(uint round, CloseReason reason, bool agrees) => new(round, reason, IsServer: !IsClient, agrees);

    // A request without a number is one of a node of re6st: it can only be agreed to.
    private void AnswerPeer(AnswerToClose answer)
    {
        _agreedReason = answer.Agrees ? answer.Reason : null;
        if (answer.Round != Killer.NoRound)
            TellPeer(PeerCode.KillAnswer, ToKill(answer.Round, answer.Reason, answer.Agrees), answer.Until);
        else if (answer.Agrees)
            TellPeer(PeerCode.KillAnswer, kill: null, answer.Until);
    }

    private void TellPeer(byte code, TunnelKill? kill, TimeSpan until) => Context.System.EventStream.Publish(new TellOfKill(_peer, code, kill, until));

    private FsmStep<OpenVpnTunnelState, OpenVpnPeer?> Close(CloseTunnel close)
    {
        _endReason = close.Text;
        LeaveRouting();
        // Whoever may not take part is cut off at once; otherwise what is under way still arrives.
        if (close.Reason == CloseReason.NotAllowed || State == OpenVpnTunnelState.Connecting)
            Cut();
        else
            Context.Timers.StartSingle(CutDue.Instance, CutDue.Instance, Options.DrainTime);
        return GoTo(OpenVpnTunnelState.Closing);
    }

    private void JoinRouting()
    {
        _isRouted = true;
        if (IsClient)
            _ports.Router.Tell(new KernelLinkUp(_link, IsShared: false));
        _ports.Router.Tell(new KernelPeerUp(_link, _peer, _index));
    }

    private void LeaveRouting()
    {
        if (!_isRouted)
            return;
        _isRouted = false;
        _ports.Router.Tell(new KernelPeerDown(_link, _peer, _index));
        if (IsClient)
            _ports.Router.Tell(new KernelLinkDown(_link));
    }

    private void Cut()
    {
        if (_isOver)
            return;
        if (IsClient)
            _equipment.Port.Stop(_process);
        else
            _equipment.Port.Kill(_process, _asks!.Client);
    }

    private FsmStep<OpenVpnTunnelState, OpenVpnPeer?> End(string reason)
    {
        _endReason = reason;
        return StopStep();
    }

    private void PublishStatus(bool isGone = false)
    {
        TunnelState state = State switch
        {
            OpenVpnTunnelState.Connecting => TunnelState.Connecting,
            OpenVpnTunnelState.Up => TunnelState.Up,
            _ => TunnelState.Closing,
        };
        IPEndPoint? remote = Data?.Remote ?? (_order is not null && IPAddress.TryParse(_order.Remote.Host, out IPAddress? host) ? new IPEndPoint(host, _order.Remote.Port) : null);
        Context.System.EventStream.Publish(new TunnelStatus(_index, _peer, IsClient, state, _path, remote, RoundTrip: null, isGone));
    }

    private sealed class CutDue
    {
        public static readonly CutDue Instance = new();
    }
}
