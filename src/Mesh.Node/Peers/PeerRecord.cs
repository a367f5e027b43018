using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Security.Certificates;
using Mesh.Security.Sessions;

namespace Mesh.Node.Peers;

/// <summary>What is known of a peer. The session's actor writes it, its parent reads it; both live on one loop.</summary>
/// <param name="prefix">The node.</param>
/// <param name="made">When the record is made.</param>
internal sealed class PeerRecord(NodePrefix prefix, TimeSpan made)
{
    /// <summary>The node.</summary>
    public NodePrefix Prefix => prefix;

    /// <summary>Its newest certificate that was checked, or null. Set by its greetings.</summary>
    public NodeCertificate? Certificate { get; set; }

    /// <summary>Greatest secret that was ever in use with it: only greater ones are taken.</summary>
    public required SessionKey Floor { get; set; }

    /// <summary>The protocol number in its greeting or secret; 0 where it states none, null before.</summary>
    public int? Protocol { get; set; }

    /// <summary>What it can do beyond that; null where it has not said. Set by its <see cref="PeerCapabilities"/>.</summary>
    public PeerFeatures? Features { get; set; }

    /// <summary>How far the session is. Set by <see cref="Enter"/>.</summary>
    public PeerState State { get; private set; }

    /// <summary>When it came into that state.</summary>
    public TimeSpan Since { get; private set; } = made;

    /// <summary>The session that is in use, or null.</summary>
    public PeerSession? Session { get; set; }

    /// <summary>When something authentic came last; null before. Set by <see cref="Hear"/>.</summary>
    public TimeSpan? LastHeard { get; private set; }

    /// <summary>Since when nothing authentic has come.</summary>
    public TimeSpan QuietSince { get; private set; } = made;

    /// <summary>Something authentic has come.</summary>
    public void Hear(TimeSpan now) => (LastHeard, QuietSince) = (now, now);

    /// <summary>The session is in a state from now on.</summary>
    public void Enter(PeerState state, TimeSpan now) => (State, Since) = (state, now);

    /// <summary>As others may see it.</summary>
    /// <param name="epoch">The wall clock's time when the loop's was 0.</param>
    public PeerStatus ToStatus(DateTimeOffset epoch)
    {
        const uint BeforeFirst = SessionMessage.FirstNumber - 1;
        return new PeerStatus(Prefix, State, Protocol, Features, (Session?.LastSent ?? BeforeFirst) - BeforeFirst, (Session?.LastReceived ?? BeforeFirst) - BeforeFirst)
        {
            Since = epoch + Since,
            LastHeard = epoch + LastHeard,
        };
    }
}
