using System.Collections.Immutable;

namespace Mesh.Node.Tunnels.Killers;

/// <summary>States of a <see cref="Killer"/> (protocol reference 7.6).</summary>
public enum KillerState
{
    /// <summary>The routing protocol does not know the link; nothing has been changed.</summary>
    Waiting,

    /// <summary>The link costs sixteen times as much, so that routes move to others.</summary>
    SoftLocking,

    /// <summary>The link has just been made unusable; it has to be seen that it is.</summary>
    HardLocking,

    /// <summary>No route of ours uses the link, and none can. The other end is asked, or has our agreement.</summary>
    Locked,

    /// <summary>The tunnel is being cut or is gone; the cost comes back when that is surely over.</summary>
    Unlocking,
}

/// <summary>What a look at a link has shown.</summary>
public enum LinkUse
{
    /// <summary>The routing protocol does not know it.</summary>
    Unknown,

    /// <summary>Routes of ours use it.</summary>
    Routed,

    /// <summary>Routes of ours use it, but no packet has for a minute, and each has another way.</summary>
    Idle,

    /// <summary>No route of ours uses it.</summary>
    Unrouted,

    /// <summary>No route of ours uses it, and none can.</summary>
    Locked,

    /// <summary>The same, and some destination has had no other way for a while.</summary>
    Needed,
}

/// <summary>Times of a destruction. Both follow from the interval of Hellos, which all nodes of a network share.</summary>
/// <param name="Patience">How long to wait for routes to move, for an answer, and after the end: 8 Hello intervals, the reference's 2T.</param>
/// <param name="Margin">How long before its own patience ends a node no longer takes an agreement: cutting takes so long at the most.</param>
public readonly record struct KillerTimes(TimeSpan Patience, TimeSpan Margin)
{
    /// <summary>The times of a network.</summary>
    /// <param name="hello">Interval of Babel's Hellos, at least 1 s.</param>
    public static KillerTimes Of(TimeSpan hello) => new(8 * hello, TimeSpan.FromSeconds(2));
}

/// <summary>What a <see cref="Killer"/> wants done.</summary>
public abstract record KillerAction
{
    private KillerAction()
    {
    }

    /// <summary>Sets the multiplier of the link's cost, in 1/256; 0 is unusable. Then a look.</summary>
    public sealed record SetMultiplier(ushort Multiplier) : KillerAction;

    /// <summary>Asks the other end to agree.</summary>
    public sealed record AskPeer(uint Round) : KillerAction;

    /// <summary>Answers the other end's request.</summary>
    public sealed record AnswerPeer(uint Round, bool Agrees) : KillerAction;

    /// <summary>Takes our request back: no answer to it counts any more.</summary>
    public sealed record Withdraw(uint Round) : KillerAction;

    /// <summary>A look at the link, now.</summary>
    public sealed record Look : KillerAction;

    /// <summary>Both ends have moved away: cuts the tunnel.</summary>
    public sealed record Cut : KillerAction;

    /// <summary>The tunnel has to go whether its routes have moved or not: closes it as quickly as an orderly end allows.</summary>
    public sealed record Force : KillerAction;
}

/// <summary>What became of a killer.</summary>
/// <param name="Killer">Null: it is over, and the link costs what it did before.</param>
/// <param name="Actions">In this order, once what is new is durable.</param>
public readonly record struct KillerStep(Killer? Killer, ImmutableArray<KillerAction> Actions);
