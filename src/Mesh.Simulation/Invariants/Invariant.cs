namespace Mesh.Simulation.Invariants;

/// <summary>Something that has to hold at every moment. Looks at a network between two events and changes nothing in it. One instance watches one run.</summary>
public abstract class Invariant
{
    private TimeSpan? _grace;

    /// <summary>Its name: words with hyphens, as in scenario files and in <c>docs/invariants</c>.</summary>
    public abstract string Name { get; }

    /// <summary>What has to hold, one sentence.</summary>
    public abstract string Says { get; }

    /// <summary>How often it is looked at in a simulation, virtual time. Default 1 s.</summary>
    public virtual TimeSpan Interval => TimeSpan.FromSeconds(1);

    /// <summary>How long something may be otherwise before it counts, where nothing else is wished.</summary>
    public abstract TimeSpan DefaultGrace { get; }

    /// <summary>How long something may be otherwise before it counts.</summary>
    public TimeSpan Grace
    {
        get => _grace ?? DefaultGrace;
        internal set => _grace = value;
    }

    /// <summary>True where it can be looked at in what real nodes have exported at one moment.</summary>
    public virtual bool IsForExports => false;

    /// <summary>True where it sees nothing without the registry's list of nodes.</summary>
    public virtual bool NeedsRegistry => false;

    /// <summary>Looks.</summary>
    /// <param name="network">As it is now.</param>
    /// <returns>What is not as it has to be.</returns>
    public abstract IEnumerable<Breach> Look(NetworkView network);
}

/// <summary>What an invariant has found.</summary>
/// <param name="Machines">Where.</param>
/// <param name="Details">A sentence: what is so and what was expected.</param>
public sealed record Breach(IReadOnlyList<string> Machines, string Details);

/// <summary>An invariant was violated in a run.</summary>
/// <param name="Seconds">When: virtual time.</param>
/// <param name="Invariant">Its name.</param>
/// <param name="Machines">Where.</param>
/// <param name="Details">A sentence: what was so and what was expected.</param>
public sealed record InvariantViolation(double Seconds, string Invariant, IReadOnlyList<string> Machines, string Details)
{
    /// <inheritdoc/>
    public override string ToString() => $"at {Seconds:0.000} s: invariant {Invariant}: {string.Join(", ", Machines)}: {Details}";
}

/// <summary>How a scenario wants an invariant watched.</summary>
/// <param name="IsOn">Whether.</param>
/// <param name="Grace">How long something may be otherwise before it counts, or null for the default.</param>
public sealed record InvariantSetting(bool IsOn, TimeSpan? Grace = null);
