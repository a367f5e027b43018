using System.Runtime.InteropServices;

namespace Mesh.Babel.Requests;

/// <summary>A seqno request that has not been satisfied (RFC 8966 section 3.2.7).</summary>
[StructLayout(LayoutKind.Auto)]
internal struct PendingRequest
{
    /// <summary>Requester of our own requests.</summary>
    public const int Self = -1;

    /// <summary>Requester where several neighbours asked: the answer goes everywhere.</summary>
    public const int Several = -2;

    /// <summary>Whose sequence number is asked for.</summary>
    public RouterId RouterId;

    /// <summary>When this is forgotten, in centiseconds.</summary>
    public long ExpiresAt;

    /// <summary>When it is sent again, in centiseconds; only our own are.</summary>
    public long ResendAt;

    /// <summary>Until when an equal or older request is not forwarded, in centiseconds.</summary>
    public long SuppressUntil;

    /// <summary>Next request for the same prefix, or -1.</summary>
    public int Next;

    /// <summary>Slot of the neighbour on whose behalf it was sent, <see cref="Self"/> or <see cref="Several"/>.</summary>
    public int Requester;

    /// <summary>The least number that satisfies.</summary>
    public Seqno Seqno;

    /// <summary>Repetitions done.</summary>
    public byte ResendsDone;

    /// <summary>Takes down that this neighbour waits for the answer as well.</summary>
    public void Join(int neighbour)
    {
        if (Requester == Self)
            Requester = neighbour;
        else if (Requester != neighbour)
            Requester = Several;
    }
}
