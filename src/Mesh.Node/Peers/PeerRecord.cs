using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Security.Certificates;
using Mesh.Security.Sessions;

namespace Mesh.Node.Peers;

/// <summary>What is known of a peer. The session's actor writes it, its parent reads it; both live on one loop.</summary>
internal sealed class PeerRecord(NodePrefix prefix)
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

    /// <summary>How far the session is.</summary>
    public PeerState State { get; set; }

    /// <summary>The session that is in use, or null.</summary>
    public PeerSession? Session { get; set; }

    /// <summary>When something authentic came last, or the record was made.</summary>
    public TimeSpan LastHeard { get; set; }

    /// <summary>As others may see it.</summary>
    public PeerStatus ToStatus()
    {
        const uint BeforeFirst = SessionMessage.FirstNumber - 1;
        return new PeerStatus(Prefix, State, Protocol, Features, (Session?.LastSent ?? BeforeFirst) - BeforeFirst, (Session?.LastReceived ?? BeforeFirst) - BeforeFirst);
    }
}
