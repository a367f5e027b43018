using System.Diagnostics;
using System.Globalization;
using Mesh.Actors.Persistence.Tests.Storage;

namespace Mesh.Actors.Persistence.Tests.Postgres;

/// <summary>How many events a second get durable, and how fast they come back. A measurement, not a test: run it with <c>-explicit only -showliveoutput</c>.</summary>
public sealed class PostgresThroughput(ITestOutputHelper output)
{
    [Theory(Explicit = true)]
    [InlineData(1, 1_000)]
    [InlineData(1_000, 100)]
    public void The_journal_alone(int streams, int rounds)
    {
        using var store = new PostgresStore();
        using var replies = new Collector();
        using OpenJournal journal = store.Open();
        long start = Stopwatch.GetTimestamp();
        for (int round = 1; round <= rounds; round++)
        {
            for (int stream = 0; stream < streams; stream++)
                journal.Append(new AppendRequest(round, $"account-{stream}", Collector.Events(round, 1, "{\"Amount\":12345}"), replies));
            if (streams == 1)
                Assert.IsType<AppendCompleted>(replies.Next());
        }

        for (int i = 0; i < (streams == 1 ? 0 : streams * rounds); i++)
            Assert.IsType<AppendCompleted>(replies.Next());
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        start = Stopwatch.GetTimestamp();
        for (int stream = 0; stream < streams; stream++)
            Assert.Equal(rounds, replies.Load(journal, $"account-{stream}").Events.Count);
        double loading = Stopwatch.GetElapsedTime(start).TotalSeconds;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{streams} streams: {streams * rounds / seconds:N0} events/s in {journal.Statistics.Transactions} transactions; loaded {streams * rounds / loading:N0} events/s"));
    }

    [Fact(Explicit = true)]
    public void A_long_stream_comes_back()
    {
        const int Count = 100_000;
        using var store = new PostgresStore();
        using var replies = new Collector();
        using OpenJournal journal = store.Open();
        for (int i = 0; i < Count; i += 1_000)
            replies.AppendAndWait(journal, "a", 1 + i, 1_000, "{\"Amount\":12345}");
        long start = Stopwatch.GetTimestamp();
        Assert.Equal(Count, replies.Load(journal, "a").Events.Count);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Count} events of one stream came back in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.00} s"));
    }
}
