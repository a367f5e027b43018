using System.Diagnostics;

namespace Mesh.Interop.Tests.Harness;

/// <summary>Waits for what takes its time in a real network.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60), Poll = TimeSpan.FromMilliseconds(100);

    /// <summary>Waits until something is so.</summary>
    /// <param name="condition">Asked again and again.</param>
    /// <param name="what">The end of "not in time: ".</param>
    /// <param name="explain">Says what there is instead.</param>
    /// <param name="limit">How long at most; 60 s unless it says otherwise: a machine with much else to do is slow.</param>
    public static async Task TrueAsync(Func<Task<bool>> condition, string what, Func<string>? explain = null, TimeSpan? limit = null)
    {
        TimeSpan patience = limit ?? Limit;
        long start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(start) > patience)
                throw new TimeoutException($"not within {patience.TotalSeconds:0} s: {what}\n{explain?.Invoke()}");
            await Task.Delay(Poll, TestContext.Current.CancellationToken);
        }
    }

    /// <inheritdoc cref="TrueAsync(Func{Task{bool}}, string, Func{string}, TimeSpan?)"/>
    public static Task TrueAsync(Func<bool> condition, string what, Func<string>? explain = null, TimeSpan? limit = null) =>
        TrueAsync(() => Task.FromResult(condition()), what, explain, limit);
}
