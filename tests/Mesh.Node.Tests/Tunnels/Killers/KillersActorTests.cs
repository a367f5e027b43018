using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.TestKit;
using Mesh.DataPlane;
using Mesh.Node.Routing;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels.Killers;

public sealed class KillersActorTests
{
    private static readonly TunnelIndex Index = new(7);
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly SimulatedDisk _disk = new();
    private readonly RecordingDataPlane _dataPlane = new();
    private ActorTestKit _kit = null!;
    private TestProbe _router = null!;
    private TestProbe _tunnel = null!;
    private TestProbe _manager = null!;
    private TestProbe _events = null!;
    private ActorRef _killer = null!;
    private KillersActor _actor = null!;
    private ulong _starts;

    private DoomedTunnel Tunnel => new(Index, TunnelWorld.Peer, _tunnel.Ref);

    [Fact]
    public void However_often_the_table_changes_a_link_is_looked_at_ten_times_a_second_at_most()
    {
        Start();
        Destroy();
        Answer(routes: 3);
        Answer(routes: 2);
        _kit.Advance(TimeSpan.FromMilliseconds(200));
        _router.ReceiveAll();
        for (int i = 0; i < 50; i++)
        {
            _kit.System.EventStream.Publish(new RoutesPublished([]));
            Settle();
            Assert.True(i > 0 || _router.PendingCount == 1, "the first is looked at at once");
            _kit.Advance(TimeSpan.FromMilliseconds(10));
        }

        Assert.InRange(_router.PendingCount, 14, 17);   // in 1.5 s, with what the settling takes
        _router.ReceiveAll();
        _kit.Advance(TimeSpan.FromMilliseconds(100));
        Assert.InRange(_router.PendingCount, 0, 1);
    }

    [Fact]
    public void A_tunnel_that_we_want_gone_is_cut_when_both_ends_have_moved_their_routes_away()
    {
        Start();
        Destroy();
        Assert.Equal(Killer.FreeMultiplier, Answer(routes: 3).Multiplier);
        Assert.Equal(Killer.SoftMultiplier, Answer(routes: 2).Multiplier);
        Assert.Equal(0, _router.PendingCount);
        _kit.System.EventStream.Publish(new RoutesPublished([]));
        Settle();
        Assert.Equal(Killer.SoftMultiplier, Answer(routes: 0).Multiplier);
        Assert.Equal(Killer.HardMultiplier, Answer(routes: 0).Multiplier);
        AskToClose ask = _tunnel.ExpectMsg<AskToClose>();
        Assert.Equal((CloseReason.Retired, "a better one"), (ask.Reason, ask.Text));
        Assert.Equal([KillerState.Waiting, KillerState.SoftLocking, KillerState.HardLocking, KillerState.Locked], States());

        Tell(new PeerAnsweredDestruction(Index, ask.Round + 1, Agrees: true));   // to an older question
        Assert.Equal(0, _router.PendingCount);
        Tell(new PeerAnsweredDestruction(Index, ask.Round, Agrees: true));
        Answer(routes: 0);
        Assert.Equal("a better one", _tunnel.ExpectMsg<CutTunnel>().Text);
        Tell(new DoomedTunnelGone(Index));
        Assert.Equal([KillerState.Unlocking, null], States());
        Assert.Equal(0, _actor.Count);
        Assert.Equal(["node.destruction-began", "node.destruction-locked", "node.destruction-ended"], Stored());
    }

    /// <summary>The number of a tunnel is given to another one a while after it has ended, soon where many tunnels are refused.</summary>
    [Fact]
    public void The_next_tunnel_of_that_number_is_not_locked()
    {
        Start();
        uint round = LockOurs(isForced: false);
        Tell(new PeerAnsweredDestruction(Index, round, Agrees: true));
        Answer(routes: 0);
        _tunnel.ExpectMsg<CutTunnel>();
        Tell(new DoomedTunnelGone(Index));
        _router.ReceiveAll();
        for (TimeSpan end = _kit.Now + Patience + (2 * Tick); _kit.Now < end; _kit.Advance(Tick))
            _kit.System.EventStream.Publish(new RoutesPublished([]));
        Assert.Empty(_router.ReceiveAll());
    }

    [Fact]
    public void A_tunnel_that_the_peer_wants_gone_is_answered_for_when_our_routes_have_moved_and_stays_locked()
    {
        Start();
        PeerAsks(5);
        Answer(routes: 1);
        Answer(routes: 1);
        Assert.Equal(0, _tunnel.PendingCount);
        _kit.Advance(Tick);
        Answer(routes: 0);
        Answer(routes: 0);
        AnswerToClose answer = _tunnel.ExpectMsg<AnswerToClose>();
        Assert.Equal(new AnswerToClose(CloseReason.Retired, "theirs", 5, Agrees: true, answer.Until), answer);
        Assert.Equal(Patience - TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(Math.Round((answer.Until - _kit.Now).TotalSeconds)));
        // For as long as the peer may cut no route comes back.
        for (TimeSpan end = _kit.Now + Patience - Tick; _kit.Now < end;)
        {
            _kit.Advance(Tick);
            Assert.Equal(Killer.HardMultiplier, LastLook(routes: 0).Multiplier);
        }

        _kit.Advance(2 * Tick);
        LastLook(routes: 0);
        Assert.Equal(Killer.FreeMultiplier, _router.ReceiveAll().OfType<LockLink>().Last().Multiplier);
        Assert.Equal(0, _actor.Count);
    }

    [Fact]
    public void Where_routes_do_not_move_the_cost_comes_back_and_a_peer_that_asked_is_refused()
    {
        Start();
        PeerAsks(5);
        _kit.Advance(TimeSpan.FromMilliseconds(20));
        ushort last = 0;
        for (TimeSpan end = _kit.Now + Patience + (2 * Tick); _kit.Now < end; _kit.Advance(Tick))
        {
            while (_router.PendingCount > 0)
                last = Answer(routes: 1).Multiplier;
        }

        Assert.Equal(0, _actor.Count);
        Assert.Equal(Killer.FreeMultiplier, last);
        Assert.True(_tunnel.ExpectMsg<AnswerToClose>() is { Round: 5, Agrees: false });
        Assert.Null(States()[^1]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_peer_that_refuses_keeps_its_tunnel_unless_it_has_to_go(bool isForced)
    {
        Start();
        uint round = LockOurs(isForced);
        Tell(new PeerAnsweredDestruction(Index, round, Agrees: false));
        if (isForced)
        {
            Assert.Equal(new DestructionForced(Index, CloseReason.Retired, "a better one"), _manager.ExpectMsg<DestructionForced>());
            return;
        }

        Assert.Equal(Killer.FreeMultiplier, _router.ReceiveAll().OfType<LockLink>().Last().Multiplier);
        Assert.Equal(0, _actor.Count);
        Assert.Equal(0, _manager.PendingCount);
    }

    [Fact]
    public void A_peer_that_cannot_number_its_requests_is_answered_each_time_and_our_routes_stay_away_from_then_on()
    {
        Start();
        PeerAsks(Killer.NoRound);
        Answer(routes: 0);
        Answer(routes: 0);
        Answer(routes: 0);
        Assert.True(_tunnel.ExpectMsg<AnswerToClose>() is { Round: Killer.NoRound, Agrees: true });
        Spend(Patience / 2);
        PeerAsks(Killer.NoRound);   // its first attempt came to nothing, and it does not say that this is another one
        LastLook(routes: 0);
        _tunnel.ExpectMsg<AnswerToClose>();
        Spend(Patience - Tick);
        Assert.Equal(1, _actor.Count);
        Spend(3 * Tick);
        Assert.Equal(0, _actor.Count);
    }

    [Fact]
    public void An_answer_without_a_number_is_taken_for_one_to_the_present_question_while_it_is_locked_and_not_before()
    {
        Start();
        Destroy();
        Answer(routes: 0);
        Tell(new PeerAnsweredDestruction(Index, Round: null, Agrees: true));
        Answer(routes: 0);
        Answer(routes: 0);
        _tunnel.ExpectMsg<AskToClose>();
        Assert.Equal(0, _tunnel.PendingCount);
        Tell(new PeerAnsweredDestruction(Index, Round: null, Agrees: true));
        Answer(routes: 0);
        _tunnel.ExpectMsg<CutTunnel>();
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(0, false)]
    public void An_end_that_has_asked_and_loses_its_other_ways_takes_its_request_back(int stranded, bool isTakenBack)
    {
        Start();
        uint round = LockOurs(isForced: false);
        _kit.System.EventStream.Publish(new RoutesPublished([]));
        Settle();
        LockLink look = _router.ReceiveAll().OfType<LockLink>().Last();
        Assert.True(look.SeeksOtherWays);
        Tell(new LinkLocked(Index, look.Number, IsKnown: true, look.Multiplier, 0, stranded));
        Assert.Equal(0, _tunnel.PendingCount);   // a destination may be without a way for a moment
        Spend(Tick + Tick, stranded);
        Assert.Equal(isTakenBack, _tunnel.ReceiveAll() is [TakeBackRequest back] && back.Round == round);
        Assert.Equal(isTakenBack ? 0 : 1, _actor.Count);
        Assert.Equal(isTakenBack ? Killer.FreeMultiplier : Killer.HardMultiplier, Locks[^1].Multiplier);
        if (!isTakenBack)
            return;
        Assert.Equal("node.destruction-ended", Stored()[^1]);
        Tell(new PeerAnsweredDestruction(Index, round, Agrees: true));   // it was under way
        Assert.Equal(0, _tunnel.PendingCount + _actor.Count);
    }

    [Fact]
    public void An_end_that_has_agreed_stays_locked_though_it_loses_its_other_ways()
    {
        Start();
        PeerAsks(5);
        Answer(routes: 0);
        Answer(routes: 0);
        Answer(routes: 0);
        _tunnel.ExpectMsg<AnswerToClose>();
        Spend(Patience - Tick, stranded: 3);
        Assert.Equal((1, 0), (_actor.Count, _tunnel.PendingCount));
    }

    [Fact]
    public void An_end_that_has_agreed_is_free_at_once_when_the_other_takes_its_request_back()
    {
        Start();
        PeerAsks(5);
        Answer(routes: 0);
        Answer(routes: 0);
        Answer(routes: 0);
        Tell(new PeerAnsweredDestruction(Index, 4, Agrees: false));   // an older one
        Assert.Equal(1, _actor.Count);
        Tell(new PeerAnsweredDestruction(Index, 5, Agrees: false));
        Assert.Equal(0, _actor.Count);
        Assert.Equal(Killer.FreeMultiplier, _router.ReceiveAll().OfType<LockLink>().Last().Multiplier);
    }

    [Fact]
    public void An_end_that_has_agreed_to_two_requests_is_not_free_when_one_is_taken_back_not_even_after_a_restart()
    {
        Start();
        PeerAsks(5);
        Answer(routes: 0);
        Answer(routes: 0);
        Answer(routes: 0);
        PeerAsks(6);
        Answer(routes: 0);
        Assert.Equal([5u, 6u], _tunnel.ReceiveAll().OfType<AnswerToClose>().Select(static a => a.Round));
        Tell(new PeerAnsweredDestruction(Index, 6, Agrees: false));
        Assert.Equal(1, _actor.Count);
        Start();
        _killer.Tell(new TunnelsThere([Tunnel]), _manager.Ref);
        Settle();
        Assert.Equal(Killer.HardMultiplier, Answer(routes: 0).Multiplier);
        Assert.Equal(1, _actor.Count);
    }

    [Fact]
    public void An_answer_to_an_older_look_says_nothing()
    {
        Start();
        Destroy();
        LockLink first = Answer(routes: 1);
        LockLink soft = _router.ExpectMsg<LockLink>();
        _kit.System.EventStream.Publish(new RoutesPublished([]));
        Settle();
        Tell(new LinkLocked(Index, first.Number, IsKnown: true, Killer.FreeMultiplier, 0, 0));
        Tell(new LinkLocked(Index, soft.Number, IsKnown: true, Killer.SoftMultiplier, 0, 0));
        Assert.Equal(KillerState.SoftLocking, States()[^1]);
        Answer(routes: 0);
        Assert.Equal(KillerState.HardLocking, States()[^1]);
    }

    [Theory]
    [InlineData(false, 0, true)]
    [InlineData(true, 0, false)]    // packets pass
    [InlineData(false, 1, false)]   // a route has no other way
    public void A_tunnel_without_traffic_for_a_minute_is_given_up_where_its_routes_have_other_ways(bool hasTraffic, int stranded, bool isGivenUp)
    {
        Start();
        Destroy();
        _dataPlane.Traffic[Index] = 5;
        Answer(routes: 1);
        for (TimeSpan end = _kit.Now + TimeSpan.FromSeconds(75); _kit.Now < end; _kit.Advance(Tick))
        {
            if (hasTraffic)
                _dataPlane.Traffic[Index]++;
            while (_router.PendingCount > 0 && _router.ExpectMsg<LockLink>() is var look)
                Tell(new LinkLocked(Index, look.Number, IsKnown: true, look.Multiplier, look.Multiplier == 0 ? 0 : 1, look.SeeksOtherWays ? stranded : 0));
        }

        Assert.Equal(isGivenUp ? KillerState.Locked : KillerState.SoftLocking, States()[^1]);
    }

    [Fact]
    public void A_link_that_routing_does_not_know_any_more_is_looked_at_now_and_then()
    {
        Start();
        LockOurs(isForced: false);
        _kit.Advance(Tick);
        Tell(new LinkLocked(Index, _router.ReceiveAll().OfType<LockLink>().Last().Number, IsKnown: false, Killer.FreeMultiplier, 0, 0));
        Assert.Equal(0, _router.PendingCount);
        _kit.Advance(Tick);
        Assert.Equal(1, _router.PendingCount);
    }

    [Fact]
    public void Nothing_is_done_before_it_is_stored()
    {
        Start();
        _killer.Tell(new DestroyTunnel(Tunnel, CloseReason.Retired, "a better one", IsForced: false), _manager.Ref);
        _kit.Settle();
        Assert.Equal(0, _router.PendingCount);
        Settle();
        Assert.Equal(1, _router.PendingCount);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void After_a_restart_of_the_node_nothing_is_locked_and_nothing_is_remembered(bool isLocked)
    {
        Start();
        if (isLocked)
            LockOurs(isForced: false);
        else
            Destroy();
        Start(run: 2);
        Assert.Equal(0, _actor.Count);
        Assert.Equal(0, _router.PendingCount);
        Assert.DoesNotContain(_events.ReceiveAll(), static e => e is TunnelsWanted);
        Assert.Equal("node.destruction-ended", Stored()[^1]);
        int stored = Stored().Length;
        Start(run: 3);
        Assert.Equal(stored, Stored().Length);
    }

    [Fact]
    public void After_a_restart_of_the_actor_a_promise_is_kept()
    {
        Start();
        PeerAsks(5);
        Answer(routes: 0);
        Answer(routes: 0);
        Answer(routes: 0);
        _tunnel.ExpectMsg<AnswerToClose>();
        Start();
        _events.FishForMsg<TunnelsWanted>();
        _killer.Tell(new TunnelsThere([Tunnel]), _manager.Ref);
        Settle();
        Assert.Equal(Killer.HardMultiplier, Answer(routes: 0).Multiplier);
        _kit.Advance(Patience - Tick);
        Assert.Equal(Killer.HardMultiplier, _router.ReceiveAll().OfType<LockLink>().Last().Multiplier);
        Assert.Equal(1, _actor.Count);
    }

    [Fact]
    public void After_a_restart_of_the_actor_our_own_wish_goes_on_with_a_new_question()
    {
        Start();
        uint round = LockOurs(isForced: false);
        Start();
        _killer.Tell(new TunnelsThere([Tunnel]), _manager.Ref);
        Settle();
        AskToClose again = _tunnel.ExpectMsg<AskToClose>();
        Assert.NotEqual(round, again.Round);
        Answer(routes: 0);
        Tell(new PeerAnsweredDestruction(Index, round, Agrees: true));
        Assert.Equal(0, _tunnel.PendingCount);
        Tell(new PeerAnsweredDestruction(Index, again.Round, Agrees: true));
        Answer(routes: 0);
        _tunnel.ExpectMsg<CutTunnel>();
    }

    [Fact]
    public void After_a_restart_of_the_actor_a_soft_lock_for_the_peer_is_lifted()
    {
        Start();
        PeerAsks(5);
        Answer(routes: 1);
        Start();
        _killer.Tell(new TunnelsThere([Tunnel]), _manager.Ref);
        Settle();
        Assert.Equal(Killer.FreeMultiplier, Assert.IsType<LockLink>(Assert.Single(_router.ReceiveAll())).Multiplier);
        Assert.Equal(0, _actor.Count);
        Assert.Null(States()[^1]);
    }

    [Fact]
    public void A_tunnel_that_is_not_there_any_more_after_a_restart_of_the_actor_is_forgotten()
    {
        Start();
        Destroy();
        Start();
        _killer.Tell(new TunnelsThere([]), _manager.Ref);
        Settle();
        Assert.Equal(0, _actor.Count);
        Assert.Equal("node.destruction-ended", Stored()[^1]);
    }

    [Fact]
    public void A_manager_that_begins_anew_has_no_tunnels()
    {
        Start();
        LockOurs(isForced: false);
        Tell(new TunnelsLost());
        Assert.Equal([KillerState.Unlocking, null], States()[^2..]);
        Assert.Equal("node.destruction-ended", Stored()[^1]);
    }

    [Fact]
    public void Both_ends_that_ask_at_once_agree_with_each_other()
    {
        Start();
        uint round = LockOurs(isForced: false);
        PeerAsks(9);
        Answer(routes: 0);
        Assert.Equal((9u, true), _tunnel.ExpectMsg<AnswerToClose>() is var answer ? (answer.Round, answer.Agrees) : default);
        Tell(new PeerAnsweredDestruction(Index, round, Agrees: true));
        Answer(routes: 0);
        _tunnel.ExpectMsg<CutTunnel>();
    }

    [Fact]
    public void Many_destructions_leave_a_snapshot_and_no_state()
    {
        Start();
        for (int i = 0; i < 200; i++)
        {
            Destroy();
            Tell(new DoomedTunnelGone(Index));
        }

        Assert.True(_disk.CountOf("killer") >= 400);
        _disk.Corrupt("killer", 10);   // what a snapshot spares us
        Start(run: 2);
        Assert.Equal(0, _actor.Count);
        Assert.Equal(0, _kit.System.FailureCount);
    }

    private void Start(ulong run = 1)
    {
        _kit = new ActorTestKit(seed: ++_starts, KillersActor.AddTo(new EventSchema()), _disk);
        _router = _kit.CreateProbe("router");
        _tunnel = _kit.CreateProbe("tunnel");
        _manager = _kit.CreateProbe("manager");
        _events = _kit.CreateProbe("events");
        _kit.System.EventStream.Subscribe<DestructionChanged>(_events.Ref);
        _kit.System.EventStream.Subscribe<TunnelsWanted>(_events.Ref);
        _killer = _kit.ActorOf(Props.Create(() => _actor = new KillersActor(_dataPlane, _router.Ref, Tick, run)), "killer");
        Settle();
    }

    private void Settle() => _kit.Advance(TimeSpan.FromMilliseconds(20));   // longer than the journal takes

    private void Tell(object message)
    {
        _killer.Tell(message, _manager.Ref);
        Settle();
    }

    private void Destroy(bool isForced = false) => Tell(new DestroyTunnel(Tunnel, CloseReason.Retired, "a better one", isForced));

    private void PeerAsks(uint round) => Tell(new PeerWantsDestruction(Tunnel, round, CloseReason.Retired, "theirs"));

    private uint LockOurs(bool isForced)
    {
        Destroy(isForced);
        Answer(routes: 0);
        Answer(routes: 0);
        Answer(routes: 0);
        return _tunnel.ExpectMsg<AskToClose>().Round;
    }

    // The router does what it is told, and says how many routes lead through the tunnel.
    private LockLink Answer(int routes)
    {
        LockLink look = _router.ExpectMsg<LockLink>();
        Tell(new LinkLocked(Index, look.Number, IsKnown: true, look.Multiplier, routes, 0));
        return look;
    }

    // Time passes, and the router answers.
    private void Spend(TimeSpan duration, int stranded = 0)
    {
        for (TimeSpan end = _kit.Now + duration; _kit.Now < end; _kit.Advance(Tick))
        {
            Locks.AddRange(_router.ReceiveAll().OfType<LockLink>());
            if (Locks.Count > 0)
                Tell(new LinkLocked(Index, Locks[^1].Number, IsKnown: true, Locks[^1].Multiplier, 0, stranded));
        }

        Locks.AddRange(_router.ReceiveAll().OfType<LockLink>());
    }

    private List<LockLink> Locks { get; } = [];

    private LockLink LastLook(int routes)
    {
        LockLink look = _router.ReceiveAll().OfType<LockLink>().Last();
        Tell(new LinkLocked(Index, look.Number, IsKnown: true, look.Multiplier, routes, 0));
        return look;
    }

    private KillerState?[] States() => [.. _events.ReceiveAll().OfType<DestructionChanged>().Select(static c => c.State)];

    private string[] Stored()
    {
        TestProbe reader = _kit.CreateProbe();
        _kit.Journal.Load(new LoadRequest(99, "killer", reader.Ref));
        return [.. reader.ExpectMsg<EventsLoaded>().Events.Select(static e => e.Type)];
    }
}
