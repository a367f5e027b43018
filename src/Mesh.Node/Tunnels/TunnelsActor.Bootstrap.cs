namespace Mesh.Node.Tunnels;

/// <content>When the registry is asked whom else there is.</content>
public sealed partial class TunnelsActor
{
    private TimeSpan _isolatedSince;
    private TimeSpan _bootstrapAgainAt;
    private int _bootstrapAsked;
    private TimeSpan? _moreWantedAt;
    private int _moreWanted;

    // Whom we know may all be gone. The registry is asked at once where nobody is left to try, and otherwise when that has led to nothing for a while.
    private void WantBootstrap()
    {
        bool hasWaited = Context.Now - _isolatedSince >= _options.Tick * 3;
        if (_tunnels.Count > 0 && !hasWaited)
            return;
        if (Context.Now < _bootstrapAgainAt)
            return;
        // The registry may name a node that is gone: it believes an advertisement for a while. So the next question comes soon, and the later ones less and less often.
        TimeSpan delay = _options.MinBootstrapDelay * Math.Pow(2, Math.Min(_bootstrapAsked++, 20));
        delay = delay < _options.Tick * 2 ? delay : _options.Tick * 2;
        _bootstrapAgainAt = Context.Now + delay;
        Context.Timers.StartSingle(nameof(BootstrapWanted), Tick.Instance, delay);
        _bootstrap.Tell(new BootstrapWanted());
    }

    // We and those we have tunnels with may be an island: others, whom none of us knows, may be one too. So a node that has fewer tunnels than it wants and nobody to try
    // asks the registry once in a while, less and less often as long as it hears of nobody new.
    private void WantMore()
    {
        if (_moreWantedAt is { } at && Context.Now < at)
            return;
        if (_moreWantedAt is not null)
            _bootstrap.Tell(new BootstrapWanted());
        double delay = Math.Min(_options.MaxMoreDelay.TotalSeconds, _options.Tick.TotalSeconds / 2 * Math.Pow(2, _moreWanted++));
        _moreWantedAt = Context.Now + TimeSpan.FromSeconds(delay * (0.75 + (0.5 * Context.Random.NextDouble())));
    }
}
