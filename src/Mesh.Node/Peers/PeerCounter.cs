using System.Collections.Immutable;

namespace Mesh.Node.Peers;

/// <summary>What happens to datagrams between nodes. Each datagram that is not acted on is counted under its reason.</summary>
public enum PeerCounter
{
    /// <summary>Datagrams that came in, all of them.</summary>
    Received,

    /// <summary>Datagrams sent.</summary>
    Sent,

    /// <summary>Too short for any kind, or not laid out as its kind.</summary>
    Malformed,

    /// <summary>The source is outside of the network, or in our own subnet.</summary>
    ForeignSource,

    /// <summary>A secret or a message from somebody who has not shown a certificate.</summary>
    UnknownPeer,

    /// <summary>A message whose code does not fit any session with the peer.</summary>
    BadMac,

    /// <summary>A message that is authentic, but not newer than the last one.</summary>
    Replayed,

    /// <summary>A certificate that was refused: another authority's, expired, revoked, not for the source's address.</summary>
    CertificateRefused,

    /// <summary>Greetings that were not looked at, because too many came.</summary>
    GreetingLimited,

    /// <summary>Greetings that were not answered, because one was answered a short time ago.</summary>
    GreetingUnanswered,

    /// <summary>Secrets that were not opened or not made, because too many were asked for.</summary>
    SecretLimited,

    /// <summary>A secret that is not signed by the peer or not for us.</summary>
    SecretRefused,

    /// <summary>A secret that is not greater than what is in use: an old one that was sent again.</summary>
    SecretStale,

    /// <summary>Work that the pool did not take or that failed.</summary>
    WorkRefused,

    /// <summary>Sessions begun.</summary>
    Established,

    /// <summary>Messages to us, acknowledgements not among them.</summary>
    Messages,

    /// <summary>Messages whose code we do not know.</summary>
    UnknownCode,

    /// <summary>Messages whose data cannot be read.</summary>
    BadData,

    /// <summary>Messages that the sender may not send: a topology request of others than the registry's node, a text for the log of others.</summary>
    NotAllowed,

    /// <summary>Network versions that the authority did not sign.</summary>
    VersionForged,

    /// <summary>Messages that were not acted on, because the peer sends too many.</summary>
    MessageLimited,

    /// <summary>Messages that were given up: the peer did not answer, or too many waited.</summary>
    Undelivered,

    /// <summary>Sessions that were given up for another one.</summary>
    Evicted,

    /// <summary>Sessions that ended because the peer's certificate was revoked or has expired.</summary>
    Expelled,

    /// <summary>Datagrams of programs of this machine that cannot be read.</summary>
    LocalMalformed,

    /// <summary>How many there are; not a counter.</summary>
    Count,
}

/// <summary>Counts of one loop's actors; only they touch it.</summary>
public sealed class PeerCounters
{
    private readonly long[] _values = new long[(int)PeerCounter.Count];

    /// <summary>One of the counts.</summary>
    public long this[PeerCounter counter] => _values[(int)counter];

    /// <summary>Counts one more.</summary>
    public void Add(PeerCounter counter) => _values[(int)counter]++;

    /// <summary>All that are not 0.</summary>
    public ImmutableSortedDictionary<PeerCounter, long> ToImmutable() =>
        Enum.GetValues<PeerCounter>().Where(counter => counter != PeerCounter.Count && this[counter] != 0).ToImmutableSortedDictionary(static counter => counter, counter => this[counter]);
}
