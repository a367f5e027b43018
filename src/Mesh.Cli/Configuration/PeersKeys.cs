using Mesh.Hocon.Schema;
using Mesh.Node.Peers;

namespace Mesh.Cli.Configuration;

/// <summary>Keys of a node's sessions with other nodes.</summary>
internal static class PeersKeys
{
    private static readonly KeySection Section = new("node.peers");
    private static readonly PeersOptions Standard = new();

    public static ConfigKey<int> MaxPeers { get; } = Section.Int("max-peers", Standard.MaxPeers, 1, 65_536,
        "Sessions with other nodes that are kept at a time; a newcomer takes the place of the one that was quiet for longest.", "About 8 kB each.");

    public static ConfigKey<int> MaxRemembered { get; } = Section.Int("max-remembered", Standard.MaxRemembered, 0, 65_536,
        "Nodes whose certificate is remembered over a restart, which spares a part of the handshake.", "");

    public static ConfigKey<int> ChecksPerSecond { get; } = Section.Int("checks-per-second", Standard.ChecksPerSecond, 1, 100_000,
        "Certificates of unknown nodes that are checked per second, of all sources together.", "One takes about 50 µs of a worker; fewer let a flood keep newcomers out for longer.");

    public static ConfigKey<int> ChecksPerSecondAndSource { get; } = Section.Int("checks-per-second-and-source", Standard.ChecksPerSecondAndSource, 1, 100_000,
        "Certificates that are checked per second of one source.", "");

    public static ConfigKey<int> SecretsPerSecond { get; } = Section.Int("secrets-per-second", Standard.SecretsPerSecond, 1, 100_000,
        "Session secrets that are made per second, for all nodes together.", "One takes about 1.5 ms of a worker.");

    public static ConfigKey<TimeSpan> SecretReuse { get; } = Section.Duration("secret-reuse", Standard.SecretReuse, 0, 60,
        "A node that greets again within this time gets the same secret again.", "");

    public static ConfigKey<int> OpeningsPerSecond { get; } = Section.Int("openings-per-second", Standard.OpeningsPerSecond, 1, 100_000,
        "Secrets of one node that are opened per second while one is waited for.", "");

    public static ConfigKey<TimeSpan> GreetingPause { get; } = Section.Duration("greeting-pause", Standard.GreetingPause, 1, 600,
        "How often at most a greeting is answered with one of our own.", "");

    public static ConfigKey<TimeSpan> GreetingRetry { get; } = Section.Duration("greeting-retry", Standard.GreetingRetry, 0.1, 60,
        "When an unanswered greeting is repeated first; then after twice as long each time.", "");

    public static ConfigKey<TimeSpan> MaxGreetingRetry { get; } = Section.Duration("max-greeting-retry", Standard.MaxGreetingRetry, 0.1, 600,
        "The longest time between two greetings to a node that does not answer.", "");

    public static ConfigKey<TimeSpan> GreetingPatience { get; } = Section.Duration("greeting-patience", Standard.GreetingPatience, 1, 3600,
        "After how long without a session a node is given up, and what was to be sent with it.", "");

    public static ConfigKey<TimeSpan> MessageRetry { get; } = Section.Duration("message-retry", Standard.MessageRetry, 0.1, 60,
        "When an unanswered message is repeated first; then after twice as long each time.", "");

    public static ConfigKey<int> MessageAttempts { get; } = Section.Int("message-attempts", Standard.MessageAttempts, 1, 20,
        "How often a message is sent before the session counts as dead.", "1 greets anew for a single lost packet.");

    public static ConfigKey<int> MaxWaiting { get; } = Section.Int("max-waiting", Standard.MaxWaiting, 1, 1024,
        "Messages to one node that wait for a session or an answer; the oldest goes where there are more.", "");

    public static ConfigKey<int> VersionChecksPerSecond { get; } = Section.Int("version-checks-per-second", Standard.VersionChecksPerSecond, 1, 100_000,
        "Versions of the network's parameters told by one node whose signature is checked per second.", "");

    public static ConfigKey<bool> TellsCapabilities { get; } = ConfigKey.Boolean("node.peers.tells-capabilities", new KeyOptions<bool>
    {
        Meaning = "Whether nodes are told what this one can do beyond re6st's protocol 10; those of re6st pass over it.",
        Default = Standard.TellsCapabilities,
    });

    public static ConfigKey<int> LogsPerSecond { get; } = Section.Int("logs-per-second", Standard.LogsPerSecond, 1, 1000,
        "Messages for the registry's log of one node that the registry's node writes per second.", "");

    public static IReadOnlyList<ConfigKey> All { get; } =
    [
        MaxPeers, MaxRemembered, ChecksPerSecond, ChecksPerSecondAndSource, SecretsPerSecond, SecretReuse, OpeningsPerSecond, GreetingPause,
        GreetingRetry, MaxGreetingRetry, GreetingPatience, MessageRetry, MessageAttempts, MaxWaiting, VersionChecksPerSecond,
        TellsCapabilities, LogsPerSecond,
    ];

    public static IReadOnlyList<ConfigRule> Rules { get; } =
    [
        new("greeting-retries", [MaxGreetingRetry, GreetingRetry], "the longest time has to be at least the first one", static c => c.Get(MaxGreetingRetry) >= c.Get(GreetingRetry)),
    ];

    public static PeersOptions Map(ResolvedConfig config) => Standard with
    {
        MaxPeers = config.Get(MaxPeers),
        MaxRemembered = config.Get(MaxRemembered),
        ChecksPerSecond = config.Get(ChecksPerSecond),
        ChecksPerSecondAndSource = config.Get(ChecksPerSecondAndSource),
        SecretsPerSecond = config.Get(SecretsPerSecond),
        SecretReuse = config.Get(SecretReuse),
        OpeningsPerSecond = config.Get(OpeningsPerSecond),
        GreetingPause = config.Get(GreetingPause),
        GreetingRetry = config.Get(GreetingRetry),
        MaxGreetingRetry = config.Get(MaxGreetingRetry),
        GreetingPatience = config.Get(GreetingPatience),
        MessageRetry = config.Get(MessageRetry),
        MessageAttempts = config.Get(MessageAttempts),
        MaxWaiting = config.Get(MaxWaiting),
        VersionChecksPerSecond = config.Get(VersionChecksPerSecond),
        TellsCapabilities = config.Get(TellsCapabilities),
        LogsPerSecond = config.Get(LogsPerSecond),
    };
}
