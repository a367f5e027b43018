using System.Net;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.DataPlane.Sealing;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <content>
/// Datagrams follow a machine to another address, TCP does not. Where the stream does not answer any more, because this machine has moved or something on the way has forgotten the
/// connection, the connecting end opens another stream and names the tunnel that it belongs to. The tunnel's keys, its datagrams and what routing knows of it stay as they are.
/// <code>
/// connecting end                                accepting end
///   TLS, both certificates ─────────────────────▶  a new tunnel actor greets, as always
///   ── StreamResume(index) ─────────────────────▶  which asks the manager, and hands its stream to the tunnel with that index
///   ◀───────────────────── StreamResume(answer) ──  the old stream is closed
/// </code>
/// </content>
public sealed partial class TunnelActor
{
    private const int LostKeepAlives = 2;
    private StreamId _resuming;
    private int _resumeAttempts;
    private TimeSpan _streamHeard;      // when the last frame came
    private TimeSpan _streamDoubted;    // when it was last asked whether the stream still works

    // Something about this machine's addresses or routes has changed: look at once whether everything still works.
    private void OnUnderlayChanged()
    {
        AskForLife();
        if (!_isClient)
            return;
        _streamDoubted = Context.Now;
        Context.Timers.StartSingle(ResumeDue.Instance, ResumeDue.Instance, _options.ResumeAfter);
        if (_search is null)
            return;
        (_isSuspicious, _unanswered) = (true, 0);
        OnProbeDue();
    }

    // Where nothing at all comes, the peer is gone, and another stream would not be answered either.
    private void LookAtStream()
    {
        if (!_isClient || _unansweredQuestions < LostKeepAlives || Context.Now - _streamHeard <= _options.KeepAliveInterval * LostKeepAlives || Context.Now - _lastHeard > _options.KeepAliveInterval)
            return;
        _streamDoubted = Context.Now;
        Resume();
    }

    private void OnResumeDue()
    {
        if (_streamHeard <= _streamDoubted)
            Resume();
    }

    private void Resume()
    {
        if (_resuming.Value != 0)
            return;
        _resumeAttempts++;
        Log.Info($"the control stream to {_peer} does not answer; another one is opened");
        _resuming = _ports.Streams.Connect(_remote!, _options.ConnectTimeout, Self);
    }

    private FsmStep<TunnelState, TunnelProgress>? WhileResuming(object message)
    {
        switch (message)
        {
            case StreamOpened opened when opened.Stream == _resuming:
                if (!_ports.Identify(opened.PeerCertificate, out NodePrefix peer, out string problem) || peer != _peer)
                    return End(problem.Length > 0 ? problem : $"{opened.Remote} is {peer} now, expected {_peer}");
                SendOn(_resuming, new StreamResume(_keys!.ReceiverIndex, IsAnswer: false));
                return Stay();
            case FrameReceived { Kind: StreamResume.Kind } frame when frame.Stream == _resuming:
                if (!StreamResume.TryDecode(frame.Payload.Span, out StreamResume answer) || !answer.IsAnswer)
                    return End("the peer's answer to a resumed stream is malformed");
                _resuming = default;
                _resumeAttempts = 0;
                Adopt(frame.Stream, _remote!);
                return Stay();
            case FrameReceived { Kind: CloseRequest.Kind } frame when frame.Stream == _resuming:
                return End("the peer has forgotten this tunnel");
            case FrameReceived frame when frame.Stream != _stream:
                return Stay();   // the hello with which every stream begins, or a rest of the stream before
            case StreamClosed closed when closed.Stream == _resuming:
                _resuming = default;
                Context.Timers.StartSingle(ResumeDue.Instance, ResumeDue.Instance, ResumeDelay());
                return Stay();
            case StreamClosed closed when closed.Stream != _stream:
                return Stay();   // one that was given up
            case StreamClosed when _resuming.Value != 0:
                _stream = default;
                return Stay();   // the other one is on its way
            case ResumeDue:
                OnResumeDue();
                return Stay();
            case StreamTakenOver taken when !_isClient:
                SendOn(taken.Stream, new StreamResume((uint)_index.Value, IsAnswer: true));
                Adopt(taken.Stream, taken.Remote);
                return Stay();
            case UnderlayChanged:
                OnUnderlayChanged();
                return Stay();
            default:
                return null;
        }
    }

    // The accepting end: this actor's stream belongs to another tunnel.
    private FsmStep<TunnelState, TunnelProgress> HandOver(HandStreamOver to)
    {
        StreamId stream = _stream;
        _stream = default;   // so that it is not closed
        _ports.Streams.SetOwner(stream, to.Tunnel);
        to.Tunnel.Tell(new StreamTakenOver(stream, _remote!), Self);
        return End("its stream goes on with an older tunnel");
    }

    private void Adopt(StreamId stream, IPEndPoint remote)
    {
        StreamId before = _stream;
        (_stream, _remote) = (stream, remote);
        _lastHeard = _streamHeard = Context.Now;
        Context.Timers.Cancel(ResumeDue.Instance);
        if (before.Value != 0)
            _ports.Streams.Close(before);
        _ports.DataPlane.BindStream(_index, stream);
        if (_path == TunnelPathKind.Stream)
            UseStream();
        // What was written into the old stream may be lost. The peer takes what it has already as said again.
        if (_rekeyQuestion is not null)
            AskToRekey();
        SayAgainOfTheEnd();
        if (_isClient && _search is not null)
        {
            if (_path == TunnelPathKind.Datagram)
                Report(PathState.Validated, _pathMtu + SealedDatagram.Overhead);
            else
                Report(PathState.Lost);
            (_isSuspicious, _unanswered) = (true, 0);
            OnProbeDue();
        }
        if (_toShow is { } show)
            Show(show);
        Log.Info($"the tunnel with {_peer} goes on in another control stream");
        PublishStatus();
    }

    private TimeSpan ResumeDelay()
    {
        TimeSpan delay = _options.ResumeAfter * Math.Pow(2, Math.Min(_resumeAttempts, 5));
        return delay < _options.KeepAliveInterval ? delay : _options.KeepAliveInterval;
    }

    private void SendOn(StreamId stream, StreamResume resume)
    {
        _frame.ResetWrittenCount();
        resume.Encode(_frame);
        ReadOnlySpan<byte> frame = _frame.WrittenSpan;
        _ports.Streams.Send(stream, frame[0], frame[Frame.HeaderLength..].ToArray());
    }

    private sealed class ResumeDue
    {
        public static readonly ResumeDue Instance = new();
    }
}

/// <summary>From a tunnel that was just accepted: its stream is to go on with an older tunnel to the same peer.</summary>
/// <param name="Index">The accepted tunnel.</param>
/// <param name="Older">Index of the older one.</param>
public sealed record TunnelResumes(TunnelIndex Index, TunnelIndex Older);

/// <summary>To a tunnel that was just accepted: give your stream to that one.</summary>
public sealed record HandStreamOver(Actors.ActorRef Tunnel);

/// <summary>To a tunnel: go on in this stream, whose events are yours.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Remote">The peer's address as seen here.</param>
public sealed record StreamTakenOver(StreamId Stream, IPEndPoint Remote);

/// <summary>Told the node, and by it each tunnel, where this machine's addresses or default routes in the underlay have changed: what was reachable may not be any more.</summary>
public sealed record UnderlayChanged;
