using Mesh.Protocol.Registry;

namespace Mesh.Registry.Http;

/// <summary>What is known and counted of one method. Counting takes no lock.</summary>
internal sealed class MethodMetrics
{
    /// <summary>Upper ends of the buckets of durations, in seconds; whatever took longer has one more.</summary>
    public static readonly double[] Buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

    private const int MinStatus = 100;
    private const int MaxStatus = 599;

    private static readonly long[] Ends = [.. Buckets.Select(static seconds => TimeSpan.FromSeconds(seconds).Ticks)];

    private readonly long[] _statuses = new long[MaxStatus - MinStatus + 1];
    private readonly long[] _durations = new long[Buckets.Length + 1];
    private long _ticks;

    public MethodMetrics(string name)
    {
        Name = name;
        // Methods for nodes check a session, which is cheap; what anybody may call is not.
        IsLimited = !RegistryMethod.TryFind(name, out RegistryMethod? known) || known.Access == RegistryAccess.Public;
    }

    /// <summary>The name in access log and metrics.</summary>
    public string Name { get; }

    /// <summary>Whether strangers may call it only so often.</summary>
    public bool IsLimited { get; }

    /// <summary>Time spent on all requests.</summary>
    public TimeSpan Total => new(Interlocked.Read(ref _ticks));

    public void Count(int status) => _ = Interlocked.Increment(ref _statuses[Math.Clamp(status, MinStatus, MaxStatus) - MinStatus]);

    public void Count(int status, TimeSpan duration)
    {
        Count(status);
        int bucket = 0;
        while (bucket < Ends.Length && duration.Ticks > Ends[bucket])
            bucket++;
        _ = Interlocked.Increment(ref _durations[bucket]);
        _ = Interlocked.Add(ref _ticks, duration.Ticks);
    }

    /// <summary>How many requests had which status, in the order of the statuses; only those that occurred.</summary>
    public IEnumerable<(int Status, long Count)> Statuses()
    {
        for (int index = 0; index < _statuses.Length; index++)
        {
            if (Interlocked.Read(ref _statuses[index]) is > 0 and long count)
                yield return (index + MinStatus, count);
        }
    }

    /// <summary>How many requests took at most as long as each bucket says, and in the end how many there were.</summary>
    public long[] Durations()
    {
        long[] counts = new long[_durations.Length];
        long sum = 0;
        for (int index = 0; index < counts.Length; index++)
            counts[index] = sum += Interlocked.Read(ref _durations[index]);
        return counts;
    }
}
