using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Mesh.DataPlane;
using Mesh.DataPlane.PathMtu;
using Mesh.DataPlane.Sealing;
using Mesh.Node.Ports;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <content>
/// The way packets take. The connecting end probes the other's UDP port; an answer proves that datagrams pass both ways, and a
/// <see cref="PathReport"/> in the stream tells the other end, which has learnt our (perhaps translated) address from the probes. The same probes keep
/// NAT mappings alive and notice when the path is lost, and where packets are carried they are as long as the longest of them: one that does not come back although a short one does
/// says how long packets may be (<see cref="PathMtuSearch"/>). Either end probes at once where it sends packets and hears nothing.
/// </content>
public sealed partial class TunnelActor
{
    private const int ProbeLength = sizeof(ulong);   // the shortest; a longer one has zeros behind its number

    // A datagram that is under way for longer than this is as good as lost; it bounds how far datagrams and the stream can be out of step, too.
    private static readonly TimeSpan MaxRoundTrip = TimeSpan.FromSeconds(3);

    private readonly Queue<SentProbe> _probes = new();   // those whose answer would still tell something
    private IPEndPoint? _datagramRemote;
    private TunnelPathKind _path;
    private int _pathMtu;
    private PathMtuSearch? _search;   // of the connecting end
    private int _longestInner;
    private ulong _probe;
    private int _unanswered;        // rounds of probes without any answer
    private int _longUnanswered;    // rounds without an answer to the long one
    private TimeSpan _longSince;    // when the first of them was sent
    private TimeSpan _longConfirmed;   // when the last answer to a long one came
    private long _carried;          // packets, when the last probe was sent
    private bool _isCarrying;       // some between the last two
    private bool _isSuspicious;     // packets are sent and nothing comes
    private bool _peerSaysValidated;

    private void StartProbing(ushort peerPort, ushort peerLinkMtu)
    {
        if (!_isClient || peerPort == 0 || _options.UdpPort == 0)
            return;   // the side that was connected to waits for probes: only they can open a NAT
        _datagramRemote = new IPEndPoint(_remote!.Address, peerPort);
        _longestInner = LongestInner(peerLinkMtu);
        _search = new PathMtuSearch(_longestInner);
        Context.Timers.StartPeriodic(MtuRaiseDue.Instance, MtuRaiseDue.Instance, _options.MtuRaiseInterval, _options.MtuRaiseInterval);
        OnProbeDue();
    }

    // What both links carry, less what is around an inner packet.
    private int LongestInner(ushort peerLinkMtu)
    {
        const int Ipv4Headers = 20 + 8, Ipv6Headers = 40 + 8;
        int link = peerLinkMtu == 0 ? _options.LinkMtu : Math.Min(_options.LinkMtu, peerLinkMtu);
        IPAddress remote = _remote!.Address;
        int headers = remote.AddressFamily == AddressFamily.InterNetwork || remote.IsIPv4MappedToIPv6 ? Ipv4Headers : Ipv6Headers;
        return Math.Clamp(link - headers - SealedDatagram.Overhead, PathMtuSearch.Min, _options.DeviceMtu);
    }

    private void OnProbeDue()
    {
        if (_path == TunnelPathKind.Datagram && _unanswered >= _options.LostProbes)
            LoseDatagrams();
        if (_search is null && !_isSuspicious)
            return;   // the connecting end probes again
        LookAtLongProbes();

        while (_probes.TryPeek(out SentProbe? oldest) && Context.Now - oldest.SentAt > MaxRoundTrip)
            _probes.Dequeue();
        _probe++;
        bool isShort = IsSteady && !_isCarrying && Context.Now - _longConfirmed < _options.IdleConfirmationInterval;
        if (IsSteady)
            _ports.DataPlane.AskTraffic(_index, Self);
        if (isShort || !IsSteady)
            SendProbe(ProbeLength);
        if (!isShort && _search is { } search && (_path == TunnelPathKind.Datagram || _unanswered <= _options.FastProbes))
        {
            SendProbe(search.ProbeLength - 1);   // the octet that says what it is
            if (_longUnanswered++ == 0)
                _longSince = Context.Now;
        }
        _unanswered++;
        Context.Timers.StartSingle(ProbeDue.Instance, ProbeDue.Instance, NextProbe());
    }

    private bool IsSteady => _path == TunnelPathKind.Datagram && !_isSuspicious && _search is { IsSearching: false } && (_unanswered, _longUnanswered) == (0, 0);

    private void SendProbe(int length)
    {
        byte[] payload = new byte[length];
        BinaryPrimitives.WriteUInt64BigEndian(payload, _probe);
        _probes.Enqueue(new SentProbe(_probe, length, Context.Now));
        _ports.DataPlane.SendControl(_index, InnerKind.Probe, payload, _datagramRemote!);
    }

    // Only where short ones pass does a missing answer say something about the length.
    private void LookAtLongProbes()
    {
        if (_search is not { } search || _unanswered > 0 || _longUnanswered < _options.LostProbes)
            return;
        TimeSpan patience = _options.LostProbes * (_roundTrip is { } measured && measured > _options.FastProbeInterval ? measured : _options.FastProbeInterval);
        if (Context.Now - _longSince < patience)
            return;
        _longUnanswered = 0;
        if (search.Lost(search.ProbeLength))
            UseSearch(search);
    }

    private TimeSpan NextProbe()
    {
        if (IsSteady)
            return _options.ProbeInterval;
        if (_unanswered > _options.FastProbes)
            return _options.BlockedProbeInterval;
        return _path == TunnelPathKind.Datagram && _roundTrip * 1.5 is { } slow && slow > _options.FastProbeInterval ? slow : _options.FastProbeInterval;
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
            case PathSilent when _path == TunnelPathKind.Datagram && !_isSuspicious && _unanswered <= 1:
                (_isSuspicious, _unanswered) = (true, 0);
                OnProbeDue();
                break;
            case KeyWorn:
                OnRekeyDue();
                break;
            case TunnelTraffic traffic:
                (_isCarrying, _carried) = (traffic.Packets > _carried, traffic.Packets);
                break;
        }
    }

    private void OnProbeReply(ControlReceived reply)
    {
        if (reply.Payload.Length < ProbeLength || !TryMatch(BinaryPrimitives.ReadUInt64BigEndian(reply.Payload.Span), reply.Payload.Length, out TimeSpan sentAt))
            return;   // it came twice or too late: it says nothing about now
        _lastHeard = Context.Now;
        (_unanswered, _isSuspicious) = (0, false);
        SetRoundTrip(Context.Now - sentAt);
        if (_search is not { } search)
        {
            Context.Timers.Cancel(ProbeDue.Instance);   // only the connecting end probes all the time
            return;
        }

        int length = reply.Payload.Length + 1;
        if (length == search.ProbeLength)
            (_longUnanswered, _longConfirmed) = (0, Context.Now);
        bool hasChanged = search.Passed(length);
        if (hasChanged)
            UseSearch(search);
        if (hasChanged && search.IsSearching)
            OnProbeDue();
        else
            Context.Timers.StartSingle(ProbeDue.Instance, ProbeDue.Instance, NextProbe());
    }

    // The round trip may be longer than the interval of probes, so any recent probe may be the one that is answered.
    private bool TryMatch(ulong number, int length, out TimeSpan sentAt)
    {
        sentAt = default;
        foreach (SentProbe probe in _probes)
        {
            if (probe.Number != number || probe.Length != length || probe.IsAnswered)
                continue;
            probe.IsAnswered = true;
            sentAt = probe.SentAt;
            return Context.Now - sentAt <= MaxRoundTrip;
        }

        return false;
    }

    private void UseSearch(PathMtuSearch search)
    {
        if (search.Mtu is { } mtu)
        {
            UseDatagrams(_datagramRemote!, mtu);
            Report(PathState.Validated, mtu + SealedDatagram.Overhead);
        }
        else if (_path == TunnelPathKind.Datagram)
        {
            Log.Info($"datagrams to {_peer} at {_datagramRemote} cannot even carry packets of {PathMtuSearch.Min} octets; packets go in the stream");
            UseStream();
            Report(PathState.Lost);
        }
    }

    private void OnMtuRaiseDue()
    {
        if (_search is not { IsSearching: false } search || search.Mtu == search.Max)
            return;
        search.Raise();
        _longUnanswered = 0;
    }

    // The peer's newest authentic datagram came from here: it has moved, or its NAT has.
    private void LearnDatagramRemote(IPEndPoint from)
    {
        if (from.Equals(_datagramRemote))
            return;
        _datagramRemote = from;
        if (_peerSaysValidated)
            UseDatagrams(from, _pathMtu);
    }

    private void OnPathReport(PathReport report)
    {
        if (_isClient)
        {
            // The peer hears nothing from us, and we may not have noticed.
            if (report.State == PathState.Lost && _path == TunnelPathKind.Datagram)
            {
                UseStream();
                SearchAnew();
                OnProbeDue();
            }
            return;
        }

        _peerSaysValidated = report.State == PathState.Validated;
        if (report.LargestDatagram >= PathMtuSearch.Min + SealedDatagram.Overhead)
            _pathMtu = Math.Min(report.LargestDatagram - SealedDatagram.Overhead, _options.DeviceMtu);
        else
            _pathMtu = DataPath.DefaultMtu;   // a peer that does not search
        if (!_peerSaysValidated)
            UseStream();
        else if (_datagramRemote is not null)
            UseDatagrams(_datagramRemote, _pathMtu);
    }

    private void LoseDatagrams()
    {
        Log.Info($"datagrams to {_peer} at {_datagramRemote} do not pass; packets go in the stream");
        (_peerSaysValidated, _isSuspicious) = (false, false);
        UseStream();
        Report(PathState.Lost);
        int unanswered = _unanswered;
        SearchAnew();
        _unanswered = unanswered;
    }

    // The next path may be another one.
    private void SearchAnew()
    {
        (_unanswered, _longUnanswered) = (0, 0);
        if (_search is not null)
            _search = new PathMtuSearch(_longestInner);
    }

    private void Report(PathState state, int largestDatagram = 0)
    {
        _frame.ResetWrittenCount();
        new PathReport(state, (uint)_index.Value, (ushort)largestDatagram).Encode(_frame);
        Send();
    }

    private void UseDatagrams(IPEndPoint remote, int mtu)
    {
        _pathMtu = mtu;
        _ports.DataPlane.SetPath(_index, new DataPath.Datagram(remote, mtu));
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

    private sealed record SentProbe(ulong Number, int Length, TimeSpan SentAt)
    {
        public bool IsAnswered { get; set; }
    }

    private sealed class MtuRaiseDue
    {
        public static readonly MtuRaiseDue Instance = new();
    }
}
