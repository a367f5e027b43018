using System.Collections.Concurrent;
using Mesh.Actors.RealTime;

namespace Mesh.Actors.Persistence.Tests.Storage;

/// <summary>The journal under real actors on a real loop.</summary>
public abstract class PersistentActorTests(JournalStore store) : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly Collector _replies = new();

    [Fact]
    public void Many_actors_persist_together_and_recover_after_a_reopen()
    {
        const int Accounts = 300;
        RunAccounts(Accounts, (accounts, _) =>
        {
            for (int round = 0; round < 20; round++)
            {
                foreach (ActorRef account in accounts)
                    account.Tell(new Deposit(1));
            }

            Assert.All(accounts, a => Assert.Equal(20, Balance(a)));
        });
        RunAccounts(Accounts, (accounts, journal) =>
        {
            Assert.All(accounts, a => Assert.Equal(20, Balance(a)));
            Assert.Equal(0, journal.Statistics.Events);
        });
        Assert.Equal(Accounts * 20, store.Count("SELECT count(*) FROM event"));
        Assert.Equal(Accounts, store.Count("SELECT count(*) FROM snapshot WHERE seq = 10"));
    }

    [Theory]
    [InlineData("account.vanished", 1, JournalFailure.UnknownEvent, "stream 'account-0', event 2: event type 'account.vanished' is unknown to this program")]
    [InlineData("account.deposited", 9, JournalFailure.UnknownEvent, "stream 'account-0', event 2: event type 'account.deposited' has version 9, this program knows versions up to 1")]
    public void An_event_that_the_program_does_not_know_stops_the_actor(string type, int version, JournalFailure expected, string message)
    {
        RunAccounts(1, (accounts, _) =>
        {
            accounts[0].Tell(new Deposit(5));
            Assert.Equal(5, Balance(accounts[0]));
        });
        using (OpenJournal journal = store.Open())
        {
            journal.Append(new AppendRequest(1, "account-0", [new JournalEvent(2, type, version, "{\"Amount\":1}"u8.ToArray(), default)], _replies));
            _replies.Next<AppendCompleted>();
        }

        JournalException e = FailureOfAccount();
        Assert.Equal(expected, e.Failure);
        Assert.StartsWith(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_corrupt_event_stops_the_actor()
    {
        RunAccounts(1, (accounts, _) =>
        {
            accounts[0].Tell(new Deposit(5));
            Assert.Equal(5, Balance(accounts[0]));
        });
        Assert.Equal(1, store.Edit("UPDATE event SET payload = x'00'"));
        JournalException e = FailureOfAccount();
        Assert.Equal(JournalFailure.Corrupt, e.Failure);
        Assert.StartsWith("stream 'account-0', event 1: the checksum does not fit", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_two_actors_with_one_stream_the_later_writer_stops()
    {
        var log = new ErrorLog();
        using OpenJournal journal = store.Open();
        var system = new ActorSystem(new ActorSystemOptions { Journal = journal, Schema = Schema(), Log = log });
        using RealTimeDriver driver = RealTimeDriver.Start(system);
        ActorRef[] twins = new ActorRef[2];
        driver.Invoke(() => twins = [MakeAccount(system, 0, "one"), MakeAccount(system, 0, "two")], Limit);
        Assert.All(twins, t => Assert.Equal(0, Balance(t)));   // both have recovered
        twins[0].Tell(new Deposit(1));
        Assert.Equal(1, Balance(twins[0]));
        twins[1].Tell(new Deposit(1));
        Assert.Equal(JournalFailure.Conflict, log.Next().Failure);
        Assert.Equal(1, Balance(twins[0]));
    }

    public void Dispose()
    {
        _replies.Dispose();
        store.Dispose();
    }

    private static EventSchema Schema() => new EventSchema().Add<Deposited>("account.deposited").Add<State>("account.state");

    private static ActorRef MakeAccount(ActorSystem system, int number, string name) => system.ActorOf(Props.Create(() => new Account($"account-{number}")), name);

    private static long Balance(ActorRef account) => account.Ask<State>("balance", Limit).GetAwaiter().GetResult().Balance;

    private void RunAccounts(int count, Action<ActorRef[], OpenJournal> body)
    {
        using OpenJournal journal = store.Open();
        var system = new ActorSystem(new ActorSystemOptions { Journal = journal, Schema = Schema() });
        using RealTimeDriver driver = RealTimeDriver.Start(system);
        var accounts = new ActorRef[count];
        driver.Invoke(
            () =>
            {
                for (int i = 0; i < count; i++)
                    accounts[i] = MakeAccount(system, i, $"account-{i}");
            },
            Limit);
        body(accounts, journal);
        Assert.Equal(0, system.FailureCount);
    }

    private JournalException FailureOfAccount()
    {
        var log = new ErrorLog();
        using OpenJournal journal = store.Open();
        var system = new ActorSystem(new ActorSystemOptions { Journal = journal, Schema = Schema(), Log = log });
        using RealTimeDriver driver = RealTimeDriver.Start(system);
        driver.Invoke(() => MakeAccount(system, 0, "account"), Limit);
        return log.Next();
    }

    private sealed record Deposit(long Amount);

    private sealed record Deposited(long Amount);

    private sealed record State(long Balance);

    private sealed class Account(string id) : PersistentActor
    {
        private long _balance;

        public override string PersistenceId => id;

        protected override void ReceiveCommand(object message)
        {
            switch (message)
            {
                case Deposit deposit:
                    Persist(new Deposited(deposit.Amount), e =>
                    {
                        _balance += e.Amount;
                        if (LastSequenceNr == 10)
                            SaveSnapshot(new State(_balance));
                    });
                    break;
                case "balance":
                    Sender!.Tell(new State(_balance));
                    break;
            }
        }

        protected override void ReceiveRecover(object message)
        {
            switch (message)
            {
                case SnapshotOffer { State: State state }:
                    _balance = state.Balance;
                    break;
                case Deposited e:
                    _balance += e.Amount;
                    break;
            }
        }
    }

    private sealed class ErrorLog : ILogSink
    {
        private readonly BlockingCollection<JournalException> _errors = [];

        public LogLevel Level => LogLevel.Error;

        public void Write(LogEntry entry)
        {
            if (entry.Exception is JournalException e)
                _errors.Add(e);
        }

        public JournalException Next() => _errors.TryTake(out JournalException? e, Limit) ? e : throw new TimeoutException("no actor failed because of its journal");
    }
}
