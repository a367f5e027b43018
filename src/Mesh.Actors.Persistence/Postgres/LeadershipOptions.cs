namespace Mesh.Actors.Persistence.Postgres;

/// <summary>Settings of a <see cref="Leadership"/>. All processes of a cluster need the same times.</summary>
public sealed record LeadershipOptions
{
    /// <summary>Where the other processes reach this one while it leads: <c>http://</c> or <c>https://</c>, without query.</summary>
    public required Uri Url { get; init; }

    /// <summary>How often the leader renews. 50 ms to 1 minute, default 1 s.</summary>
    public TimeSpan RenewInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long after the last renewal a leader that cannot renew steps down. More than <see cref="RenewInterval"/>, default 3 s.</summary>
    public TimeSpan StepDownAfter { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a follower sees no renewal before it ends the leader's connection and takes over. More than <see cref="StepDownAfter"/>, default 4 s.</summary>
    /// <remarks>The difference is how far the two may be apart in noticing it. It only keeps two from answering at a time; that two do not write is not left to time.</remarks>
    public TimeSpan TakeOverAfter { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>How often a follower looks. 10 ms to 1 minute, default 0.5 s: what a change of leader costs where the former one ended in order or was killed.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Every setting that breaks its rule, one sentence each.</summary>
    public IEnumerable<string> Validate()
    {
        if (Url is null || !Url.IsAbsoluteUri || (Url.Scheme != Uri.UriSchemeHttp && Url.Scheme != Uri.UriSchemeHttps) || Url.Query.Length > 0 || Url.Fragment.Length > 0 || Url.UserInfo.Length > 0)
            yield return $"the address for the other processes is '{Url}', and has to be like http://10.0.0.1:8080";
        if (RenewInterval < TimeSpan.FromMilliseconds(50) || RenewInterval > TimeSpan.FromMinutes(1))
            yield return $"the renewal interval is {RenewInterval}, and has to be from 50 ms to 1 minute";
        if (StepDownAfter <= RenewInterval)
            yield return $"a leader steps down after {StepDownAfter}, and that has to be longer than the renewal interval of {RenewInterval}";
        if (TakeOverAfter <= StepDownAfter)
            yield return $"a follower takes over after {TakeOverAfter}, and that has to be later than when the leader steps down, after {StepDownAfter}";
        if (PollInterval < TimeSpan.FromMilliseconds(10) || PollInterval > TimeSpan.FromMinutes(1))
            yield return $"the poll interval is {PollInterval}, and has to be from 10 ms to 1 minute";
    }
}
