using Mesh.Actors;
using Mesh.Actors.Ports;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Authority;
using Mesh.Security.Sessions;

namespace Mesh.Registry.Sessions;

/// <summary>What the <see cref="SessionsActor"/> can be asked.</summary>
public abstract record SessionCommand
{
    private protected SessionCommand()
    {
    }
}

/// <summary>A node, or somebody who says so, wants a session key. Answer: <see cref="HelloAnswered"/>, <see cref="NoCertificate"/>, <see cref="Overloaded"/> or <see cref="Broken"/>.</summary>
/// <param name="Prefix">The node.</param>
/// <param name="Protocol">The protocol number that it says it speaks.</param>
public sealed record SayHello(NodePrefix Prefix, int Protocol) : SessionCommand;

/// <summary>Is a request from the node that it names? Answer: <see cref="Authenticated"/>, <see cref="NoSession"/> or <see cref="WrongMac"/>.</summary>
/// <param name="Prefix">The node.</param>
/// <param name="Target">Path and query, exactly as received.</param>
/// <param name="Mac">Value of the header, or null.</param>
public sealed record Authenticate(NodePrefix Prefix, string Target, string? Mac) : SessionCommand;

/// <summary>How many sessions are there? Answer: <see cref="SessionCount"/>.</summary>
public sealed record CountSessions : SessionCommand;

/// <summary>The answer to hello, in the octets of the wire.</summary>
public sealed record HelloAnswered(byte[] Body);

/// <summary>It is. The session's key has advanced, whatever becomes of the request.</summary>
public sealed record Authenticated(AcceptedRequest Accepted);

/// <summary>The node has to say hello first.</summary>
public sealed record NoSession;

/// <summary>There is a session, but the request's header does not belong to it.</summary>
public sealed record WrongMac;

/// <summary>Sessions in memory.</summary>
public sealed record SessionCount(int Count);

/// <summary>The sessions of nodes with the registry: at most two keys for each, in memory only.</summary>
/// <remarks>
/// <code>
/// SayHello --> certificate from the registry --> key encrypted and signed (work pool) --> offered, HelloAnswered
/// </code>
/// After a restart of the registry nodes are told that they have no session, and say hello again. A prefix that loses its owner loses
/// its session, also one that is about to be offered: the registry's answers and its news about prefixes arrive here in their order.
/// </remarks>
public sealed class SessionsActor(ActorRef registry, IRegistryAuthority authority, IWorkPool workPool) : Actor
{
    private readonly Dictionary<NodePrefix, RegistrySession> _sessions = [];
    private readonly Dictionary<NodePrefix, List<Hello>> _asking = [];
    private readonly HashSet<Hello> _signing = [];

    /// <inheritdoc/>
    protected override void PreStart() => Context.System.EventStream.Subscribe<PrefixFreed>(Self);

    /// <inheritdoc/>
    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    /// <inheritdoc/>
    protected override void Receive(object message)
    {
        switch (message)
        {
            case SayHello hello:
                Ask(hello);
                break;
            case Authenticate request:
                Sender.Tell(Check(request));
                break;
            case CountSessions:
                Sender.Tell(new SessionCount(_sessions.Count));
                break;
            case CertificateFound found:
                foreach (Hello hello in Take(found.Prefix))
                    Sign(hello, found.Pem);
                break;
            case NoCertificate none:
                foreach (Hello hello in Take(none.Prefix))
                    hello.Asker.Tell(none);
                break;
            case WorkDone { Tag: Hello hello, Result: byte[] body } when _signing.Remove(hello):
                Offer(hello, body);
                break;
            case WorkFailed { Tag: Hello hello } failed when _signing.Remove(hello):
                Log.Error($"answer to a hello of {hello.Prefix} failed: {failed.Reason.Message}", failed.Reason);
                hello.Asker.Tell(new Broken(failed.Reason.Message));
                break;
            case WorkRejected { Tag: Hello hello } when _signing.Remove(hello):
                hello.Asker.Tell(new Overloaded(TimeSpan.FromSeconds(1)));
                break;
            case WorkDone or WorkFailed or WorkRejected:
                break;   // ordered by an instance that a restart has replaced
            case PrefixFreed freed:
                Close(freed.Prefix);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Ask(SayHello hello)
    {
        if (!_asking.TryGetValue(hello.Prefix, out List<Hello>? waiting))
            _asking.Add(hello.Prefix, waiting = []);
        waiting.Add(new Hello(Sender, hello.Prefix, hello.Protocol));
        if (waiting.Count == 1)
            registry.Tell(new GetCertificate(hello.Prefix));
    }

    private List<Hello> Take(NodePrefix prefix) => _asking.Remove(prefix, out List<Hello>? waiting) ? waiting : [];

    private void Sign(Hello hello, string pem)
    {
        var key = new SessionKey(authority.RandomBytes(SessionKey.Length));
        hello.Key = key;
        _ = _signing.Add(hello);
        workPool.Run(hello, () => authority.MakeHello(pem, key), Self);
    }

    private void Offer(Hello hello, byte[] body)
    {
        if (hello.IsOrphan)
        {
            hello.Asker.Tell(new NoCertificate(hello.Prefix));
            return;
        }

        if (!_sessions.TryGetValue(hello.Prefix, out RegistrySession? session))
            _sessions.Add(hello.Prefix, session = new RegistrySession());
        session.Offer(hello.Key!, hello.Protocol);
        hello.Asker.Tell(new HelloAnswered(body));
    }

    private object Check(Authenticate request)
    {
        if (!_sessions.TryGetValue(request.Prefix, out RegistrySession? session))
            return new NoSession();
        return session.TryAccept(request.Target, request.Mac, out AcceptedRequest? accepted) ? new Authenticated(accepted) : new WrongMac();
    }

    private void Close(NodePrefix prefix)
    {
        _ = _sessions.Remove(prefix);
        foreach (Hello hello in _signing)
            hello.IsOrphan |= hello.Prefix == prefix;
    }

    /// <summary>A hello that is being answered. Compared by identity: it is the tag of the work.</summary>
    private sealed class Hello(ActorRef asker, NodePrefix prefix, int protocol)
    {
        public ActorRef Asker => asker;

        public NodePrefix Prefix => prefix;

        public int Protocol => protocol;

        /// <summary>Drawn once the certificate is known.</summary>
        public SessionKey? Key { get; set; }

        /// <summary>The prefix has lost its owner since.</summary>
        public bool IsOrphan { get; set; }
    }
}
