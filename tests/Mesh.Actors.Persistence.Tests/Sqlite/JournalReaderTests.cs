using Mesh.Actors.Persistence.Sqlite;
using Mesh.Actors.Persistence.Tests.Storage;

namespace Mesh.Actors.Persistence.Tests.Sqlite;

public sealed class JournalReaderTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Collector _replies = new();

    [Fact]
    public void Lists_streams_and_dumps_events_of_a_journal_in_use()
    {
        using SqliteJournal journal = SqliteJournal.Open(_folder.Journal);
        _replies.AppendAndWait(journal, "b", 1, count: 1_100);
        _replies.AppendAndWait(journal, "a", 1, count: 2);
        _replies.SaveSnapshot(journal, "a", 1, "one");
        _replies.SaveSnapshot(journal, "a", 2, "two");
        _replies.SaveSnapshot(journal, "c", 0, "nothing yet");
        using JournalReader reader = JournalReader.Open(_folder.Journal);
        Assert.Equal([new StreamSummary("a", 2, 2, 2), new StreamSummary("b", 1_100, 1_100, 0), new StreamSummary("c", 0, 0, 1)], reader.Streams());
        Assert.Equal(Enumerable.Range(1, 1_100).Select(i => $"x{i}"), reader.Events("b").Select(d => Collector.Text(d.Event)), StringComparer.Ordinal);
        Assert.Equal([1_099, 1_100], reader.Events("b", from: 1_099).Select(d => d.Event.SequenceNr));
        Assert.All(reader.Events("b"), d => Assert.True(d.IsIntact));
        Assert.Empty(reader.Events("nobody"));
        Assert.Equal([2, 1], reader.Snapshots("a").Select(s => s.SequenceNr));

        _replies.AppendAndWait(journal, "a", 3);
        Assert.Equal(3, reader.Events("a").Count());
    }

    [Fact]
    public void Shows_what_is_damaged_and_what_is_missing()
    {
        using (SqliteJournal journal = SqliteJournal.Open(_folder.Journal))
            _replies.AppendAndWait(journal, "a", 1, count: 5);
        _folder.Edit("UPDATE event SET payload = x'00' WHERE seq = 2");
        _folder.Edit("DELETE FROM event WHERE seq = 3");
        using JournalReader reader = JournalReader.Open(_folder.Journal);
        Assert.Equal(new StreamSummary("a", 4, 5, 0), Assert.Single(reader.Streams()));
        Assert.Equal([(1, true), (2, false), (4, true), (5, true)], reader.Events("a").Select(d => (d.Event.SequenceNr, d.IsIntact)));
    }

    [Fact]
    public void Opens_nothing_but_journals()
    {
        Assert.EndsWith("there is no such file", Fails(), StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.Journal));
        File.WriteAllBytes(_folder.Journal, []);
        Assert.EndsWith("it is empty", Fails(), StringComparison.Ordinal);
        _folder.Edit("CREATE TABLE recipes(name TEXT)");
        Assert.Contains("another application", Fails(), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _folder.Dispose();
        _replies.Dispose();
    }

    private string Fails()
    {
        var e = Assert.Throws<JournalException>(() => JournalReader.Open(_folder.Journal).Dispose());
        Assert.Equal(JournalFailure.Unavailable, e.Failure);
        return e.Message;
    }
}
