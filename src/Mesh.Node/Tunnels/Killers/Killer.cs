using System.Diagnostics;
using Mesh.Actors;

namespace Mesh.Node.Tunnels.Killers;

/// <summary>The destruction of one tunnel, seen from one of its ends: a value that decides and does nothing itself.</summary>
/// <remarks>
/// <para>The end that wants the tunnel gone moves its routes away, makes the link unusable and asks the other end, which does the same before it agrees. Then nobody routes over
/// the tunnel, and the end that asked cuts it. Where routes do not move, or no answer comes, the cost is restored and the tunnel stays. Protocol reference 7.6.</para>
/// <para>Why no end cuts while the other routes over it: whoever agrees stays locked for <see cref="KillerTimes.Patience"/> from then on, and whoever asked acts on the agreement only
/// for a little less than that from its question on, which came before. Rounds tell answers to an older question from those to the present one. <c>KillerExplorationTests</c> tries all orders.</para>
/// <para>Whoever asked and has not agreed to anything may take its question back, since an agreement to it is never acted on afterwards: it does so when it needs the tunnel again.</para>
/// <para>State diagram: <c>docs/states/tunnel-killer.md</c>, held against <see cref="Transitions"/> by a test.</para>
/// </remarks>
public sealed record Killer
{
    /// <summary>Multiplier of a soft lock: sixteen times.</summary>
    public const ushort SoftMultiplier = 4096;

    /// <summary>Multiplier of a hard lock.</summary>
    public const ushort HardMultiplier = 0;

    /// <summary>Multiplier of a link that is used as it should be.</summary>
    public const ushort FreeMultiplier = 256;

    /// <summary>Number of a request whose sender cannot number it: a node of re6st. Our own have others.</summary>
    public const uint NoRound = 0;

    private static readonly KillerAction Lock = new KillerAction.SetMultiplier(HardMultiplier), Restore = new KillerAction.SetMultiplier(FreeMultiplier);

    private Killer()
    {
    }

    /// <summary>The declared transitions.</summary>
    public static IReadOnlyList<FsmTransition<KillerState>> Transitions { get; } =
    [
        new(KillerState.Waiting, KillerState.SoftLocking, "routing knows the link"),
        new(KillerState.SoftLocking, KillerState.HardLocking, "no route uses it, or no packet does"),
        new(KillerState.HardLocking, KillerState.Locked, "it is unusable"),
        new(KillerState.Waiting, KillerState.Unlocking, "time is over, and it has to go"),
        new(KillerState.SoftLocking, KillerState.Unlocking, "it is gone, or has to go"),
        new(KillerState.HardLocking, KillerState.Unlocking, "it is gone, or has to go"),
        new(KillerState.Locked, KillerState.Unlocking, "both ends agree, or it is gone"),
    ];

    /// <summary>How far it is.</summary>
    public KillerState State { get; private init; }

    /// <summary>We want the tunnel gone; otherwise only the other end does.</summary>
    public bool IsOurs { get; private init; }

    /// <summary>Where time runs out, the tunnel is closed all the same.</summary>
    public bool IsForced { get; private init; }

    /// <summary>Number of our request.</summary>
    public uint Round { get; private init; }

    /// <summary>Number of the other end's request, possibly <see cref="NoRound"/>, or null where it has not asked.</summary>
    public uint? PeerRound { get; private init; }

    /// <summary>We have agreed to <see cref="PeerRound"/>: the other end may cut at any moment.</summary>
    public bool HasAgreed { get; private init; }

    /// <summary>We have agreed to an earlier request of the other end, too, or may have: what it takes back later is not all that we have promised.</summary>
    public bool IsBound { get; private init; }

    /// <summary>What has to be known after a restart: the other end's request that we have agreed to, <see cref="NoRound"/> where it is only an earlier one, or null.</summary>
    public uint? AgreedTo => HasAgreed ? PeerRound : IsBound ? NoRound : null;

    /// <summary>The other end has agreed to <see cref="Round"/>.</summary>
    public bool IsAgreed { get; private init; }

    /// <summary>Nobody relies on our routes not to come back.</summary>
    public bool MayWithdraw => State == KillerState.Locked && !HasAgreed && !IsBound && !IsForced;

    /// <summary>When it is given up.</summary>
    public TimeSpan Deadline { get; private init; }

    /// <summary>When we asked the other end.</summary>
    public TimeSpan AskedAt { get; private init; }

    /// <summary>The multiplier that the link has to have in this state.</summary>
    public ushort Multiplier => State switch
    {
        KillerState.Waiting => FreeMultiplier,
        KillerState.SoftLocking => SoftMultiplier,
        _ => HardMultiplier,
    };

    /// <summary>We want a tunnel gone.</summary>
    public static KillerStep Begin(TimeSpan now, uint round, bool isForced, KillerTimes times) =>
        new(new Killer { IsOurs = true, Round = round, IsForced = isForced, Deadline = now + times.Patience }, [new KillerAction.Look()]);

    /// <summary>The other end wants a tunnel gone.</summary>
    public static KillerStep BeginForPeer(TimeSpan now, uint round, KillerTimes times) =>
        new(new Killer { PeerRound = round, Deadline = now + times.Patience }, [new KillerAction.Look()]);

    /// <summary>Goes on after a restart of the actor, the tunnel being there.</summary>
    /// <param name="now">Time.</param>
    /// <param name="isLocked">It had come to <see cref="KillerState.Locked"/>.</param>
    /// <param name="agreedTo">The other end's request that we had agreed to, or null.</param>
    /// <param name="ownRound">A new number for our request, or null where it was not ours.</param>
    /// <param name="isForced">See <see cref="IsForced"/>.</param>
    /// <param name="times">Times.</param>
    public static KillerStep Recover(TimeSpan now, bool isLocked, uint? agreedTo, uint? ownRound, bool isForced, KillerTimes times)
    {
        var killer = new Killer
        {
            State = isLocked ? KillerState.Locked : KillerState.Waiting,
            IsOurs = ownRound is not null,
            IsForced = isForced,
            Round = ownRound ?? 0,
            PeerRound = agreedTo,
            HasAgreed = agreedTo is not null,
            IsBound = agreedTo is not null,
            Deadline = now + times.Patience,
            AskedAt = now,
        };
        return new KillerStep(killer, !isLocked ? [Restore] : ownRound is { } round ? [Lock, new KillerAction.AskPeer(round)] : [Lock]);
    }

    /// <summary>We want the tunnel gone, too.</summary>
    public KillerStep Want(TimeSpan now, uint round, bool isForced)
    {
        if (IsOurs || State == KillerState.Unlocking)
            return Same(this with { IsForced = IsForced || isForced });
        Killer next = this with { IsOurs = true, Round = round, IsForced = isForced };
        return State == KillerState.Locked ? new(next with { AskedAt = now }, [new KillerAction.AskPeer(round)]) : Same(next);
    }

    /// <summary>The link has been looked at. Without looks no time is over.</summary>
    public KillerStep Look(TimeSpan now, LinkUse use, KillerTimes times)
    {
        if (now > Deadline)
            return Expire(now, times);
        return State switch
        {
            KillerState.Waiting when use != LinkUse.Unknown => new(GoTo(KillerState.SoftLocking), [new KillerAction.SetMultiplier(SoftMultiplier)]),
            KillerState.SoftLocking when use is LinkUse.Idle or LinkUse.Unrouted or LinkUse.Locked => new(GoTo(KillerState.HardLocking), [Lock]),
            KillerState.HardLocking when use == LinkUse.Locked => BeLocked(now, times),
            KillerState.HardLocking => Same(this with { Deadline = TimeSpan.Zero }),   // given up at the next look
            KillerState.Locked when use == LinkUse.Needed && MayWithdraw => Withdraw(),
            KillerState.Locked when use is LinkUse.Locked or LinkUse.Needed => LookLocked(now, times),
            KillerState.Locked when use != LinkUse.Unknown => new(this, [Lock]),   // what it costs was forgotten
            _ => Same(this),
        };
    }

    /// <summary>The other end asks.</summary>
    public KillerStep PeerAsks(uint round)
    {
        if (State == KillerState.Unlocking)
            return Same(this);
        bool isSame = PeerRound == round && round != NoRound;   // without a number each is a new one
        Killer next = this with { PeerRound = round, HasAgreed = HasAgreed && isSame, IsBound = IsBound || (HasAgreed && !isSame) };
        return State == KillerState.Locked ? new(next, [new KillerAction.Look()]) : Same(next);
    }

    /// <summary>The other end answers. An answer that does not fit is passed over.</summary>
    /// <param name="now">Time.</param>
    /// <param name="round">To which request, or null where the other end cannot tell.</param>
    /// <param name="agrees">Whether it agrees. That it does not agree to its own request takes that back.</param>
    /// <param name="times">Times.</param>
    public KillerStep PeerAnswers(TimeSpan now, uint? round, bool agrees, KillerTimes times)
    {
        if (!agrees && round is { } own and not NoRound && own == PeerRound && State != KillerState.Unlocking)
            return PeerWithdraws();
        if (State != KillerState.Locked || !IsOurs || (round is { } number && number != Round))
            return Same(this);
        if (agrees)
            return new(this with { IsAgreed = true }, [new KillerAction.Look()]);
        if (IsForced)
            return new(GoTo(KillerState.Unlocking) with { Deadline = now + times.Patience }, [new KillerAction.Force()]);
        // Where the other end has asked, too, it has our promise or gets it at the next look, whatever it thinks of our own wish.
        return PeerRound is not null ? Same(this with { IsOurs = false }) : new(null, [Restore]);
    }

    /// <summary>The tunnel is gone, for whatever reason.</summary>
    public KillerStep Gone(TimeSpan now, KillerTimes times) => State switch
    {
        KillerState.Waiting => new(null, []),
        KillerState.Unlocking => Same(this),
        _ => Same(GoTo(KillerState.Unlocking) with { Deadline = now + times.Patience }),
    };

    private static KillerStep Same(Killer killer) => new(killer, []);

    private Killer GoTo(KillerState state) =>
        Transitions.Any(t => t.From == State && t.To == state) ? this with { State = state } : throw new UnreachableException($"{State} -> {state} is not a declared transition");

    private KillerStep BeLocked(TimeSpan now, KillerTimes times)
    {
        Killer locked = GoTo(KillerState.Locked) with { Deadline = now + times.Patience, AskedAt = now };
        (Killer? next, var actions) = locked.LookLocked(now, times);
        return IsOurs ? new(next, [new KillerAction.AskPeer(Round), .. actions]) : new(next, actions);
    }

    private KillerStep LookLocked(TimeSpan now, KillerTimes times)
    {
        if (IsOurs && IsAgreed && now < AskedAt + times.Patience - times.Margin)
            return new(GoTo(KillerState.Unlocking) with { Deadline = now + times.Patience }, [new KillerAction.Cut()]);
        // From each agreement on the other end has all the time it may take.
        return PeerRound is { } round && !HasAgreed
            ? new(this with { HasAgreed = true, Deadline = now + times.Patience }, [new KillerAction.AnswerPeer(round, Agrees: true)])
            : Same(this);
    }

    // What we have asked for is never acted on from here on, whatever the other end answers.
    private KillerStep Withdraw()
    {
        var actions = new List<KillerAction>(3) { Restore };
        if (IsOurs)
            actions.Add(new KillerAction.Withdraw(Round));
        if (PeerRound is { } round)
            actions.Add(new KillerAction.AnswerPeer(round, Agrees: false));
        return new(null, [.. actions]);
    }

    private KillerStep PeerWithdraws()
    {
        if (IsOurs || IsBound)
            return Same(this with { PeerRound = null, HasAgreed = false });
        return new(null, State == KillerState.Waiting ? [] : [Restore]);
    }

    private KillerStep Expire(TimeSpan now, KillerTimes times)
    {
        if (IsOurs && IsForced && State != KillerState.Unlocking)
            return new(GoTo(KillerState.Unlocking) with { Deadline = now + times.Patience }, [new KillerAction.Force()]);
        var actions = new List<KillerAction>(2);
        if (PeerRound is { } round && !HasAgreed && State != KillerState.Unlocking)
            actions.Add(new KillerAction.AnswerPeer(round, Agrees: false));
        if (State != KillerState.Waiting)
            actions.Add(Restore);
        return new(null, [.. actions]);
    }
}
