using System.Collections.Immutable;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Node.Certificates;
using Mesh.Node.Ports;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.PortMapping;
using Mesh.Security.Keys;

namespace Mesh.Node.PortMapping;

/// <summary>Has the gateway of this machine's network map ports, so that others reach this node behind it: by PCP, NAT-PMP or UPnP, whichever it speaks.</summary>
/// <remarks>
/// <para>State diagram: <c>docs/states/port-mapping.md</c>, held against <see cref="Transitions"/> by a test. The protocol: <c>docs/protocols/port-mapping.md</c>.</para>
/// <para>Questions go to the gateway one at a time. Where others reach us is published as <see cref="MappedAddressesChanged"/>.</para>
/// </remarks>
public sealed partial class PortMappingActor : Fsm<PortMappingState, PortMappingProgress>
{
    // A gateway that announces itself brings us back from resting, but whoever poses as it must not make us ask all the time.
    private static readonly TimeSpan MinRest = TimeSpan.FromSeconds(10);

    private readonly PortMappingOptions _options;
    private readonly IPortMappingPort _port;
    private readonly IEntropy _entropy;
    private readonly SortedDictionary<PortMappingCounter, long> _counters = [];
    private readonly List<ActorRef> _releasedBy = [];
    private readonly GrowingDelay _retryDelay;
    private ImmutableArray<KnownGateway>? _recalled;
    private KnownGateway? _known;   // the present gateway, once it is stored
    private ActorRef? _memory;
    private TimeSpan _restingSince;
    private string? _saidProblem;

    /// <summary>Makes one.</summary>
    /// <param name="options">What to map.</param>
    /// <param name="port">The way to the gateway.</param>
    /// <param name="entropy">Where nonces come from.</param>
    public PortMappingActor(PortMappingOptions options, IPortMappingPort port, IEntropy entropy)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_options, _port, _entropy, _retryDelay) = (options, port, entropy, new GrowingDelay(options.MinRetryDelay));
        foreach (FsmTransition<PortMappingState> transition in Transitions)
            Allow(transition.From, transition.To, transition.Because);
        When(PortMappingState.Searching, WhileSearching);
        When(PortMappingState.Asking, WhileAsking);
        When(PortMappingState.Mapped, WhileMapped);
        When(PortMappingState.Resting, WhileResting);
        When(PortMappingState.Releasing, WhileReleasing, ReleasePortMappings.Limit);
        When(PortMappingState.Released, static _ => null);
        WhenUnhandled(InAnyState);
        OnTransition(OnEntered);
        StartWith(PortMappingState.Searching, new PortMappingProgress(null, null, null));
    }

    /// <summary>The declared transitions.</summary>
    public static IReadOnlyList<FsmTransition<PortMappingState>> Transitions => PortMappingProgress.Transitions;

    /// <summary>A full disk is for our supervisor, too; the rest heals by beginning anew.</summary>
    protected override SupervisorStrategy SupervisorStrategy { get; } = new(static reason => reason is JournalException ? Directive.Escalate : SupervisorStrategy.DefaultDecider(reason));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe<MappedAddressesWanted>(Self);
        _memory = Context.ActorOf(Props.Create(() => new RememberedGatewaysActor(Self)), "remembered");
        _port.FindGateway(Self);
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        if (!_published.Addresses.Equals(AddressList.Empty))
            Context.System.EventStream.Publish(new MappedAddressesChanged(AddressList.Empty, null));
    }

    private FsmStep<PortMappingState, PortMappingProgress>? WhileSearching(FsmEvent<PortMappingProgress> e)
    {
        switch (e.Message)
        {
            case GatewaysRecalled recalled:
                _recalled = recalled.Gateways;
                return e.Data.Gateway is { } waiting ? Remember(waiting) : Stay();
            case GatewayFound found when !_options.AcceptsPrivate && AddressScope.IsPublic(found.Gateway.Local):
                return Rest(e.Data with { Gateway = null, Problem = $"{found.Gateway.Local} of this machine can be reached as it is" });
            case GatewayFound found:
                return _recalled is null ? Stay(e.Data with { Gateway = found.Gateway }) : Remember(found.Gateway);
            case GatewayMissing missing:
                return Rest(e.Data with { Gateway = null, Problem = missing.Reason });
            case GatewayStored stored when stored.Gateway == e.Data.Gateway:
                _port.Attach(stored.Gateway, Self);
                return GoTo(PortMappingState.Asking, e.Data with { Method = null, Problem = null });
            case UnderlayChanged:
                _port.FindGateway(Self);
                return Stay(e.Data with { Gateway = null });
            case ReleasePortMappings:
                _releasedBy.Add(Sender);
                return GoTo(PortMappingState.Released);
            default:
                return null;
        }
    }

    private FsmStep<PortMappingState, PortMappingProgress> Remember(Gateway gateway)
    {
        KnownGateway? known = _known?.Gateway == gateway ? _known : _recalled!.Value.FirstOrDefault(g => g.Gateway == gateway);
        _known = known ?? new KnownGateway(gateway, NewNonce(), null, []);
        _memory!.Tell(_known, Self);
        return Stay(Data with { Gateway = gateway });
    }

    private PcpNonce NewNonce()
    {
        Span<byte> octets = stackalloc byte[PcpNonce.Length];
        _entropy.Fill(octets);
        return new PcpNonce(System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(octets), System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(octets[8..]));
    }

    private FsmStep<PortMappingState, PortMappingProgress>? WhileAsking(FsmEvent<PortMappingProgress> e)
    {
        switch (e.Message)
        {
            case UnderlayChanged:
                return GoTo(PortMappingState.Searching, e.Data with { Gateway = null });
            case ReleasePortMappings:
                return BeginRelease();
            default:
                return OnGateway(e.Message);
        }
    }

    private FsmStep<PortMappingState, PortMappingProgress>? WhileMapped(FsmEvent<PortMappingProgress> e)
    {
        switch (e.Message)
        {
            case UnderlayChanged:
                _port.FindGateway(Self);
                return Stay();
            case GatewayFound found when found.Gateway == e.Data.Gateway:
                _port.Attach(found.Gateway, Self);   // the address may have been away meanwhile
                Ask(new Question(Topic.Check));
                return Stay();
            case GatewayFound or GatewayMissing:
                Log.Info($"the gateway {e.Data.Gateway!.Address} is not this machine's any more");
                return GoTo(PortMappingState.Searching, e.Data with { Gateway = null });
            case Due:
                return OnDue();
            case Restarted:
                AskForAll();
                return Stay();
            case CheckDue:
                Ask(new Question(Topic.Check));
                return Stay();
            case ReleasePortMappings:
                return BeginRelease();
            default:
                return OnGateway(e.Message);
        }
    }

    private FsmStep<PortMappingState, PortMappingProgress>? WhileResting(FsmEvent<PortMappingProgress> e)
    {
        switch (e.Message)
        {
            case UnderlayChanged:
                _retryDelay.Reset();
                return GoTo(PortMappingState.Searching, e.Data with { Gateway = null });
            case RetryDue:
                return GoTo(PortMappingState.Searching, e.Data with { Gateway = null });
            case GatewayDatagram { IsAnnouncement: true } announced:
                _port.Handled();
                bool isHeard = announced.From.Address.Equals(e.Data.Gateway?.Address) && Context.Now - _restingSince >= MinRest;
                return isHeard ? GoTo(PortMappingState.Searching, e.Data with { Gateway = null }) : Stay();
            case ReleasePortMappings:
                _releasedBy.Add(Sender);
                return GoTo(PortMappingState.Released);
            default:
                return null;
        }
    }

    private FsmStep<PortMappingState, PortMappingProgress>? WhileReleasing(FsmEvent<PortMappingProgress> e)
    {
        switch (e.Message)
        {
            case StateTimeout:
                Log.Info($"the gateway {e.Data.Gateway!.Address} does not say that it has ended the mappings; it will when their time is over");
                return GoTo(PortMappingState.Released);
            case ReleasePortMappings:
                _releasedBy.Add(Sender);
                return Stay();
            default:
                return OnGateway(e.Message);
        }
    }

    private FsmStep<PortMappingState, PortMappingProgress>? InAnyState(FsmEvent<PortMappingProgress> e)
    {
        switch (e.Message)
        {
            case GetPortMappingStatus:
                Sender.Tell(Describe());
                return Stay();
            case MappedAddressesWanted wanted:
                wanted.By.Tell(_published);
                return Stay();
            case ReleasePortMappings:
                Sender.Tell(new PortMappingsReleased());
                return Stay();
            case GatewayDatagram:
                _port.Handled();
                return Stay();
            case GatewayFound or GatewayMissing or GatewayStored or GatewaysRecalled or GatewayRefused or UpnpRan or UpnpFailed or UnderlayChanged or Due or Restarted or CheckDue or RetryDue or Overdue:
                return Stay();   // about what is past
            default:
                return null;
        }
    }

    private FsmStep<PortMappingState, PortMappingProgress> Rest(PortMappingProgress progress)
    {
        TimeSpan delay = _retryDelay.Next(_options.MaxRetryDelay, Context.Random);
        // That there is nobody who maps is nothing to worry about.
        Log.Debug($"ports of this machine are not mapped: {progress.Problem}; it is tried again in {delay.TotalSeconds:0} s");
        Context.Timers.StartSingle(RetryDue.Instance, RetryDue.Instance, delay);
        return GoTo(PortMappingState.Resting, progress);
    }

    private void OnEntered(PortMappingState from, PortMappingState to)
    {
        if (to is not (PortMappingState.Asking or PortMappingState.Mapped))
            GiveUpQuestions();
        if (to != PortMappingState.Resting)
            Context.Timers.Cancel(RetryDue.Instance);
        switch (to)
        {
            case PortMappingState.Searching:
                DropLeases();
                _port.FindGateway(Self);
                break;
            case PortMappingState.Asking:
                MakeLeases();
                Apply(NextMethod(null));
                break;
            case PortMappingState.Mapped:
                _retryDelay.Reset();
                break;
            case PortMappingState.Resting:
                _restingSince = Context.Now;
                DropLeases();
                break;
            case PortMappingState.Releasing:
                AskForEnds();
                break;
            case PortMappingState.Released:
                DropLeases();
                foreach (ActorRef by in _releasedBy)
                    by.Tell(new PortMappingsReleased());
                break;
        }

        Publish();
    }

    private void Count(PortMappingCounter counter) => _counters[counter] = _counters.GetValueOrDefault(counter) + 1;

    private PortMappingStatus Describe() => new(
        State, Data.Gateway?.Address, Data.Method,
        [.. _leases.Where(static l => l.IsHeld).Select(l => new HeldMapping(l.Port, l.ExternalAddress ?? _external, l.ExternalPort, l.Until == TimeSpan.MaxValue ? null : Context.UtcNow + (l.Until!.Value - Context.Now)))],
        State is PortMappingState.Mapped && _published.Addresses.Count == 0 ? _saidProblem ?? Data.Problem : Data.Problem, new SortedDictionary<PortMappingCounter, long>(_counters));

    private sealed class RetryDue
    {
        public static readonly RetryDue Instance = new();
    }

    private sealed class Due
    {
        public static readonly Due Instance = new();
    }

    private sealed class Restarted
    {
        public static readonly Restarted Instance = new();
    }
}
