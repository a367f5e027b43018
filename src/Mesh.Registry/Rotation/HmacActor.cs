using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Registry.Authority;
using Mesh.Registry.Revocation;

namespace Mesh.Registry.Rotation;

/// <summary>The keys that authenticate routing messages, and their rotation.</summary>
/// <remarks>
/// <code>
///  None --> Init ----\
///                     v
///                  Stable --> Prepare --> Switch --> Stable
/// </code>
/// <para>What a step can do to a node that has missed the step before: after Init, Prepare and Switch it would sign with a key, or need one, that others do not
/// accept any more. So the step out of these three waits until the last node has asked for its parameters (<see cref="RegistryOptions.RotationStepTime"/>); the steps out
/// of None and Stable only add a key and are safe at any time.</para>
/// <para>A rotation that runs by itself is remembered and goes on after a restart. Events are a handful for each rotation, so there are no snapshots.</para>
/// </remarks>
public sealed class HmacActor : PersistentActor
{
    /// <summary>How long the nodes are told that the keys are good in state Prepare (protocol reference 3.8).</summary>
    public static readonly TimeSpan Validity = TimeSpan.FromSeconds(3600);

    private readonly ActorRef _registry;
    private readonly RegistryOptions _options;
    private readonly IRegistryAuthority _authority;
    private BabelKeys _keys = BabelKeys.None;
    private DateTimeOffset? _validUntil;
    private DateTimeOffset _since;
    private long _steps;
    private bool _isRotating;
    private bool _isReady;

    /// <summary>Makes the actor.</summary>
    /// <param name="registry">Knows whether the network is new.</param>
    /// <param name="options">The settings.</param>
    /// <param name="authority">Draws keys.</param>
    public HmacActor(ActorRef registry, RegistryOptions options, IRegistryAuthority authority) => (_registry, _options, _authority) = (registry, options, authority);

    /// <inheritdoc/>
    public override string PersistenceId => "hmac";

    private RotationStatus Status => new(_keys.State, _since, SafeAt, _isRotating, _validUntil, _steps);

    private RoutingKeys Routing => new(_keys, _validUntil, _steps);

    private DateTimeOffset SafeAt => _keys.State is RotationState.None or RotationState.Stable ? _since : _since + _options.RotationStepTime;

    /// <inheritdoc/>
    protected override object? Inspect(object question) => question is GetRotation && _isReady ? Status : null;

    /// <inheritdoc/>
    protected override void PreStart()
    {
        base.PreStart();
        _ = Context.System.EventStream.Subscribe<NetworkKnown>(Self);
    }

    /// <inheritdoc/>
    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    /// <inheritdoc/>
    protected override void ReceiveCommand(object message)
    {
        switch (message)
        {
            case UpdateHmac:
                if (IsTooEarly())
                    Log.Warning($"routing keys leave {_keys.State} at {Context.UtcNow:u} as ordered, before {SafeAt:u}: {Risk()}");
                Step(andAnswer: true);
                break;
            case AdvanceRotation { IsForced: false } when IsTooEarly():
                Sender.Tell(new StepTooEarly(Risk(), Status));
                break;
            case AdvanceRotation advance:
                if (advance.IsForced && IsTooEarly())
                    Log.Warning($"routing keys are forced out of {_keys.State} before {SafeAt:u}: {Risk()}");
                Step(andAnswer: true);
                break;
            case BeginRotation:
                Begin();
                break;
            case HaltRotation:
                Halt();
                break;
            case GetRotation:
                Sender.Tell(Status);
                break;
            case GetRoutingKeys:
                if (_isReady)
                    Sender.Tell(Routing);
                break;   // otherwise they are published soon
            case AdoptKeys adopt:
                Adopt(adopt);
                break;
            case NetworkKnown known when !_isReady:
                Ready(known);
                break;
            case NetworkKnown:
                break;
            case StepDue when _isRotating:
                if (IsTooEarly())
                    SleepUntilStep();
                else
                    Step(andAnswer: false);
                break;
            case StepDue:
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
            case HmacEvent happened:
                Apply(happened);
                break;
            case RecoveryCompleted:
                _registry.Tell(new GetNetwork());
                SleepUntilStep();
                break;
            default:
                throw new JournalException(JournalFailure.UnknownEvent, $"the routing keys' stream has a {message.GetType().Name}, which is none of its events");
        }
    }

    // A network begins with one key. Nodes that joined without keys could not follow, so a network without keys stays without until it is told to step.
    private void Ready(NetworkKnown known)
    {
        if (_options.BabelAuthentication && !known.HasNodes && _steps == 0)
        {
            Record(new KeysChanged(BabelKeys.First(Draw()).ToStored(), ValidUntil: null, Context.UtcNow), () => Announce());
            return;
        }

        Announce();
    }

    private void Adopt(AdoptKeys adopt)
    {
        Sender.Tell(new Adopted());   // leaves after the commit
        if (_steps == 0 && adopt.Keys.State != RotationState.None)
            Record(new KeysChanged(adopt.Keys.ToStored(), adopt.ValidUntil, Context.UtcNow), static () => { });
    }

    private void Step(bool andAnswer)
    {
        RotationState from = _keys.State;
        BabelKeys next = _keys.Next(Draw);
        DateTimeOffset now = Context.UtcNow;
        ActorRef asker = Sender;
        Record(new KeysChanged(next.ToStored(), next.State == RotationState.Prepare ? now + Validity : null, now), () =>
        {
            Log.Info($"routing keys: {from} -> {_keys.State}");
            Announce();
            SleepUntilStep();
            if (andAnswer)
                asker.Tell(new KeysStepped(from, Status), Self);
        });
    }

    private void Begin()
    {
        ActorRef asker = Sender;
        if (_isRotating)
        {
            asker.Tell(Status);
            return;
        }

        Record(new RotationBegun(Context.UtcNow), () =>
        {
            Log.Info($"rotation of the routing keys begins in state {_keys.State}; the first step is due at {SafeAt:u}");
            asker.Tell(Status, Self);
            if (IsTooEarly())
                SleepUntilStep();
            else
                Self.Tell(StepDue.Instance);
        });
    }

    private void Halt()
    {
        ActorRef asker = Sender;
        if (!_isRotating)
            asker.Tell(Status);
        else
            Record(new RotationHalted(Context.UtcNow), () => asker.Tell(Status, Self));
    }

    private bool IsTooEarly() => Context.UtcNow < SafeAt && _options.Mutation != RegistryMutation.StepTooEarly;

    private string Risk() => _keys.State switch
    {
        RotationState.Init => "a node that has not got the first key yet does not sign, and would lose the network until it asks for its parameters again",
        RotationState.Prepare => "a node that has not got the new key yet does not accept it, and would lose its neighbours until it asks for its parameters again",
        RotationState.Switch => "a node that still signs with the old key would lose its neighbours until it asks for its parameters again",
        _ => "nobody is stranded by this step",
    };

    private byte[] Draw() => _authority.RandomBytes(BabelKeys.KeyLength);

    private void Announce()
    {
        _isReady = true;
        Context.System.EventStream.Publish(Routing);
    }

    private void SleepUntilStep()
    {
        if (_isRotating)
            Context.Timers.StartSingle(StepDue.Instance, StepDue.Instance, WallClock.SleepUntil(SafeAt, Context.UtcNow));
    }

    private void Record(HmacEvent happened, Action then) => Persist(happened, stored =>
    {
        Apply(stored);
        Context.Note((ulong)LastSequenceNr);
        then();
    });

    private void Apply(HmacEvent happened)
    {
        switch (happened)
        {
            case KeysChanged changed:
                _keys = BabelKeys.FromStored(changed.Slots);
                (_validUntil, _since) = (changed.ValidUntil, changed.At);
                _steps++;
                _isRotating &= _keys.State != RotationState.Stable;
                break;
            case RotationBegun:
                _isRotating = true;
                break;
            case RotationHalted:
                _isRotating = false;
                break;
        }
    }

    private sealed record StepDue
    {
        public static readonly StepDue Instance = new();
    }
}
