namespace Mesh.Registry;

/// <summary>Timers for dates. The wall clock may be set while a timer runs, so none sleeps long: who wakes looks at the clock again.</summary>
internal static class WallClock
{
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    /// <summary>How long to sleep before looking again whether <paramref name="due"/> has come: 1 second to 1 hour.</summary>
    public static TimeSpan SleepUntil(DateTimeOffset due, DateTimeOffset now) =>
        due - now is var rest && rest < Shortest ? Shortest : rest > Longest ? Longest : rest;
}
