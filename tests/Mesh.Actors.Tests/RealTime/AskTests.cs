using Mesh.Actors.RealTime;
using Mesh.Actors.TestKit;
using Mesh.Actors.Tests.Persistence;
using static Mesh.Actors.Tests.Scripts;

namespace Mesh.Actors.Tests.RealTime;

/// <summary>Request and answer from outside. The loop is stepped by the test, so an answer comes exactly when it should.</summary>
public sealed class AskTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ActorTestKit _kit = new(schema: Ledger.Schema);

    [Fact]
    public async Task The_first_answer_is_the_result()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props((self, m) =>
        {
            self.From.Tell($"{m}!");
            self.From.Tell("too much");
        }));
        Task<string> answer = actor.Ask<string>("hello", Patience);
        Assert.False(answer.IsCompleted);
        _kit.Settle();
        Assert.Equal("hello!", await answer);
        Assert.Equal(0, _kit.System.DeadLetterCount);
    }

    [Fact]
    public async Task No_answer_in_time_says_who_did_not_answer_what()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props(), "mute");
        AskException e = await Assert.ThrowsAsync<AskException>(() => actor.Ask<string>("hello", Milliseconds(1)));
        Assert.Equal("/user/mute did not answer String within 0.001 s", e.Message);
    }

    [Fact]
    public async Task A_failure_is_an_exception_with_its_reason()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props((self, _) => self.From.Tell(new Failure("out of prefixes"))));
        Task<string> answer = actor.Ask<string>("hello", Patience);
        _kit.Settle();
        Assert.Equal("out of prefixes", (await Assert.ThrowsAsync<AskException>(() => answer)).Message);
    }

    [Fact]
    public async Task A_failure_that_was_asked_for_is_an_answer()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props((self, _) => self.From.Tell(new Failure("expected"))));
        Task<Failure> answer = actor.Ask<Failure>("hello", Patience);
        _kit.Settle();
        Assert.Equal(new Failure("expected"), await answer);
    }

    [Fact]
    public async Task An_answer_of_another_type_is_named()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props((self, _) => self.From.Tell(42)), "numbers");
        Task<string> answer = actor.Ask<string>("hello", Patience);
        _kit.Settle();
        Assert.Equal("/user/numbers answered String with Int32, expected String", (await Assert.ThrowsAsync<AskException>(() => answer)).Message);
    }

    [Fact]
    public async Task It_can_be_cancelled()
    {
        using var source = new CancellationTokenSource();
        ActorRef actor = _kit.ActorOf(Scripted.Props());
        Task<string> answer = actor.Ask<string>("hello", Patience, source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
    }

    [Fact]
    public async Task An_actor_must_not_ask()
    {
        Task<string>? answer = null;
        ActorRef actor = _kit.ActorOf(Scripted.Props());
        _kit.Do(actor, self => answer = self.Me.Ask<string>("hello", Patience));
        await Assert.ThrowsAsync<InvalidOperationException>(() => answer!);
    }

    [Fact]
    public async Task A_persistent_actor_answers_only_after_the_commit()
    {
        ActorRef ledger = _kit.ActorOf(Ledger.Props());
        _kit.Advance(Milliseconds(1));
        Task<string> early = ledger.Ask<string>(
            (Action<Ledger>)(l =>
            {
                l.Store(1);
                l.From.Tell("told by the handler");
            }),
            Patience);
        Task<Acknowledged> late = ledger.Ask<Acknowledged>(new Add(2), Patience);
        _kit.Advance(Milliseconds(2) - new TimeSpan(1));
        Assert.False(early.IsCompleted);
        _kit.Advance(new TimeSpan(1));
        Assert.Equal("told by the handler", await early);
        _kit.Advance(Milliseconds(2) - new TimeSpan(1));
        Assert.False(late.IsCompleted);
        _kit.Advance(new TimeSpan(1));
        Assert.Equal(new Acknowledged(2), await late);
    }

    [Fact]
    public async Task A_persistent_actor_whose_journal_fails_never_answers()
    {
        ActorRef ledger = _kit.ActorOf(Ledger.Props());
        _kit.Advance(Milliseconds(1));
        _kit.Journal.WriteFault = Actors.Persistence.JournalFailure.Full;
        Task<string> answer = ledger.Ask<string>(
            (Action<Ledger>)(l =>
            {
                l.Store(1);
                l.From.Tell("a lie");
            }),
            Milliseconds(20));
        _kit.Advance(Seconds(1));
        await Assert.ThrowsAsync<AskException>(() => answer);
    }

    [Fact]
    public async Task It_works_with_a_loop_on_its_own_thread()
    {
        var system = new ActorSystem(new ActorSystemOptions());
        ActorRef doubler = system.ActorOf(Scripted.Props((self, m) => self.From.Tell((int)m * 2)));
        using RealTimeDriver driver = RealTimeDriver.Start(system);
        int[] answers = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => doubler.Ask<int>(i, Patience)));
        Assert.Equal(Enumerable.Range(0, 500).Select(i => i * 2), answers);
    }
}
