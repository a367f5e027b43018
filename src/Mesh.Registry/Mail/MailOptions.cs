namespace Mesh.Registry.Mail;

/// <summary>Settings of the <see cref="MailActor"/>.</summary>
public sealed record MailOptions
{
    /// <summary>Sender of the mails: the e-mail address in the authority's certificate.</summary>
    public required string From { get; init; }

    /// <summary>How many requests may be under way before further ones are refused as overload; 1..1000, default 8.</summary>
    public int MaxUnderWay { get; init; } = 8;

    /// <summary>How long an address gets no second mail; 1 s..1 day, default 10 minutes.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// How many addresses are remembered for that; 1..1000000, default 10000. When there are more, further requests are refused as overload: to forget one early would
    /// let a flood of requests fill somebody's mailbox.
    /// </summary>
    public int MaxRemembered { get; init; } = 10_000;

    /// <summary>How long the port may take. Longer than its own limits, for a mail that is sent after this has a token that is no good; 1 s..10 minutes, default 90 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>Every setting that breaks its rule, one sentence each.</summary>
    public IEnumerable<string> Validate()
    {
        if (MailAddress.ProblemOf(From) is { } problem)
            yield return $"the sender of mails is '{From}': {problem}";
        if (MaxUnderWay is < 1 or > 1000)
            yield return $"max-mails is {MaxUnderWay}; it has to be 1 to 1000";
        if (Interval < TimeSpan.FromSeconds(1) || Interval > TimeSpan.FromDays(1))
            yield return $"the interval of mails is {Interval}; it has to be 1 second to 1 day";
        if (MaxRemembered is < 1 or > 1_000_000)
            yield return $"the number of remembered addresses is {MaxRemembered}; it has to be 1 to 1000000";
        if (Timeout < TimeSpan.FromSeconds(1) || Timeout > TimeSpan.FromMinutes(10))
            yield return $"the time limit of mails is {Timeout}; it has to be 1 second to 10 minutes";
    }
}
