using System.Runtime.InteropServices;

namespace Mesh.Babel.Neighbours;

/// <summary>Which of the last 16 Hellos of one series arrived (RFC 8966 appendix A.1), with the timer that notices a missing one.</summary>
/// <remarks><code>
/// bit 15 = newest Hello ... bit 0 = oldest       Received: shift right, set bit 15       Missed: shift right
/// </code>
/// The timer is exact: 1.5 intervals after a Hello, then every interval.</remarks>
[StructLayout(LayoutKind.Auto)]
internal struct HelloHistory()
{
    /// <summary>RFC 8966 appendix A.1: a peer whose number is further off than this has restarted.</summary>
    private const int MaxDistance = 16;

    /// <summary>How long a peer that only sends unscheduled Hellos is believed to be there, per Hello; RFC 8966 does not say.</summary>
    private static readonly TimeSpan UnscheduledInterval = TimeSpan.FromSeconds(60);

    private Seqno _expected;
    private bool _isStarted;
    private TimeSpan _interval;

    /// <summary>The history.</summary>
    public ushort Bits { get; private set; }

    /// <summary>When the next Hello counts as missed; <see cref="TimeSpan.MaxValue"/> where none is awaited.</summary>
    public TimeSpan Deadline { get; private set; } = TimeSpan.MaxValue;

    /// <summary>Whether two of the last three Hellos arrived (RFC 8966 appendix A.2.1).</summary>
    public readonly bool HasTwoOfThree => IsTwoOfThree(Bits);

    /// <summary>Whether the newest Hello arrived, the one before it did not, and some did before that.</summary>
    public readonly bool HasMissedOne => Bits >> 14 == 0b10 && (Bits & 0x3FFF) != 0;

    /// <summary>Whether at least two of the three newest bits are set.</summary>
    public static bool IsTwoOfThree(ushort bits) => ushort.PopCount((ushort)(bits >> 13)) >= 2;

    /// <summary>A Hello arrived.</summary>
    /// <returns>False where its number is so far off that the peer must have restarted; nothing is changed then.</returns>
    public bool Received(Seqno seqno, TimeSpan interval, TimeSpan now)
    {
        if (_isStarted)
        {
            int distance = seqno.DistanceFrom(_expected);
            if (Math.Abs(distance) > MaxDistance)
                return false;
            // A late or repeated number takes back the missing ones that were assumed; a jump ahead adds the ones that were lost.
            Bits = distance < 0 ? (ushort)(Bits << -distance) : (ushort)(Bits >> distance);
        }

        _isStarted = true;
        Bits = (ushort)((Bits >> 1) | 0x8000);
        _expected = seqno.Next;
        if (interval > TimeSpan.Zero || Deadline == TimeSpan.MaxValue)
        {
            _interval = interval > TimeSpan.Zero ? interval : UnscheduledInterval;
            Deadline = now + (_interval * 1.5);
        }

        return true;
    }

    /// <summary>Counts the Hellos that should have come by <paramref name="now"/>.</summary>
    /// <returns>Whether the history changed.</returns>
    public bool Expire(TimeSpan now)
    {
        bool changed = false;
        while (Deadline <= now)
        {
            Bits >>= 1;
            _expected = _expected.Next;
            changed = true;
            Deadline = Bits == 0 ? TimeSpan.MaxValue : Deadline + _interval;
        }

        return changed;
    }
}
