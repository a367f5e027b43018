using Mesh.Actors.TestKit;
using static Mesh.Actors.Tests.Scripts;

namespace Mesh.Actors.Tests;

/// <summary>Who gets what in which order, and what becomes of the rest.</summary>
public sealed class DeliveryTests
{
    private readonly ActorTestKit _kit = new();
    private readonly List<object> _seen = [];

    [Fact]
    public void Messages_of_one_sender_arrive_in_the_order_in_which_they_were_told()
    {
        ActorRef receiver = _kit.ActorOf(Scripted.Props((_, m) => _seen.Add(m)));
        ActorRef sender = _kit.ActorOf(Scripted.Props());
        _kit.Do(sender, s =>
        {
            for (int i = 0; i < 1_000; i++)
                receiver.Tell(i);
        });
        Assert.Equal(Enumerable.Range(0, 1_000).Cast<object>(), _seen);
    }

    [Fact]
    public void Messages_of_one_loop_are_delivered_in_the_order_in_which_they_were_told_to_whomever()
    {
        ActorRef left = _kit.ActorOf(Scripted.Props((_, m) => _seen.Add($"left {m}")));
        ActorRef right = _kit.ActorOf(Scripted.Props((_, m) => _seen.Add($"right {m}")));
        ActorRef sender = _kit.ActorOf(Scripted.Props());
        _kit.Do(sender, _ =>
        {
            left.Tell(1);
            right.Tell(2);
            left.Tell(3);
            right.Tell(4);
        });
        Assert.Equal(["left 1", "right 2", "left 3", "right 4"], _seen);
    }

    [Fact]
    public void What_is_told_while_a_message_is_handled_comes_after_what_was_queued_before()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props((self, m) =>
        {
            _seen.Add(m);
            if (m is 1)
                self.Me.Tell(3);
        }));
        actor.Tell(1);
        actor.Tell(2);
        _kit.Settle();
        Assert.Equal([1, 2, 3], _seen);
    }

    [Fact]
    public void The_sender_is_the_actor_that_told_unless_another_is_named()
    {
        TestProbe probe = _kit.CreateProbe();
        ActorRef sender = _kit.ActorOf(Scripted.Props(), "sender");
        _kit.Do(sender, _ => probe.Ref.Tell("own"));
        probe.ExpectMsg("own");
        Assert.Equal(sender, probe.LastSender);
        _kit.Do(sender, s => probe.Ref.Tell("other's", s.Surroundings.Parent));
        probe.ExpectMsg("other's");
        Assert.Equal("/user", probe.LastSender!.Path);
        probe.Ref.Tell("nobody's");
        probe.ExpectMsg("nobody's");
        Assert.Equal(_kit.System.DeadLetters, probe.LastSender);
    }

    [Fact]
    public void A_message_to_a_stopped_actor_is_a_counted_and_published_dead_letter()
    {
        TestProbe letters = _kit.CreateProbe();
        _kit.System.EventStream.Subscribe<DeadLetter>(letters.Ref);
        ActorRef gone = _kit.ActorOf(Scripted.Props(), "gone");
        _kit.System.Stop(gone);
        _kit.Settle();
        gone.Tell("late", letters.Ref);
        Assert.Equal(new DeadLetter("late", letters.Ref, gone), letters.ExpectMsg<DeadLetter>());
        Assert.Equal(1, _kit.System.DeadLetterCount);
        Assert.Equal("late", _kit.System.LastDeadLetter!.Message);
    }

    [Fact]
    public void What_is_told_to_the_dead_letters_is_one()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props());
        _kit.Do(actor, s => s.From.Tell("an answer to nobody"));
        Assert.Equal(1, _kit.System.DeadLetterCount);
        Assert.Equal(actor, _kit.System.LastDeadLetter!.Sender);
    }

    [Fact]
    public void What_an_actor_does_not_expect_is_counted_and_published()
    {
        TestProbe probe = _kit.CreateProbe();
        _kit.System.EventStream.Subscribe<UnhandledMessage>(probe.Ref);
        ActorRef actor = _kit.ActorOf(Scripted.Props((self, m) => self.Refuse(m)));
        actor.Tell("what?", probe.Ref);
        Assert.Equal(new UnhandledMessage("what?", probe.Ref, actor), probe.ExpectMsg<UnhandledMessage>());
        Assert.Equal(1, _kit.System.UnhandledCount);
    }

    [Fact]
    public void Become_changes_who_handles_from_the_next_message_on_and_null_goes_back()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props((self, m) =>
        {
            _seen.Add($"first {m}");
            self.Turn(n =>
            {
                _seen.Add($"second {n}");
                self.Turn(null);
            });
        }));
        foreach (int i in (int[])[1, 2, 3])
            actor.Tell(i);
        _kit.Settle();
        Assert.Equal(["first 1", "second 2", "first 3"], _seen);
    }

    [Fact]
    public void Stashed_messages_come_back_in_order_before_all_others()
    {
        bool open = false;
        ActorRef actor = _kit.ActorOf(Scripted.Props((self, m) =>
        {
            if (m is "open")
            {
                open = true;
                self.TakeOut();
            }
            else if (open)
            {
                _seen.Add((m, self.From));
            }
            else
            {
                self.PutAside();
            }
        }));
        TestProbe one = _kit.CreateProbe();
        actor.Tell(1, one.Ref);
        actor.Tell(2);
        actor.Tell("open");
        actor.Tell(3);
        _kit.Settle();
        Assert.Equal([(1, one.Ref), (2, _kit.System.DeadLetters), (3, _kit.System.DeadLetters)], _seen.Cast<(object, ActorRef)>());
    }

    [Fact]
    public void Messages_stashed_again_keep_their_order()
    {
        int opened = 0;
        ActorRef actor = _kit.ActorOf(Scripted.Props((self, m) =>
        {
            if (m is "open")
            {
                opened++;
                self.TakeOut();
            }
            else if (opened < 2)
            {
                self.PutAside();
            }
            else
            {
                _seen.Add(m);
            }
        }));
        foreach (object m in (object[])[1, 2, "open", 3, "open", 4])
            actor.Tell(m);
        _kit.Settle();
        Assert.Equal([1, 2, 3, 4], _seen);
    }

    [Fact]
    public void More_than_the_stash_holds_is_the_actors_failure()
    {
        var kit = new ActorTestKit(configure: o => o with { StashCapacity = 3 });
        ActorRef actor = kit.ActorOf(Scripted.Props((self, _) => self.PutAside()), "full");
        for (int i = 0; i < 4; i++)
            actor.Tell(i);
        kit.Settle();
        Assert.IsType<StashOverflowException>(kit.System.LastFailure!.Reason);
        Assert.Contains("/user/full has 3 messages stashed", kit.System.LastFailure.Reason.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Stashed_messages_of_a_stopped_actor_are_dead_letters()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props((self, _) => self.PutAside()));
        actor.Tell(1);
        actor.Tell(2);
        _kit.Settle();
        _kit.System.Stop(actor);
        _kit.Settle();
        Assert.Equal(2, _kit.System.DeadLetterCount);
    }

    [Fact]
    public void A_name_that_is_taken_is_refused_and_leaves_no_trace()
    {
        ActorRef parent = _kit.ActorOf(Scripted.Props(), "parent");
        InvalidActorNameException? refused = null;
        _kit.Do(parent, s =>
        {
            ActorRef child = s.Surroundings.ActorOf(Scripted.Props(), "child");
            refused = Assert.Throws<InvalidActorNameException>(() => s.Surroundings.ActorOf(Scripted.Props(), "child"));
            Assert.Equal([child], s.Surroundings.Children);
        });
        Assert.Equal("/user/parent has a child named 'child' already", refused?.Message);
        Assert.Equal(0, _kit.System.FailureCount);
    }

    [Theory]
    [InlineData("")]
    [InlineData("$1")]
    [InlineData("a/b")]
    public void A_malformed_name_is_refused(string name) =>
        Assert.Throws<InvalidActorNameException>(() => _kit.System.ActorOf(Scripted.Props(), name));

    [Fact]
    public void An_actor_is_found_by_its_path()
    {
        ActorRef parent = _kit.ActorOf(Scripted.Props(new Script { PreStart = s => s.Surroundings.ActorOf(Scripted.Props(), "child") }), "parent");
        Assert.Equal("/user/parent/child", _kit.System.Find("/user/parent/child")?.Path);
        Assert.Equal(parent, _kit.System.Find("user/parent"));
        Assert.Null(_kit.System.Find("/user/nobody/child"));
        Assert.Null(_kit.System.Find("/elsewhere"));
        Assert.Null(_kit.System.Find(""));
    }

    [Fact]
    public void An_actor_made_with_new_says_how_to_make_it()
    {
        InvalidOperationException e = Assert.Throws<InvalidOperationException>(() => new Lonely());
        Assert.Contains("Props.Create", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Subscribers_are_told_by_type_once_each_in_the_order_of_subscription()
    {
        var first = _kit.ActorOf(Scripted.Props((_, m) => _seen.Add($"first {m}")));
        var second = _kit.ActorOf(Scripted.Props((_, m) => _seen.Add($"second {m}")));
        EventStream stream = _kit.System.EventStream;
        Assert.True(stream.Subscribe<string>(second));
        Assert.True(stream.Subscribe<object>(first));
        Assert.True(stream.Subscribe<IComparable>(second));
        Assert.False(stream.Subscribe<string>(second));
        stream.Publish("x");
        stream.Publish(new Bang());
        _kit.Settle();
        Assert.Equal(["second x", "first x", $"first {new Bang()}"], _seen);
        Assert.True(stream.Unsubscribe<string>(second));
        Assert.False(stream.Unsubscribe<string>(second));
        stream.Unsubscribe(second);
        _seen.Clear();
        stream.Publish("y");
        _kit.Settle();
        Assert.Equal(["first y"], _seen);
    }

    [Fact]
    public void A_subscriber_that_has_stopped_is_told_nothing()
    {
        ActorRef gone = _kit.ActorOf(Scripted.Props());
        _kit.System.EventStream.Subscribe<object>(gone);
        _kit.System.Stop(gone);
        _kit.Settle();
        _kit.System.EventStream.Publish("anybody there?");
        gone.Tell("a dead letter");
        _kit.Settle();
        Assert.Equal(1, _kit.System.DeadLetterCount);
    }

    [Fact]
    public void A_limited_run_delivers_no_more_than_its_limit()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props((_, m) => _seen.Add(m)));
        for (int i = 0; i < 5; i++)
            actor.Tell(i);
        Assert.Equal(2, _kit.Loop.RunReady(2));
        Assert.Equal([0, 1], _seen);
        Assert.True(_kit.Loop.HasReady);
        Assert.Equal(3, _kit.Loop.RunReady());
    }

    [Fact]
    public void Messages_from_no_loop_and_from_another_loop_keep_the_order_of_each_sender()
    {
        var other = new ActorTestKit();
        ActorRef receiver = _kit.ActorOf(Scripted.Props((_, m) => _seen.Add(m)));
        ActorRef sender = other.ActorOf(Scripted.Props());
        other.Do(sender, _ =>
        {
            for (int i = 0; i < 1_000; i++)   // more than a batch
                receiver.Tell(i);
        });
        receiver.Tell("outside");
        _kit.Settle();
        Assert.Equal(Enumerable.Range(0, 1_000).Cast<object>().Append("outside"), _seen);
    }

    [Fact]
    public void Time_cannot_run_backwards()
    {
        _kit.Advance(Seconds(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => _kit.Loop.RunUntil(Milliseconds(999)));
    }

    private sealed class Lonely : Actor
    {
        protected override void Receive(object message) => Unhandled(message);
    }
}
