using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <content>
/// An orderly end loses no packet: each end first takes the tunnel out of its routes, and the end that was asked leaves what is still under way some time before it
/// answers. Only then is the tunnel cut.
/// </content>
public sealed partial class TunnelActor
{
    private FsmStep<TunnelState, TunnelProgress> Close(CloseTunnel close)
    {
        _endReason = close.Text;
        if (State == TunnelState.Connecting)
            return End(close.Text);
        LeaveRouting();
        _frame.ResetWrittenCount();
        new CloseRequest(close.Reason, close.Text).Encode(_frame);
        Send();
        // Whoever may not take part is cut off at once: not one more packet of it is let in.
        return close.Reason == CloseReason.NotAllowed ? End(close.Text) : GoTo(TunnelState.Closing);
    }

    private FsmStep<TunnelState, TunnelProgress>? WhileClosing(FsmEvent<TunnelProgress> e)
    {
        switch (e.Message)
        {
            case StreamClosed closed when closed.Stream == _stream:
                _stream = default;
                return End(_endReason);   // that the peer cuts it is what we asked for
            case FrameReceived { Kind: CloseAnswer.Kind } or StateTimeout:
                return End(_endReason);
            case FrameReceived { Kind: CloseRequest.Kind } frame:
                // Both ends want the same. The peer waits for our answer as we do for its.
                if (CloseRequest.TryDecode(frame.Payload.Span, out CloseRequest? request))
                    SendAnswer(request.Reason);
                return Stay();
            default:
                return IsTooLate(e.Message) ? Stay() : null;
        }
    }

    private FsmStep<TunnelState, TunnelProgress> Drain(CloseRequest request)
    {
        Note(request);
        LeaveRouting();
        return GoTo(TunnelState.Draining);
    }

    private FsmStep<TunnelState, TunnelProgress>? WhileDraining(FsmEvent<TunnelProgress> e)
    {
        switch (e.Message)
        {
            case StreamClosed closed when closed.Stream == _stream:
                _stream = default;
                return End(_endReason);
            case StateTimeout:
                SendAnswer(_peerReason!.Value);
                return End(_endReason);
            default:
                return IsTooLate(e.Message) ? Stay() : null;
        }
    }

    private void Answer(CloseRequest request)
    {
        Note(request);
        SendAnswer(request.Reason);
    }

    private void Note(CloseRequest request)
    {
        _peerReason = request.Reason;
        _endReason = $"closed by the peer: {(request.Text.Length > 0 ? request.Text : request.Reason.ToString())}";
    }

    private void SendAnswer(CloseReason reason)
    {
        _frame.ResetWrittenCount();
        new CloseAnswer(reason, "").Encode(_frame);
        Send();
    }

    private void LeaveRouting()
    {
        if (!_isRouted)
            return;
        _isRouted = false;
        _ports.Router.Tell(new RoutingLinkDown(_index));
    }

    private static bool IsTooLate(object message) =>
        message is FrameReceived or DataPlaneEvent or RoutingPacket or RoutingLinksWanted or TellPeers or TellVersion or ShowCertificate or KeepAliveDue or ProbeDue or MtuRaiseDue or ResumeDue or RekeyDue or StreamClosed or StreamOpened or StreamTakenOver or UnderlayChanged or CloseTunnel;
}
