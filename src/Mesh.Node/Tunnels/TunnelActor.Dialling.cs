using System.Net;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tunnels;

/// <content>
/// A peer may have several addresses, and some lead nowhere from here. They are tried in their order, each a moment after the one before or as soon as that has failed (RFC 8305
/// section 5); the first stream whose peer is whom we want is the tunnel's, and the others are closed.
/// </content>
public sealed partial class TunnelActor
{
    private readonly Queue<IPEndPoint> _untried = new();
    private readonly Dictionary<StreamId, IPEndPoint> _dialled = [];

    private void DialNext()
    {
        if (!_untried.TryDequeue(out IPEndPoint? remote))
            return;
        _dialled[_ports.Streams.Connect(remote, _options.ConnectTimeout, Self)] = remote;
        if (_untried.Count > 0)
            Context.Timers.StartSingle(DialDue.Instance, DialDue.Instance, _options.ConnectStagger);
    }

    private FsmStep<TunnelState, TunnelProgress>? WhileConnecting(FsmEvent<TunnelProgress> e)
    {
        switch (e.Message)
        {
            case StreamOpened opened when _dialled.Remove(opened.Stream):
                if (!_ports.Identify(opened.PeerCertificate, out NodePrefix peer, out string problem))
                    return DialFailed(opened.Stream, problem);
                if (peer != _expected)
                    return DialFailed(opened.Stream, $"{opened.Remote} is {peer}, expected {_expected}");
                (_stream, _remote, _certificate) = (opened.Stream, opened.Remote, opened.PeerCertificate);
                CloseOthers();
                Greet();
                return GoTo(TunnelState.Greeting);
            case StreamClosed closed when _dialled.Remove(closed.Stream):
                return DialFailed(stream: null, closed.Reason);
            case DialDue:
                DialNext();
                return Stay();
            case StateTimeout:
                return End($"no connection to {_remote} in time");
            default:
                return null;
        }
    }

    private FsmStep<TunnelState, TunnelProgress> DialFailed(StreamId? stream, string reason)
    {
        if (stream is { } opened)
            _ports.Streams.Close(opened);
        if (_untried.Count == 0 && _dialled.Count == 0)
            return End(reason);
        DialNext();
        return Stay();
    }

    private void CloseOthers()
    {
        Context.Timers.Cancel(DialDue.Instance);
        _untried.Clear();
        foreach (StreamId stream in _dialled.Keys)
            _ports.Streams.Close(stream);
        _dialled.Clear();
    }

    private sealed class DialDue
    {
        public static readonly DialDue Instance = new();
    }
}
