namespace Mesh.DataPlane;

/// <summary>Notices that a tunnel is sent packets and nothing comes back: whoever asks only when packets are sent needs no timer.</summary>
/// <remarks>Used by several threads at once. What it says may be late by a packet, which does no harm.</remarks>
internal struct Silence
{
    /// <summary>After so long without an answer the tunnel is silent, and again after the same time.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);

    private const long NothingSent = long.MinValue;
    private long _unansweredSince;

    /// <summary>A tunnel that nothing was sent to yet.</summary>
    public Silence() => _unansweredSince = NothingSent;

    /// <summary>Something authentic came.</summary>
    public void Received()
    {
        if (Volatile.Read(ref _unansweredSince) != NothingSent)
            Volatile.Write(ref _unansweredSince, NothingSent);
    }

    /// <summary>A packet was sent.</summary>
    /// <returns>Whether to say now that the tunnel is silent.</returns>
    public bool Sent(TimeSpan now)
    {
        long since = Volatile.Read(ref _unansweredSince);
        if (since != NothingSent && now.Ticks - since < Limit.Ticks)
            return false;
        Volatile.Write(ref _unansweredSince, now.Ticks);
        return since != NothingSent;
    }
}
