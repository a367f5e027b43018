using Mesh.Actors.Loop;

namespace Mesh.Actors;

/// <summary>An actor's timers. Each has a key; starting a key again replaces the timer. All end with the actor or its restart.</summary>
/// <remarks>A timer that was cancelled or replaced does not fire any more, even if its time had come already.</remarks>
public readonly struct ActorTimers : IEquatable<ActorTimers>
{
    private readonly ActorCell _cell;

    internal ActorTimers(ActorCell cell) => _cell = cell;

    /// <summary>Tells the actor itself <paramref name="message"/> once, after <paramref name="delay"/>.</summary>
    public void StartSingle(object key, object message, TimeSpan delay) => _cell.StartTimer(key, message, delay, TimeSpan.Zero);

    /// <summary>Tells the actor itself <paramref name="message"/> every <paramref name="interval"/>, first after one interval.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The interval is not positive.</exception>
    public void StartPeriodic(object key, object message, TimeSpan interval) => StartPeriodic(key, message, interval, interval);

    /// <summary>Tells the actor itself <paramref name="message"/> every <paramref name="interval"/>, first after <paramref name="initialDelay"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The interval is not positive.</exception>
    public void StartPeriodic(object key, object message, TimeSpan initialDelay, TimeSpan interval)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(interval, TimeSpan.Zero);
        _cell.StartTimer(key, message, initialDelay, interval);
    }

    /// <summary>Cancels the timer with that key.</summary>
    /// <returns>False where there was none.</returns>
    public bool Cancel(object key) => _cell.CancelTimer(key);

    /// <summary>Cancels all timers of the actor.</summary>
    public void CancelAll() => _cell.CancelTimers();

    /// <summary>True while a timer with that key is armed.</summary>
    public bool IsActive(object key) => _cell.IsTimerActive(key);

    /// <inheritdoc/>
    public bool Equals(ActorTimers other) => ReferenceEquals(_cell, other._cell);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ActorTimers other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _cell.Ordinal;

    /// <summary>Timers of the same actor.</summary>
    public static bool operator ==(ActorTimers left, ActorTimers right) => left.Equals(right);

    /// <summary>Timers of different actors.</summary>
    public static bool operator !=(ActorTimers left, ActorTimers right) => !left.Equals(right);
}
