namespace Mesh.Registry.Http.Tests;

/// <summary>A monotonic clock that stands still until a test moves it.</summary>
internal sealed class SteppedClock : TimeProvider
{
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);

    public void Advance(TimeSpan duration) => _ = Interlocked.Add(ref _ticks, duration.Ticks);
}
