using System.Collections.Immutable;
using Mesh.Actors;
using Mesh.Node.Certificates;
using Mesh.Node.Parameters;
using Mesh.Node.Ports;
using Mesh.Node.Routing;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Security.Sessions;

namespace Mesh.Node.RegistryClient;

/// <summary>Call a method of the registry. Answer: <see cref="RegistryAnswered"/> or <see cref="RegistryUnreachable"/>.</summary>
/// <param name="Tag">Comes back with the answer.</param>
/// <param name="Method">Name of the method; the <c>cn</c> argument is added.</param>
/// <param name="Arguments">Further arguments.</param>
public sealed record CallRegistry(object Tag, string Method, ImmutableArray<(string Name, string Value)> Arguments)
{
    /// <summary>True: a method that anybody may call. There is no <c>cn</c> then, and nothing proves that the answer is the registry's: whoever asks has to check what it says.</summary>
    public bool IsPublic { get; init; }
}

/// <summary>The registry answered with success.</summary>
/// <param name="Tag">The call's.</param>
/// <param name="Body">Empty where the registry has nothing (204).</param>
public sealed record RegistryAnswered(object Tag, ReadOnlyMemory<byte> Body);

/// <summary>No usable answer.</summary>
/// <param name="Tag">The call's.</param>
/// <param name="Reason">A sentence.</param>
public sealed record RegistryUnreachable(object Tag, string Reason)
{
    /// <summary>The answer to hello says that this node is none of the registry's. It is not authenticated.</summary>
    public bool IsDisowned { get; init; }
}

/// <summary>The node's session with its registry: hello, then calls whose secret moves on with each message.</summary>
/// <remarks>
/// Calls are made one after the other, since the secret advances with each. When the registry does not know our secret (any more), the session is opened anew once
/// per call, so a restart of the registry costs one extra exchange. A renewed identity changes nothing here: node, key and authority's key are the same. Reference: re6st 3.3.
/// <para>While there is a route to the registry's node, calls go through the overlay, where nobody on the way sees them and where there may be a way when the underlay has none.
/// Where that fails, because the registry listens elsewhere or the way is broken, the call goes to the configured URL at once, and so do those of the next hour, as long as that works.</para>
/// </remarks>
public sealed class RegistryClientActor : Actor
{
    /// <summary>How many calls may wait; more are answered as unreachable.</summary>
    public const int MaxWaiting = 64;

    // re6st waits for 60 s. Parameters have to be everywhere within a minute, though: also where a connection was opened just before the registry was there again.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan OverlayTimeout = TimeSpan.FromSeconds(10);   // the configured URL is tried then
    private static readonly TimeSpan OverlayPause = TimeSpan.FromHours(1);

    private readonly NodeIdentity _identity;
    private readonly string _url;
    private readonly IHttpPort _http;
    private readonly RegistryClientSession _session = new();
    private readonly Queue<(CallRegistry Call, ActorRef Asker)> _waiting = new();
    private Exchange? _exchange;
    private ImmutableArray<NodeRoute> _routes = [];
    private NodePrefix? _registry;
    private TimeSpan _overlayFrom;
    private bool _isBusy;
    private bool _saidHello;

    /// <summary>Makes a client of the registry at <paramref name="url"/>.</summary>
    public RegistryClientActor(NodeIdentity identity, string url, IHttpPort http) => (_identity, _url, _http) = (identity, url.TrimEnd('/'), http);

    /// <summary>The protocol that this program speaks; see <see cref="NodeOptions.Protocol"/>.</summary>
    public int Protocol { get; init; } = PeerDatagram.Protocol;

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe<RoutesPublished>(Self);
        Context.System.EventStream.Subscribe<NetworkParametersChanged>(Self);
    }

    // Whoever waits must hear that nothing will come, or it would wait for ever. A restart comes through here, too.
    /// <inheritdoc/>
    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        while (_waiting.TryDequeue(out (CallRegistry Call, ActorRef Asker) waiting))
            waiting.Asker.Tell(new RegistryUnreachable(waiting.Call.Tag, "the call was given up"));
    }

    /// <inheritdoc/>
    protected override void Receive(object message)
    {
        switch (message)
        {
            case CallRegistry call when _waiting.Count >= MaxWaiting:
                Sender.Tell(new RegistryUnreachable(call.Tag, $"{MaxWaiting} calls wait for the registry already"));
                break;
            case CallRegistry call:
                _waiting.Enqueue((call, Sender));
                if (!_isBusy)
                    Next();
                break;
            case HttpAnswered answered when answered.Tag == _exchange:
                if (_exchange!.IsHello)
                    OnHello(answered);
                else
                    OnAnswer(answered);
                break;
            case RoutesPublished published:
                _routes = published.Routes;
                break;
            case NetworkParametersChanged changed:
                _registry = changed.Parameters.RegistryPrefix;
                break;
            case HttpFailed failed when failed.Tag == _exchange && _exchange.IsOverlay:
                LeaveOverlay(failed.Reason);
                break;
            case HttpFailed failed when failed.Tag == _exchange:
                _overlayFrom = TimeSpan.Zero;   // the configured URL is no better, and may never have been: the registry was restarted, perhaps
                Finish(asked => new RegistryUnreachable(asked.Tag, failed.Reason));
                break;
            case HttpAnswered or HttpFailed:
                break;   // of an exchange that was given up
            default:
                Unhandled(message);
                break;
        }
    }

    private void Next()
    {
        _isBusy = _waiting.Count > 0;
        if (_isBusy)
            Begin();
    }

    private void Begin()
    {
        _saidHello = false;
        CallRegistry call = _waiting.Peek().Call;
        if (call.IsPublic)
            Get(RegistryCall.Create(call.Method, [.. call.Arguments]), isHello: false, headers: []);
        else if (_session.IsOpen)
            SendCall();
        else
            SendHello();
    }

    private void SendHello()
    {
        _saidHello = true;
        Get(RegistryCall.Create(RegistryMethod.Hello, ("client_prefix", _identity.Prefix.Bits), ("protocol", $"{Protocol}")), isHello: true, headers: []);
    }

    private void SendCall()
    {
        CallRegistry call = _waiting.Peek().Call;
        RegistryCall request = RegistryCall.Create(call.Method, [(RegistryMethod.CommonNameArgument, _identity.Prefix.Bits), .. call.Arguments]);
        Get(request, isHello: false, [new(RegistryHeaders.Hmac, _session.Sign(request.Target))]);
    }

    private void Get(RegistryCall call, bool isHello, IReadOnlyList<KeyValuePair<string, string>> headers)
    {
        string? overlay = OverlayUrl();
        _exchange = new Exchange(isHello, overlay is not null);
        _http.Get(_exchange, new HttpGet(overlay ?? _url, call.Target, headers, overlay is null ? Timeout : OverlayTimeout), Self);
    }

    // The registry's own machine needs no detour. A TLS certificate would be for the configured name.
    private string? OverlayUrl()
    {
        if (Context.Now < _overlayFrom || _registry is not { } registry || registry == _identity.Prefix || !_routes.Any(route => route.Destination == registry.Subnet(_identity.Network))
            || !Uri.TryCreate(_url, UriKind.Absolute, out Uri? url) || url.Scheme != Uri.UriSchemeHttp)
            return null;
        return $"http://[{registry.FirstAddress(_identity.Network)}]:{url.Port}{url.AbsolutePath.TrimEnd('/')}";
    }

    // Whether the registry has seen the request is not known, so neither is its key.
    private void LeaveOverlay(string reason)
    {
        Log.Debug($"the registry does not answer in the overlay: {reason}");
        _overlayFrom = Context.Now + OverlayPause;
        _session.Forget();
        Begin();
    }

    private void OnHello(HttpAnswered answered)
    {
        bool isAuthentic = SecretEnvelope.TryOpen(answered.Body.Span, _identity.Key, _identity.Verifier.Authority.PublicKey, out SessionKey? key);
        if (_exchange!.IsOverlay && (answered.Status != 200 || !isAuthentic))
        {
            LeaveOverlay($"hello has status {answered.Status}");   // something else may listen there
        }
        else if (answered.Status == 404)
        {
            Disown($"the registry has no certificate for {_identity.Prefix} (any more)");
        }
        else if (answered.Status != 200)
        {
            Finish(asked => new RegistryUnreachable(asked.Tag, $"the registry answered hello with status {answered.Status}"));
        }
        else if (!isAuthentic)
        {
            Disown("the answer to hello is not signed by the network's authority, or not for us");   // as where our prefix is somebody else's by now
        }
        else
        {
            _session.Open(key!);
            SendCall();
        }
    }

    private void Disown(string reason)
    {
        Context.System.EventStream.Publish(new DisownedByRegistry());
        Finish(asked => new RegistryUnreachable(asked.Tag, reason) { IsDisowned = true });
    }

    private void OnAnswer(HttpAnswered answered)
    {
        bool isSuccess = answered.Status is 200 or 204;
        if (_waiting.Peek().Call.IsPublic)
        {
            Finish(asked => isSuccess ? new RegistryAnswered(asked.Tag, answered.Body) : new RegistryUnreachable(asked.Tag, $"the registry answered {asked.Method} with status {answered.Status}"));
            return;
        }

        if (isSuccess && _session.Check(answered.Mac, answered.Body.Span))
        {
            Finish(asked => new RegistryAnswered(asked.Tag, answered.Body));
            return;
        }

        _session.Forget();
        if (answered.Status == 503)
            Finish(asked => new RegistryUnreachable(asked.Tag, "the registry is overloaded"));
        else if (!_saidHello)
            SendHello();
        else
            Finish(asked => new RegistryUnreachable(asked.Tag, isSuccess ? "the registry's answer is not authentic" : $"the registry answered {asked.Method} with status {answered.Status}"));
    }

    private void Finish(Func<CallRegistry, object> outcome)
    {
        _exchange = null;
        (CallRegistry call, ActorRef asker) = _waiting.Dequeue();
        asker.Tell(outcome(call));
        Next();
    }

    // Compared by identity: no answer to an earlier exchange, or to an earlier life of this actor, can be taken for the present one's.
    private sealed class Exchange(bool isHello, bool isOverlay)
    {
        public bool IsHello => isHello;

        public bool IsOverlay => isOverlay;
    }
}
