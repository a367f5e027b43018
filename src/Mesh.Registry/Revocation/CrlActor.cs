using System.Collections.Immutable;
using Mesh.Actors.Persistence;

namespace Mesh.Registry.Revocation;

/// <summary>The distributor of the certificate revocation list: which serial numbers are not to be trusted, until their certificates expire by themselves.</summary>
/// <remarks>
/// <code>
///             AddRevocation                       NotAfter reached
/// (trusted) ---------------> listed -------------------------------> (forgotten)
///                              ^  | stronger kind
///                              +--+
/// </code>
/// <para>The list is the truth about revocations; what follows from an entry for prefixes is carried out by the <see cref="RegistryActor"/>, also after a crash in
/// between. It travels to the nodes in the network's parameters. Registries of re6st never take anything off it; here entries leave when the certificate ends.</para>
/// </remarks>
/// <param name="snapshotInterval">A snapshot is taken after so many events.</param>
public sealed class CrlActor(int snapshotInterval) : PersistentActor
{
    private ImmutableSortedDictionary<ulong, RevokedCertificate> _list = ImmutableSortedDictionary<ulong, RevokedCertificate>.Empty;
    private long _lastSnapshot;

    /// <inheritdoc/>
    public override string PersistenceId => "crl";

    /// <inheritdoc/>
    protected override object? Inspect(object question) => question is GetRevocations ? new RevocationList(_list) : null;

    /// <inheritdoc/>
    protected override void ReceiveCommand(object message)
    {
        switch (message)
        {
            case AddRevocation add:
                Add(add);
                break;
            case AdoptRevocations adopt:
                Adopt(adopt.List);
                break;
            case GetRevocations:
                Sender.Tell(new RevocationList(_list));
                break;
            case PurgeDue:
                Purge();
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
            case SnapshotOffer { State: CrlSnapshot snapshot } offer:
                _list = Entries(snapshot.Entries);
                _lastSnapshot = offer.SequenceNr;
                break;
            case CrlEvent happened:
                Apply(happened);
                break;
            case RecoveryCompleted:
                Self.Tell(PurgeDue.Instance);
                break;
            default:
                throw new JournalException(JournalFailure.UnknownEvent, $"the revocation list's stream has a {message.GetType().Name}, which is none of its events");
        }
    }

    private void Add(AddRevocation add)
    {
        var recorded = new RevocationRecorded(add.Serial, add.Kind);
        if (!IsNews(add.Serial, new RevokedCertificate(add.NotAfter, add.Kind)))
        {
            Sender.Tell(recorded);
            return;
        }

        Sender.Tell(recorded);   // leaves after the commit
        Record(new CertificatesRevoked([new RevocationEntry(add.Serial, add.NotAfter, add.Kind)]));
    }

    private void Adopt(ImmutableSortedDictionary<ulong, RevokedCertificate> list)
    {
        Sender.Tell(new Adopted());
        RevocationEntry[] news = [.. list.Where(entry => IsNews(entry.Key, entry.Value)).Select(static entry => new RevocationEntry(entry.Key, entry.Value.NotAfter, entry.Value.Kind))];
        if (news.Length > 0)
            Record(new CertificatesRevoked(news));
    }

    private bool IsNews(ulong serial, RevokedCertificate revocation) =>
        revocation.NotAfter > Context.UtcNow && !(_list.TryGetValue(serial, out RevokedCertificate known) && known.Kind >= revocation.Kind);

    private void Purge()
    {
        ulong[] over = [.. _list.Where(entry => entry.Value.NotAfter <= Context.UtcNow).Select(static entry => entry.Key)];
        if (over.Length > 0)
            Record(new RevocationsExpired(over));
        else
            SleepUntilPurge();
    }

    private void SleepUntilPurge()
    {
        if (!_list.IsEmpty)
            Context.Timers.StartSingle(PurgeDue.Instance, PurgeDue.Instance, WallClock.SleepUntil(_list.Values.Min(static revocation => revocation.NotAfter), Context.UtcNow));
    }

    private void Record(CrlEvent happened) => Persist(happened, stored =>
    {
        Apply(stored);
        Context.Note((ulong)LastSequenceNr);
        if (stored is RevocationsExpired expired)
            Log.Info($"{expired.Serials.Count} revoked certificates have expired and leave the revocation list");
        Context.System.EventStream.Publish(new RevocationList(_list));
        SleepUntilPurge();
        if (LastSequenceNr - _lastSnapshot < snapshotInterval)
            return;
        _lastSnapshot = LastSequenceNr;
        SaveSnapshot(new CrlSnapshot([.. _list.Select(static entry => new RevocationEntry(entry.Key, entry.Value.NotAfter, entry.Value.Kind))]));
    });

    private void Apply(CrlEvent happened)
    {
        switch (happened)
        {
            case CertificatesRevoked revoked:
                _list = _list.SetItems(Entries(revoked.Entries));
                break;
            case RevocationsExpired expired:
                _list = _list.RemoveRange(expired.Serials);
                break;
        }
    }

    private static ImmutableSortedDictionary<ulong, RevokedCertificate> Entries(IEnumerable<RevocationEntry> entries) =>
        entries.ToImmutableSortedDictionary(static entry => entry.Serial, static entry => new RevokedCertificate(entry.NotAfter, entry.Kind));

    private sealed record PurgeDue
    {
        public static readonly PurgeDue Instance = new();
    }
}
