using Mesh.Actors;
using Mesh.Actors.Ports;
using Mesh.Node.Ports;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Node.Joining;

/// <summary>States of a <see cref="JoinActor"/>.</summary>
public enum JoinState
{
    /// <summary>The authority's certificate is being fetched.</summary>
    FetchingAuthority,

    /// <summary>The key is being made, unless there is one.</summary>
    MakingKey,

    /// <summary>The certificate is being asked for.</summary>
    Requesting,
}

/// <summary>What a join needs.</summary>
/// <param name="RegistryUrl">Base URL of the registry.</param>
/// <param name="Token">The token; empty to join anonymously.</param>
/// <param name="Fingerprint">What the authority's certificate must match, or null.</param>
/// <param name="Key">An existing key, or null to have one made.</param>
/// <param name="Subject">Further names of the subject, for example an organisation.</param>
public sealed record JoinOrder(string RegistryUrl, string Token, Fingerprint? Fingerprint, PrivateKey? Key, IReadOnlyList<(string Name, string Value)> Subject);

/// <summary>The join's key is there. It is to be on the disk before it is used: the actor waits for <see cref="KeyStored"/>.</summary>
public sealed record KeyReady(PrivateKey Key, AuthorityCertificate Authority);

/// <summary>The key is stored; go on.</summary>
public sealed record KeyStored;

/// <summary>What came of a join.</summary>
public abstract record JoinOutcome { private protected JoinOutcome() { } }

/// <summary>The node is a member of the network.</summary>
public sealed record Joined(AuthorityCertificate Authority, NodeCertificate Certificate, PrivateKey Key) : JoinOutcome;

/// <summary>It is not.</summary>
/// <param name="Reason">A sentence that a newcomer can act on.</param>
public sealed record JoinFailed(string Reason) : JoinOutcome;

/// <summary>Makes this machine a member of a network: authority, fingerprint, key, certificate.</summary>
/// <remarks>
/// The owner gets <see cref="KeyReady"/>, answers <see cref="KeyStored"/>, and at the end gets a <see cref="JoinOutcome"/>. A token is only sent after the authority
/// has been checked, and only once: after a lost answer the same key gets the same certificate if the operator asks the registry, but never a second one.
/// </remarks>
public sealed class JoinActor : Fsm<JoinState, AuthorityCertificate?>
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    private readonly JoinOrder _order;
    private readonly IHttpPort _http;
    private readonly IWorkPool _work;
    private readonly ActorRef _owner;
    private readonly CertificateRequestBuilder _request = new();
    private PrivateKey? _key;

    /// <summary>Makes a joiner that starts at once.</summary>
    public JoinActor(JoinOrder order, IHttpPort http, IWorkPool work, ActorRef owner)
    {
        (_order, _http, _work, _owner, _key) = (order, http, work, owner, order.Key);
        foreach (FsmTransition<JoinState> transition in Transitions)
            Allow(transition.From, transition.To, transition.Because);
        When(JoinState.FetchingAuthority, e => e.Message switch
        {
            HttpAnswered answered => OnAuthority(answered),
            HttpFailed failed => Fail($"the registry at {_order.RegistryUrl} cannot be reached: {failed.Reason}"),
            _ => null,
        });
        When(JoinState.MakingKey, e => e.Message switch
        {
            WorkDone { Result: PrivateKey made } => OnKey(made),
            WorkFailed failed => Fail($"a key could not be made: {failed.Reason.Message}"),
            WorkRejected => Fail("the machine is too busy to make a key; try again"),
            KeyStored when _key is not null => Request(),
            _ => null,
        });
        When(JoinState.Requesting, e => e.Message switch
        {
            HttpAnswered answered => OnCertificate(answered),
            HttpFailed failed => Fail($"the registry did not answer the request for a certificate: {failed.Reason}; the token may be spent"),
            _ => null,
        });
        StartWith(JoinState.FetchingAuthority, null);
    }

    /// <summary>The declared transitions.</summary>
    public static IReadOnlyList<FsmTransition<JoinState>> Transitions { get; } =
    [
        new(JoinState.FetchingAuthority, JoinState.MakingKey, "authority's certificate fits the fingerprint"),
        new(JoinState.MakingKey, JoinState.Requesting, "key is stored"),
    ];

    /// <inheritdoc/>
    protected override void PreStart() => Get(RegistryCall.Create(RegistryMethod.GetCa));

    private FsmStep<JoinState, AuthorityCertificate?> OnAuthority(HttpAnswered answered)
    {
        foreach ((string name, string value) in _order.Subject)
        {
            if (!_request.TryAdd(name, value))
                return Fail($"the subject cannot have {name}={value}; known names are {string.Join(", ", CertificateRequestBuilder.KnownNames)}");
        }

        if (answered.Status != 200)
            return Fail($"{_order.RegistryUrl} answered getCa with status {answered.Status}; is it a registry?");
        if (!AuthorityCertificate.TryParsePem(System.Text.Encoding.UTF8.GetString(answered.Body.Span), out AuthorityCertificate? authority))
            return Fail($"{_order.RegistryUrl} answered getCa with something that is not an authority's certificate; is it a registry?");
        if (_order.Fingerprint is { } expected && !expected.Matches(authority.Der.AsSpan()))
            return Fail($"the authority of {_order.RegistryUrl} is not the one you expect: {expected.MismatchWith(authority.Der.AsSpan())}");
        if (!authority.IsValidAt(Context.UtcNow))
            return Fail($"the authority's certificate is valid from {authority.NotBefore:yyyy-MM-dd} to {authority.NotAfter:yyyy-MM-dd}, and this machine's clock says {Context.UtcNow:yyyy-MM-dd HH:mm}");
        if (_key is null)
        {
            int size = authority.PublicKey.Size;   // all keys of a network have the size of the authority's
            _work.Run("key", () => PrivateKey.Generate(size), Self);
        }
        else if (_key.PublicKey.Size != authority.PublicKey.Size)
        {
            return Fail($"the existing key has {_key.PublicKey.Size} bits, and this network's keys have {authority.PublicKey.Size}; move the key away to have a new one made");
        }
        else
        {
            _owner.Tell(new KeyReady(_key, authority), Self);
        }

        return GoTo(JoinState.MakingKey, authority);
    }

    private FsmStep<JoinState, AuthorityCertificate?> OnKey(PrivateKey made)
    {
        _key = made;
        _owner.Tell(new KeyReady(made, Data!), Self);
        return Stay();
    }

    private FsmStep<JoinState, AuthorityCertificate?> Request()
    {
        Get(RegistryCall.Create(RegistryMethod.RequestCertificate, ("token", _order.Token), ("req", _request.ToPem(_key!)), ("location", ""), ("ip", "")));
        return GoTo(JoinState.Requesting);
    }

    private FsmStep<JoinState, AuthorityCertificate?> OnCertificate(HttpAnswered answered)
    {
        switch (answered.Status)
        {
            case 204:
                return Fail("the registry does not know this token: it is mistyped, spent or expired; ask the registry's administrator for another");
            case 403:
                return Fail(_order.Token.Length == 0 ? "this registry does not let nodes join without a token" : "this registry does not let nodes join by token at present");
            case 503:
                return Fail("the registry is overloaded; try again in a few seconds, the token is not spent");
            case not 200:
                return Fail($"the registry refused to issue a certificate (status {answered.Status})");
        }

        if (!NodeCertificate.TryParsePem(System.Text.Encoding.UTF8.GetString(answered.Body.Span), out NodeCertificate? certificate))
            return Fail("the registry answered with something that is not a certificate");
        CertificateVerdict verdict = new CertificateVerifier(Data!).Verify(certificate, NodeIdentity.TolerantTime(certificate, Context.UtcNow), new HashSet<ulong>());
        if (verdict == CertificateVerdict.NotYetValid)
            return Fail($"the certificate that the registry issued is valid from {certificate.NotBefore:yyyy-MM-dd HH:mm:ss}, and this machine's clock says {Context.UtcNow:yyyy-MM-dd HH:mm:ss}; set the clock, then ask the registry's administrator for another token");
        if (verdict != CertificateVerdict.Valid || !certificate.PublicKey.Equals(_key!.PublicKey))
            return Fail($"the registry's certificate cannot be used ({verdict}{(certificate.PublicKey.Equals(_key!.PublicKey) ? "" : ", another key")})");
        _owner.Tell(new Joined(Data!, certificate, _key), Self);
        return StopStep();
    }

    private FsmStep<JoinState, AuthorityCertificate?> Fail(string reason)
    {
        _owner.Tell(new JoinFailed(reason), Self);
        return StopStep();
    }

    private void Get(RegistryCall call) => _http.Get(call.Method, new HttpGet(_order.RegistryUrl.TrimEnd('/'), call.Target, [], Timeout), Self);
}
