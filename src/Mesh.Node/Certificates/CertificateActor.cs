using Mesh.Actors;
using Mesh.Node.Parameters;
using Mesh.Node.Ports;
using Mesh.Node.RegistryClient;

namespace Mesh.Node.Certificates;

/// <summary>The node's own certificate and the authority's: renews both in time, and says when the node must not serve.</summary>
/// <remarks>
/// <para>The state follows from what is known (<see cref="CertificateKnowledge"/>) and from the wall clock, which may jump; so it is looked at again whenever one of them may have changed,
/// and every hour. What is under way with the registry or the disk, one thing at a time, is apart from it:</para>
/// <code>
/// renewCertificate -- another one, checked --> stored --> IdentityChanged
///                  -- the present one -------> nothing is to do; where it is revoked: nothing is given
///                  -- "none of ours" --------> getRevocation -- signed by the authority --> revoked
/// getCa            -- another one, checked --> stored --> IdentityChanged
/// </code>
/// <para>What takes a node out of service is the end of its certificate, the list in genuine parameters or the authority's signature, and nothing that somebody on the way could say. State
/// diagram: <c>docs/states/certificate.md</c>, held against <see cref="Transitions"/> by a test.</para>
/// </remarks>
public sealed partial class CertificateActor : Fsm<CertificateState, CertificateKnowledge>
{
    private readonly ActorRef _client;
    private readonly ICredentialPort _credentials;
    private CertificateStatus _status;

    /// <summary>Makes the actor.</summary>
    /// <param name="identity">Who we are.</param>
    /// <param name="client">Makes calls of the registry.</param>
    /// <param name="credentials">Keeps what is renewed.</param>
    /// <param name="revokedSerials">The revocation list as far as it is known already.</param>
    /// <param name="before">What a former instance of this actor said last, or null.</param>
    public CertificateActor(NodeIdentity identity, ActorRef client, ICredentialPort credentials, IReadOnlySet<ulong> revokedSerials, CertificateStatus? before)
    {
        ArgumentNullException.ThrowIfNull(identity);
        (_client, _credentials) = (client, credentials);
        foreach (FsmTransition<CertificateState> transition in Transitions)
            Allow(transition.From, transition.To, transition.Because);
        WhenUnhandled(OnMessage);   // what happens is the same in every state, where it leads to is not
        bool wasRevoked = before is { State: CertificateState.Revoked } && before.SerialNumber == identity.Certificate.SerialNumber;
        var known = new CertificateKnowledge(identity, revokedSerials) { IsNoticed = wasRevoked, IsRefused = wasRevoked, Problem = wasRevoked ? before!.Problem : null };
        _status = known.StatusAt(Context.UtcNow);
        StartWith(_status.State, known);
    }

    /// <summary>A mistake on purpose, for tests.</summary>
    internal NodeMutation Mutation { get; init; }

    /// <summary>The declared transitions.</summary>
    public static IReadOnlyList<FsmTransition<CertificateState>> Transitions { get; } =
    [
        new(CertificateState.Valid, CertificateState.Renewing, "ends soon, or is on the list"),
        new(CertificateState.Renewing, CertificateState.Valid, "another one is stored"),
        new(CertificateState.Renewing, CertificateState.Revoked, "revoked, and the registry gives no other"),
        new(CertificateState.Renewing, CertificateState.Expired, "has ended"),
        new(CertificateState.Valid, CertificateState.Revoked, "the authority has signed that it is revoked"),
        new(CertificateState.Valid, CertificateState.Expired, "has ended, by a clock that was set"),
        new(CertificateState.Revoked, CertificateState.Valid, "another one is stored, or it is not revoked after all"),
        new(CertificateState.Revoked, CertificateState.Renewing, "not revoked after all, and ends soon"),
        new(CertificateState.Revoked, CertificateState.Expired, "no more on the list, and has ended"),
        new(CertificateState.Expired, CertificateState.Valid, "another one is stored"),
        new(CertificateState.Expired, CertificateState.Renewing, "the authority's is renewed, or the clock was set back"),
        new(CertificateState.Expired, CertificateState.Revoked, "revoked, and the registry gives no other"),
    ];

    /// <summary>Answers of the registry that must not be used.</summary>
    public long RefusedCount { get; private set; }

    /// <summary>Hints that came too soon after others to be followed.</summary>
    public long IgnoredHintCount { get; private set; }

    /// <inheritdoc/>
    protected override void PreStart()
    {
        EventStream events = Context.System.EventStream;
        events.Subscribe<NetworkParametersChanged>(Self);
        events.Subscribe<CertificateDoubted>(Self);
        events.Subscribe<DisownedByRegistry>(Self);
        events.Subscribe<CertificateStatusWanted>(Self);
        Tell(State);
        events.Publish(_status);
        Plan(State, Data, SoonSpread);   // what is due already is asked for at once
    }

    /// <inheritdoc/>
    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    private FsmStep<CertificateState, CertificateKnowledge>? OnMessage(FsmEvent<CertificateKnowledge> e)
    {
        switch (e.Message)
        {
            case Due:
                AskWhatIsDue();
                return Settle(Data);
            case NetworkParametersChanged changed:
                return OnList(changed.Parameters.RevokedSerials);
            case CertificateDoubted doubted:
                return OnHint($"{doubted.By} does not want a tunnel with this node");
            // What comes while we ask is about our own question, whose answer is on its way to us.
            case DisownedByRegistry when _exchange is not { Asked: Asked.Certificate }:
                return OnHint("the registry says that it does not know this node");
            case DisownedByRegistry:
                return Stay();
            case CertificateStatusWanted wanted:
                wanted.By.Tell(_status);
                return Stay();
            case RegistryAnswered answered when IsOurs(answered.Tag):
                return OnAnswer(answered.Body);
            case RegistryUnreachable failed when IsOurs(failed.Tag):
                return OnFailure(failed);
            case CredentialsStored stored when IsOurs(stored.Tag):
                return OnStored();
            case CredentialsNotStored refused when IsOurs(refused.Tag):
                return OnNotStored(refused.Reason);
            case Overdue overdue when IsOurs(overdue.Exchange):
                return OnFailure(new RegistryUnreachable(overdue.Exchange, "no answer came"));
            case RegistryAnswered or RegistryUnreachable or CredentialsStored or CredentialsNotStored or Overdue:
                return Stay();   // to what a former instance has asked, or what was given up: what is due is asked for again
            default:
                return null;
        }
    }

    private FsmStep<CertificateState, CertificateKnowledge> OnList(IReadOnlySet<ulong> serials)
    {
        bool wasRevoked = Data.IsRevoked;
        CertificateKnowledge known = Data with { RevokedSerials = serials };
        if (known.IsRevoked && !wasRevoked)
        {
            Log.Warning($"certificate {known.Identity.Certificate.SerialNumber} of this node is on the revocation list; the registry is asked for another");
            _certificateDelay.Reset();
            _certificateAt = Soon();
        }

        return Settle(known.IsRevoked ? known : known with { IsRefused = false });
    }

    /// <summary>The step that what is known leads to at this time; others are told, and the next question is planned.</summary>
    private FsmStep<CertificateState, CertificateKnowledge> Settle(CertificateKnowledge known)
    {
        CertificateState state = known.StateAt(Context.UtcNow);
        CertificateStatus status = known.StatusAt(Context.UtcNow, state == State ? _status.Since : null);
        if (status != _status)
            Context.System.EventStream.Publish(_status = status);
        if (state != State)
            Tell(state);
        Plan(state, known, null);
        return state == State ? Stay(known) : GoTo(state, known);
    }

    private void Tell(CertificateState state)
    {
        string certificate = $"certificate {_status.SerialNumber} of this node";
        switch (state)
        {
            case CertificateState.Valid:
                Log.Info($"{certificate} is valid until {_status.Until:u}");
                break;
            case CertificateState.Renewing:
                Log.Info($"{certificate} is to be renewed; it is valid until {_status.Until:u}");
                break;
            case CertificateState.Revoked:
                Log.Error($"{certificate} is revoked, and the registry gives no other: this node is out of service until it does");
                break;
            case CertificateState.Expired:
                Log.Error($"{certificate} was valid until {_status.Until:u}, and that of the authority until {_status.AuthorityUntil:u}: this node is out of service until it is renewed");
                break;
        }
    }

    private sealed class Due
    {
        public static readonly Due Instance = new();
    }
}
