using System.Globalization;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.DataPlane;
using Mesh.Node.Parameters;
using Mesh.Node.Ports;
using Mesh.Node.Routing;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels.Killers;

/// <summary>Destroys tunnels without losing a packet: one <see cref="Killer"/> for each says what to do, and this actor does it.</summary>
/// <remarks>
/// <para>One actor and one stream for all destructions, since the journal keeps streams for ever, and a node has a tunnel with thousands of others in its life.</para>
/// <para>After a restart of the actor it goes on where it was. After a restart of the node there is nothing to go on with: its end of the tunnel is gone, the other end notices, and costs of
/// links are forgotten with the links.</para>
/// </remarks>
public sealed partial class KillersActor : PersistentActor
{
    private const int SnapshotInterval = 256;

    // A destination that is announced anew has no way for a moment: that alone is no reason to keep a tunnel.
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(60), NeedTime = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan LookPause = TimeSpan.FromMilliseconds(100);

    private readonly IDataPlanePort _dataPlane;
    private readonly ActorRef _router;
    private readonly TimeSpan _tick;
    private readonly string _run;
    private readonly SortedDictionary<int, Entry> _doomed = [];
    private readonly SortedDictionary<int, (DestructionBegan Began, DestructionLocked? Locked)> _stored = [];
    private KillerTimes _times = KillerTimes.Of(TimeSpan.FromSeconds(15));
    private ActorRef? _manager;
    private ulong _lastLook;
    private TimeSpan _lookedAt = -LookPause;

    /// <summary>Makes the actor.</summary>
    /// <param name="dataPlane">Knows what tunnels carry.</param>
    /// <param name="router">Gets <see cref="LockLink"/>.</param>
    /// <param name="tick">How often links are looked at when no route changes.</param>
    /// <param name="run">Another number at each start of the node, the same over restarts of this actor.</param>
    public KillersActor(IDataPlanePort dataPlane, ActorRef router, TimeSpan tick, ulong run) =>
        (_dataPlane, _router, _tick, _run) = (dataPlane, router, tick, run.ToString("x16", CultureInfo.InvariantCulture));

    /// <inheritdoc/>
    public override string PersistenceId => "killer";

    /// <summary>A mistake on purpose, for tests.</summary>
    internal NodeMutation Mutation { get; init; }

    /// <summary>How many destructions are under way, or wait for the cost to come back.</summary>
    public int Count => _doomed.Count;

    /// <summary>Declares what the actor stores.</summary>
    public static EventSchema AddTo(EventSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        return schema
            .Add<DestructionBegan>("node.destruction-began")
            .Add<DestructionLocked>("node.destruction-locked")
            .Add<DestructionEnded>("node.destruction-ended")
            .Add<DestructionsSnapshot>("node.destructions-snapshot");
    }

    /// <inheritdoc/>
    protected override void PreStart()
    {
        EventStream events = Context.System.EventStream;
        events.Subscribe<NetworkParametersChanged>(Self);
        events.Subscribe<RoutesPublished>(Self);
        Context.Timers.StartPeriodic(Tick.Instance, Tick.Instance, _tick);
    }

    /// <inheritdoc/>
    protected override void PostRestart(Exception reason)
    {
        PreStart();
        Context.System.EventStream.Publish(new NetworkParametersWanted(Self));
    }

    /// <inheritdoc/>
    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    /// <inheritdoc/>
    protected override void ReceiveCommand(object message)
    {
        switch (message)
        {
            case DestroyTunnel destroy:
                _manager = Sender;
                Destroy(destroy);
                break;
            case PeerWantsDestruction wants:
                _manager = Sender;
                DestroyForPeer(wants);
                break;
            case PeerAnsweredDestruction answered when Find(answered.Index) is { } entry:
                Take(entry, entry.Killer.PeerAnswers(Context.Now, answered.Round, answered.Agrees, _times));
                break;
            case DoomedTunnelGone gone when Find(gone.Index) is { } entry:
                End(entry);
                break;
            case LinkLocked locked when Find(locked.Tunnel) is { } entry && entry.Look == locked.Number:
                Take(entry, entry.Killer.Look(Context.Now, UseOf(entry, locked), _times));
                break;
            case TunnelTraffic traffic when Find(traffic.Tunnel) is { } entry:
                OnTraffic(entry, traffic.Packets);
                break;
            case Tick:
                OnTick();
                break;
            case RoutesPublished:
                LookSoon();
                break;
            case LooksDue:
                LookAtAll();
                break;
            case NetworkParametersChanged changed:
                _times = KillerTimes.Of(changed.Parameters.Hello);
                break;
            case TunnelsLost:
                foreach (Entry entry in _doomed.Values.ToArray())
                    End(entry);
                break;
            case TunnelsThere there:
                GoOn(there);
                break;
            case PeerAnsweredDestruction or DoomedTunnelGone or LinkLocked or TunnelTraffic or SaveSnapshotSuccess or SaveSnapshotFailure:
                break;   // of a destruction that is over
            default:
                Unhandled(message);
                break;
        }
    }

    private Entry? Find(TunnelIndex index) => _doomed.GetValueOrDefault(index.Value);

    private void Destroy(DestroyTunnel destroy)
    {
        if (Find(destroy.Tunnel.Index) is { } known && known.Tunnel.Actor == destroy.Tunnel.Actor)
        {
            (known.Reason, known.Text) = (destroy.Reason, destroy.Text);
            Take(known, known.Killer.Want(Context.Now, NextRound(), destroy.IsForced));
            return;
        }

        Log.Debug($"the tunnel with {destroy.Tunnel.Peer} is to be destroyed: {destroy.Text}");
        Begin(destroy.Tunnel, destroy.Reason, destroy.Text, Killer.Begin(Context.Now, NextRound(), destroy.IsForced, _times));
    }

    private void DestroyForPeer(PeerWantsDestruction wants)
    {
        if (Find(wants.Tunnel.Index) is { } known && known.Tunnel.Actor == wants.Tunnel.Actor)
        {
            (known.PeerReason, known.PeerText) = (wants.Reason, wants.Text);
            Take(known, known.Killer.PeerAsks(wants.Round));
            return;
        }

        Log.Debug($"{wants.Tunnel.Peer} wants its tunnel with us to be destroyed: {wants.Text}");
        Begin(wants.Tunnel, wants.Reason, wants.Text, Killer.BeginForPeer(Context.Now, wants.Round, _times));
    }

    private void Begin(DoomedTunnel tunnel, CloseReason reason, string text, KillerStep step)
    {
        var entry = new Entry(tunnel, step.Killer!) { Reason = reason, Text = text, PeerReason = reason, PeerText = text };
        _doomed[tunnel.Index.Value] = entry;
        Take(entry, step);
    }

    // The costs of a link are gone with it, and its number may be that of another tunnel before long: nothing of this one may be left then.
    private void End(Entry entry)
    {
        Take(entry, entry.Killer.Gone(Context.Now, _times));
        if (_doomed.Remove(entry.Tunnel.Index.Value))
            Context.System.EventStream.Publish(new DestructionChanged(entry.Tunnel.Index, null));
    }

    // What is told others leaves after what is new has been stored.
    private void Take(Entry entry, KillerStep step)
    {
        KillerState before = entry.Killer.State;
        Store(entry, step.Killer);
        if (step.Killer is { } killer)
            entry.Killer = killer;
        else
            _doomed.Remove(entry.Tunnel.Index.Value);
        if (step.Killer is null || before != step.Killer.State || entry.IsNew)
        {
            Context.Note(step.Killer is null ? ulong.MaxValue : (ulong)step.Killer.State);
            Context.System.EventStream.Publish(new DestructionChanged(entry.Tunnel.Index, step.Killer?.State));
        }

        entry.IsNew = false;
        foreach (KillerAction action in step.Actions)
            Do(entry, action);
        if (step.Killer is null && before is not (KillerState.Unlocking or KillerState.Waiting))
            Log.Debug($"the tunnel with {entry.Tunnel.Peer} stays: {(before != KillerState.Locked ? "there is no other way for its routes" : entry.NeededSince is null ? "the other end does not agree" : "other ways are gone")}");
    }

    private void Do(Entry entry, KillerAction action)
    {
        switch (action)
        {
            case KillerAction.SetMultiplier set:
                Look(entry, set.Multiplier);
                break;
            case KillerAction.Look:
                Look(entry, entry.Killer.Multiplier);
                break;
            case KillerAction.AskPeer ask:
                entry.Tunnel.Actor.Tell(new AskToClose(entry.Reason, entry.Text, ask.Round, Until()));
                break;
            case KillerAction.AnswerPeer when Mutation == NodeMutation.DropKillAnswer:
                break;
            case KillerAction.AnswerPeer answer:
                entry.Tunnel.Actor.Tell(new AnswerToClose(entry.PeerReason, entry.PeerText, answer.Round, answer.Agrees, Until()));
                break;
            case KillerAction.Withdraw withdraw:
                entry.Tunnel.Actor.Tell(new TakeBackRequest(entry.Reason, withdraw.Round, Until()));
                break;
            case KillerAction.Cut:
                entry.Tunnel.Actor.Tell(new CutTunnel(entry.Text));
                break;
            case KillerAction.Force:
                _manager!.Tell(new DestructionForced(entry.Tunnel.Index, entry.Reason, entry.Text));
                break;
        }
    }

    private TimeSpan Until() => Context.Now + _times.Patience - _times.Margin;

    private void OnTick()
    {
        foreach (Entry entry in _doomed.Values.Where(static e => e.Killer.State == KillerState.SoftLocking))
            _dataPlane.AskTraffic(entry.Tunnel.Index, Self);
        LookAtAll();
    }

    // At once, but then not again for a while: in a large network the table changes all the time, and a look takes time with each route.
    private void LookSoon()
    {
        if (_doomed.Count == 0 || Context.Timers.IsActive(LooksDue.Instance))
            return;
        TimeSpan next = _lookedAt + LookPause;
        if (Context.Now >= next)
            LookAtAll();
        else
            Context.Timers.StartSingle(LooksDue.Instance, LooksDue.Instance, next - Context.Now);
    }

    private void LookAtAll()
    {
        _lookedAt = Context.Now;
        foreach (Entry entry in _doomed.Values)
            Look(entry, entry.Killer.Multiplier);
    }

    // Only the answer to the latest question counts: an older one may speak of another multiplier.
    private void Look(Entry entry, ushort multiplier)
    {
        entry.Look = ++_lastLook;
        _router.Tell(new LockLink(entry.Tunnel.Index, multiplier, entry.Look, SeeksOtherWays: entry.IsIdle(Context.Now) || entry.Killer.MayWithdraw), Self);
    }

    private LinkUse UseOf(Entry entry, LinkLocked locked)
    {
        if (!locked.IsKnown)
            return entry.Killer.State is KillerState.SoftLocking or KillerState.HardLocking ? LinkUse.Unrouted : LinkUse.Unknown;
        if (locked.Routes > 0 && Mutation == NodeMutation.LockWithoutWaiting)
            return LinkUse.Unrouted;
        if (locked.Routes > 0)
            return locked.Stranded == 0 && entry.IsIdle(Context.Now) ? LinkUse.Idle : LinkUse.Routed;
        if (locked.Multiplier != Killer.HardMultiplier)
            return LinkUse.Unrouted;
        return IsNeeded(entry, locked.Stranded) ? LinkUse.Needed : LinkUse.Locked;
    }

    private bool IsNeeded(Entry entry, int stranded)
    {
        entry.NeededSince = stranded == 0 ? null : entry.NeededSince ?? Context.Now;
        return entry.NeededSince is { } since && Context.Now - since >= NeedTime;
    }

    private void OnTraffic(Entry entry, long packets)
    {
        if (packets != entry.Packets)
            (entry.Packets, entry.QuietSince) = (packets, Context.Now);
    }

    private uint NextRound() => 1 + (uint)(Context.Random.NextUInt64() % uint.MaxValue);   // never NoRound

    private sealed class Entry(DoomedTunnel tunnel, Killer killer)
    {
        public DoomedTunnel Tunnel => tunnel;

        public Killer Killer { get; set; } = killer;

        public CloseReason Reason { get; set; }

        public string Text { get; set; } = "";

        public CloseReason PeerReason { get; set; }

        public string PeerText { get; set; } = "";

        public bool IsNew { get; set; } = true;

        /// <summary>Number of the latest look.</summary>
        public ulong Look { get; set; }

        public long Packets { get; set; } = -1;

        /// <summary>Since when some destination has had no way but this one, while it was locked.</summary>
        public TimeSpan? NeededSince { get; set; }

        /// <summary>When the number of packets was last seen to change.</summary>
        public TimeSpan? QuietSince { get; set; }

        public bool IsIdle(TimeSpan now) => Killer.State == KillerState.SoftLocking && QuietSince is { } since && now - since >= IdleTime;
    }

    private sealed class LooksDue
    {
        public static readonly LooksDue Instance = new();
    }

    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }
}
