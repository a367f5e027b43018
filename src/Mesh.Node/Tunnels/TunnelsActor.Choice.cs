using Mesh.DataPlane;
using Mesh.Node.AddressBook;
using Mesh.Node.Peers;
using Mesh.Node.Routing;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <content>
/// With whom to have tunnels (protocol reference 7.3 to 7.5). While there is a way to the registry's node: with nodes that are routed and not neighbours (on the LAN, neither), at random, so that the overlay is a random graph whatever
/// it was before; where the address book does not have their address they are asked. The tunnel that is worth least is replaced every so often: so islands that were
/// joined by one tunnel grow together, and newcomers get their share.
/// </content>
public sealed partial class TunnelsActor
{
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(2);   // a session between the two is made first: three round trips and the time of two signatures

    // Where all nodes together have hardly more places than tunnels are wanted, the last ones are long in finding, and each question costs both sides two RSA operations.
    private static readonly TimeSpan QuestionPause = TimeSpan.FromSeconds(5);
    private const int QuestionBurst = 10;

    private readonly TokenBucket _questions = new(QuestionPause, QuestionBurst);
    private readonly Dictionary<NodePrefix, TimeSpan> _asked = [];     // for their address, and when
    private readonly Dictionary<NodePrefix, TimeSpan> _replaced = [];  // their tunnels, and when
    private TimeSpan _refreshAt;

    private bool IsConnected => _registry is { } registry && _options.Network is not null
        && (registry == _options.Self || IsRouted(registry) || _tunnels.Values.Any(t => t.Peer == registry && IsToStay(t)));

    // With a way to the registry's node over the LAN a node is not alone, though it has no tunnel.
    private bool IsOnLan => IsConnected && OverLan().Any();

    private int ClientLimit => RefreshChoice.Limit(_options.ClientCount, _tunnels.Values.Any(static t => t is { IsClient: false, IsUp: true, IsClosing: false }), IsConnected);

    // Those to try, best first: who has to be a neighbour, who has just told its address, who is known to be there; and last who has failed before or was just replaced.
    private PeerAddressEntry[] Candidates()
    {
        bool isConnected = IsConnected;
        HashSet<NodePrefix> neighbours = [.. _tunnels.Values.Select(static tunnel => tunnel.Peer), .. isConnected ? OverLan().Select(static route => route.Via) : []];
        PeerAddressEntry[] candidates = [.. _known.Where(peer => !neighbours.Contains(peer.Prefix) && IsCandidate(peer))];
        Context.Random.Shuffle<PeerAddressEntry>(candidates);
        return [.. candidates.OrderBy(p => Rank(p.Prefix, isConnected))];
    }

    private IEnumerable<NodeRoute> OverLan() => _routes.Where(static route => route.Device is not null);

    private int Rank(NodePrefix peer, bool isConnected)
    {
        if (_options.Neighbours.Contains(peer))
            return 0;
        if (_retries.ContainsKey(peer))
            return 5;
        if (_replaced.ContainsKey(peer))
            return 4;
        if (isConnected && !IsRouted(peer))
            return 3;
        return _asked.ContainsKey(peer) ? 1 : 2;
    }

    private HashSet<NodePrefix> RoutedNodes() =>
        [.. _routes.Select(route => NodePrefix.TryFromSubnet(_options.Network!.Value, route.Destination, out NodePrefix node) ? node : default).Where(static node => !node.IsEmpty)];

    // Nodes that are routed and whose address nobody has told us: as many as there are places beside them in a fair draw.
    private int AskForAddresses(int missing, int candidates)
    {
        ForgetOld(_asked, _options.MaxRetryDelay);
        if (!IsConnected)
            return 0;
        // Who was asked just now is about to answer, and its place is kept: otherwise each look would ask others.
        int awaited = Math.Min(missing, _asked.Count(asked => Context.Now - asked.Value < AnswerTime && !_known.Any(peer => peer.Prefix == asked.Key && peer.Addresses.Count > 0)));
        missing -= awaited;
        if (missing == 0 || !_questions.HasToken(Context.Now))
            return awaited;
        var known = _known.Where(static p => p.Addresses.Count > 0).Select(static p => p.Prefix).ToHashSet();
        HashSet<NodePrefix> neighbours = [.. _routes.Select(static route => route.Via), .. _tunnels.Values.Select(static tunnel => tunnel.Peer)];
        NodePrefix[] unknown = [.. RoutedNodes().Where(node => node != _options.Self && !known.Contains(node) && !_asked.ContainsKey(node) && !neighbours.Contains(node)).Order()];
        if (unknown.Length == 0)
            return awaited;
        Context.Random.Shuffle<NodePrefix>(unknown);
        int places = Math.Min(missing, (int)Math.Ceiling((double)missing * unknown.Length / (unknown.Length + candidates)));
        foreach (NodePrefix node in unknown.OrderByDescending(_options.Neighbours.Contains).Take(places))
        {
            if (!_questions.TryTake(Context.Now))
                break;
            awaited++;
            _asked[node] = Context.Now;
            Context.System.EventStream.Publish(new AskPeerAddress(node));
        }

        return awaited;
    }

    private void RestartRefresh() => _refreshAt = Context.Now + _refreshInterval;

    private void RefreshIfDue()
    {
        if (!_options.Refresh || Context.Now < _refreshAt)
            return;
        RestartRefresh();
        ForgetOld(_replaced, _refreshInterval);
        if (_tunnels.Values.Count(IsToStay) < 2)
            return;   // there is no other way for its routes
        Entry[] ours = [.. _tunnels.Values.Where(static t => t.IsClient && IsToStay(t))];
        Context.Random.Shuffle<Entry>(ours);
        RefreshCandidate[] candidates = [.. ours.Select(t => new RefreshCandidate(t.Peer, NodesThrough(t), _options.Neighbours.Contains(t.Peer)))];
        if (RefreshChoice.Choose(candidates, ClientLimit) is not { } worst)
            return;
        _replaced[worst] = Context.Now;
        Destroy(ours.First(t => t.Peer == worst), CloseReason.Retired, "it makes room for a tunnel with another node", isForced: false);
    }

    private int NodesThrough(Entry tunnel)
    {
        NodeRoute[] through = [.. _routes.Where(route => route.Tunnel == tunnel.Index)];
        return _options.Network is { } network && through.Any(route => route.Destination == tunnel.Peer.Subnet(network)) ? through.Length : 0;
    }

    private void ForgetOld(Dictionary<NodePrefix, TimeSpan> times, TimeSpan age)
    {
        foreach (NodePrefix peer in times.Where(t => Context.Now - t.Value > age).Select(static t => t.Key).ToArray())
            times.Remove(peer);
    }
}
