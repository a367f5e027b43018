using System.Collections.Concurrent;
using System.Text;

namespace Mesh.Actors.Persistence.Tests.Storage;

/// <summary>A receiver of outcomes outside any loop.</summary>
public sealed class Collector : ActorRef, IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly BlockingCollection<JournalOutcome> _outcomes = [];

    public override string Path => "/collector";

    public override void Tell(object message) => Tell(message, sender: null);

    public override void Tell(object message, ActorRef? sender) => _outcomes.Add((JournalOutcome)message);

    public JournalOutcome Next() =>
        _outcomes.TryTake(out JournalOutcome? outcome, Limit) ? outcome : throw new TimeoutException($"the journal told no outcome within {Limit.TotalSeconds} s");

    public T Next<T>()
        where T : JournalOutcome => Assert.IsType<T>(Next());

    public bool IsEmpty => _outcomes.Count == 0;

    public void Append(IJournal journal, string stream, long first, int count = 1, string text = "x") =>
        journal.Append(new AppendRequest(first, stream, Events(first, count, text), this));

    public void AppendAndWait(IJournal journal, string stream, long first, int count = 1, string text = "x")
    {
        Append(journal, stream, first, count, text);
        Assert.Equal(new AppendCompleted(first), Next());
    }

    public void SaveSnapshot(IJournal journal, string stream, long sequenceNr, string text)
    {
        journal.SaveSnapshot(new SnapshotRequest(sequenceNr, stream, new JournalSnapshot(sequenceNr, "test.state", 1, Encoding.UTF8.GetBytes(text), Utc(sequenceNr)), this));
        Assert.Equal(new SnapshotSaved(sequenceNr), Next());
    }

    /// <summary>Loads a whole stream.</summary>
    public (JournalSnapshot? Snapshot, List<JournalEvent> Events) Load(IJournal journal, string stream)
    {
        journal.Load(new LoadRequest(-1, stream, this));
        var events = new List<JournalEvent>();
        EventsLoaded loaded = Next<EventsLoaded>();
        JournalSnapshot? snapshot = loaded.Snapshot;
        events.AddRange(loaded.Events);
        while (!loaded.IsLast)
        {
            loaded = Next<EventsLoaded>();
            Assert.Null(loaded.Snapshot);
            events.AddRange(loaded.Events);
        }

        return (snapshot, events);
    }

    public LoadFailed LoadFails(IJournal journal, string stream)
    {
        journal.Load(new LoadRequest(-1, stream, this));
        JournalOutcome outcome = Next();
        while (outcome is EventsLoaded { IsLast: false })
            outcome = Next();
        return Assert.IsType<LoadFailed>(outcome);
    }

    public static JournalEvent[] Events(long first, int count, string text)
    {
        var events = new JournalEvent[count];
        for (int i = 0; i < count; i++)
            events[i] = new JournalEvent(first + i, "test.happened", 1, Encoding.UTF8.GetBytes($"{text}{first + i}"), Utc(first + i));
        return events;
    }

    public static DateTimeOffset Utc(long sequenceNr) => new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddSeconds(sequenceNr);

    public static string Text(JournalEvent e) => Encoding.UTF8.GetString(e.Payload.Span);

    public void Dispose() => _outcomes.Dispose();
}
