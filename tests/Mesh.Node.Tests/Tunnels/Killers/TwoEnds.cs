using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using Mesh.Node.Tunnels.Killers;

namespace Mesh.Node.Tests.Tunnels.Killers;

/// <summary>What is on its way between two ends.</summary>
internal enum Kind : byte
{
    Ask,
    Agree,
    Refuse,
}

/// <summary>A message between two ends.</summary>
internal readonly record struct OnItsWay(bool ToB, Kind Kind, uint Round);

/// <summary>One end of a tunnel: its killer, its journal, and what its routing protocol does.</summary>
internal sealed record End
{
    public Killer? Killer { get; init; }

    /// <summary>What would be read back after a restart of the actor; null: no destruction is under way.</summary>
    public (bool IsLocked, uint? AgreedTo, bool IsOurs, bool IsForced)? Stored { get; init; }

    public ushort Multiplier { get; init; } = Killer.FreeMultiplier;

    /// <summary>It has noticed that the tunnel is gone.</summary>
    public bool IsGone { get; init; }

    /// <summary>It lets arrive what is under way and cuts then.</summary>
    public bool IsCutting { get; init; }

    /// <summary>How often it has begun by itself, and how many numbers it has used.</summary>
    public int Begun { get; init; }

    public uint NextRound { get; init; }
}

/// <summary>Two ends of a tunnel and what is on its way between them, at one moment. Time is counted in seconds; the patience is four of them, the margin one.</summary>
internal sealed record TwoEnds
{
    public static readonly KillerTimes Times = new(TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(1));

    public required End A { get; init; }

    public required End B { get; init; }

    public ImmutableArray<OnItsWay> Messages { get; init; } = [];

    public TimeSpan Now { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>The tunnel does not carry anything any more.</summary>
    public bool IsDead { get; init; }

    /// <summary>One end has closed it without waiting for routes, as it may.</summary>
    public bool IsForced { get; init; }

    public int Losses { get; init; }

    public int Duplicates { get; init; }

    public int Restarts { get; init; }

    public static TwoEnds Start => new() { A = new End { NextRound = 1 }, B = new End { NextRound = 101 } };

    /// <summary>What must never be, or null.</summary>
    public string? Violation
    {
        get
        {
            if (IsDead || IsForced)
                return null;
            foreach ((End one, End other) in ((End, End)[])[(A, B), (B, A)])
            {
                if (one.IsCutting && one.Multiplier != Killer.HardMultiplier)
                    return "an end cuts and may route over the tunnel itself";
                if (one.IsCutting && other.Multiplier != Killer.HardMultiplier)
                    return "an end cuts while the other may route over the tunnel";
                if (one is { Killer: null, IsGone: false } && one.Multiplier != Killer.FreeMultiplier)
                    return "nothing is being destroyed, and the cost is not as it was";
            }

            return null;
        }
    }

    /// <summary>Nothing is going on any more: the tunnel is gone, or it is there and costs what it should.</summary>
    public bool IsSettled => A.Killer is null && B.Killer is null && Messages.IsEmpty && !A.IsCutting && !B.IsCutting
        && (IsDead ? A.IsGone && B.IsGone : A.Multiplier == Killer.FreeMultiplier && B.Multiplier == Killer.FreeMultiplier);

    /// <summary>What tells states apart for what can follow: times count from now on.</summary>
    public UInt128 Key
    {
        get
        {
            var writer = new BinaryWriter(new MemoryStream());
            Write(writer, A);
            Write(writer, B);
            foreach (OnItsWay message in Messages.OrderBy(static m => (m.ToB, m.Kind, m.Round)))
            {
                writer.Write(message.ToB);
                writer.Write((byte)message.Kind);
                writer.Write((byte)message.Round);
            }

            writer.Write((byte)255);
            writer.Write(IsDead);
            writer.Write(IsForced);
            writer.Write((byte)Losses);
            writer.Write((byte)Duplicates);
            writer.Write((byte)Restarts);
            return BinaryPrimitives.ReadUInt128LittleEndian(SHA256.HashData(((MemoryStream)writer.BaseStream).ToArray()));
        }
    }

    public End Of(bool isB) => isB ? B : A;

    public TwoEnds With(bool isB, End end) => isB ? this with { B = end } : this with { A = end };

    /// <summary>An end wants the tunnel gone.</summary>
    public TwoEnds Begin(bool isB, bool isForced)
    {
        End end = Of(isB);
        End next = end with { Begun = end.Begun + 1, NextRound = end.NextRound + 1 };
        return With(isB, next).Take(isB, end.Killer is { } killer ? killer.Want(Now, end.NextRound, isForced) : Killer.Begin(Now, end.NextRound, isForced, Times));
    }

    /// <summary>An end looks at its link.</summary>
    public TwoEnds Look(bool isB, LinkUse use) => Take(isB, Of(isB).Killer!.Look(Now, use, Times));

    /// <summary>A message arrives. <paramref name="isRefused"/>: its receiver needs the tunnel and says so without a killer.</summary>
    public TwoEnds Deliver(int index, bool staysOnItsWay, bool isRefused)
    {
        OnItsWay message = Messages[index];
        TwoEnds next = staysOnItsWay ? this with { Duplicates = Duplicates + 1 } : this with { Messages = Messages.RemoveAt(index) };
        End end = next.Of(message.ToB);
        if (end.IsGone || end.IsCutting)
            return next;
        if (message.Kind == Kind.Ask && isRefused)
            return next.Send(new OnItsWay(!message.ToB, Kind.Refuse, message.Round));
        if (message.Kind == Kind.Ask)
            return next.Take(message.ToB, end.Killer is { } asked ? asked.PeerAsks(message.Round) : Killer.BeginForPeer(Now, message.Round, Times));
        // A withdrawal is on the wire what a refusal is: its number tells them apart.
        return end.Killer is { } killer ? next.Take(message.ToB, killer.PeerAnswers(Now, message.Round, message.Kind == Kind.Agree, Times)) : next;
    }

    /// <summary>A second passes; who cuts has cut.</summary>
    public TwoEnds PassSecond()
    {
        TwoEnds next = this with { Now = Now + TimeSpan.FromSeconds(1) };
        return A.IsCutting || B.IsCutting ? next.Die() : next;
    }

    /// <summary>The tunnel dies, and with it what is on its way.</summary>
    public TwoEnds Die() => this with { IsDead = true, Messages = [], A = A with { IsCutting = false }, B = B with { IsCutting = false } };

    /// <summary>An end notices that the tunnel is gone.</summary>
    public TwoEnds Notice(bool isB)
    {
        End end = Of(isB) with { IsGone = true, Multiplier = Killer.FreeMultiplier };
        return end.Killer is { } killer ? With(isB, end).Take(isB, killer.Gone(Now, Times)) : With(isB, end);
    }

    /// <summary>A node crashes: its end is gone at once, with all that it knew but its journal.</summary>
    public TwoEnds Crash(bool isB) => Die().With(isB, new End { IsGone = true, Begun = 9 });

    /// <summary>The actor fails and begins anew; the tunnel and the link are as they were.</summary>
    public TwoEnds Restart(bool isB)
    {
        End end = Of(isB);
        TwoEnds next = this with { Restarts = Restarts + 1 };
        if (end.Stored is not { } stored)
            return next.With(isB, end with { Killer = null });
        uint? ownRound = stored.IsOurs ? end.NextRound : null;
        next = next.With(isB, end with { NextRound = end.NextRound + 1 });
        KillerStep step = Killer.Recover(Now, stored.IsLocked, stored.AgreedTo, ownRound, stored.IsForced, Times);
        return step.Killer is { IsOurs: false, PeerRound: null } ? next.Take(isB, new KillerStep(null, [new KillerAction.SetMultiplier(Killer.FreeMultiplier)])) : next.Take(isB, step);
    }

    private TwoEnds Send(OnItsWay message) => IsDead ? this : this with { Messages = Messages.Add(message) };

    private TwoEnds Take(bool isB, KillerStep step)
    {
        End end = Of(isB);
        Killer? killer = step.Killer;
        // As the actor stores it: the beginning, what was promised, the end.
        (bool IsLocked, uint? AgreedTo, bool IsOurs, bool IsForced)? stored = killer switch
        {
            null or { State: KillerState.Unlocking } => null,
            { State: KillerState.Locked } => (true, killer.AgreedTo, killer.IsOurs, end.Stored?.IsForced ?? killer.IsForced),
            _ => end.Stored ?? (false, null, killer.IsOurs, killer.IsForced),
        };
        TwoEnds next = With(isB, end with { Killer = killer, Stored = stored });
        foreach (KillerAction action in step.Actions)
        {
            End now = next.Of(isB);
            next = action switch
            {
                KillerAction.SetMultiplier set => next.With(isB, now with { Multiplier = now.IsGone ? now.Multiplier : set.Multiplier }),
                KillerAction.AskPeer ask => next.Send(new OnItsWay(!isB, Kind.Ask, ask.Round)),
                KillerAction.AnswerPeer answer => next.Send(new OnItsWay(!isB, answer.Agrees ? Kind.Agree : Kind.Refuse, answer.Round)),
                KillerAction.Withdraw withdraw => next.Send(new OnItsWay(!isB, Kind.Refuse, withdraw.Round)),
                KillerAction.Cut => next.With(isB, now with { IsCutting = !now.IsGone }),
                KillerAction.Force => next.With(isB, now with { IsCutting = !now.IsGone }) with { IsForced = true },
                _ => next,   // a look may come at any time anyway
            };
        }

        return next;
    }

    private void Write(BinaryWriter writer, End end)
    {
        writer.Write((byte)(end.Multiplier >> 4));
        writer.Write(end.IsGone);
        writer.Write(end.IsCutting);
        writer.Write((byte)end.Begun);
        writer.Write((byte)end.NextRound);
        writer.Write(end.Stored is { } stored ? (byte)(1 + (stored.IsLocked ? 2 : 0) + (stored.IsOurs ? 4 : 0) + (stored.IsForced ? 8 : 0)) : (byte)0);
        writer.Write((byte)(end.Stored?.AgreedTo ?? 0));
        if (end.Killer is not { } killer)
        {
            writer.Write((byte)0);
            return;
        }

        writer.Write((byte)(1 + killer.State));
        writer.Write((byte)((killer.IsOurs ? 1 : 0) + (killer.IsForced ? 2 : 0) + (killer.HasAgreed ? 4 : 0) + (killer.IsAgreed ? 8 : 0) + (killer.IsBound ? 16 : 0)));
        writer.Write((byte)killer.Round);
        writer.Write((byte)(killer.PeerRound ?? 0));
        writer.Write((sbyte)Math.Max(-1, (killer.Deadline - Now).TotalSeconds));
        writer.Write((sbyte)(killer is { State: KillerState.Locked, IsOurs: true } ? Math.Max(-9, (killer.AskedAt - Now).TotalSeconds) : 1));
    }
}
