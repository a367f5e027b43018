using Mesh.Actors;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Registry.Parameters;

namespace Mesh.Registry.LocalNode;

/// <summary>The registry's voice in its own network: tells the node on the same machine of new parameters, and asks nodes through it.</summary>
/// <remarks>
/// <code>
/// question --> sent --answer--> answered
///               \--silence--> sent again, twice at most --3 s in all--> no answer
/// </code>
/// <para>All questions are under way at the same time and none waits for another. Whoever is silent costs only the call that waits for it.</para>
/// <para>Protocol reference 3.9 and 4.6.</para>
/// </remarks>
public sealed class LocalNodeActor : Actor
{
    /// <summary>Questions about an address that may be under way; further ones are as if nobody had answered.</summary>
    public const int MaxQuestions = 4096;

    /// <summary>Collections that may be under way; further ones are refused.</summary>
    public const int MaxCollections = 4;

    private readonly NetworkPrefix _network;
    private readonly ActorRef _registry;
    private readonly ILocalNodePort _port;
    private readonly LocalNodePatience _patience;
    private readonly Dictionary<NodePrefix, List<Question>> _questions = [];
    private readonly List<NodeCollection> _collections = [];
    private readonly List<NodePrefix> _batch = [];
    private LocalNodeStatistics _statistics = new(0, 0, 0, 0, 0, 0, 0);
    private int _questionCount;

    /// <summary>Makes the actor.</summary>
    /// <param name="network">The network that the authority states.</param>
    /// <param name="registry">The <see cref="RegistryActor"/>: it knows which node is next to the registry.</param>
    /// <param name="port">The way to that node.</param>
    /// <param name="callTimeout">What a call may take, see <see cref="RegistryOptions.CallTimeout"/>.</param>
    public LocalNodeActor(NetworkPrefix network, ActorRef registry, ILocalNodePort port, TimeSpan callTimeout)
    {
        ArgumentNullException.ThrowIfNull(registry);
        ArgumentNullException.ThrowIfNull(port);
        (_network, _registry, _port, _patience) = (network, registry, port, LocalNodePatience.Within(callTimeout));
    }

    /// <inheritdoc/>
    protected override void PreStart()
    {
        _port.Attach(Self);
        _ = Context.System.EventStream.Subscribe<VersionPublished>(Self);
        _registry.Tell(new GetNetwork());
    }

    /// <inheritdoc/>
    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    /// <inheritdoc/>
    protected override void Receive(object message)
    {
        switch (message)
        {
            case LocalDatagramReceived received:
                OnDatagram(received.Datagram.Span);
                break;
            case LocalNodeAbsent:
                GiveUpQuestions();
                break;
            case AskAddress ask:
                Ask(ask.Node);
                break;
            case CollectVersions collect:
                Join(
                    _collections.Find(running => running is VersionsCollection versions && versions.Nodes.AsSpan().SequenceEqual(collect.Nodes.AsSpan())),
                    () => new VersionsCollection(collect.Nodes, _network, Context.Now, _patience));
                break;
            case CollectTopology collect:
                Join(
                    _collections.Find(running => running is TopologyCollection topology && topology.Root == collect.RegistryNode),
                    () => new TopologyCollection(collect.RegistryNode, _network, Context.Now, _patience));
                break;
            case QuestionDue due:
                OnDue(due.Question);
                break;
            case CollectionDue due:
                Continue(due.Collection);
                break;
            case VersionPublished published:
                Notify(published.RegistryPrefix);
                break;
            case NetworkKnown { RegistryPrefix: { } node }:
                Notify(node);   // it may have missed the news while this process did not run
                break;
            case NetworkKnown:
                break;   // its first node brings a new version
            case GetLocalNodeStatistics:
                Sender.Tell(_statistics);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Notify(NodePrefix node)
    {
        _statistics = _statistics with { Notified = _statistics.Notified + 1 };
        Send(node, PeerCode.NetworkVersion);
    }

    private void Send(NodePrefix node, byte code)
    {
        _statistics = _statistics with { Sent = _statistics.Sent + 1 };
        _port.Send(new LocalDatagram(node, code, default).Encode());
    }

    private void OnDatagram(ReadOnlySpan<byte> octets)
    {
        Acceptance acceptance = LocalDatagram.TryDecode(octets, out LocalDatagram? datagram) ? Accept(datagram) : Acceptance.Malformed;
        _statistics = _statistics with
        {
            Received = _statistics.Received + 1,
            Malformed = _statistics.Malformed + (acceptance == Acceptance.Malformed ? 1 : 0),
            Unexpected = _statistics.Unexpected + (acceptance == Acceptance.Unexpected ? 1 : 0),
        };
    }

    private Acceptance Accept(LocalDatagram datagram)
    {
        if (datagram.Code == PeerCode.Address)
            return AcceptAddress(datagram);
        var best = Acceptance.Unexpected;
        for (int index = _collections.Count - 1; index >= 0; index--)
        {
            NodeCollection collection = _collections[index];
            if (collection.Code != datagram.Code)
                continue;
            Acceptance acceptance = collection.Accept(datagram.Prefix, datagram.Payload.Span, Context.Now);
            if (acceptance != Acceptance.Unexpected)
                Continue(collection);   // it may be over, or have more to ask
            if (acceptance > best)
                best = acceptance;
        }

        return best;
    }

    private Acceptance AcceptAddress(LocalDatagram datagram)
    {
        if (!_questions.Remove(datagram.Prefix, out List<Question>? questions))
            return Acceptance.Unexpected;
        bool isValid = AddressList.TryParse(datagram.Payload.Span, out AddressList addresses, out _);
        foreach (Question question in questions)
        {
            _questionCount--;
            _ = Context.Timers.Cancel(question);
            question.Asker.Tell(new AddressAnswered(datagram.Prefix, isValid ? addresses : null));
        }

        return isValid ? Acceptance.Accepted : Acceptance.Malformed;
    }

    private void Ask(NodePrefix node)
    {
        if (!node.FitsIn(_network) || _questionCount >= MaxQuestions)
        {
            _statistics = _statistics with { Refused = _statistics.Refused + 1 };
            Sender.Tell(new AddressAnswered(node, Addresses: null));
            return;
        }

        var question = new Question(node, Sender);
        if (!_questions.TryGetValue(node, out List<Question>? others))
            _questions.Add(node, others = []);
        others.Add(question);
        _questionCount++;
        OnDue(question);
    }

    private void OnDue(Question question)
    {
        if (question.Attempts < LocalNodePatience.MaxAttempts)
        {
            question.Attempts++;
            Send(question.Node, PeerCode.Address);
            Context.Timers.StartSingle(question, new QuestionDue(question), _patience.Retry);
            return;
        }

        List<Question> others = _questions[question.Node];
        _ = others.Remove(question);
        if (others.Count == 0)
            _ = _questions.Remove(question.Node);
        GiveUp(question);
    }

    // Who waits for a node that is not there need not wait for 3 s. Collections end by themselves: other nodes may have answered before it went.
    private void GiveUpQuestions()
    {
        Question[] all = [.. _questions.Values.SelectMany(static questions => questions)];
        _questions.Clear();
        foreach (Question question in all)
        {
            _ = Context.Timers.Cancel(question);
            GiveUp(question);
        }
    }

    private void GiveUp(Question question)
    {
        _questionCount--;
        _statistics = _statistics with { Silent = _statistics.Silent + 1 };
        question.Asker.Tell(new AddressAnswered(question.Node, Addresses: null));
    }

    // Who asks the same gets the same answer; so operators who are impatient do not add load.
    private void Join(NodeCollection? running, Func<NodeCollection> create)
    {
        if (running is null ? _collections.Count >= MaxCollections : running.Askers.Count >= NodeCollection.MaxAskers)
        {
            _statistics = _statistics with { Refused = _statistics.Refused + 1 };
            Sender.Tell(new LocalNodeBusy());
            return;
        }

        NodeCollection collection = running ?? create();
        collection.Askers.Add(Sender);
        if (running is not null)
            return;
        _collections.Add(collection);
        Continue(collection);
    }

    private void Continue(NodeCollection collection)
    {
        _batch.Clear();
        TimeSpan? next = collection.Continue(Context.Now, _batch);
        foreach (NodePrefix node in _batch)
            Send(node, collection.Code);
        if (next is { } time)
        {
            Context.Timers.StartSingle(collection, new CollectionDue(collection), time - Context.Now);
            return;
        }

        _ = Context.Timers.Cancel(collection);
        _ = _collections.Remove(collection);
        if (collection.LeftOut > 0)
            Log.Warning($"{collection.LeftOut} nodes were not asked: {NodeCollection.MaxNodes} are the most at a time");
        object result = collection.Result();
        foreach (ActorRef asker in collection.Askers)
            asker.Tell(result);
    }

    private sealed class Question(NodePrefix node, ActorRef asker)
    {
        public NodePrefix Node => node;

        public ActorRef Asker => asker;

        /// <summary>How often it was sent.</summary>
        public int Attempts { get; set; }
    }

    private sealed record QuestionDue(Question Question);

    private sealed record CollectionDue(NodeCollection Collection);
}
