using Mesh.Actors;
using Mesh.Protocol.Addressing;

namespace Mesh.Registry.LocalNode;

/// <summary>What came of a datagram.</summary>
internal enum Acceptance
{
    /// <summary>Nobody was waiting for it.</summary>
    Unexpected,

    /// <summary>Waited for, but it cannot be read. The node is not asked again.</summary>
    Malformed,

    /// <summary>It is an answer.</summary>
    Accepted,
}

/// <summary>One question to many nodes. Knows no socket: what is to be sent is fetched from it.</summary>
/// <remarks>
/// <code>
/// to ask --> asked --answer--> done
///              \--retry due, twice at most--> asked
/// </code>
/// Over when every node has answered, when nobody said anything for <see cref="LocalNodePatience.Answer"/>, or after
/// <see cref="LocalNodePatience.Collection"/>. Questions are sent in small batches: a burst would only overflow the node's socket.
/// </remarks>
internal abstract class NodeCollection(byte code, TimeSpan now, LocalNodePatience patience)
{
    /// <summary>The most nodes that are asked; with 64 each 10 ms this takes 5 s.</summary>
    public const int MaxNodes = 32_768;

    /// <summary>Questions that are sent at once.</summary>
    public const int BatchSize = 64;

    /// <summary>The most askers of one collection.</summary>
    public const int MaxAskers = 64;

    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(10);

    private readonly Dictionary<NodePrefix, bool> _nodes = [];   // all that are or will be asked; true: done
    private readonly Queue<NodePrefix> _toAsk = new();
    private readonly Queue<(NodePrefix Node, int Attempt, TimeSpan Due)> _retries = new();   // in the order of their time, for the delay is always the same
    private readonly TimeSpan _end = now + patience.Collection;
    private TimeSpan _lastSign = now;
    private TimeSpan _nextBatch = now;
    private int _done;

    /// <summary>What is asked.</summary>
    public byte Code => code;

    /// <summary>Who waits for the result.</summary>
    public List<ActorRef> Askers { get; } = [];

    /// <summary>Nodes that were not asked because there were too many.</summary>
    public int LeftOut { get; private set; }

    /// <summary>Takes an answer.</summary>
    public Acceptance Accept(NodePrefix node, ReadOnlySpan<byte> payload, TimeSpan time)
    {
        if (!_nodes.TryGetValue(node, out bool isDone) || isDone)
            return Acceptance.Unexpected;
        _nodes[node] = true;
        _done++;
        _lastSign = time;
        return TryRead(node, payload) ? Acceptance.Accepted : Acceptance.Malformed;
    }

    /// <summary>Whom to ask now.</summary>
    /// <param name="time">Loop time.</param>
    /// <param name="batch">Gets at most <see cref="BatchSize"/> nodes.</param>
    /// <returns>When to come again; null where the collection is over.</returns>
    public TimeSpan? Continue(TimeSpan time, List<NodePrefix> batch)
    {
        // An answer makes the actor come here as well, and answers must not make questions faster.
        int room = time >= _nextBatch ? BatchSize : 0;
        while (batch.Count < room && _retries.TryPeek(out (NodePrefix Node, int Attempt, TimeSpan Due) retry) && retry.Due <= time)
        {
            _ = _retries.Dequeue();
            if (!_nodes[retry.Node])
                Ask(retry.Node, retry.Attempt, time, batch);
        }

        while (batch.Count < room && _toAsk.TryDequeue(out NodePrefix node))
        {
            _lastSign = time;
            Ask(node, attempt: 1, time, batch);
        }

        if (batch.Count > 0)
            _nextBatch = time + Pace;
        TimeSpan silence = _lastSign + patience.Answer;
        if (time >= _end || (_toAsk.Count == 0 && (_done == _nodes.Count || time >= silence)))
            return null;
        if (_toAsk.Count > 0)
            return Min(_nextBatch, _end);
        TimeSpan wake = Min(silence, _end);
        if (!_retries.TryPeek(out (NodePrefix Node, int Attempt, TimeSpan Due) next))
            return wake;
        return Min(next.Due > _nextBatch ? next.Due : _nextBatch, wake);
    }

    /// <summary>The message for the askers.</summary>
    public abstract object Result();

    /// <summary>One more node to ask, unless it is known already.</summary>
    protected void Add(NodePrefix node)
    {
        if (_nodes.Count >= MaxNodes && !_nodes.ContainsKey(node))
            LeftOut++;
        else if (_nodes.TryAdd(node, false))
            _toAsk.Enqueue(node);
    }

    /// <summary>Reads what a node answered; false where it is malformed.</summary>
    protected abstract bool TryRead(NodePrefix node, ReadOnlySpan<byte> payload);

    private void Ask(NodePrefix node, int attempt, TimeSpan time, List<NodePrefix> batch)
    {
        batch.Add(node);
        if (attempt < LocalNodePatience.MaxAttempts)
            _retries.Enqueue((node, attempt + 1, time + patience.Retry));
    }

    private static TimeSpan Min(TimeSpan left, TimeSpan right) => left < right ? left : right;
}
