using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <content>
/// An orderly end loses no packet. Usually both ends have moved their routes away before (<see cref="KillersActor"/>), and what is left to do is to let arrive what is under way.
/// Where an end cannot wait for that, it takes the tunnel out of its routes at once and asks the other to do the same; that one leaves what is still under way some time before it answers.
/// </content>
public sealed partial class TunnelActor
{
    private string? _agreedEnd;   // the peer may cut at any moment, and this is why
    private uint _agreedRound;
    private bool _isCut;
    private AskToClose? _asked;         // what was said of the end, as long as it matters: it may be lost with the stream
    private AnswerToClose? _answered;
    private TakeBackRequest? _takenBack;

    private bool PeerClosesOrderly => Data.PeerHello is { } hello && hello.Capabilities.HasFlag(TunnelCapabilities.OrderlyClose);

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
                    SendAnswer(request.Reason, request.Round);
                return Stay();
            default:
                return IsTooLate(e.Message) ? Stay() : null;
        }
    }

    // An older peer knows no rounds: it takes the tunnel out of its routes at once, and agrees.
    private void AskPeer(AskToClose ask)
    {
        _asked = ask;
        _frame.ResetWrittenCount();
        new CloseRequest(ask.Reason, ask.Text) { Round = PeerClosesOrderly ? ask.Round : null }.Encode(_frame);
        Send();
    }

    private void AnswerPeer(AnswerToClose answer)
    {
        if (answer.Agrees)
        {
            Note(new CloseRequest(answer.Reason, answer.Text));
            (_agreedEnd, _agreedRound) = (_endReason, answer.Round);
        }

        _answered = answer;
        _frame.ResetWrittenCount();
        new CloseAnswer(answer.Reason, "") { Round = answer.Round, Agrees = answer.Agrees }.Encode(_frame);
        Send();
    }

    // That we do not agree to our own request; an older peer waits until its time is over. Without rounds the peer has left its routes already.
    private void TakeBack(TakeBackRequest request)
    {
        if (!PeerClosesOrderly)
            return;
        _takenBack = request;
        if (_asked?.Round == request.Round)
            _asked = null;
        _frame.ResetWrittenCount();
        new CloseAnswer(request.Reason, "") { Round = request.Round, Agrees = false }.Encode(_frame);
        Send();
    }

    // The stream is another one. Round numbers make that a repetition is none to a peer that has heard it before.
    private void SayAgainOfTheEnd()
    {
        if (_takenBack is { } taken && Context.Now < taken.Until)
            TakeBack(taken);
        if (_asked is { } ask && Context.Now < ask.Until)
            AskPeer(ask);
        if (_answered is { } answer && Context.Now < answer.Until)
            AnswerPeer(answer);
    }

    private void OnCloseAnswer(CloseAnswer answer)
    {
        if (_asked?.Round == answer.Round || answer.Round is null)
            _asked = null;
        if (_answered?.Round == answer.Round)
            _answered = null;   // the peer does not wait for it any more
        if (!answer.Agrees && _agreedEnd is not null && answer.Round == _agreedRound)
            (_agreedEnd, _peerReason) = (null, null);   // the peer has taken it back
        _ports.Manager.Tell(new CloseAnswered(_index, answer.Round, answer.Agrees), Self);
    }

    private FsmStep<TunnelState, TunnelProgress> Cut(CutTunnel cut)
    {
        (_isCut, _peerReason, _endReason) = (true, null, cut.Text);
        LeaveRouting();
        return GoTo(TunnelState.Draining);
    }

    private FsmStep<TunnelState, TunnelProgress> OnCloseRequest(CloseRequest request)
    {
        if (request.Round is not { } round)
            return Drain(request);
        _ports.Manager.Tell(new CloseAsked(_index, round, request.Reason, request.Text), Self);
        return Stay();
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
                if (!_isCut)
                    SendAnswer(_peerReason!.Value, round: null);
                return End(_endReason);
            default:
                return IsTooLate(e.Message) ? Stay() : null;
        }
    }

    private void Answer(CloseRequest request)
    {
        Note(request);
        SendAnswer(request.Reason, request.Round);
    }

    private void Note(CloseRequest request)
    {
        _peerReason = request.Reason;
        _endReason = $"closed by the peer: {(request.Text.Length > 0 ? request.Text : request.Reason.ToString())}";
    }

    private void SendAnswer(CloseReason reason, uint? round)
    {
        _frame.ResetWrittenCount();
        new CloseAnswer(reason, "") { Round = round }.Encode(_frame);
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
        message is FrameReceived or DataPlaneEvent or RoutingPacket or RoutingLinksWanted or TellPeers or TellVersion or ShowCertificate or KeepAliveDue or ProbeDue or MtuRaiseDue or ResumeDue or RekeyDue
            or StreamClosed or StreamOpened or StreamTakenOver or UnderlayChanged or CloseTunnel or AskToClose or AnswerToClose or TakeBackRequest or CutTunnel;
}
