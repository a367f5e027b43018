using Mesh.Protocol.Peer;

namespace Mesh.Node.Peers;

/// <summary>Limits and timers of the sessions with other nodes.</summary>
public sealed record PeersOptions
{
    /// <summary>Sessions that are kept at a time; a newcomer takes the place of the one that was quiet for longest. Default 4096, about 8 kB each.</summary>
    public int MaxPeers { get; init; } = 4096;

    /// <summary>Peers whose certificate is remembered over a restart. Default 200 (re6st remembers as many addresses).</summary>
    public int MaxRemembered { get; init; } = 200;

    /// <summary>Certificates that are checked per second, of all sources together, in the long run. One takes about 50 µs of a worker. Default 200.</summary>
    public int ChecksPerSecond { get; init; } = 200;

    /// <summary>Certificates that are checked per second of one source. Default 2.</summary>
    public int ChecksPerSecondAndSource { get; init; } = 2;

    /// <summary>Secrets that are made per second, for all peers together, in the long run. One takes about 1.5 ms of a worker. Default 200.</summary>
    public int SecretsPerSecond { get; init; } = 200;

    /// <summary>A peer that greets again within this time gets the same secret again. Default 5 s.</summary>
    public TimeSpan SecretReuse { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Secrets of one peer that are opened per second while we wait for one; otherwise one per second. A bad signature takes about 50 µs of a worker. Default 200.</summary>
    public int OpeningsPerSecond { get; init; } = 200;

    /// <summary>How often at most a greeting is answered with one of our own (re6st: 60 s). The same greeting again is taken for a repetition of a lost one and answered up to twice more.</summary>
    public TimeSpan GreetingPause { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>When an unanswered greeting is repeated first; then after twice as long each time, up to <see cref="MaxGreetingRetry"/>. Default 2 s.</summary>
    public TimeSpan GreetingRetry { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The longest time between two greetings to a peer that does not answer. Default 10 s (re6st: 60 s, so that one lost datagram costs a minute).</summary>
    public TimeSpan MaxGreetingRetry { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>After how long without a session a peer is given up, and what was to be sent with it. Default 3 minutes.</summary>
    public TimeSpan GreetingPatience { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>When an unanswered message is repeated first; then after twice as long each time. Default 2 s.</summary>
    public TimeSpan MessageRetry { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often a message is sent before the session counts as dead and the peer is greeted anew. Default 3.</summary>
    public int MessageAttempts { get; init; } = 3;

    /// <summary>Messages to one peer that wait for a session or an answer; the oldest goes where there are more. Default 16.</summary>
    public int MaxWaiting { get; init; } = 16;

    /// <summary>Network versions of one peer whose signature is checked per second. Default 2.</summary>
    public int VersionChecksPerSecond { get; init; } = 2;

    /// <summary>Whether peers with a tunnel hear of new versions in the tunnel, see <see cref="Tunnels.TunnelsOptions.TellsVersion"/>, and need no message. Set from there.</summary>
    public bool IsVersionToldInTunnels { get; init; } = true;

    /// <summary>Whether we say to each peer what we can do beyond protocol 10. Default true; nodes of re6st pass over it.</summary>
    public bool TellsCapabilities { get; init; } = true;

    /// <summary>The protocol that we say we speak. Set from <see cref="NodeOptions.Protocol"/>.</summary>
    public int Protocol { get; init; } = PeerDatagram.Protocol;

    /// <summary>Log messages of one peer that the registry's node writes per second. Default 2.</summary>
    public int LogsPerSecond { get; init; } = 2;
}
