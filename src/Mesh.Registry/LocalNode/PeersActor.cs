using Mesh.Actors;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Bootstrap;

namespace Mesh.Registry.LocalNode;

/// <summary>Whom should a node connect to, among those that the routing daemon has routes to? Answer: <see cref="RoutedPeerPicked"/>.</summary>
/// <param name="Pick">What the node asked.</param>
/// <param name="Client">Who shall have the answer in the end; comes back.</param>
public sealed record PickRoutedPeer(PickPeer Pick, ActorRef Client)
{
    /// <summary>Whether the other source was tried before; comes back.</summary>
    public bool IsLast { get; init; }
}

/// <summary>What came of it.</summary>
/// <param name="Asked">The question.</param>
/// <param name="Peer">A living node that said itself where it can be reached, or null.</param>
public sealed record RoutedPeerPicked(PickRoutedPeer Asked, PeerPicked? Peer);

/// <summary>Finds first peers as a registry of re6st does: takes the nodes that the local routing daemon has routes to, one after the other, and asks each for its address.</summary>
/// <remarks>
/// <code>
/// list used up or old --dump--> all nodes with a route, the registry's own too, shuffled
///                                  \--one for each question--> asked --3 s at most--> addresses, or nobody
/// </code>
/// A daemon that cannot be reached has routes to nobody; then the registry's own node is left. Protocol reference 3.9.
/// </remarks>
public sealed class PeersActor : Actor
{
    /// <summary>Questions that may wait for the daemon; further ones find nobody.</summary>
    public const int MaxWaiting = 4096;

    /// <summary>How long a list is used.</summary>
    public static readonly TimeSpan ListLifetime = TimeSpan.FromSeconds(60);

    /// <summary>After silence of the node on this machine, or of its daemon: how long it is not asked again. Without it every call would cost 3 s.</summary>
    public static readonly TimeSpan SilenceLifetime = TimeSpan.FromSeconds(10);

    private readonly NetworkPrefix _network;
    private readonly IRouteDumpPort _daemon;
    private readonly ActorRef _localNode;
    private readonly LocalNodePatience _patience;
    private readonly Queue<(PickRoutedPeer Pick, ActorRef ReplyTo)> _waiting = new();   // for the list
    private readonly Dictionary<NodePrefix, Queue<(PickRoutedPeer Pick, ActorRef ReplyTo)>> _asked = [];
    private NodePrefix[] _list = [];
    private int _used;
    private TimeSpan _listUntil;
    private TimeSpan _silentUntil;
    private TimeSpan _failedUntil;
    private bool _isDumping;
    private string? _failure;

    /// <summary>Makes the actor.</summary>
    /// <param name="network">The network that the authority states.</param>
    /// <param name="daemon">The routing daemon.</param>
    /// <param name="localNode">The <see cref="LocalNodeActor"/>.</param>
    /// <param name="callTimeout">What a call may take, see <see cref="RegistryOptions.CallTimeout"/>.</param>
    public PeersActor(NetworkPrefix network, IRouteDumpPort daemon, ActorRef localNode, TimeSpan callTimeout)
    {
        ArgumentNullException.ThrowIfNull(daemon);
        ArgumentNullException.ThrowIfNull(localNode);
        (_network, _daemon, _localNode, _patience) = (network, daemon, localNode, LocalNodePatience.Within(callTimeout));
    }

    /// <inheritdoc/>
    protected override void Receive(object message)
    {
        switch (message)
        {
            case PickRoutedPeer pick when _silentUntil > Context.Now || _waiting.Count >= MaxWaiting:
                Sender.Tell(new RoutedPeerPicked(pick, Peer: null));
                break;
            case PickRoutedPeer pick:
                _waiting.Enqueue((pick, Sender));
                Serve();
                break;
            case RoutesDumped dumped when _isDumping:
                Report(failure: null);
                Renew([.. dumped.Prefixes.Select(NodeOf).OfType<NodePrefix>().Distinct()]);
                break;
            case DumpFailed failed when _isDumping:
                Fail(failed.Reason);
                break;
            case DumpOverdue when _isDumping:
                Fail("it did not answer in time");
                break;
            case RoutesDumped or DumpFailed or DumpOverdue:
                break;   // too late
            case AddressAnswered answered:
                OnAddress(answered);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    // Without a list a question waits for one, and the questions behind it as well: all of them share what comes, however short it is.
    private void Serve(bool isNew = false)
    {
        while (_waiting.Count > 0)
        {
            if (_used >= _list.Length && (isNew || _failedUntil > Context.Now))
                _used = 0;
            if (_used >= _list.Length || _listUntil <= Context.Now)
            {
                Dump();
                return;
            }

            (PickRoutedPeer pick, ActorRef replyTo) = _waiting.Dequeue();
            Ask(pick, replyTo, _list[_used++]);
        }
    }

    private void Dump()
    {
        if (_isDumping)
            return;
        _isDumping = true;
        Context.Timers.StartSingle(DumpOverdue.Instance, DumpOverdue.Instance, _patience.Answer);
        _daemon.Dump(Self);
    }

    private void Renew(List<NodePrefix> routed)
    {
        _isDumping = false;
        _ = Context.Timers.Cancel(DumpOverdue.Instance);
        if (!_waiting.TryPeek(out (PickRoutedPeer Pick, ActorRef ReplyTo) first))
            return;
        if (!routed.Contains(first.Pick.Pick.RegistryNode))
            routed.Add(first.Pick.Pick.RegistryNode);
        _list = [.. routed];
        Context.Random.Shuffle<NodePrefix>(_list);
        (_used, _listUntil) = (0, Context.Now + ListLifetime);
        Serve(isNew: true);
    }

    private void Fail(string reason)
    {
        Report(reason);
        _failedUntil = Context.Now + SilenceLifetime;
        Renew([]);
    }

    // A node is not sent to itself but to the registry's node, and that one to nobody.
    private void Ask(PickRoutedPeer pick, ActorRef replyTo, NodePrefix node)
    {
        if (node == pick.Pick.Asker)
            node = pick.Pick.RegistryNode;
        if (node == pick.Pick.Asker)
        {
            replyTo.Tell(new RoutedPeerPicked(pick, Peer: null));
            return;
        }

        if (!_asked.TryGetValue(node, out Queue<(PickRoutedPeer Pick, ActorRef ReplyTo)>? others))
            _asked.Add(node, others = new());
        others.Enqueue((pick, replyTo));
        _localNode.Tell(new AskAddress(node));
    }

    // Each question has its own answer, so they come in pairs.
    private void OnAddress(AddressAnswered answered)
    {
        if (!_asked.TryGetValue(answered.Node, out Queue<(PickRoutedPeer Pick, ActorRef ReplyTo)>? others))
            return;   // asked by an instance that a restart has replaced
        (PickRoutedPeer pick, ActorRef replyTo) = others.Dequeue();
        if (others.Count == 0)
            _ = _asked.Remove(answered.Node);
        if (answered.Addresses is null && answered.Node == pick.Pick.RegistryNode)
            _silentUntil = Context.Now + SilenceLifetime;
        replyTo.Tell(new RoutedPeerPicked(pick, answered.Addresses is { Count: > 0 } addresses ? new PeerPicked(answered.Node, addresses) : null));
    }

    private NodePrefix? NodeOf(Ipv6Prefix subnet) => NodePrefix.TryFromSubnet(_network, subnet, out NodePrefix node) ? node : null;

    // Once for each change, for it is asked again and again.
    private void Report(string? failure)
    {
        if (string.Equals(failure, _failure, StringComparison.Ordinal))
            return;
        _failure = failure;
        if (failure is null)
            Log.Info("the routing daemon tells its routes again");
        else
            Log.Warning($"the routing daemon does not tell its routes, so only the registry's own node is offered: {failure}");
    }

    private sealed record DumpOverdue
    {
        public static readonly DumpOverdue Instance = new();
    }
}
