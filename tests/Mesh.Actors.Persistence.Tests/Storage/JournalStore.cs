using System.Collections.Concurrent;

namespace Mesh.Actors.Persistence.Tests.Storage;

/// <summary>A place for one test's journal, and ways to it that the journal does not have.</summary>
public abstract class JournalStore : IDisposable
{
    /// <summary>How the journal names it in messages.</summary>
    public abstract string Place { get; }

    /// <summary>What the journals of this store warned of.</summary>
    public ConcurrentQueue<string> Warnings { get; } = new();

    /// <summary>Opens a journal that waits long for locks.</summary>
    public abstract OpenJournal Open(int maxBatchEvents = 8192, int maxBatchBytes = 4 << 20);

    /// <summary>Changes the tables as somebody outside the journal would.</summary>
    /// <param name="sql">With octets written as in SQLite: <c>x'00'</c>.</param>
    /// <returns>How many rows changed.</returns>
    public abstract int Edit(string sql);

    public abstract long Count(string sql);

    /// <summary>Adds a copy of the last event of the only stream, with the next number.</summary>
    public abstract int Forge();

    /// <summary>Until it is disposed of, the journal's writer waits.</summary>
    public abstract IDisposable HoldWrites();

    public abstract void Dispose();
}

/// <summary>A journal of whatever store.</summary>
public sealed class OpenJournal(IJournal journal, Func<JournalStatistics> statistics) : IJournal, IDisposable
{
    public JournalStatistics Statistics => statistics();

    public void Append(AppendRequest request) => journal.Append(request);

    public void Load(LoadRequest request) => journal.Load(request);

    public void SaveSnapshot(SnapshotRequest request) => journal.SaveSnapshot(request);

    public void Dispose() => ((IDisposable)journal).Dispose();
}
