using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.Ports;
using Mesh.Node.Certificates;
using Mesh.Node.Peers;
using Mesh.Node.RegistryClient;
using Mesh.Node.Routing;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Security;

namespace Mesh.Node.Parameters;

/// <summary>Newer network parameters were taken over. Stored.</summary>
/// <param name="Body">As the registry sent them.</param>
public sealed record ParametersAdopted(byte[] Body);

/// <summary>How are the parameters? Answer: <see cref="ParametersStatus"/>.</summary>
public sealed record GetParametersStatus;

/// <summary>The parameters at one moment.</summary>
/// <param name="Used">Number of the version in use; 0 before the first.</param>
/// <param name="Newest">Number of the newest version that is known to exist.</param>
/// <param name="Keys">Which routing keys are in use; its text does not show them.</param>
/// <param name="ValidUntil">When the next step of a key rotation is due, or null.</param>
/// <param name="Refused">Bodies that were refused.</param>
/// <param name="Forged">Versions in the news that the authority did not sign.</param>
/// <param name="Fetches">How often the registry was asked.</param>
public sealed record ParametersStatus(ulong Used, ulong Newest, RoutingKeys Keys, DateTimeOffset? ValidUntil, long Refused, long Forged, long Fetches)
{
    /// <summary>When the registry will be asked next; null before the first time. Where <see cref="Newest"/> is in use that is the regular check.</summary>
    public required DateTimeOffset? NextFetch { get; init; }

    /// <summary>Whether a question to the registry is under way.</summary>
    public required bool IsFetching { get; init; }
}

/// <summary>The network's parameters: what this node knows, kept over restarts, fetched from the registry when there is news.</summary>
/// <remarks>
/// <code>
/// news (gossip, the registry beside us) ──▶ is it signed and newer? ──▶ told to all neighbours at once (<see cref="VersionLearned"/>)
///                                                                   └─▶ fetched from the registry after a random while ──▶ checked ──▶ stored ──▶ used (<see cref="NetworkParametersChanged"/>)
/// </code>
/// <para>Only a version that the network's authority has signed and that is newer than the one at hand is taken over. The while grows with the network, so that the registry gets at
/// most <see cref="FetchesPerSecond"/> questions per second.</para>
/// <para>Who misses the news still learns of it: from the first neighbour whose tunnel comes up, in the hourly check, when a rotation of keys is due to go on, and when the route to the
/// registry's node is lost for a while, as it is for a node that has missed new routing keys. Protocol reference 4.8.</para>
/// </remarks>
public sealed partial class ParametersActor : PersistentActor
{
    /// <summary>Questions per second that all nodes together put to the registry after news.</summary>
    public const int FetchesPerSecond = 250;

    private static readonly TimeSpan CheckInterval = TimeSpan.FromHours(1);   // re6st: NETCONF_CHECK
    private static readonly TimeSpan MinRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxRetry = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan MaxStaleRetry = TimeSpan.FromSeconds(300);   // re6st: retry after gossip
    private static readonly TimeSpan LocalDelay = TimeSpan.FromMilliseconds(200);   // changes that come together are fetched together
    private static readonly TimeSpan MinSpread = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxSpread = TimeSpan.FromSeconds(30);

    private readonly ActorRef _client;
    private readonly IWorkPool _workPool;
    private readonly SourceLimiter _versionChecks;
    private NodeIdentity _identity;
    private byte[]? _recovered;
    private NetworkParameters? _parameters;
    private RoutingKeys _keys = RoutingKeys.None;
    private NetworkVersion _newest = NetworkVersion.Initial;
    private Examination? _examination;
    private int _nodes;
    private int _failures;
    private bool _isAsking;
    private bool _isAgainDue;
    private bool _mayServe = true;
    private long _forged;
    private long _fetches;

    /// <summary>Makes the actor.</summary>
    /// <param name="identity">Who we are.</param>
    /// <param name="client">Asks the registry.</param>
    /// <param name="workPool">Where bodies are read and keys decrypted.</param>
    public ParametersActor(NodeIdentity identity, ActorRef client, IWorkPool workPool)
    {
        (_identity, _client, _workPool) = (identity, client, workPool);
        _versionChecks = new SourceLimiter(perSecond: 2, burst: 8, Context.Random.Fork().NextUInt64());
    }

    /// <summary>The protocol that this program speaks; see <see cref="NodeOptions.Protocol"/>.</summary>
    public int Protocol { get; init; } = PeerDatagram.Protocol;

    /// <inheritdoc/>
    public override string PersistenceId => "parameters";

    /// <summary>Bodies that were refused because they are malformed, their version is not signed by the authority, it is older than the one at hand, or their keys are not for us.</summary>
    public long RefusedCount { get; private set; }

    /// <summary>Declares what the actor stores.</summary>
    public static EventSchema AddTo(EventSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        return schema.Add<ParametersAdopted>("node.parameters-adopted");
    }

    /// <summary>A mistake on purpose, for tests.</summary>
    internal NodeMutation Mutation { get; init; }

    private ParametersStatus Status => new(_parameters?.Version.Number ?? 0, _newest.Number, _keys, _parameters?.ValidUntil, RefusedCount, _forged, _fetches)
    {
        NextFetch = _fetchAt == TimeSpan.MaxValue ? null : Context.UtcNow + (_fetchAt - Context.Now),
        IsFetching = _isAsking,
    };

    /// <inheritdoc/>
    protected override void PreStart()
    {
        EventStream events = Context.System.EventStream;
        events.Subscribe<VersionHeard>(Self);
        events.Subscribe<ParametersOutdated>(Self);
        events.Subscribe<NetworkParametersWanted>(Self);
        events.Subscribe<RoutesPublished>(Self);
        events.Subscribe<IdentityChanged>(Self);
        events.Subscribe<CertificateStatus>(Self);
    }

    /// <inheritdoc/>
    protected override object? Inspect(object question) => question is GetParametersStatus ? Status : null;

    /// <inheritdoc/>
    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    /// <inheritdoc/>
    protected override void ReceiveCommand(object message)
    {
        switch (message)
        {
            case FetchDue:
                Fetch();
                break;
            case RegistryAnswered answered:
                Examine(answered.Body.ToArray());
                break;
            case RegistryUnreachable failed:
                OnFailed(failed.Reason);
                break;
            case WorkDone { Tag: Examination examination } done when examination == _examination:
                _examination = null;
                OnExamined(examination, (Finding)done.Result);
                break;
            case WorkRejected { Tag: var tag } when tag == _examination:
                _examination = null;
                OnFailed("the node has too much other work");
                break;
            case WorkFailed { Tag: var tag } failed when tag == _examination:
                _examination = null;
                OnFailed($"the network parameters could not be read: {failed.Reason.Message}");
                break;
            case WorkDone or WorkRejected or WorkFailed:
                break;   // of an earlier life
            case VersionHeard heard:
                OnHeard(heard);
                break;
            case ParametersOutdated:
                FetchAgain(LocalDelay);
                break;
            case RoutesPublished routes:
                OnRoutes(routes);
                break;
            case NetworkParametersWanted wanted when _parameters is not null:
                wanted.By.Tell(new VersionLearned(_newest));
                wanted.By.Tell(new NetworkParametersChanged(_parameters) { Keys = _keys });
                break;
            case NetworkParametersWanted:
                break;   // they will be published
            case RegistryMissed:
                OnRegistryMissed();
                break;
            case IdentityChanged changed:
                _identity = changed.Identity;
                break;
            case GetParametersStatus:
                Sender.Tell(Status);
                break;
            case CertificateStatus status when status.MayServe != _mayServe:
                _mayServe = status.MayServe;
                if (_mayServe)
                    FetchAgain(TimeSpan.Zero);
                break;
            case CertificateStatus:
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
            case ParametersAdopted { Body: not null } adopted:
                _recovered = adopted.Body;
                break;
            case RecoveryCompleted when _recovered is { } body:
                // What another network's authority signed may be on the disk, where a machine has changed networks; and keys are for one node.
                if (ExamineNow(body, _identity) is { Problem: null } good)
                    Use(good.Parameters!, good.Keys!);
                _recovered = null;
                Begin();
                break;
            case RecoveryCompleted:
                Begin();
                break;
        }
    }

    private void Begin()
    {
        Context.System.EventStream.Publish(new CertificateStatusWanted(Self));
        FetchAgain(TimeSpan.FromMilliseconds(Context.Random.Next(50)));
    }

    // What somebody says is the newest version.
    private void OnHeard(VersionHeard heard)
    {
        if (heard.Version <= _newest)
            return;
        if (!_versionChecks.TryTake(heard.From.FirstAddress(_identity.Network), Context.Now)
            || !(Mutation == NodeMutation.BelieveUnsigned || VersionSigner.IsValid(heard.Version, _identity.Verifier.Authority)))
        {
            _forged++;
            if ((_forged & (_forged - 1)) == 0)   // the first, second, fourth, ...: a flood of them does not fill the log
                Log.Warning($"{heard.From} tells of a version {heard.Version.Number} that the network's authority did not sign, or of too many ({_forged} so far)");
            return;
        }

        Learn(heard.Version);
        _failures = 0;   // the registry is there: it has just said something
        FetchAgain(Context.Random.NextTimeSpan(TimeSpan.Zero, Spread()));
    }

    private void Learn(NetworkVersion version)
    {
        if (version <= _newest)
            return;
        _newest = version;
        Context.Note(version.Number);
        Context.System.EventStream.Publish(new VersionLearned(version));
    }

    private TimeSpan Spread()
    {
        var spread = TimeSpan.FromSeconds(_nodes / (double)FetchesPerSecond);
        return spread < MinSpread ? MinSpread : spread > MaxSpread ? MaxSpread : spread;
    }

    private void OnExamined(Examination examination, Finding finding)
    {
        if (finding.Problem is { } problem)
        {
            RefusedCount++;
            OnFailed(problem);
            return;
        }

        NetworkParameters parameters = finding.Parameters!;
        _failures = 0;
        EndAsking(CheckInterval * (0.9 + (0.2 * Context.Random.NextDouble())));
        AwaitNextStep(parameters.ValidUntil);
        if (_parameters is not null && parameters.Version <= _parameters.Version)
        {
            if (parameters.Version < _parameters.Version)
            {
                RefusedCount++;
                Log.Warning($"the registry sent network parameters version {parameters.Version.Number}, older than {_parameters.Version.Number} which we have; was it restored from a backup?");
            }

            ExpectNewer();
            return;
        }

        Persist(new ParametersAdopted(examination.Body), _ =>
        {
            Context.Note(parameters.Version.Number);
            Log.Info($"network parameters version {parameters.Version.Number}, {finding.Keys}");
            Use(parameters, finding.Keys!);
            ExpectNewer();
        });
    }

    private void Use(NetworkParameters parameters, RoutingKeys keys)
    {
        if (parameters.MinProtocol > Protocol)
            throw new NetworkRefusedException($"the network wants protocol {parameters.MinProtocol} at least, and this program speaks {Protocol}: update it");
        if (Mutation == NodeMutation.AcceptRevoked)
            parameters = parameters with { RevokedSerials = [] };
        (_parameters, _keys) = (parameters, keys);
        Learn(parameters.Version);
        Context.System.EventStream.Publish(new NetworkParametersChanged(parameters) { Keys = keys });
    }

    private sealed class FetchDue
    {
        public static readonly FetchDue Instance = new();
    }
}
