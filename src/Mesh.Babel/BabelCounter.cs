namespace Mesh.Babel;

/// <summary>What a speaker counts. Everything that it ignores is counted somewhere.</summary>
public enum BabelCounter
{
    /// <summary>Packets given to <see cref="BabelSpeaker.Receive"/>.</summary>
    PacketsReceived,

    /// <summary>Packets sent.</summary>
    PacketsSent,

    /// <summary>Octets of UDP payload sent.</summary>
    OctetsSent,

    /// <summary>Updates sent, retractions included.</summary>
    UpdatesSent,

    /// <summary>Packets for an interface that does not exist.</summary>
    UnknownInterface,

    /// <summary>Packets whose source is not link-local, or is our own address.</summary>
    BadSource,

    /// <summary>Packets with a bad header.</summary>
    BadPacket,

    /// <summary>TLVs of unknown type.</summary>
    UnknownTlv,

    /// <summary>TLVs that are malformed, misplaced, or run past the packet.</summary>
    MalformedTlv,

    /// <summary>TLVs with an unknown address encoding.</summary>
    UnknownEncoding,

    /// <summary>TLVs with a mandatory sub-TLV that is not understood.</summary>
    MandatorySubTlv,

    /// <summary>Updates that lack a default prefix, router-id or next hop.</summary>
    IncompleteUpdate,

    /// <summary>Updates for everything that are not retractions.</summary>
    BadWildcard,

    /// <summary>Updates for prefixes that are never routed.</summary>
    MartianPrefix,

    /// <summary>Announcements that the filter refused.</summary>
    FilteredIn,

    /// <summary>Announcements of ours that the filter kept back.</summary>
    FilteredOut,

    /// <summary>Updates that carry our own router-id.</summary>
    OwnRouterId,

    /// <summary>Retractions of routes that we do not have.</summary>
    UnknownRetraction,

    /// <summary>Updates that were not feasible.</summary>
    UnfeasibleUpdate,

    /// <summary>IHUs for somebody else.</summary>
    ForeignIhu,

    /// <summary>Round-trip times measured.</summary>
    RttSamples,

    /// <summary>Round-trip times not used: by one of the two clocks, more than three minutes or less than nothing had passed (RFC 9616 section 3.3).</summary>
    RttSamplesRefused,

    /// <summary>Acknowledgments, which we never ask for.</summary>
    UnexpectedAck,

    /// <summary>Neighbours refused because the table is full.</summary>
    NeighbourLimit,

    /// <summary>Prefixes refused because the table is full.</summary>
    PrefixLimit,

    /// <summary>Routes refused because the table is full.</summary>
    RouteLimit,

    /// <summary>Updates not sent because no feasibility distance could be stored for them.</summary>
    SourceLimit,

    /// <summary>Seqno requests not sent or forwarded because the table is full.</summary>
    RequestLimit,

    /// <summary>Requests for the whole table that came too soon after the last one.</summary>
    WildcardSuppressed,

    /// <summary>Seqno requests not forwarded because the same one was a moment ago.</summary>
    RequestSuppressed,

    /// <summary>Seqno requests that could not be forwarded: no hops left, or nobody to forward to.</summary>
    RequestDropped,

    /// <summary>Requests for a newer number of our own that <see cref="BabelSpeaker.SeqnoLimit"/> did not allow.</summary>
    SeqnoHeld,

    /// <summary>Seqno requests of our own, repetitions included; one that goes to several neighbours counts once.</summary>
    SeqnoRequestsSent,

    /// <summary>Seqno requests forwarded.</summary>
    SeqnoRequestsForwarded,

    /// <summary>IPv4 updates not sent because the interface has no IPv4 address.</summary>
    NoIpv4Address,

    /// <summary>Packets without a MAC, where there are keys.</summary>
    MissingMac,

    /// <summary>Packets none of whose MACs is good under any of our keys: of another network, or forged.</summary>
    WrongMac,

    /// <summary>Packets with a good MAC and no number.</summary>
    MissingPacketCounter,

    /// <summary>Packets with a good MAC whose sender has not shown yet that they are of today.</summary>
    UnknownIndex,

    /// <summary>Packets with a good MAC that came before, or too late.</summary>
    OldPacketCounter,

    /// <summary>Those of the five kinds above that were used all the same, because the interface accepts anything.</summary>
    Tolerated,

    /// <summary>Senders with a good MAC that could not be challenged or answered because too many are remembered.</summary>
    PeerLimit,

    /// <summary>Challenges sent, repetitions included.</summary>
    ChallengesSent,

    /// <summary>Challenges not sent because the last one to the same peer was a moment ago.</summary>
    ChallengesSuppressed,

    /// <summary>Challenges of ours that were answered.</summary>
    ChallengesPassed,

    /// <summary>Packets with an answer to no challenge of ours, or to one that is over.</summary>
    ChallengesFailed,

    /// <summary>Challenges of others that we answered.</summary>
    ChallengesAnswered,

    /// <summary>Challenges of others that we did not answer: multicast, or too soon after the last one.</summary>
    ChallengesIgnored,

    /// <summary>Fresh indices drawn because the packet counter had run out.</summary>
    IndexChanges,

    /// <summary>Neighbours found.</summary>
    NeighboursFound,

    /// <summary>Neighbours lost.</summary>
    NeighboursLost,

    /// <summary>Number of the other members.</summary>
    Count,
}
