using System.Collections.Immutable;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.Ports;
using Mesh.Registry.Authority;
using Mesh.Registry.Events;

namespace Mesh.Registry;

/// <summary>The registry's memory: tokens, prefixes, certificates, serial numbers and the version of the parameters, as one consistent aggregate.</summary>
/// <remarks>
/// <code>
/// RequestCertificate --> checked --> prefix, serial, token use reserved in memory --> signed (work pool)
///                                                                                        |
///              CertificateGiven &lt;-- CertificateIssued in the journal &lt;-- token still there? &lt;--+
/// </code>
/// <para>Signatures are made away from the loop. A reservation is in memory only: after a crash in between nothing was promised and nothing is lost.</para>
/// <para>The certificate and the use of its token are one event. An answer leaves only after its event is durable.</para>
/// <para>Takes <see cref="RegistryCommand"/>s and answers each with one <see cref="RegistryAnswer"/>. If the journal fails, the actor stops.</para>
/// </remarks>
public sealed partial class RegistryActor : PersistentActor
{
    private static readonly TimeSpan OverloadRetry = TimeSpan.FromSeconds(1);

    private readonly RegistryOptions _options;
    private readonly IRegistryAuthority _authority;
    private readonly IWorkPool _workPool;
    private readonly RegistryState _state;
    private long _lastSnapshot;
    private long _overloaded;

    /// <summary>Makes the actor.</summary>
    /// <param name="options">Valid settings, see <see cref="RegistryOptions.Validate"/>.</param>
    /// <param name="authority">What signs.</param>
    /// <param name="workPool">Where it signs.</param>
    public RegistryActor(RegistryOptions options, IRegistryAuthority authority, IWorkPool workPool)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(authority);
        ArgumentNullException.ThrowIfNull(workPool);
        if (options.Validate(authority.Network).ToList() is { Count: > 0 } problems)
            throw new ArgumentException(string.Join("; ", problems), nameof(options));
        (_options, _authority, _workPool) = (options, authority, workPool);
        _state = new RegistryState(authority.Network);
    }

    /// <inheritdoc/>
    public override string PersistenceId => "registry";

    /// <inheritdoc/>
    protected override void ReceiveCommand(object message)
    {
        switch (message)
        {
            case RegistryCommand command:
                Handle(command);
                break;
            case WorkDone { Tag: PendingWork work } done when _pending.Remove(work):
                Finish(work, done.Result);
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
            case CleaningDue:
                Clean();
                break;
            case PublishingDue:
                PublishIfChanged();
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
            case RegistryEvent happened:
                _state.Apply(happened);
                break;
            case RecoveryCompleted:
                _state.Tree.Merge();
                _lastSerial = _state.LastSerial;
                ChooseFirstBabelKey();
                PublishIfChanged();
                Self.Tell(CleaningDue.Instance);
                break;
            default:
                throw new JournalException(JournalFailure.UnknownEvent, $"the registry's stream has a {message.GetType().Name}, which is none of its events");
        }
    }

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
                Sender.Tell(new TokenList(_state.Tokens.ToImmutableSortedDictionary(StringComparer.Ordinal)));
                break;
            case ListNodes:
                Sender.Tell(new NodeList([.. _state.Certificates.Values]));
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
                Sender.Tell(_state.CertificateOf(query.Prefix) is { } found ? new CertificateFound(found.Prefix, found.Pem, _state.RegistryPrefix!.Value) : new NoCertificate(query.Prefix));
                break;
            case GetParameters query:
                Sender.Tell(ParametersFor(query.Prefix));
                break;
            case FindNode query:
                Sender.Tell(new NodeFound(_state.Certificates.Values.FirstOrDefault(c => string.Equals(c.Email, query.Email, StringComparison.Ordinal))?.Prefix));
                break;
            case GetStatistics:
                Sender.Tell(new RegistryStatistics(
                    _state.Certificates.Count, _state.Tokens.Count, _pending.Count, _state.LastSerial, _state.Version.Number, LastSequenceNr, _overloaded));
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
            if (LastSequenceNr - _lastSnapshot < _options.SnapshotInterval)
                return;
            _lastSnapshot = LastSequenceNr;
            SaveSnapshot(_state.ToSnapshot());
        });
    }

    private Overloaded Overload()
    {
        _overloaded++;
        return new Overloaded(OverloadRetry);
    }
}
