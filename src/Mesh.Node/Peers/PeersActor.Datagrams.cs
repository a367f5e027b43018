using System.Diagnostics.CodeAnalysis;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Security.Certificates;

namespace Mesh.Node.Peers;

/// <content>
/// From a datagram to its session. What costs much is only done after what costs little: a certificate is checked once and then compared, its signature is checked by a worker, and
/// how often is limited, for each source and for all together.
/// </content>
public sealed partial class PeersActor
{
    private readonly TokenBucket _checks;
    private readonly SourceLimiter _checksBySource;

    private void OnDatagram(PeerDatagramReceived received)
    {
        _counters.Add(PeerCounter.Received);
        if (received.From == Ipv6Address.Loopback)
        {
            OnLocalDatagram(received);
            return;
        }

        if (!_identity.Network.Contains(received.From) || _identity.Prefix.Subnet(_identity.Network).Contains(received.From))
        {
            _counters.Add(PeerCounter.ForeignSource);
            return;
        }

        switch (PeerDatagram.KindOf(received.Datagram.Span))
        {
            case PeerDatagramKind.Hello0 when Hello0.TryDecode(received.Datagram.Span, out Hello0? greeting):
                OnGreeting(greeting, received);
                break;
            case PeerDatagramKind.Hello when Hello.TryDecode(received.Datagram.Span, out Hello? hello):
                if (Find(received.From) is { } peer)
                    peer.Actor.Tell(new SecretArrived(hello));
                else
                    _counters.Add(PeerCounter.UnknownPeer);
                break;
            case PeerDatagramKind.Message:
                if (Find(received.From) is { Record.Certificate: not null } sender)
                    sender.Actor.Tell(new DatagramArrived(received.Datagram, received.From, received.Port));
                else
                    _counters.Add(PeerCounter.UnknownPeer);
                break;
            default:
                _counters.Add(PeerCounter.Malformed);
                break;
        }
    }

    private void OnGreeting(Hello0 greeting, PeerDatagramReceived received)
    {
        Entry? known = Find(received.From);
        if (known?.Record.Certificate is { } certificate && certificate.Der.AsSpan().SequenceEqual(greeting.Certificate.Span) && !MayNotTakePart(known))
        {
            known.Actor.Tell(new GreetingArrived(greeting, certificate, received.From, received.Port));
            return;
        }

        if (!_checksBySource.TryTake(received.From, Context.Now) || !_checks.TryTake(Context.Now))
        {
            _counters.Add(PeerCounter.GreetingLimited);
            return;
        }

        (NodeIdentity identity, DateTimeOffset now, IReadOnlySet<ulong> revoked) = (_identity, Context.UtcNow, _revoked);
        _ports.WorkPool.Run(new Check(greeting, received.From, received.Port), () => Judge(identity, greeting.Certificate.Span, received.From, now, revoked), Self);
    }

    private void OnChecked(Check check, Certificate? outcome)
    {
        // The list may have changed meanwhile.
        if (outcome is null || outcome.Checked is not { } certificate || _revoked.Contains(certificate.SerialNumber))
        {
            _counters.Add(PeerCounter.CertificateRefused);
            if (outcome?.Problem is { Length: > 0 } problem)
                Log.Debug($"{check.From} is not let in: {problem}");
            return;
        }

        if (FindOrAdd(certificate.Prefix) is { } peer)
            peer.Actor.Tell(new GreetingArrived(check.Greeting, certificate, check.From, check.Port));
        else
            _counters.Add(PeerCounter.GreetingLimited);
    }

    private static Certificate Judge(NodeIdentity identity, ReadOnlySpan<byte> der, Ipv6Address source, DateTimeOffset now, IReadOnlySet<ulong> revoked)
    {
        if (!identity.TryVerify(der, now, revoked, out NodeCertificate? certificate, out string problem))
            return new Certificate(null, problem);
        return certificate.Prefix.Subnet(identity.Network).Contains(source) ? new Certificate(certificate, "") : new Certificate(null, $"the certificate is for {certificate.Prefix}, which is elsewhere");
    }

    private bool IsGood(ReadOnlySpan<byte> der, NodePrefix peer, [NotNullWhen(true)] out NodeCertificate? certificate) =>
        _identity.TryVerify(der, Context.UtcNow, _revoked, out certificate, out _) && certificate.Prefix == peer;

    // Prefixes of nodes do not overlap, so the first that fits is the one.
    private Entry? Find(Ipv6Address source)
    {
        foreach (int length in _lengths.Keys)
        {
            if (NodePrefix.TryFromAddress(_identity.Network, source, length, out NodePrefix prefix) && _peers.TryGetValue(prefix, out Entry? peer))
                return peer;
        }

        return null;
    }

    private sealed record Check(Hello0 Greeting, Ipv6Address From, ushort Port);

    /// <summary>Outcome of a check.</summary>
    private sealed record Certificate(NodeCertificate? Checked, string Problem);
}
