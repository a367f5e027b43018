using System.Buffers.Binary;
using System.Net;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <content>
/// The way packets take. The connecting end probes the other's UDP port; an answer proves that datagrams pass both ways, and a
/// <see cref="PathReport"/> in the stream tells the other end, which has learnt our (perhaps translated) address from the probes. The same probes keep
/// NAT mappings alive and notice when the path is lost.
/// </content>
public sealed partial class TunnelActor
{
    private const int ProbeLength = sizeof(ulong);

    // A datagram that is under way for longer than this is as good as lost; it bounds how far datagrams and the stream can be out of step, too.
    private static readonly TimeSpan MaxRoundTrip = TimeSpan.FromSeconds(3);

    private IPEndPoint? _datagramRemote;
    private TunnelPathKind _path;
    private readonly Queue<(ulong Number, TimeSpan SentAt)> _probes = new();   // those whose answer would still tell something
    private ulong _probe;
    private int _unanswered;
    private bool _peerSaysValidated;

    private void StartProbing(ushort peerPort)
    {
        if (!_isClient || peerPort == 0 || _options.UdpPort == 0)
            return;   // the side that was connected to waits for probes: only they can open a NAT
        _datagramRemote = new IPEndPoint(_remote!.Address, peerPort);
        OnProbeDue();
    }

    private void OnProbeDue()
    {
        if (_path == TunnelPathKind.Datagram && _unanswered >= _options.LostProbes)
            LoseDatagrams();
        Span<byte> payload = stackalloc byte[ProbeLength];
        BinaryPrimitives.WriteUInt64BigEndian(payload, ++_probe);
        while (_probes.TryPeek(out (ulong Number, TimeSpan SentAt) oldest) && Context.Now - oldest.SentAt > MaxRoundTrip)
            _probes.Dequeue();
        _probes.Enqueue((_probe, Context.Now));
        _unanswered++;
        _ports.DataPlane.SendControl(_index, InnerKind.Probe, payload.ToArray(), _datagramRemote!);
        Context.Timers.StartSingle(ProbeDue.Instance, ProbeDue.Instance, NextProbe());
    }

    private TimeSpan NextProbe()
    {
        if (_unanswered <= 1 && _path == TunnelPathKind.Datagram)
            return _options.ProbeInterval;
        return _unanswered <= _options.FastProbes ? _options.FastProbeInterval : _options.BlockedProbeInterval;
    }

    private void OnDataPlane(DataPlaneEvent happened)
    {
        if (happened is ControlReceived)
            OnDatagramOpened();
        switch (happened)
        {
            case ControlReceived { Kind: InnerKind.Probe } probe:
                _lastHeard = Context.Now;
                _ports.DataPlane.SendControl(_index, InnerKind.ProbeReply, probe.Payload, probe.From);
                if (!_isClient)
                    LearnDatagramRemote(probe.From);
                break;
            case ControlReceived { Kind: InnerKind.ProbeReply } reply:
                OnProbeReply(reply);
                break;
            case ControlReceived { Kind: InnerKind.Babel } packet:
                _lastHeard = Context.Now;
                _ports.Router.Tell(new RoutingPacket(_index, packet.Payload));
                break;
            case PeerMoved moved when !_isClient:
                LearnDatagramRemote(moved.From);
                break;
        }
    }

    private void OnProbeReply(ControlReceived reply)
    {
        if (reply.Payload.Length != ProbeLength || !TryMatch(BinaryPrimitives.ReadUInt64BigEndian(reply.Payload.Span), out TimeSpan sentAt))
            return;   // it came twice or too late: it says nothing about now
        _lastHeard = Context.Now;
        _unanswered = 0;
        SetRoundTrip(Context.Now - sentAt);
        Context.Timers.StartSingle(ProbeDue.Instance, ProbeDue.Instance, _options.ProbeInterval);
        if (_path == TunnelPathKind.Datagram)
            return;
        UseDatagrams(_datagramRemote!);
        Report(PathState.Validated);
    }

    // The round trip may be longer than the interval of probes, so any recent probe may be the one that is answered.
    private bool TryMatch(ulong number, out TimeSpan sentAt)
    {
        sentAt = default;
        while (_probes.TryPeek(out (ulong Number, TimeSpan SentAt) oldest) && oldest.Number <= number)
        {
            _probes.Dequeue();
            sentAt = oldest.SentAt;
            if (oldest.Number == number)
                return Context.Now - sentAt <= MaxRoundTrip;
        }

        return false;
    }

    // The peer's newest authentic datagram came from here: it has moved, or its NAT has.
    private void LearnDatagramRemote(IPEndPoint from)
    {
        if (from.Equals(_datagramRemote))
            return;
        _datagramRemote = from;
        if (_peerSaysValidated)
            UseDatagrams(from);
    }

    private void OnPathReport(PathReport report)
    {
        _peerSaysValidated = report.State == PathState.Validated;
        if (!_peerSaysValidated)
            UseStream();
        else if (_datagramRemote is not null)
            UseDatagrams(_datagramRemote);
    }

    private void LoseDatagrams()
    {
        Log.Info($"datagrams to {_peer} at {_datagramRemote} do not pass; packets go in the stream");
        UseStream();
        Report(PathState.Lost);
    }

    private void Report(PathState state)
    {
        _frame.ResetWrittenCount();
        new PathReport(state, (uint)_index.Value, LargestDatagram: 0).Encode(_frame);
        Send();
    }

    private void UseDatagrams(IPEndPoint remote)
    {
        _ports.DataPlane.SetPath(_index, new DataPath.Datagram(remote));
        SetPathKind(TunnelPathKind.Datagram);
    }

    private void UseStream()
    {
        _ports.DataPlane.SetPath(_index, new DataPath.Stream(_stream));
        SetPathKind(TunnelPathKind.Stream);
    }

    private void SetPathKind(TunnelPathKind path)
    {
        if (path == _path)
            return;
        _path = path;
        Context.Note((ulong)path);
        PublishStatus();
    }

    private void SendRouting(ReadOnlyMemory<byte> packet)
    {
        if (_path == TunnelPathKind.Datagram)
            _ports.DataPlane.SendControl(_index, InnerKind.Babel, packet, _datagramRemote!);
        else
            _ports.Streams.Send(_stream, RoutingFrameKind, packet);
    }
}
