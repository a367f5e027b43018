using Mesh.Actors.TestKit;
using static Mesh.Actors.Tests.Scripts;

namespace Mesh.Actors.Tests;

/// <summary>Named states, declared transitions.</summary>
public sealed class FsmTests
{
    private readonly ActorTestKit _kit = new();
    private readonly List<string> _transitions = [];
    private readonly ActorRef _door;

    public FsmTests() => _door = _kit.ActorOf(Props.Create(() => new Door(_transitions)), "door");

    private enum State
    {
        Shut,
        Open,
        Broken,
    }

    [Fact]
    public void Goes_where_it_is_allowed_to_with_the_data_that_goes_along()
    {
        _door.Tell("open");
        _door.Tell("shut");
        _door.Tell("open");
        _kit.Settle();
        Assert.Equal(["Shut -> Open (1)", "Open -> Shut (1)", "Shut -> Open (2)"], _transitions);
    }

    [Fact]
    public void A_transition_that_is_not_declared_throws_and_changes_nothing()
    {
        _door.Tell("break");
        _kit.Settle();
        Assert.Equal("/user/door: Shut -> Broken is not a declared transition", _kit.System.LastFailure!.Reason.Message);
        Assert.Empty(_transitions);

        var kit = new ActorTestKit();
        ActorRef parent = kit.ActorOf(Scripted.Props(new Script { Strategy = () => new SupervisorStrategy(_ => Directive.Resume) }));
        ActorRef door = kit.System.DeadLetters;
        kit.Do(parent, p => door = p.Surroundings.ActorOf(Props.Create(() => new Door(_transitions)), "door"));
        door.Tell("break");
        door.Tell("open");
        kit.Settle();
        Assert.Equal(["Shut -> Open (1)"], _transitions);   // not 101: the data of the refused step is gone too
    }

    [Fact]
    public void A_state_times_out_once_unless_it_is_left_before()
    {
        _door.Tell("open");
        _kit.Advance(Seconds(9));
        _door.Tell("shut");
        _door.Tell("open");
        _kit.Advance(Seconds(10) - new TimeSpan(1));
        Assert.Equal(3, _transitions.Count);
        _kit.Advance(new TimeSpan(1));
        Assert.Equal("Open -> Shut (2)", _transitions[^1]);
        Assert.Equal(0, _kit.Loop.ArmedTimerCount);
    }

    [Fact]
    public void Staying_neither_reports_a_transition_nor_puts_the_timeout_off()
    {
        _door.Tell("open");
        _kit.Advance(Seconds(9));
        _door.Tell("knock");
        _kit.Advance(Seconds(1));
        Assert.Equal(["Shut -> Open (1)", "Open -> Shut (11)"], _transitions);
    }

    [Fact]
    public void What_the_states_handler_does_not_know_goes_to_the_common_one_and_then_is_unhandled()
    {
        _door.Tell("stop?");
        _kit.Settle();
        Assert.Equal(0, _kit.System.UnhandledCount);
        _door.Tell("what?");
        _kit.Settle();
        Assert.Equal(1, _kit.System.UnhandledCount);
    }

    [Fact]
    public void Stops_when_its_handler_says_so()
    {
        TestProbe probe = _kit.CreateProbe();
        probe.Watch(_door);
        _door.Tell("stop");
        probe.ExpectTerminated(_door);
    }

    [Fact]
    public void A_step_may_be_applied_from_a_callback()
    {
        _door.Tell("open by callback");
        _kit.Settle();
        Assert.Equal(["Shut -> Open (1)"], _transitions);
    }

    [Fact]
    public void The_declarations_are_the_diagram() =>
        Assert.Equal(
            "stateDiagram-v2\n    [*] --> Shut\n    Shut --> Open: opened\n    Open --> Shut: shut, or forgotten\n    Open --> Broken: wind\n",
            FsmDiagram.ToMermaid(State.Shut, Door.Declared));

    [Fact]
    public void A_transition_is_in_the_digest()
    {
        var other = new ActorTestKit();
        ActorRef door = other.ActorOf(Props.Create(() => new Door([])), "door");
        Assert.Equal(_kit.Loop.Digest, other.Loop.Digest);
        _door.Tell("open");
        door.Tell("knock");
        _kit.Settle();
        other.Settle();
        Assert.NotEqual(_kit.Loop.Digest, other.Loop.Digest);
    }

    private sealed class Door : Fsm<State, int>
    {
        public static readonly FsmTransition<State>[] Declared =
        [
            new(State.Shut, State.Open, "opened"), new(State.Open, State.Shut, "shut, or forgotten"), new(State.Open, State.Broken, "wind"),
        ];

        public Door(List<string> transitions)
        {
            foreach (FsmTransition<State> t in Declared)
                Allow(t.From, t.To, t.Because);
            When(State.Shut, e => e.Message switch
            {
                "open" => GoTo(State.Open, e.Data + 1),
                "open by callback" => Later(e.Data + 1),
                "break" => GoTo(State.Broken, e.Data + 100),
                "knock" => Stay(e.Data + 10),
                "stop" => StopStep(),
                _ => null,
            });
            When(State.Open, e => e.Message switch
            {
                "shut" or StateTimeout => GoTo(State.Shut),
                "knock" => Stay(e.Data + 10),
                _ => null,
            }, timeout: Seconds(10));
            WhenUnhandled(e => e.Message is "stop?" ? Stay() : null);
            OnTransition((from, to) => transitions.Add($"{from} -> {to} ({Data})"));
            StartWith(State.Shut, 0);
        }

        private FsmStep<State, int> Later(int data)
        {
            Apply(GoTo(State.Open, data));
            return Stay();
        }
    }
}
