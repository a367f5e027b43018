using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <content>
/// Who gets a place. A full node must not shut out a newcomer that depends on it: while a node has no tunnel that is up, one of its attempts says so in its hello
/// (<see cref="TunnelCapabilities.OnlyTunnel"/>). For such a peer a full node retires a tunnel of a peer that came with others already. So a tunnel that its peer
/// depended on when it came keeps its place, and each further one is there as long as nobody needs the place more. Whoever is refused is told of others to try.
/// </content>
public sealed partial class TunnelsActor
{
    // Accepted streams whose peers have not greeted yet hold no place; they are limited all the same.
    private const int MaxGreeting = 32;
    private const int MaxGreetingPerPeer = 2;

    private TunnelIndex? _onlyTunnel;

    // The delegate of TunnelPorts: the tunnel that greets first may say that it is the only one, until it ends or one is up.
    private bool ClaimOnlyTunnel(TunnelIndex index)
    {
        if (!IsIsolated || (_onlyTunnel is { } holder && holder != index))
            return false;
        _onlyTunnel = index;
        return true;
    }

    private void Accept(StreamOpened opened)
    {
        if (!_ports.Identify(opened.PeerCertificate, out NodePrefix peer, out string problem))
        {
            Log.Info($"refused a tunnel from {opened.Remote}: {problem}");
            Refuse(opened, CloseReason.NotAllowed, problem);
            return;
        }

        if (!_mayServe)
        {
            Refuse(opened, CloseReason.ShuttingDown, "this node is out of service");
            return;
        }

        Entry[] greeting = [.. _tunnels.Values.Where(t => t is { IsClient: false, IsServed: false })];
        if (greeting.Length >= MaxGreeting || greeting.Count(t => t.Peer == peer) >= MaxGreetingPerPeer || TakeIndex() is not { } index)
        {
            Log.Info($"refused a tunnel from {peer} at {opened.Remote}: {greeting.Length} others are in the exchange of keys");
            _ports.Streams.Close(opened.Stream);
            return;
        }

        Add(index, peer, isClient: false, TunnelActor.Server(index, peer, opened, _options.TunnelNow, _ports));
    }

    private void OnGreeted(Entry tunnel, bool isPeersOnly)
    {
        tunnel.IsPeersOnly = isPeersOnly;
        // A peer that is served already comes anew because it has lost the old tunnel: it gets that one's place.
        Entry[] served = [.. _tunnels.Values.Where(t => t is { IsServed: true, IsClosing: false, IsReplaced: false } && t.Peer != tunnel.Peer)];
        if (served.Length < _options.MaxClients)
        {
            tunnel.IsServed = true;
            return;
        }

        Entry[] dispensable = isPeersOnly ? [.. served.Where(t => t is { IsUp: true, IsPeersOnly: false })] : [];
        if (dispensable.Length == 0)
        {
            Log.Info($"refused a tunnel from {tunnel.Peer}: {served.Length} are served already");
            tunnel.Actor.Tell(new TellPeers(PeersToShare(tunnel.Peer)));
            Close(tunnel, CloseReason.Busy, "no place is free");
            return;
        }

        tunnel.IsServed = true;
        Entry victim = dispensable[Context.Random.Next(dispensable.Length)];
        Log.Info($"the tunnel from {victim.Peer} makes room for {tunnel.Peer}, which has no other");
        victim.IsReplaced = true;
        Destroy(victim, CloseReason.Retired, "the place is needed by a node that has no other tunnel", isForced: true);
    }

    private bool IsDue(NodePrefix peer)
    {
        if (!_retries.TryGetValue(peer, out Retry retry))
            return true;
        TimeSpan delay = IsEager && retry.Delay > _options.MaxIsolatedRetryDelay ? _options.MaxIsolatedRetryDelay : retry.Delay;
        return Context.Now >= retry.FailedAt + delay;
    }

    // A tunnel that lasted may be opened again at once. One that was refused, or that the other end did not want for long, was a failure.
    private void Remember(TunnelEnded ended, Entry entry)
    {
        bool isUnwanted = entry.IsRefused || ended.PeerReason is CloseReason.Retired or CloseReason.Busy or CloseReason.NotAllowed;
        if (ended.WasUp && !isUnwanted && Context.Now - entry.UpSince >= _options.MinRetryDelay)
            return;
        int failures = _retries.TryGetValue(ended.Peer, out Retry retry) ? retry.Failures + 1 : 1;
        _retries[ended.Peer] = new Retry(failures, Context.Now, entry.IsRefused ? _options.MaxRetryDelay : Backoff(failures));   // who was shut out may come by itself when it is let in again
    }

    private TimeSpan Backoff(int failures)
    {
        double delay = Math.Min(_options.MaxRetryDelay.TotalSeconds, _options.MinRetryDelay.TotalSeconds * Math.Pow(2, Math.Min(failures - 1, 30)));
        return TimeSpan.FromSeconds(delay * (0.75 + (0.5 * Context.Random.NextDouble())));
    }

    private readonly record struct Retry(int Failures, TimeSpan FailedAt, TimeSpan Delay);
}
