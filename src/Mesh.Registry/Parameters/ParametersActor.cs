using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.Ports;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Authority;
using Mesh.Registry.Revocation;
using Mesh.Registry.Rotation;

namespace Mesh.Registry.Parameters;

/// <summary>The network's parameters: put together from the settings, the revocation list and the routing keys, and published under a signed version that grows whenever they change.</summary>
/// <remarks>
/// <code>
/// NetworkKnown, RevocationList, RoutingKeys --> changed? --> signed (work pool) --> VersionSigned in the journal --> served, VersionPublished
///                                                 ^                                                                       |
///                                                 +-----------------------------------------------------------------------+
/// </code>
/// <para>Nodes get what the version was signed for and nothing newer: the list and the keys of a version belong together. Changes that come while a version is
/// being signed are published together in the next one.</para>
/// </remarks>
public sealed class ParametersActor : PersistentActor
{
    // Encoded answers of one version; some 1 KiB each.
    private const int MaxEncoded = 20_000;
    private const int MaxFetches = 100_000;
    private const int MaxWaiting = 1000;

    private static readonly TimeSpan PublishRetry = TimeSpan.FromSeconds(1);

    private readonly RegistryOptions _options;
    private readonly RegistryPorts _ports;
    private readonly Sources _sources;
    private readonly Dictionary<NodePrefix, (string Pem, byte[] Body)> _encoded = [];
    private readonly HashSet<NodePrefix> _fetches = [];
    private readonly List<(ActorRef Asker, long Steps)> _waiting = [];

    private NodePrefix? _registryPrefix;
    private bool _isNetworkKnown;
    private ImmutableSortedDictionary<ulong, RevokedCertificate>? _revoked;
    private RoutingKeys? _keys;

    private NetworkVersion _version = NetworkVersion.Initial;
    private string? _digest;   // of what was signed last
    private long _signedSteps;
    private long _lastSnapshot;
    private ParametersGiven? _served;
    private PendingVersion? _pending;

    /// <summary>Makes the actor.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="ports">What signs, and where.</param>
    /// <param name="sources">Whom to ask.</param>
    public ParametersActor(RegistryOptions options, RegistryPorts ports, Sources sources) => (_options, _ports, _sources) = (options, ports, sources);

    /// <summary>The actors from whose state the parameters are made.</summary>
    /// <param name="Registry">Knows the registry's own node.</param>
    /// <param name="Crl">Knows the revocation list.</param>
    /// <param name="Hmac">Knows the routing keys.</param>
    public sealed record Sources(ActorRef Registry, ActorRef Crl, ActorRef Hmac);

    /// <inheritdoc/>
    public override string PersistenceId => "parameters";

    /// <summary>SHA-256 of <see cref="NetworkParameters.VersionedContent"/>, hexadecimal.</summary>
    public static string DigestOf(string content) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        base.PreStart();
        EventStream events = Context.System.EventStream;
        _ = events.Subscribe<NetworkKnown>(Self);
        _ = events.Subscribe<RevocationList>(Self);
        _ = events.Subscribe<RoutingKeys>(Self);
        _ = events.Subscribe<PrefixFreed>(Self);
    }

    /// <inheritdoc/>
    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    /// <inheritdoc/>
    protected override void ReceiveCommand(object message)
    {
        switch (message)
        {
            case GetParameters query:
                Sender.Tell(ParametersFor(query));
                break;
            case KeepEncoded keep:
                Keep(keep);
                break;
            case GetPublished:
                Sender.Tell(new PublishedParameters(_version.Number, _served?.Parameters));
                break;
            case GetFetches:
                Sender.Tell(new Fetches([.. _fetches]));
                break;
            case AwaitSteps wait when _isNetworkKnown && _registryPrefix is null || _signedSteps >= wait.Steps:
                Sender.Tell(new Done());
                break;
            case AwaitSteps when _waiting.Count >= MaxWaiting:
                Sender.Tell(new Overloaded(PublishRetry));
                break;
            case AwaitSteps wait:
                _waiting.Add((Sender, wait.Steps));
                break;
            case AdoptVersion adopt:
                Adopt(adopt);
                break;
            case NetworkKnown known:
                (_registryPrefix, _isNetworkKnown) = (known.RegistryPrefix, true);
                Publish();
                break;
            case RevocationList list:
                _revoked = list.Entries;
                Publish();
                break;
            case RoutingKeys keys:
                _keys = keys;
                Publish();
                break;
            case PrefixFreed freed:
                _ = _fetches.Remove(freed.Prefix);
                _ = _encoded.Remove(freed.Prefix);
                break;
            case WorkDone { Tag: PendingVersion work, Result: NetworkVersion signed } when work == _pending:
                Record(work, signed);
                break;
            case WorkFailed { Tag: PendingVersion work } failed when work == _pending:
                Log.Error($"the version of the parameters could not be signed: {failed.Reason.Message}", failed.Reason);
                PublishLater();
                break;
            case WorkRejected { Tag: PendingVersion work } when work == _pending:
                PublishLater();
                break;
            case PublishingDue:
                Publish();
                break;
            case WorkDone or WorkFailed or WorkRejected:
                break;   // ordered by an instance that a restart has replaced
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
            case SnapshotOffer { State: VersionSigned snapshot } offer:
                Apply(snapshot);
                _lastSnapshot = offer.SequenceNr;
                break;
            case VersionSigned happened:
                Apply(happened);
                break;
            case RecoveryCompleted:
                _sources.Registry.Tell(new GetNetwork());
                _sources.Crl.Tell(new GetRevocations());
                _sources.Hmac.Tell(new GetRoutingKeys());
                break;
            default:
                throw new JournalException(JournalFailure.UnknownEvent, $"the parameters' stream has a {message.GetType().Name}, which is none of its events");
        }
    }

    private RegistryAnswer ParametersFor(GetParameters query)
    {
        if (_served is null)
            return new Overloaded(PublishRetry);   // the first version, or the first one after a crash, is being signed
        if (_fetches.Count < MaxFetches)
            _ = _fetches.Add(query.Prefix);
        return _encoded.TryGetValue(query.Prefix, out (string Pem, byte[] Body) encoded) && string.Equals(encoded.Pem, query.Pem, StringComparison.Ordinal)
            ? new ParametersEncoded(encoded.Body)
            : _served;
    }

    private void Keep(KeepEncoded keep)
    {
        if (_served is null || keep.Version.Number != _version.Number)
            return;
        if (_encoded.Count >= MaxEncoded)
            _encoded.Clear();
        _encoded[keep.Prefix] = (keep.Pem, keep.Body);
    }

    private void Adopt(AdoptVersion adopt)
    {
        Sender.Tell(new Adopted());   // leaves after the commit
        if (_version.Number == 0 && adopt.Version is not [0])
            Persist(new VersionSigned([.. adopt.Version], adopt.Content is { } content ? DigestOf(content) : null, adopt.Steps), Apply);
    }

    private void Publish()
    {
        if (_pending is not null || _registryPrefix is not { } registryPrefix || _revoked is not { } revoked || _keys is not { } keys)
            return;
        NetworkParameters wanted = _options.ToParameters(registryPrefix, _version, revoked.Keys) with { ValidUntil = keys.ValidUntil };
        string digest = DigestOf(wanted.VersionedContent());
        if (string.Equals(digest, _digest, StringComparison.Ordinal) && keys.Steps == _signedSteps)
        {
            _served ??= new ParametersGiven(wanted, keys.Keys.Sign, keys.Keys.Accept);
            return;
        }

        ulong number = _version.Number + 1;
        IRegistryAuthority authority = _ports.Authority;
        _pending = new PendingVersion(wanted, digest, keys);
        _ports.WorkPool.Run(_pending, () => authority.SignVersion(number), Self);
    }

    private void PublishLater()
    {
        _pending = null;
        Context.Timers.StartSingle(PublishingDue.Instance, PublishingDue.Instance, PublishRetry);
    }

    private void Record(PendingVersion work, NetworkVersion version) => Persist(new VersionSigned([.. version.Blob], work.Digest, work.Keys.Steps), stored =>
    {
        Apply(stored);
        Context.Note((ulong)LastSequenceNr);
        _pending = null;
        _encoded.Clear();
        _fetches.Clear();
        _served = new ParametersGiven(work.Parameters with { Version = version }, work.Keys.Keys.Sign, work.Keys.Keys.Accept);
        Log.Info($"network parameters have version {version.Number}");
        Context.System.EventStream.Publish(new VersionPublished(version, work.Parameters.RegistryPrefix));
        foreach ((ActorRef asker, _) in _waiting.Where(waiting => waiting.Steps <= _signedSteps))
            asker.Tell(new Done(), Self);
        _ = _waiting.RemoveAll(waiting => waiting.Steps <= _signedSteps);
        Publish();
        // The newest event is the whole state.
        if (LastSequenceNr - _lastSnapshot < _options.SnapshotInterval)
            return;
        _lastSnapshot = LastSequenceNr;
        SaveSnapshot(stored);
    });

    private void Apply(VersionSigned signed)
    {
        if (!NetworkVersion.TryParse(signed.Version, out NetworkVersion? version))
            throw new FormatException("a stored version of the parameters is no version");
        (_version, _digest, _signedSteps) = (version, signed.ContentDigest, signed.Steps);
    }

    /// <summary>A version that is being signed. Compared by identity: it is the tag of the work.</summary>
    private sealed class PendingVersion(NetworkParameters parameters, string digest, RoutingKeys keys)
    {
        public NetworkParameters Parameters => parameters;

        public string Digest => digest;

        public RoutingKeys Keys => keys;
    }

    private sealed record PublishingDue
    {
        public static readonly PublishingDue Instance = new();
    }
}
