using System.Runtime.InteropServices;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Neighbours;

/// <summary>The round-trip time to one neighbour (RFC 9616 section 3): what has to be echoed to it, and what its echoes have shown.</summary>
/// <remarks><code>
/// we      t1 ---------------------- t2         round trip = (t2 - t1) - (t2' - t1'), each difference by one clock
///            \                     /           Hello says t1; the answer has t1 and t1' in an IHU and t2' in a Hello
/// peer        t1' ............. t2'
/// </code>
/// Two values are kept. The smoothed one follows the samples. The one that costs are computed from follows the smoothed one in steps: at once when they are a quarter apart, and
/// after <see cref="PatientSamples"/> samples in a row with a sixteenth between them on the same side. So a delay that swings by a tenth moves no metric, and a small lasting change still counts.</remarks>
[StructLayout(LayoutKind.Auto)]
internal struct RoundTrip()
{
    /// <summary>Samples in a row on one side of the value that counts, after which it follows a small change, too.</summary>
    public const int PatientSamples = 32;

    /// <summary>RFC 9616 section 3.3: whoever has waited longer has lost its clock, or its memory.</summary>
    private const uint MaxWaitMicroseconds = 180_000_000;

    /// <summary>A smaller change never counts: clocks and schedulers are no better.</summary>
    private const long MinStepMicroseconds = 1_000;

    private static readonly TimeSpan MaxEchoAge = TimeSpan.FromMicroseconds(MaxWaitMicroseconds);

    private uint _transmit;
    private uint _receive;
    private TimeSpan? _heardAt;
    private int _streak;

    /// <summary>Smoothed round-trip time in µs; null while there is no sample.</summary>
    public long? Smoothed { get; private set; }

    /// <summary>What costs are computed from, in µs; null while there is no sample.</summary>
    public long? Counted { get; private set; }

    /// <summary>When the samples are too old to be used; <see cref="TimeSpan.MaxValue"/> while there is none.</summary>
    public TimeSpan Deadline { get; private set; } = TimeSpan.MaxValue;

    /// <summary>A clock reading as it stands on the wire. Never 0, which babeld takes for "none".</summary>
    public static uint ToMicroseconds(TimeSpan now) => Math.Max(1, (uint)(ulong)(now.Ticks / TimeSpan.TicksPerMicrosecond));

    /// <summary>The round-trip time that a packet with both timestamps shows, in µs; false where the clocks cannot be right.</summary>
    /// <param name="echo">t1 and t1'.</param>
    /// <param name="hello">t2'.</param>
    /// <param name="received">t2.</param>
    /// <param name="microseconds">0 where the clocks run apart by more than the round trip takes.</param>
    public static bool TryMeasure(IhuTimestamp echo, HelloTimestamp hello, uint received, out long microseconds)
    {
        uint ours = received - echo.Origin;
        uint theirs = hello.Transmit - echo.Receive;
        microseconds = Math.Max(0, (long)ours - theirs);
        return ours <= MaxWaitMicroseconds && theirs <= MaxWaitMicroseconds;
    }

    /// <summary>A sample joins the average; rounded towards the sample, as babeld does.</summary>
    public static long Smooth(long before, long sample, int decay)
    {
        long sum = (decay * sample) + ((256 - decay) * before);
        return sample > before ? (sum + 255) / 256 : sum / 256;
    }

    /// <summary>A Hello with a timestamp came: it is to be echoed.</summary>
    public void HelloReceived(HelloTimestamp hello, uint receivedMicroseconds, TimeSpan now) => (_transmit, _receive, _heardAt) = (hello.Transmit, receivedMicroseconds, now);

    /// <summary>What an IHU to the neighbour echoes; null where there was no timestamp, or so long ago that the peer would not believe it.</summary>
    public readonly IhuTimestamp? Echo(TimeSpan now) => _heardAt is { } at && now - at <= MaxEchoAge ? new IhuTimestamp(_transmit, _receive) : null;

    /// <summary>Takes a sample.</summary>
    /// <param name="sample">In µs.</param>
    /// <param name="decay">See <see cref="RttParameters.Decay"/>.</param>
    /// <param name="until">How long the sample is good.</param>
    public void Take(long sample, int decay, TimeSpan until)
    {
        Deadline = until;
        if (Smoothed is not { } before || Counted is not { } counted)
        {
            (Smoothed, Counted, _streak) = (sample, sample, 0);
            return;
        }

        long smoothed = Smooth(before, sample, decay);
        Smoothed = smoothed;
        long distance = Math.Abs(smoothed - counted);
        int side = distance > Math.Max(counted / 16, MinStepMicroseconds) ? Math.Sign(smoothed - counted) : 0;
        _streak = side != 0 && Math.Sign(_streak) == side ? _streak + side : side;
        if (distance > Math.Max(counted / 4, MinStepMicroseconds) || Math.Abs(_streak) >= PatientSamples)
            (Counted, _streak) = (smoothed, 0);
    }

    /// <summary>Forgets the samples, not what has to be echoed.</summary>
    public void ForgetSamples() => (Smoothed, Counted, Deadline, _streak) = (null, null, TimeSpan.MaxValue, 0);
}
