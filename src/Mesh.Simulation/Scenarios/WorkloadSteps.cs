namespace Mesh.Simulation.Scenarios;

/// <summary>When the nodes of a wave are switched on.</summary>
public enum WaveShape
{
    /// <summary>At any time, each as likely as any other.</summary>
    Even,

    /// <summary>All at once.</summary>
    Burst,

    /// <summary>More and more: as many a second as time has passed.</summary>
    Growing,

    /// <summary>Fewer and fewer: the reverse of growing.</summary>
    Fading,
}

/// <summary>Nodes that have never run are switched on, and so join.</summary>
/// <param name="Site">Of which site, and of those that have come of it; null: of all.</param>
/// <param name="Count">How many at most; null: as <paramref name="Share"/> says.</param>
/// <param name="Share">Which share of those that are left, 0..1, rounded up.</param>
/// <param name="Spread">Within which time, which passes.</param>
/// <param name="Shape">When in this time.</param>
public sealed record JoinWave(string? Site, int? Count, double Share, TimeSpan Spread, WaveShape Shape) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title =>
        $"{(Count is { } count ? $"{count}" : Share < 1 ? $"{Share:0.###%} of the" : "all")} new nodes{(Site is null ? "" : $" of {Site}")} are switched on{(Spread > TimeSpan.Zero ? $" within {Spread.TotalSeconds:0.###} s, {Shape.ToString().ToLowerInvariant()}" : " at once")}";
}

/// <summary>Wait until every node that is switched on has joined; it is a violation when that takes longer than <paramref name="Within"/>.</summary>
public sealed record AwaitJoined(TimeSpan Within) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title => $"every node has joined within {Within.TotalSeconds:0.###} s";
}

/// <summary>Wait until all programs that are older than the network wants (<c>min-protocol</c>) have ended, saying so. It is a violation when that takes longer than <paramref name="Within"/>, when there are none, or when
/// another one has ended.</summary>
public sealed record AwaitRefused(TimeSpan Within) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title => $"programs that are too old have ended within {Within.TotalSeconds:0.###} s";
}

/// <summary>Nodes crash and come back all the time: in each interval a share of those that run, each at a random moment. The registry's node is left alone.</summary>
/// <param name="Share">Which share, 0..1. Fractions of a node are saved up.</param>
/// <param name="Interval">Of which time.</param>
/// <param name="Duration">How long altogether.</param>
/// <param name="Replaces">True: what comes back is another node that nobody has seen, with an empty disk; false: the same one.</param>
public sealed record Churn(double Share, TimeSpan Interval, TimeSpan Duration, bool Replaces) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title => $"{Share:0.###%} of the nodes are {(Replaces ? "replaced" : "restarted")} every {Interval.TotalSeconds:0.###} s, for {Duration.TotalSeconds:0.###} s";
}

/// <summary>Somebody sets wall clocks.</summary>
/// <param name="Machine">The machine's name, or null: nodes, but not the registry's.</param>
/// <param name="Share">Without a name: which share of the nodes, 0..1, rounded up; chosen at random.</param>
/// <param name="By">How much, on (positive) or back.</param>
public sealed record JumpClock(string? Machine, double Share, TimeSpan By) : ScenarioStep
{
    /// <inheritdoc/>
    public override string? Machine { get; } = Machine;

    /// <inheritdoc/>
    public override string Title => $"the clock of {Machine ?? (Share < 1 ? $"{Share:0.###%} of the nodes" : "all nodes")} jumps {(By < TimeSpan.Zero ? "back" : "on")} by {By.Duration().TotalSeconds:0.###} s";
}

/// <summary>A long time passes of which only parts are computed: of each <paramref name="Every"/> the last <paramref name="Run"/>; all wall clocks jump over what comes before, for which
/// machines are off or, without restarts, go on. It is a violation when a
/// certificate has ended at a node that runs, or when a node has had fewer renewals than <paramref name="MinRenewals"/>.</summary>
/// <param name="Duration">The long time.</param>
/// <param name="Every">In pieces of this length.</param>
/// <param name="Run">How much of each piece is computed.</param>
/// <param name="Restarts">True: machines are off meanwhile, so that they look at their clocks when they are switched on. False: nobody notices, so that timers of <paramref name="Run"/> have to be enough.</param>
/// <param name="MinRenewals">How many new certificates each node that runs gets at least.</param>
public sealed record Skip(TimeSpan Duration, TimeSpan Every, TimeSpan Run, bool Restarts, int MinRenewals) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title =>
        $"{Duration.TotalDays:0.###} days pass, of which {Run.TotalSeconds:0.###} s of every {Every.TotalSeconds:0.###} s are computed{(Restarts ? ", and machines are off for the rest" : "")}{(MinRenewals > 0 ? $", and each node gets at least {MinRenewals} new certificates" : "")}";
}

/// <summary>The authority gets another certificate, as <c>mesh registry renew-ca</c> gives it one, and the registry is restarted with it.</summary>
/// <param name="Lifetime">How long it is good.</param>
public sealed record RenewAuthority(TimeSpan Lifetime) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title => $"the authority's certificate is renewed for {Lifetime.TotalDays:0.###} days";
}
