using System.Buffers;
using System.Collections.Immutable;
using Mesh.DataPlane;
using Mesh.Node.Certificates;
using Mesh.Node.Ports;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <content>
/// Certificates while tunnels are up. A peer's is looked at when the tunnel comes up; it may end before the tunnel does, and then the tunnel is closed, unless the peer has shown another one by
/// then. Ours is shown to all peers when it is renewed, so that they need not close anything. And where ours is good no more, there are no tunnels.
/// </content>
public sealed partial class TunnelsActor
{
    private static readonly TimeSpan LongestWatch = TimeSpan.FromHours(1);   // the wall clock may be set meanwhile
    private static readonly TimeSpan ShortestWatch = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RenewalPause = TimeSpan.FromSeconds(10);   // each costs us an RSA operation

    private readonly ArrayBufferWriter<byte> _refusal = new(64);
    private ImmutableArray<byte> _shown;
    private bool _mayServe = true;

    /// <summary>Certificates of peers on open tunnels that were not taken: not valid, of somebody else, or too soon after another.</summary>
    public long RefusedRenewalCount { get; private set; }

    private void OnIdentity(NodeIdentity identity)
    {
        if (identity.Certificate.Der == _shown)
            return;   // it is the authority's that is new
        _shown = identity.Certificate.Der;
        var show = new ShowCertificate(new CertificateRenewal(identity.Certificate.Der));
        foreach (Entry tunnel in _tunnels.Values)
            tunnel.Actor.Tell(show);
        _retries.Clear();   // who refused the old one may take the new one
        OpenMissing();
    }

    private void OnCertificate(CertificateStatus status)
    {
        if (status.MayServe == _mayServe)
            return;
        _mayServe = status.MayServe;
        if (_mayServe)
        {
            OpenMissing();
            return;
        }

        Log.Warning($"this node may not serve: its {_tunnels.Count} tunnels are closed, and none is opened or accepted");
        foreach (Entry tunnel in _tunnels.Values.Where(t => !t.IsClosing))
            Close(tunnel, CloseReason.ShuttingDown, "this node is out of service");
    }

    private void Watch(Entry tunnel, ReadOnlyMemory<byte> certificate)
    {
        (tunnel.Certificate, tunnel.Until) = (certificate, _ports.EndOf(certificate));
        WatchNext();
    }

    private void WatchNext()
    {
        DateTimeOffset? first = _tunnels.Values.Where(t => t is { IsUp: true, IsClosing: false }).Min(t => (DateTimeOffset?)t.Until);
        if (first is not { } until)
            return;
        DateTimeOffset now = Context.UtcNow;
        TimeSpan wait = until > now + LongestWatch ? LongestWatch : until - now + ShortestWatch;
        Context.Timers.StartSingle(CertificateEnds.Instance, CertificateEnds.Instance, wait > ShortestWatch ? wait : ShortestWatch);
    }

    private void CloseEnded()
    {
        foreach (Entry tunnel in _tunnels.Values.Where(t => t is { IsUp: true, IsClosing: false } && Context.UtcNow > t.Until))
        {
            if (_ports.Identify(tunnel.Certificate, out _, out string problem))
                continue;
            Log.Info($"the tunnel with {tunnel.Peer} is closed: {problem}");
            Close(tunnel, CloseReason.NotAllowed, problem);
        }

        WatchNext();
    }

    private void OnPeerRenewed(Entry tunnel, ReadOnlyMemory<byte> certificate)
    {
        if (certificate.Span.SequenceEqual(tunnel.Certificate.Span))
            return;
        string problem = $"it has shown another less than {RenewalPause.TotalSeconds:0} s ago";
        if (Context.Now >= tunnel.RenewalAgainAt)
        {
            tunnel.RenewalAgainAt = Context.Now + RenewalPause;
            if (_ports.Identify(certificate, out _, out problem) && _ports.IsRenewal(tunnel.Certificate, certificate))
            {
                Log.Debug($"{tunnel.Peer} has shown another certificate");
                Watch(tunnel, certificate);
                return;
            }
        }

        RefusedRenewalCount++;
        Log.Info($"another certificate that {tunnel.Peer} has shown is not taken: {(problem.Length > 0 ? problem : "it is of another node or for another key")}");
    }

    // So that the peer knows why: with no reason it would take us for broken.
    private void Refuse(StreamOpened opened, CloseReason reason, string text)
    {
        _refusal.ResetWrittenCount();
        new CloseRequest(reason, text).Encode(_refusal);
        _ports.Streams.Send(opened.Stream, CloseRequest.Kind, _refusal.WrittenSpan[Frame.HeaderLength..].ToArray());
        _ports.Streams.Close(opened.Stream);
    }

    private sealed class CertificateEnds
    {
        public static readonly CertificateEnds Instance = new();
    }
}
