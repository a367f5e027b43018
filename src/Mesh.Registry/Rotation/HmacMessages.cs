namespace Mesh.Registry.Rotation;

/// <summary>What the <see cref="HmacActor"/> can be asked.</summary>
public abstract record HmacCommand
{
    private protected HmacCommand()
    {
    }
}

/// <summary>Go one step on at once, whether it is safe or not, as tools of re6st expect. Answer: <see cref="KeysStepped"/>.</summary>
public sealed record UpdateHmac : HmacCommand;

/// <summary>Go one step on. Answer: <see cref="KeysStepped"/>, or <see cref="StepTooEarly"/> where the step before cannot have reached every node.</summary>
/// <param name="IsForced">Go on nevertheless.</param>
public sealed record AdvanceRotation(bool IsForced) : HmacCommand;

/// <summary>Carry out the whole cycle, each step as soon as it is safe. Answer: <see cref="RotationStatus"/>.</summary>
public sealed record BeginRotation : HmacCommand;

/// <summary>Take no further step by itself. Answer: <see cref="RotationStatus"/>.</summary>
public sealed record HaltRotation : HmacCommand;

/// <summary>Where does the rotation stand? Answer: <see cref="RotationStatus"/>.</summary>
public sealed record GetRotation : HmacCommand;

/// <summary>What are the keys? Answer: <see cref="RoutingKeys"/>, at once or, before they are known, when they are.</summary>
public sealed record GetRoutingKeys : HmacCommand;

/// <summary>Take over keys from elsewhere, unless there are own ones already. Answer: <see cref="Revocation.Adopted"/>.</summary>
/// <param name="Keys">The keys.</param>
/// <param name="ValidUntil">When the switch is due, in state <see cref="RotationState.Prepare"/>.</param>
public sealed record AdoptKeys(BabelKeys Keys, DateTimeOffset? ValidUntil = null) : HmacCommand;

/// <summary>Where the rotation of the routing keys stands.</summary>
/// <param name="State">The state.</param>
/// <param name="Since">When it was entered.</param>
/// <param name="SafeAt">From when on the next step strands nobody; the past where it can be taken at any time.</param>
/// <param name="IsRotating">True while the steps are taken by themselves.</param>
/// <param name="ValidUntil">What nodes are told, in state <see cref="RotationState.Prepare"/>.</param>
/// <param name="Steps">Changes of keys so far.</param>
public sealed record RotationStatus(RotationState State, DateTimeOffset Since, DateTimeOffset SafeAt, bool IsRotating, DateTimeOffset? ValidUntil, long Steps) : RegistryAnswer;

/// <summary>The step was taken and is durable.</summary>
/// <param name="From">The state before.</param>
/// <param name="Status">What is now.</param>
public sealed record KeysStepped(RotationState From, RotationStatus Status) : RegistryAnswer;

/// <summary>The step was not taken.</summary>
/// <param name="Risk">What would happen, a sentence for a person.</param>
/// <param name="Status">What is.</param>
public sealed record StepTooEarly(string Risk, RotationStatus Status) : RegistryAnswer;

/// <summary>The keys. Published on the event stream when they change.</summary>
/// <param name="Keys">The keys.</param>
/// <param name="ValidUntil">When the switch is due, in state <see cref="RotationState.Prepare"/>.</param>
/// <param name="Steps">Changes of keys so far: each makes a new version of the network's parameters.</param>
public sealed record RoutingKeys(BabelKeys Keys, DateTimeOffset? ValidUntil, long Steps);

/// <summary>Something that happened to the routing keys. Stored for ever.</summary>
public abstract record HmacEvent
{
    private protected HmacEvent()
    {
    }
}

/// <summary>The keys changed.</summary>
/// <param name="Slots">See <see cref="BabelKeys.ToStored"/>.</param>
/// <param name="ValidUntil">When the switch is due, or null.</param>
/// <param name="At">When it happened.</param>
public sealed record KeysChanged(IReadOnlyList<string?> Slots, DateTimeOffset? ValidUntil, DateTimeOffset At) : HmacEvent;

/// <summary>From now on the steps are taken by themselves, until the keys are stable.</summary>
public sealed record RotationBegun(DateTimeOffset At) : HmacEvent;

/// <summary>From now on they are not.</summary>
public sealed record RotationHalted(DateTimeOffset At) : HmacEvent;
