using System.Globalization;
using Mesh.Babel;
using Mesh.Node;
using Mesh.Registry;
using Mesh.Simulation.Scenarios;

namespace Mesh.Simulation.Tests.Invariants;

/// <summary>Deliberate mistakes in the protocols: each is found by some seed, and the same seeds are clean without it. HACKING says how to look at more seeds.</summary>
public sealed class MutationTests
{
    private static readonly int Seeds = int.Parse(Environment.GetEnvironmentVariable("MUTATION_SEEDS") ?? "40", NumberStyles.None, CultureInfo.InvariantCulture);

    private static readonly Mutant[] All =
    [
        new("skip-feasibility", "routing-loops", "[kill, crash]") { Node = Plain with { Babel = new BabelOptions { Mutation = BabelMutation.SkipFeasibility } } },
        new("forget-retraction", "dead-ends", "[kill, crash]") { Node = Plain with { Babel = new BabelOptions { Mutation = BabelMutation.ForgetRetraction } }, Hello = "20 s" },
        new("reuse-seqnos", "seqno-forward", "[kill, crash]") { Node = Plain with { Mutation = NodeMutation.ReuseSeqnos } },
        new("believe-unsigned", "published-versions", "[forge]") { Node = Plain with { Mutation = NodeMutation.BelieveUnsigned } },
        new("accept-revoked", "revoked-isolated", "[revoke]") { Node = Plain with { Mutation = NodeMutation.AcceptRevoked } },
        new("lock-without-waiting", "orderly-closure", "[forge]") { Node = Plain with { Mutation = NodeMutation.LockWithoutWaiting }, Refresh = "20 s" },
        new("drop-kill-answer", "orderly-closure", "[forge]") { Node = Plain with { Mutation = NodeMutation.DropKillAnswer }, Refresh = "20 s" },
        new("sign-too-early", "rotation-connectivity", "[rotate-keys, registry-outage]") { Node = Plain with { Mutation = NodeMutation.SignTooEarly }, Every = "4 s" },
        new("forget-spent-tokens", "registry-memory", "[registry-kill]") { Registry = RegistryMutation.ForgetSpentTokens },
        new("forget-certificates", "registry-memory", "[registry-kill]") { Registry = RegistryMutation.ForgetCertificates },
        new("step-too-early", "rotation-connectivity", "[rotate-keys, registry-outage]") { Registry = RegistryMutation.StepTooEarly, Every = "4 s" },
    ];

    public static TheoryData<string> Names => [.. All.Select(static mutant => mutant.Name)];

    private static NodeOptions Plain => new() { RegistryUrl = "" };

    [Theory]
    [MemberData(nameof(Names))]
    public void A_deliberate_mistake_is_found_by_a_sweep_and_the_same_seeds_are_clean_without_it(string name)
    {
        Mutant mutant = All.Single(one => one.Name == name);
        Scenario right = ScenarioReader.Parse(mutant.Scenario), wrong = right with { Registry = right.Registry with { Mutation = mutant.Registry } };
        for (ulong seed = 1; seed <= (ulong)Seeds; seed++)
        {
            ScenarioResult result = new ScenarioRun(wrong, seed, nodes: mutant.Node) { StopsAtViolation = true }.Run();
            ScenarioResult clean = new ScenarioRun(right, seed) { StopsAtViolation = true }.Run();
            Assert.True(clean.IsClean, $"seed {seed} without the mistake: {string.Join(Environment.NewLine, clean.Violations)}");
            if (result.IsClean)
                continue;
            TestContext.Current.TestOutputHelper?.WriteLine($"{name}: seed {seed}: {result.Violations[0]}");
            Assert.Contains(result.InvariantViolations, violation => violation.Invariant == mutant.Invariant);
            return;
        }

        Assert.Fail($"nobody has noticed {name} with {Seeds} seeds");
    }

    private sealed record Mutant(string Name, string Invariant, string Faults)
    {
        public NodeOptions? Node { get; init; }

        public RegistryMutation Registry { get; init; }

        public string Every { get; init; } = "8 s";

        public string Hello { get; init; } = "4 s";

        public string Refresh { get; init; } = "300 s";

        public string Scenario => $$"""
            scenario {
              name = mutant
              diameter = 80 ms
              internet { base-latency = 2 ms, jitter = 2 ms }
              parameters { client-count = 2, hello = {{Hello}}, tunnel-refresh = {{Refresh}}, rotation-step-time = 600 s }
              sites = [ { name = open, nodes = 8 }, { name = home, nat = true, nodes = 2 }, { name = office, nat = true, nodes = 3 } ]
              steps = [
                { do = await-routes, within = 120 s }
                { do = wait, for = 60 s }
                { do = chaos, for = 240 s, every = {{Every}}, faults = {{Faults}} }
                { do = wait, for = 60 s }
              ]
            }
            """;
    }
}
