using System.Text.Json.Serialization;
using Mesh.Simulation.Invariants;

namespace Mesh.Simulation.Scenarios;

/// <summary>What came of a run.</summary>
/// <param name="Scenario">Its name.</param>
/// <param name="Description">What it shows.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Digest">Sixteen hexadecimal digits: what all machines did. The same for the same scenario and seed.</param>
/// <param name="Nodes">Nodes in the scenario.</param>
/// <param name="VirtualSeconds">Virtual time that passed.</param>
/// <param name="WallSeconds">Time it took.</param>
/// <param name="Messages">Messages that actors handled.</param>
/// <param name="Packets">Packets and script actions.</param>
/// <param name="LostPackets">Packets that the underlay lost.</param>
/// <param name="Steps">What happened.</param>
/// <param name="Violations">What should not have happened.</param>
/// <param name="Measures">What was measured, in order.</param>
/// <param name="Topology">The nodes at the end.</param>
/// <param name="Model">What was modelled rather than run.</param>
public sealed record ScenarioResult(
    string Scenario,
    string Description,
    ulong Seed,
    string Digest,
    int Nodes,
    double VirtualSeconds,
    double WallSeconds,
    long Messages,
    long Packets,
    long LostPackets,
    IReadOnlyList<StepResult> Steps,
    IReadOnlyList<string> Violations,
    IReadOnlyList<Measure> Measures,
    IReadOnlyList<NodeResult> Topology,
    string Model)
{
    /// <summary>Virtual seconds per wall second.</summary>
    public double RealTimeFactor => WallSeconds > 0 ? VirtualSeconds / WallSeconds : 0;

    /// <summary>True where nothing was violated.</summary>
    public bool IsClean => Violations.Count == 0;

    /// <summary>What invariants found, of each the first few and at each place once. <see cref="Violations"/> has them, too.</summary>
    public IReadOnlyList<InvariantViolation> InvariantViolations { get; init; } = [];

    /// <summary>At how many places each invariant was violated; what never was is left out.</summary>
    public IReadOnlyDictionary<string, int> InvariantCounts { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal);

    /// <summary>The faults of steps <c>chaos</c> and <c>faults</c>, as such a list is written in a scenario.</summary>
    public IReadOnlyList<string> Faults { get; init; } = [];

    /// <summary>Packets for which the queue of a line had no room.</summary>
    public long DroppedPackets { get; init; }

    /// <summary>What the plots show.</summary>
    public NetworkShape Shape { get; init; } = new();

    /// <summary>True where the run was stopped before its end.</summary>
    public bool IsPartial { get; init; }
}

/// <summary>One step of a run.</summary>
/// <param name="Title">What was done.</param>
/// <param name="StartedSeconds">Virtual time at its begin.</param>
/// <param name="EndedSeconds">Virtual time at its end.</param>
/// <param name="Outcome">What came of it: a sentence.</param>
/// <param name="IsGood">False where it is a violation.</param>
public sealed record StepResult(string Title, double StartedSeconds, double EndedSeconds, string Outcome, bool IsGood);

/// <summary>A node at the end of a run.</summary>
/// <param name="Name">The machine.</param>
/// <param name="Prefix">The node's prefix, or null where it never joined.</param>
/// <param name="IsRunning">False where it is switched off.</param>
/// <param name="Tunnels">Whom it has tunnels with.</param>
/// <param name="Routes">How many nodes it has a route to.</param>
public sealed record NodeResult(string Name, string? Prefix, bool IsRunning, IReadOnlyList<string> Tunnels, int Routes)
{
    /// <summary>Where it is from left to right: degrees of longitude, or milliseconds on the plane; null where places have no coordinates.</summary>
    public double? X { get; init; }

    /// <summary>Where it is from below to above: degrees of latitude, or milliseconds on the plane.</summary>
    public double? Y { get; init; }
}

/// <summary>JSON shapes, generated at build time.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ScenarioResult))]
public sealed partial class ScenarioJson : JsonSerializerContext;
