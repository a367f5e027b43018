using Mesh.Hocon.Schema;
using Mesh.Simulation.Underlay;

namespace Mesh.Cli.Configuration;

/// <summary>Keys of simulations: what holds where neither the command line nor a scenario says otherwise.</summary>
internal static class SimulationKeys
{
    private static readonly InternetOptions Standard = new();

    public static ConfigKey<long> Seed { get; } = ConfigKey.Long("simulation.seed", new KeyOptions<long>
    {
        Meaning = "Everything random in a simulation follows from it.",
        Default = 1,
    }, min: 0);

    public static ConfigKey<int> Workers { get; } = ConfigKey.Int("simulation.workers", new KeyOptions<int>
    {
        Meaning = "How many threads compute one simulation. What happens, and the digest, do not depend on it.",
        Cost = "Threads wait for each other after each stretch of base-latency, so that small networks get slower.",
        Default = 1,
    }, min: 1, max: Mesh.Simulation.Engine.SimulationEngine.MaxWorkers);

    public static ConfigKey<TimeSpan> BaseLatency { get; } = ConfigKey.Duration("simulation.internet.base-latency", new KeyOptions<TimeSpan>
    {
        Meaning = "One-way delay between two places at distance zero.",
        Cost = "A parallel simulation advances in windows as long as the smallest delay: shorter is slower.",
        Default = Standard.BaseLatency,
    }, TimeSpan.FromMicroseconds(1), TimeSpan.FromSeconds(10));

    public static ConfigKey<TimeSpan> Jitter { get; } = ConfigKey.Duration("simulation.internet.jitter", new KeyOptions<TimeSpan>
    {
        Meaning = "A packet takes up to this much longer, at random.",
        Default = Standard.Jitter,
    }, TimeSpan.Zero, TimeSpan.FromSeconds(10));

    public static ConfigKey<double> Loss { get; } = ConfigKey.Double("simulation.internet.loss", new KeyOptions<double>
    {
        Meaning = "Share of packets that are lost.",
        Default = Standard.Loss,
    }, min: 0, max: 0.99);

    public static ConfigKey<TimeSpan> LanLatency { get; } = ConfigKey.Duration("simulation.internet.lan-latency", new KeyOptions<TimeSpan>
    {
        Meaning = "One-way delay inside a site.",
        Default = Standard.LanLatency,
    }, TimeSpan.FromMicroseconds(1), TimeSpan.FromSeconds(1));

    public static IReadOnlyList<ConfigKey> All { get; } = [Seed, Workers, BaseLatency, Jitter, Loss, LanLatency];

    /// <summary>The underlay of a configuration.</summary>
    public static InternetOptions MapInternet(ResolvedConfig config) => Standard with
    {
        BaseLatency = config.Get(BaseLatency),
        Jitter = config.Get(Jitter),
        Loss = config.Get(Loss),
        LanLatency = config.Get(LanLatency),
    };
}
