using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Node.Certificates;
using Mesh.Node.RegistryClient;
using Mesh.Protocol.Registry;
using Mesh.Security;

namespace Mesh.Node.Parameters;

/// <summary>Newer network parameters were taken over. Stored.</summary>
/// <param name="Body">As the registry sent them.</param>
public sealed record ParametersAdopted(byte[] Body);

/// <summary>The network's parameters: what this node knows, kept over restarts, and fetched from the registry.</summary>
/// <remarks>Only a version that the network's authority has signed and that is newer than the one at hand is taken over.</remarks>
public sealed class ParametersActor(NodeIdentity identity, ActorRef client) : PersistentActor
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromHours(1);   // re6st: NETCONF_CHECK
    private static readonly TimeSpan MinRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxRetry = TimeSpan.FromSeconds(60);

    private NetworkParameters? _parameters;
    private int _failures;
    private bool _mayServe = true;

    /// <inheritdoc/>
    public override string PersistenceId => "parameters";

    /// <summary>Bodies that were refused because they are malformed, their version is not signed by the authority, or it is older than the one at hand.</summary>
    public long RefusedCount { get; private set; }

    /// <summary>Declares what the actor stores.</summary>
    public static EventSchema AddTo(EventSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        return schema.Add<ParametersAdopted>("node.parameters-adopted");
    }

    /// <inheritdoc/>
    protected override void PreStart()
    {
        base.PreStart();
        Context.System.EventStream.Subscribe<CertificateStatus>(Self);
    }

    /// <inheritdoc/>
    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    /// <inheritdoc/>
    protected override void ReceiveCommand(object message)
    {
        switch (message)
        {
            case FetchDue:
                Fetch(CheckInterval);   // whatever becomes of the answer
                client.Tell(new CallRegistry(FetchDue.Instance, RegistryMethod.GetNetworkConfig, []));
                break;
            case RegistryAnswered answered:
                OnBody(answered.Body);
                break;
            case RegistryUnreachable failed:
                OnUnreachable(failed.Reason);
                break;
            case CertificateStatus status when status.MayServe != _mayServe:
                _mayServe = status.MayServe;
                if (_mayServe)
                    Fetch(TimeSpan.Zero);
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
            case ParametersAdopted { Body: not null } adopted when NetworkParameters.TryDecode(adopted.Body, out NetworkParameters? parameters) && IsGenuine(parameters):
                _parameters = parameters;
                break;
            case RecoveryCompleted:
                if (_parameters is not null)
                    Context.System.EventStream.Publish(new NetworkParametersChanged(_parameters));
                Context.System.EventStream.Publish(new CertificateStatusWanted(Self));
                Fetch(TimeSpan.FromMilliseconds(Context.Random.Next(50)));
                break;
        }
    }

    private void Fetch(TimeSpan after) => Context.Timers.StartSingle(FetchDue.Instance, FetchDue.Instance, after);

    private void OnBody(ReadOnlyMemory<byte> body)
    {
        if (!NetworkParameters.TryDecode(body.Span, out NetworkParameters? parameters) || !IsGenuine(parameters))
        {
            RefusedCount++;
            OnUnreachable("the network parameters are malformed or not signed by the network's authority");
            return;
        }

        _failures = 0;
        Fetch(CheckInterval * (0.9 + (0.2 * Context.Random.NextDouble())));
        if (_parameters is not null && parameters.Version <= _parameters.Version)
        {
            if (parameters.Version < _parameters.Version)
            {
                RefusedCount++;
                Log.Warning($"the registry sent network parameters version {parameters.Version.Number}, older than {_parameters.Version.Number} which we have; was it restored from a backup?");
            }

            return;
        }

        Persist(new ParametersAdopted(body.ToArray()), _ =>
        {
            _parameters = parameters;
            Context.Note(parameters.Version.Number);
            Log.Info($"network parameters version {parameters.Version.Number}");
            Context.System.EventStream.Publish(new NetworkParametersChanged(parameters));
        });
    }

    // What another network's authority signed may be on the disk, where a machine has changed networks.
    private bool IsGenuine(NetworkParameters parameters) => VersionSigner.IsValid(parameters.Version, identity.Verifier.Authority);

    private void OnUnreachable(string reason)
    {
        _failures++;
        // A registry that has shut us out need not hear of us every minute.
        TimeSpan delay = TimeSpan.FromSeconds(Math.Min((_mayServe ? MaxRetry : CheckInterval).TotalSeconds, MinRetry.TotalSeconds * Math.Pow(2, Math.Min(_failures - 1, 12))));
        Log.Warning($"network parameters: {reason}; next attempt in {delay.TotalSeconds:0} s");
        Fetch(delay * (0.9 + (0.2 * Context.Random.NextDouble())));
    }

    private sealed class FetchDue
    {
        public static readonly FetchDue Instance = new();
    }
}
