using Mesh.Node.RegistryClient;
using Mesh.Node.Routing;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Security;

namespace Mesh.Node.Parameters;

/// <content>When the registry is asked. One question at a time; a reason to ask that comes meanwhile leads to one more question, not to many.</content>
public sealed partial class ParametersActor
{
    private static readonly TimeSpan MinMissing = TimeSpan.FromSeconds(30);

    private TimeSpan _fetchAt = TimeSpan.MaxValue;
    private TimeSpan _staleRetry = MinRetry;
    private TimeSpan _missing = MinMissing;
    private bool _isRegistryRouted;

    /// <summary>Asks after a while, or sooner where it was to be sooner.</summary>
    private void FetchAgain(TimeSpan after)
    {
        if (_isAsking)
        {
            _isAgainDue = true;
            return;
        }

        if (Context.Now + after < _fetchAt)
            FetchAfter(after);
    }

    private void FetchAfter(TimeSpan after)
    {
        _fetchAt = Context.Now + after;
        Context.Timers.StartSingle(FetchDue.Instance, FetchDue.Instance, after);
    }

    private void Fetch()
    {
        _fetches++;
        (_isAsking, _isAgainDue) = (true, false);
        FetchAfter(CheckInterval);   // whatever becomes of the answer
        _client.Tell(new CallRegistry(FetchDue.Instance, RegistryMethod.GetNetworkConfig, []), Self);
    }

    private void EndAsking(TimeSpan next)
    {
        _isAsking = false;
        FetchAfter(_isAgainDue ? LocalDelay : next);
    }

    private void OnFailed(string reason)
    {
        _failures = _isAgainDue ? 1 : _failures + 1;   // news that came meanwhile say that the registry is there
        // A registry that has shut us out need not hear of us every minute.
        TimeSpan delay = TimeSpan.FromSeconds(Math.Min((_mayServe ? MaxRetry : CheckInterval).TotalSeconds, MinRetry.TotalSeconds * Math.Pow(2, Math.Min(_failures - 1, 12))));
        Log.Warning($"network parameters: {reason}; next attempt in {delay.TotalSeconds:0} s");
        _isAsking = false;
        FetchAfter(delay * (0.9 + (0.2 * Context.Random.NextDouble())));
    }

    // The news may be faster than what serves us: another process of the registry, or one that was restored from a backup.
    private void ExpectNewer()
    {
        if (_parameters is null || _parameters.Version >= _newest)
        {
            _staleRetry = MinRetry;
            return;
        }

        FetchAgain(_staleRetry * (0.9 + (0.2 * Context.Random.NextDouble())));
        _staleRetry = _staleRetry * 2 < MaxStaleRetry ? _staleRetry * 2 : MaxStaleRetry;
    }

    // A step of a rotation is due: who has not heard of the next one by then asks.
    private void AwaitNextStep(DateTimeOffset? validUntil)
    {
        // Once it is over, an operator may have halted the rotation: then the usual check has to do.
        if (validUntil - Context.UtcNow is { } left && left > TimeSpan.Zero && left < CheckInterval)
            FetchAgain(left + Context.Random.NextTimeSpan(TimeSpan.Zero, MaxRetry));
    }

    private void OnRoutes(RoutesPublished routes)
    {
        _nodes = routes.Routes.Length + 1;
        bool isRouted = _parameters is null || _parameters.RegistryPrefix == _identity.Prefix || NodeRoutes.Find(routes.Routes, _parameters.RegistryPrefix.Subnet(_identity.Network)) is not null;
        if (isRouted == _isRegistryRouted && (isRouted || Context.Timers.IsActive(RegistryMissed.Instance)))
            return;
        _isRegistryRouted = isRouted;
        if (isRouted)
        {
            _missing = MinMissing;
            Context.Timers.Cancel(RegistryMissed.Instance);
        }
        else
        {
            AwaitRegistry();
        }
    }

    // The registry's node has no route for a while. It may be down; or we are the ones who have missed new keys and are not heard any more. Asking the registry itself tells.
    private void OnRegistryMissed()
    {
        FetchAgain(TimeSpan.Zero);
        _missing = _missing * 2 < CheckInterval ? _missing * 2 : CheckInterval;
        AwaitRegistry();
    }

    private void AwaitRegistry() =>
        Context.Timers.StartSingle(RegistryMissed.Instance, RegistryMissed.Instance, _missing * (0.75 + (0.5 * Context.Random.NextDouble())));

    private void Examine(byte[] body)
    {
        NodeIdentity identity = _identity;
        _examination = new Examination(body);
        _workPool.Run(_examination, () => ExamineNow(body, identity), Self);
    }

    private static Finding ExamineNow(byte[] body, NodeIdentity identity)
    {
        if (!NetworkParameters.TryDecode(body, out NetworkParameters? parameters) || !VersionSigner.IsValid(parameters.Version, identity.Verifier.Authority))
            return new Finding("the network parameters are malformed or not signed by the network's authority", null, null);
        return RoutingKeys.TryDecrypt(parameters, identity.Key, out RoutingKeys? keys)
            ? new Finding(null, parameters, keys)
            : new Finding("the routing keys in the network parameters are not for this node", null, null);
    }

    /// <summary>A body that is being read. Compared by identity.</summary>
    private sealed class Examination(byte[] body)
    {
        public byte[] Body => body;
    }

    /// <summary>What was found in a body.</summary>
    private sealed record Finding(string? Problem, NetworkParameters? Parameters, RoutingKeys? Keys);

    private sealed class RegistryMissed
    {
        public static readonly RegistryMissed Instance = new();
    }
}
