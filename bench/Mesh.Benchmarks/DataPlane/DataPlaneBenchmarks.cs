using System.Diagnostics;
using Mesh.DataPlane;
using Mesh.Platform.Linux.Crypto;

namespace Mesh.Benchmarks.DataPlane;

/// <summary>Packets between two machines: our data plane beside the plain link and, where they are installed, wireguard-go and OpenVPN, all in one run.</summary>
/// <remarks>Load generator, both ends and the link share this machine's processors. Ratios hold better than absolute numbers.</remarks>
public sealed class DataPlaneBenchmarks : BenchmarkArea
{
    private static readonly TimeSpan FullLoad = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public override string Name => "dataplane";

    /// <inheritdoc/>
    public override string Summary => "TCP, small packets, round trip, processor time and memory of a tunnel, beside wireguard-go and OpenVPN";

    /// <inheritdoc/>
    public override string? ProblemOf(BenchmarkOptions options) =>
        !Environment.IsPrivilegedProcess ? "dataplane: it makes network namespaces and devices, which needs root"
        : !IsInstalled("iperf3") ? "dataplane: iperf3 makes the load and is not installed: apt-get install iperf3 (and openvpn, wireguard-go, wireguard-tools to compare with)"
        : null;

    /// <inheritdoc/>
    public override IEnumerable<Metric> Run(BenchmarkOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (ProblemOf(options) is { } problem)
            throw new ArgumentException(problem, nameof(options));
        BenchmarkPair.RemoveLeftovers();
        DataCipher cipher = PreferredCipher();
        CaseResult link = Measure(new PlainLink(), options), mesh = Measure(new MeshTunnel(cipher, isOffloaded: true), options);
        CaseResult? wireGuard = MeasureIfInstalled(new WireGuardTunnel(), options);
        CaseResult? overTcp = MeasureIfInstalled(new OpenVpnTunnel("tap", isTcp: true), options), overUdp = MeasureIfInstalled(new OpenVpnTunnel("tun", isTcp: false), options);
        CaseResult plain = Measure(new MeshTunnel(cipher, isOffloaded: false), options);
        MeasureRoundTrips([(mesh, new MeshTunnel(cipher, isOffloaded: true)), (overTcp, new OpenVpnTunnel("tap", isTcp: true)), (plain, new MeshTunnel(cipher, isOffloaded: false)),
            (overUdp, new OpenVpnTunnel("tun", isTcp: false)), (wireGuard, new WireGuardTunnel())], options);

        yield return Metric.Of("tcp_gbps", "Gbit/s", Better.Higher, mesh.Gbps) with { Target = 3.5, Peer = "veth", PeerValue = Median(link.Gbps) };
        yield return Metric.Of("tcp_retransmits", "segments/run", Better.Lower, mesh.Retransmits);
        if (wireGuard is not null)
            yield return Ratio("tcp_ratio_to_wireguard_go", mesh.Gbps, wireGuard.Gbps, target: 6);
        if (overTcp is not null)
            yield return Ratio("tcp_ratio_to_openvpn_tcp_tap", mesh.Gbps, overTcp.Gbps, target: 4);
        yield return Metric.Of("cpu_seconds_per_gb", "s/GB", Better.Lower, mesh.SecondsPerGigabyte);
        if (overTcp is not null)
            yield return Ratio("cpu_per_gb_ratio_to_openvpn", mesh.SecondsPerGigabyte, overTcp.SecondsPerGigabyte, target: 0.25, Better.Lower);
        yield return Metric.Of("small_packet_kpps", "kpackets/s", Better.Higher, mesh.SmallPackets) with { Peer = "veth", PeerValue = Median(link.SmallPackets) };
        if (overTcp is not null)
            yield return Ratio("small_packet_ratio_to_openvpn", mesh.SmallPackets, overTcp.SmallPackets, target: 2.5);
        yield return Metric.Of("rtt_ms", "ms", Better.Lower, mesh.RoundTrip);
        if (overTcp is not null)
            yield return Ratio("rtt_ratio_to_openvpn", mesh.RoundTrip, overTcp.RoundTrip, target: 1, Better.Lower);
        yield return Metric.Of("gen0_collections_10s", "collections", Better.Lower, [mesh.Collections]) with { Target = 0 };
        yield return Metric.Of("rss_mib", "MiB", Better.Lower, [mesh.ResidentMib]) with { Target = 100 };
        foreach (CaseResult other in new[] { wireGuard, overTcp, overUdp, plain }.OfType<CaseResult>())
        {
            string name = other.Name.Replace('-', '_').ToLowerInvariant();
            yield return Metric.Of($"{name}_tcp_gbps", "Gbit/s", Better.Higher, other.Gbps);
            yield return Metric.Of($"{name}_cpu_seconds_per_gb", "s/GB", Better.Lower, other.SecondsPerGigabyte);
            yield return Metric.Of($"{name}_small_packet_kpps", "kpackets/s", Better.Higher, other.SmallPackets);
            yield return Metric.Of($"{name}_rtt_ms", "ms", Better.Lower, other.RoundTrip);
            yield return Metric.Of($"{name}_rss_mib", "MiB", Better.Lower, [other.ResidentMib]);
        }
    }

    private static CaseResult? MeasureIfInstalled(TunnelCase tunnel, BenchmarkOptions options)
    {
        if (tunnel.Program is { } program && IsInstalled(program))
            return Measure(tunnel, options);
        tunnel.Dispose();
        return null;
    }

    private static CaseResult Measure(TunnelCase tunnel, BenchmarkOptions options)
    {
        using var pair = new BenchmarkPair();
        using (tunnel)
        {
            tunnel.Start(pair);
            pair.AwaitPing();
            TimeSpan duration = TimeSpan.FromSeconds(options.IsQuick ? 1 : 5);
            int runs = options.IsQuick ? 1 : 3;
            pair.MeasureStream(duration);   // warms up
            var result = new CaseResult(tunnel.Name);
            for (int run = 0; run < runs; run++)
            {
                TimeSpan before = tunnel.ProcessorTime;
                StreamRun stream = pair.MeasureStream(duration);
                result.Gbps.Add(stream.Gbps);
                result.Retransmits.Add(stream.Retransmits);
                result.SecondsPerGigabyte.Add((tunnel.ProcessorTime - before).TotalSeconds / stream.Gigabytes);
            }
            for (int run = 0; run < runs; run++)
                result.SmallPackets.Add(pair.MeasureSmallPackets(duration));
            if (tunnel is MeshTunnel mesh)
            {
                int Collections() => mesh.Statistics(1).Gen0Collections + mesh.Statistics(2).Gen0Collections;
                int before = Collections();
                pair.MeasureStream(options.IsQuick ? duration : FullLoad);
                result.Collections = Collections() - before;
            }
            result.ResidentMib = tunnel.ResidentMib;
            return result;
        }
    }

    // All tunnels are there at the same time and take turns: what a round trip takes depends on the machine's moods, and those are the same for all then. Each round begins with a stream,
    // since it depends on which thread has just run on which processor, too.
    private static void MeasureRoundTrips(IReadOnlyList<(CaseResult? Result, TunnelCase Tunnel)> tunnels, BenchmarkOptions options)
    {
        var pairs = new List<(BenchmarkPair Pair, CaseResult Result)>();
        try
        {
            foreach ((CaseResult? result, TunnelCase tunnel) in tunnels.Where(static entry => entry.Result is not null))
            {
                pairs.Add((new BenchmarkPair(), result!));
                tunnel.Start(pairs[^1].Pair);
                pairs[^1].Pair.AwaitPing();
                pairs[^1].Pair.MeasureStream(TimeSpan.FromSeconds(options.IsQuick ? 1 : 3));   // warms up
            }

            for (int round = 0; round < (options.IsQuick ? 1 : 7); round++)
            {
                foreach ((BenchmarkPair pair, CaseResult result) in pairs)
                {
                    pair.MeasureStream(TimeSpan.FromSeconds(1));
                    Thread.Sleep(TimeSpan.FromMilliseconds(200));
                    result.RoundTrip.Add(pair.MeasureRoundTrip(options.IsQuick ? 50 : 200));
                }
            }
        }
        finally
        {
            foreach ((_, TunnelCase tunnel) in tunnels)
                tunnel.Dispose();
            foreach ((BenchmarkPair pair, _) in pairs)
                pair.Dispose();
        }
    }

    // What a node does, too: the one that is faster on this processor.
    private static DataCipher PreferredCipher() => CipherSpeed.Order()[0];

    private static Metric Ratio(string name, List<double> ours, List<double> theirs, double target, Better better = Better.Higher)
    {
        double peer = Median(theirs);
        return Metric.Of(name, "", better, ours.Select(value => value / peer)) with { Target = target };
    }

    private static double Median(List<double> values) => Metric.Of("", "", Better.Higher, values).Value;

    /// <summary>Whether there is such a program on this machine.</summary>
    internal static bool IsInstalled(string program) =>
        (Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin").Split(':').Any(folder => folder.Length > 0 && File.Exists(Path.Combine(folder, program)));

    private sealed record CaseResult(string Name)
    {
        public List<double> Gbps { get; } = [];

        public List<double> Retransmits { get; } = [];

        public List<double> SecondsPerGigabyte { get; } = [];

        public List<double> SmallPackets { get; } = [];

        public List<double> RoundTrip { get; } = [];

        public double Collections { get; set; }

        public double ResidentMib { get; set; }
    }
}
