using System.Diagnostics;
using System.Text;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Benchmarks.Registry;

/// <summary>A registry process, seen from outside: calls, certificates, memory, start.</summary>
/// <remarks>The generator of the load runs on the same processors as the registry; <c>generator_microseconds_per_call</c> is what that costs. Elapsed time counts in all of it.</remarks>
public sealed class RegistryBenchmarks : BenchmarkArea
{
    private const int Connections = 64;
    private const double ModerateShare = 0.25;

    /// <inheritdoc/>
    public override string Name => "registry";

    /// <inheritdoc/>
    public override string Summary => "authenticated calls and certificates per second of a registry process, its latency, memory and start";

    /// <inheritdoc/>
    public override string? ProblemOf(BenchmarkOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.MeshProgram is null ? "registry: it measures a registry process, so --mesh PROGRAM has to name mesh.dll; ./mesh bench registry does" : null;
    }

    /// <inheritdoc/>
    public override IEnumerable<Metric> Run(BenchmarkOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (ProblemOf(options) is { } problem)
            throw new ArgumentException(problem, nameof(options));
        PrivateKey[] keys = new PrivateKey[options.IsQuick ? 4 : Connections];
        Parallel.For(0, keys.Length, index => keys[index] = PrivateKey.Generate());
        try
        {
            foreach (Metric metric in Calls(options, keys).Concat(Certificates(options, keys)).Concat(Memory(options, keys)).Concat(Start(options, keys)))
                yield return metric;
        }
        finally
        {
            foreach (PrivateKey key in keys)
                key.Dispose();
        }
    }

    // Nodes that have joined say hello once, and then each calls again as soon as it is answered.
    private static IEnumerable<Metric> Calls(BenchmarkOptions options, PrivateKey[] keys)
    {
        using PreparedNetwork network = PreparedNetwork.Create(options);
        using RegistryProcess registry = network.Run();
        using var connections = new ConnectionSet(registry, keys.Length);
        IReadOnlyList<NodeCertificate> joined = Join(network, connections, keys, keys.Length);
        NodeClient[] nodes = [.. connections.All.Select((connection, node) => new NodeClient(connection, joined[node].Prefix))];
        for (int node = 0; node < nodes.Length; node++)
            nodes[node].Hello(keys[node], network.Authority);
        nodes[0].CheckContent();

        LoadResult[] full = Measure(options, registry, nodes, rate: null);
        yield return Of("authenticated_calls_per_second", "calls/s", Better.Higher, full, static run => run.Rate) with { Target = 5_000 };
        yield return Of("call_p50_ms", "ms", Better.Lower, full, static run => run.Percentile(0.5));
        yield return Of("call_p99_ms", "ms", Better.Lower, full, static run => run.Percentile(0.99));
        yield return Of("registry_microseconds_per_call", "us", Better.Lower, full, static run => run.RegistryTime.TotalMicroseconds / run.Count);
        yield return Of("generator_microseconds_per_call", "us", Better.Lower, full, static run => run.OwnTime.TotalMicroseconds / run.Count);
        double rate = ModerateShare * full.Average(static run => run.Rate);
        LoadResult[] moderate = Measure(options, registry, nodes, rate);
        yield return Of("moderate_calls_per_second", "calls/s", Better.Higher, moderate, static run => run.Rate);
        yield return Of("moderate_call_p50_ms", "ms", Better.Lower, moderate, static run => run.Percentile(0.5));
        yield return Of("moderate_call_p99_ms", "ms", Better.Lower, moderate, static run => run.Percentile(0.99));
    }

    private static IEnumerable<Metric> Certificates(BenchmarkOptions options, PrivateKey[] keys)
    {
        using PreparedNetwork network = PreparedNetwork.Create(options);
        using RegistryProcess registry = network.Run();
        using var connections = new ConnectionSet(registry, keys.Length);
        string token = network.AddToken();
        JoiningClient[] clients = [.. connections.All.Select((connection, index) => new JoiningClient(connection, token, new CertificateRequestBuilder().ToPem(keys[index])))];
        clients[0].Check(connections.All[0].Call(clients[0].Next()));   // the first one publishes the parameters
        LoadResult[] runs = Measure(options, registry, clients, rate: null);
        int seconds = options.IsQuick ? 1 : 3;
        double? one = OpenSsl.MeasureRsa(seconds)?.SignaturesPerSecond;
        double? all = OpenSsl.MeasureRsa(seconds, Environment.ProcessorCount)?.SignaturesPerSecond;
        Metric certificates = Of("certificates_per_second", "certificates/s", Better.Higher, runs, static run => run.Rate);
        yield return all is null ? certificates : certificates with { Peer = $"openssl speed -multi {Environment.ProcessorCount} rsa2048, signing alone", PeerValue = all };
        yield return Of("certificate_p50_ms", "ms", Better.Lower, runs, static run => run.Percentile(0.5));
        yield return Of("certificate_p99_ms", "ms", Better.Lower, runs, static run => run.Percentile(0.99));
        yield return Of("registry_microseconds_per_certificate", "us", Better.Lower, runs, static run => run.RegistryTime.TotalMicroseconds / run.Count);
        if (one is { } signatures)
            yield return Of("issue_ratio_to_openssl_sign", "ratio", Better.Higher, runs, run => run.Rate / signatures) with { Target = 0.70 };
    }

    // All of it real: every node joins, says hello and makes one call. Only keys are shared, since making 10,000 of them takes longer than all the rest.
    private static IEnumerable<Metric> Memory(BenchmarkOptions options, PrivateKey[] keys)
    {
        using PreparedNetwork network = PreparedNetwork.Create(options);
        using RegistryProcess registry = network.Run();
        using var connections = new ConnectionSet(registry, keys.Length);
        IReadOnlyList<NodeCertificate> joined = Join(network, connections, keys, options.Scale(10_000));
        InParallel(connections, joined.Count, (connection, node) =>
        {
            var client = new NodeClient(connection, joined[node].Prefix);
            client.Hello(keys[node % keys.Length], network.Authority);
            client.Check(connection.Call(client.Next()));
        });
        yield return Metric.Of("rss_mib_10k_nodes", "MiB", Better.Lower, [registry.ResidentMib]);
    }

    private static IEnumerable<Metric> Start(BenchmarkOptions options, PrivateKey[] keys)
    {
        int events = options.Scale(100_000);
        int nodes = Math.Max(4, events / 10);
        using PreparedNetwork network = PreparedNetwork.Create(options);
        string token = network.Write(nodes, keys, events);
        int runs = options.IsQuick ? 2 : 5;
        // Without a snapshot the registry takes one at its first event, so every start has the journal as it was written.
        (double Elapsed, double Processor)[] worst = [.. Enumerable.Range(0, runs).Select(_ => SecondsToStart(network, token, andThen: null))];
        yield return Metric.Of("cold_start_seconds_100k_events", "s", Better.Lower, worst.Select(static run => run.Elapsed)) with { Target = 3 };
        yield return Metric.Of("cold_start_processor_seconds", "s", Better.Lower, worst.Select(static run => run.Processor));
        // Now one event more, which brings the snapshot that a registry always has, and some after it.
        _ = SecondsToStart(network, token, andThen: connection => AddTokens(connection, options.Scale(500)));
        (double Elapsed, double Processor)[] usual = [.. Enumerable.Range(0, runs).Select(_ => SecondsToStart(network, token, andThen: null))];
        yield return Metric.Of("cold_start_seconds_with_snapshot", "s", Better.Lower, usual.Select(static run => run.Elapsed));
    }

    // The authority's certificate is served at once, but only a registry that has read its journal knows its tokens.
    private static (double Elapsed, double Processor) SecondsToStart(PreparedNetwork network, string token, Action<HttpConnection>? andThen)
    {
        long start = Stopwatch.GetTimestamp();
        using RegistryProcess registry = network.Run();
        using var connection = new HttpConnection(registry.EndPoint);
        if (connection.Call(Get(RegistryCall.Create(RegistryMethod.GetCa))).Status != 200)
            throw new InvalidDataException("getCa was not answered");
        int status = connection.Call(Get(RegistryCall.Create(RegistryMethod.IsToken, [("token", token)]))).Status;
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (status != 200)
            throw new InvalidDataException($"isToken was answered with status {status}");
        double processor = registry.ProcessorTime.TotalSeconds;
        andThen?.Invoke(connection);
        return (seconds, processor);
    }

    private static void AddTokens(HttpConnection connection, int count)
    {
        for (int i = 0; i < count; i++)
        {
            int status = connection.Call(Get(RegistryCall.Create(RegistryMethod.AddToken, ("email", "late@example.org"), ("token", $"late-{i}")))).Status;
            if (status != 204)
                throw new InvalidDataException($"addToken was answered with status {status}");
        }
    }

    /// <summary>Lets nodes join; node n has key n modulo their number.</summary>
    private static NodeCertificate[] Join(PreparedNetwork network, ConnectionSet connections, PrivateKey[] keys, int count)
    {
        string token = network.AddToken();
        string[] requests = [.. keys.Select(static key => new CertificateRequestBuilder().ToPem(key))];
        var joined = new NodeCertificate[count];
        // The first one alone: it publishes the parameters.
        joined[0] = new JoiningClient(connections.All[0], token, requests[0]).Join();
        InParallel(connections, count, (connection, node) => joined[node] ??= new JoiningClient(connection, token, requests[node % keys.Length]).Join());
        return joined;
    }

    private static void InParallel(ConnectionSet connections, int count, Action<HttpConnection, int> work) =>
        Parallel.For(0, connections.All.Count, new ParallelOptions { MaxDegreeOfParallelism = 2 * Environment.ProcessorCount }, first =>
        {
            for (int index = first; index < count; index += connections.All.Count)
                work(connections.All[first], index);
        });

    // The first runs warm up: they are compiled in haste, and then again in the background.
    private static LoadResult[] Measure(BenchmarkOptions options, RegistryProcess registry, IReadOnlyList<Client> clients, double? rate)
    {
        TimeSpan duration = TimeSpan.FromSeconds(options.IsQuick ? 0.2 : 2);
        for (int i = 0; i < (options.IsQuick ? 1 : 3); i++)
            _ = Load.Run(registry, clients, duration, rate);
        return [.. Enumerable.Range(0, options.MeasuredRuns).Select(_ => Load.Run(registry, clients, duration, rate))];
    }

    private static Metric Of(string name, string unit, Better better, LoadResult[] runs, Func<LoadResult, double> value) => Metric.Of(name, unit, better, runs.Select(value));

    private static byte[] Get(RegistryCall call) => Encoding.ASCII.GetBytes($"GET {call.Target} HTTP/1.1\r\nHost: registry\r\n\r\n");

    private sealed class ConnectionSet(RegistryProcess registry, int count) : IDisposable
    {
        public IReadOnlyList<HttpConnection> All { get; } = [.. Enumerable.Range(0, count).Select(_ => new HttpConnection(registry.EndPoint))];

        public void Dispose()
        {
            foreach (HttpConnection connection in All)
                connection.Dispose();
        }
    }
}
