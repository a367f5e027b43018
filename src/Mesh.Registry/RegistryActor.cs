using System.Collections.Immutable;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.Ports;
using Mesh.Registry.Authority;
using Mesh.Registry.Events;
using Mesh.Registry.Parameters;
using Mesh.Registry.Revocation;
using Mesh.Registry.Rotation;

namespace Mesh.Registry;

/// <summary>The registry's memory: tokens, prefixes, certificates and serial numbers, as one consistent aggregate.</summary>
/// <remarks>
/// <code>
/// RequestCertificate --> checked --> prefix, serial, token use reserved in memory --> signed (work pool)
///                                                                                        |
///              CertificateGiven &lt;-- CertificateIssued in the journal &lt;-- token still there? &lt;--+
///
/// Revoke --> AddRevocation to the CRL's actor --> RevocationRecorded --> NodeExcluded or NodeFreed in the journal --> Done
/// </code>
/// <para>Signatures are made away from the loop. A reservation is in memory only: after a crash in between nothing was promised and nothing is lost.</para>
/// <para>The certificate and the use of its token are one event. An answer leaves only after its event is durable.</para>
/// <para>Revocations are first on the list and then here. After a crash in between the list is the truth, and what follows from it is done at the start.</para>
/// <para>Takes <see cref="RegistryCommand"/>s and answers each with one <see cref="RegistryAnswer"/>. If the journal fails, the actor stops.</para>
/// </remarks>
public sealed partial class RegistryActor : PersistentActor
{
    private static readonly TimeSpan OverloadRetry = TimeSpan.FromSeconds(1);

    private readonly RegistryActors _actors;
    private readonly RegistryOptions _options;
    private readonly IRegistryAuthority _authority;
    private readonly IWorkPool _workPool;
    private readonly RegistryState _state;
    private readonly List<ActorRef> _curious = [];   // a few colleagues, and calls, which are bounded
    private long _lastSnapshot;
    private long _overloaded;
    private int _handovers;
    private bool _isIntroduced;

    /// <summary>Makes the actor.</summary>
    /// <param name="actors">Settings, world and colleagues.</param>
    public RegistryActor(RegistryActors actors)
    {
        ArgumentNullException.ThrowIfNull(actors);
        (_actors, _options, _authority, _workPool) = (actors, actors.Options, actors.Authority, actors.WorkPool);
        _state = new RegistryState(_authority.Network);
    }

    /// <inheritdoc/>
    public override string PersistenceId => "registry";

    private NodeList Nodes => new([.. _state.Certificates.Values]);

    private TokenList Tokens => new(_state.Tokens.ToImmutableSortedDictionary(StringComparer.Ordinal));

    private RegistryStatistics Statistics => new(_state.Certificates.Count, _state.Tokens.Count, _pending.Count, _state.LastSerial, LastSequenceNr, _overloaded);

    /// <inheritdoc/>
    protected override void PreStart()
    {
        base.PreStart();
        _ = Context.System.EventStream.Subscribe<RevocationList>(Self);
    }

    /// <inheritdoc/>
    protected override object? Inspect(object question) => !_isIntroduced ? null : question switch
    {
        ListNodes => Nodes,
        ListTokens => Tokens,
        GetStatistics => Statistics,
        _ => null,
    };

    /// <inheritdoc/>
    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    /// <inheritdoc/>
    protected override void ReceiveCommand(object message)
    {
        switch (message)
        {
            case RegistryCommand command:
                Handle(command);
                break;
            case WorkDone { Tag: PendingWork work } done when _pending.Contains(work):
                _finished.Add((work, done.Result));
                if (_finished.Count == 1)
                    Self.Tell(RecordFinished.Instance);
                break;
            case RecordFinished:
                FinishAll();
                break;
            case WorkFailed { Tag: PendingWork work } failed when _pending.Remove(work):
                Log.Error($"{work.GetType().Name} failed: {failed.Reason.Message}", failed.Reason);
                GiveUp(work, new Broken(failed.Reason.Message));
                break;
            case WorkRejected { Tag: PendingWork work } when _pending.Remove(work):
                GiveUp(work, Overload());
                break;
            case WorkDone or WorkFailed or WorkRejected:
                break;   // ordered by an instance that a restart has replaced
            case RevocationList list:
                Follow(list.Entries);
                break;
            case RevocationRecorded recorded:
                CarryOut(recorded);
                break;
            case Adopted when --_handovers == 0:
                _state.ForgetLegacy();
                Introduce();
                break;
            case Adopted:
                break;
            case CleaningDue:
                Clean();
                break;
            case SaveSnapshotSuccess or SaveSnapshotFailure:
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void ReceiveRecover(object message)
    {
        switch (message)
        {
            case SnapshotOffer { State: RegistrySnapshot snapshot } offer:
                _state.Restore(snapshot);
                _lastSnapshot = offer.SequenceNr;
                break;
            case CertificateIssued { SubjectSerial: var number } when _options.Mutation == RegistryMutation.ForgetCertificates && number % 2 == 1:
                break;
            case CertificateIssued issued when _options.Mutation == RegistryMutation.ForgetSpentTokens:
                _state.Apply(issued with { Token = null });
                break;
            case RegistryEvent happened:
                _state.Apply(happened);
                break;
            case RecoveryCompleted:
                Recovered();
                break;
            default:
                throw new JournalException(JournalFailure.UnknownEvent, $"the registry's stream has a {message.GetType().Name}, which is none of its events");
        }
    }

    private void Recovered()
    {
        if (_options.Communities?.ConflictsWith(_state.Certificates.Keys).ToList() is { Count: > 0 } conflicts)
            throw new JournalException(JournalFailure.Unavailable, $"the communities do not fit the nodes that there are: {string.Join("; ", conflicts)}");
        _state.Tree.Merge();
        _lastSerial = _state.LastSerial;
        _actors.Crl.Tell(new GetRevocations());
        Self.Tell(CleaningDue.Instance);
        if (_state.Legacy is { } legacy)
            HandOver(legacy);
        else
            Introduce();
    }

    // Journals of the first versions hold in one stream what four actors hold now. Until the others have it, nobody is told of the network, and no snapshot drops it.
    private void HandOver(LegacyState legacy)
    {
        _handovers = 3;
        _actors.Crl.Tell(new AdoptRevocations(legacy.Revoked));
        _actors.Hmac.Tell(new AdoptKeys(legacy.Keys));
        _actors.Parameters.Tell(new AdoptVersion(legacy.Version, legacy.Content, legacy.Keys.State == RotationState.None ? 0 : 1));
    }

    private void Introduce()
    {
        _isIntroduced = true;
        NetworkKnown known = Known();
        Context.System.EventStream.Publish(known);
        foreach (ActorRef asker in _curious)
            asker.Tell(known, Self);
        _curious.Clear();
    }

    private NetworkKnown Known() => new(_state.Certificates.Count > 0, _state.RegistryPrefix);

    private void Handle(RegistryCommand command)
    {
        switch (command)
        {
            case AddToken add:
                Add(add);
                break;
            case DeleteToken delete:
                Delete(delete);
                break;
            case IsToken query:
                Sender.Tell(new TokenKnown(FindToken(query.Token) is not null));
                break;
            case ListTokens:
                Sender.Tell(Tokens);
                break;
            case ListNodes:
                Sender.Tell(Nodes);
                break;
            case RequestCertificate request:
                Request(request);
                break;
            case RenewCertificate renew:
                Renew(renew);
                break;
            case Revoke revoke:
                Revoke(revoke);
                break;
            case GetCertificate query:
                Sender.Tell(_state.TrustedCertificateOf(query.Prefix) is { } found ? new CertificateFound(found.Prefix, found.Pem, _state.RegistryPrefix!.Value) : new NoCertificate(query.Prefix));
                break;
            case FindNode query:
                Sender.Tell(new NodeFound(_state.Certificates.Values.FirstOrDefault(c => !c.IsExcluded && string.Equals(c.Email, query.Email, StringComparison.Ordinal))?.Prefix));
                break;
            case GetNetwork:
                if (_isIntroduced)
                    Sender.Tell(Known());
                else
                    _curious.Add(Sender);
                break;
            case GetStatistics:
                Sender.Tell(Statistics);
                break;
            default:
                Unhandled(command);
                break;
        }
    }

    /// <summary>Makes an event durable, changes the state by it, and then lets <paramref name="then"/> tell others.</summary>
    private void Record<T>(T happened, Action then)
        where T : RegistryEvent
    {
        Persist(happened, stored =>
        {
            _state.Apply(stored);
            Context.Note((ulong)LastSequenceNr);
            then();
            SnapshotIfDue();
        });
    }

    // A snapshot costs as much as the state is large. Taken after as many events as there are entries, its share of each event's cost stays the same.
    private void SnapshotIfDue()
    {
        if (_handovers > 0 || LastSequenceNr - _lastSnapshot < Math.Max(_options.SnapshotInterval, _state.Count))
            return;
        _lastSnapshot = LastSequenceNr;
        SaveSnapshot(_state.ToSnapshot());
    }

    private Overloaded Overload()
    {
        _overloaded++;
        return new Overloaded(OverloadRetry);
    }
}
