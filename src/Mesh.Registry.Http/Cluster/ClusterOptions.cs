namespace Mesh.Registry.Http.Cluster;

/// <summary>Settings of a <see cref="RegistryCluster"/>.</summary>
public sealed record ClusterOptions
{
    /// <summary>How long a request waits while nobody leads, before it gets 503. 0 to 60 s, default 5 s: about what a change of leader takes.</summary>
    public TimeSpan ChangePatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the leader may take to answer a request that was passed on. 1 s to 5 minutes, default 40 s: more than it gives a call.</summary>
    public TimeSpan ForwardTimeout { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>How long it may take to connect to the leader. 0.1 s to 60 s, default 2 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How many requests may be passed on or wait for a leader at a time, before further ones get 503. 1 to 100000, default 512.</summary>
    public int MaxForwards { get; init; } = 512;

    /// <summary>Connections to the leader at a time. They are kept. 1 to 10000, default 64.</summary>
    public int MaxConnections { get; init; } = 64;

    /// <summary>How long a leader's actors may leave a question after their health unanswered, before the lead is given up. 1 s to 5 minutes, default 15 s.</summary>
    public TimeSpan HealthTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Gets a sentence for the log about each change of leader and each term that could not begin. Called on any thread; must return at once and not throw.</summary>
    public Action<string>? Log { get; init; }

    /// <summary>Every setting that breaks its rule, one sentence each.</summary>
    public IEnumerable<string> Validate()
    {
        if (ChangePatience < TimeSpan.Zero || ChangePatience > TimeSpan.FromSeconds(60))
            yield return $"change-patience is {ChangePatience.TotalSeconds:0.###} s; it has to be 0 to 60 s";
        if (ForwardTimeout < TimeSpan.FromSeconds(1) || ForwardTimeout > TimeSpan.FromMinutes(5))
            yield return $"forward-timeout is {ForwardTimeout.TotalSeconds:0.###} s; it has to be 1 to 300 s";
        if (ConnectTimeout < TimeSpan.FromSeconds(0.1) || ConnectTimeout > TimeSpan.FromSeconds(60))
            yield return $"connect-timeout is {ConnectTimeout.TotalSeconds:0.###} s; it has to be 0.1 to 60 s";
        if (MaxForwards is < 1 or > 100_000)
            yield return $"max-forwards is {MaxForwards}; it has to be 1 to 100000";
        if (MaxConnections is < 1 or > 10_000)
            yield return $"max-connections is {MaxConnections}; it has to be 1 to 10000";
        if (HealthTimeout < TimeSpan.FromSeconds(1) || HealthTimeout > TimeSpan.FromMinutes(5))
            yield return $"health-timeout is {HealthTimeout.TotalSeconds:0.###} s; it has to be 1 to 300 s";
    }
}
