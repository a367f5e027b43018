using System.Diagnostics;
using System.Globalization;
using Mesh.Actors.Persistence.Sqlite;
using Mesh.Actors.Persistence.Tests.Storage;
using Mesh.Actors.RealTime;

namespace Mesh.Actors.Persistence.Tests.Sqlite;

/// <summary>How many events a second get durable. A measurement, not a test: run it with <c>-explicit only -showliveoutput</c>.</summary>
public sealed class Throughput(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Theory(Explicit = true)]
    [InlineData(1, 2_000, 1)]
    [InlineData(1_000, 500, 1)]
    [InlineData(1_000, 200, 5)]
    [InlineData(10_000, 50, 1)]
    public void Many_persistent_actors_persist_small_events(int actors, int commands, int eventsPerCommand)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        (double seconds, JournalStatistics statistics) = Measure(actors, commands, eventsPerCommand);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{(Environment.CpuUsage.TotalTime - before).TotalMicroseconds / statistics.Events:N1} us of CPU an event with start and recovery; {actors} actors, {eventsPerCommand} events a command: {statistics.Events / seconds:N0} events/s, {statistics.Transactions / seconds:N0} transactions/s, largest batch {statistics.LargestBatch}"));
    }

    [Fact(Explicit = true)]
    public void The_journal_alone()
    {
        using var folder = new TempFolder();
        using SqliteJournal journal = SqliteJournal.Open(folder.Journal);
        const int Streams = 1_000;
        const int Rounds = 300;
        using var done = new CountdownEvent(Streams * Rounds);
        var counter = new CountingRef(done);
        JournalEvent[][] events = [.. Enumerable.Range(1, Rounds).Select(i => Collector.Events(i, 1, "{\"Amount\":12345}"))];
        string[] names = [.. Enumerable.Range(0, Streams).Select(i => $"account-{i}")];
        long start = Stopwatch.GetTimestamp();
        for (int round = 0; round < Rounds; round++)
        {
            foreach (string name in names)
                journal.Append(new AppendRequest(round, name, events[round], counter));
        }

        Assert.True(done.Wait(Limit));
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"journal alone, {Streams} streams: {Streams * Rounds / seconds:N0} events/s, {journal.Statistics.Transactions} transactions"));
    }

    /// <summary>Lets each of so many actors persist after each commit, until it has handled so many commands.</summary>
    public static (double Seconds, JournalStatistics Statistics) Measure(int actors, int commands, int eventsPerCommand)
    {
        using var folder = new TempFolder();
        using SqliteJournal journal = SqliteJournal.Open(folder.Journal);
        EventSchema schema = new EventSchema().Add<Deposited>("account.deposited");
        var system = new ActorSystem(new ActorSystemOptions { Journal = journal, Schema = schema });
        using var recovered = new CountdownEvent(actors);
        using var done = new CountdownEvent(actors);
        using RealTimeDriver driver = RealTimeDriver.Start(system);
        var references = new ActorRef[actors];
        driver.Invoke(
            () =>
            {
                for (int i = 0; i < actors; i++)
                {
                    string id = $"account-{i}";
                    references[i] = system.ActorOf(Props.Create(() => new Account(id, commands, eventsPerCommand, recovered, done)), id);
                }
            },
            Limit);
        Assert.True(recovered.Wait(Limit), "the actors did not recover in time");
        long start = Stopwatch.GetTimestamp();
        foreach (ActorRef reference in references)
            reference.Tell("go");
        Assert.True(done.Wait(Limit), "the actors did not finish in time");
        return (Stopwatch.GetElapsedTime(start).TotalSeconds, journal.Statistics);
    }

    private sealed record Deposited(long Amount);

    private sealed class Account(string id, int commands, int eventsPerCommand, CountdownEvent recovered, CountdownEvent done) : PersistentActor
    {
        private int _left = commands;
        private long _balance;

        public override string PersistenceId => id;

        protected override void ReceiveCommand(object message)
        {
            if (_left-- == 0)
            {
                done.Signal();
                return;
            }

            for (int i = 0; i < eventsPerCommand; i++)
                Persist(new Deposited(i), e => _balance += e.Amount);
            Self.Tell(message);
        }

        protected override void ReceiveRecover(object message)
        {
            if (message is RecoveryCompleted)
                recovered.Signal();
        }
    }

    private sealed class CountingRef(CountdownEvent done) : ActorRef
    {
        public override string Path => "/counter";

        public override void Tell(object message) => Tell(message, sender: null);

        public override void Tell(object message, ActorRef? sender)
        {
            Assert.IsType<AppendCompleted>(message);
            done.Signal();
        }
    }
}
