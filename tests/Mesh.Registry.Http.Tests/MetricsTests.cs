using Mesh.Registry.Bootstrap;
using Mesh.Registry.Calls;
using Mesh.Registry.LocalNode;
using Mesh.Registry.Mail;
using Mesh.Registry.Parameters;
using Mesh.Registry.Sessions;

namespace Mesh.Registry.Http.Tests;

public sealed class MetricsTests
{
    [Fact]
    public async Task Metrics_are_text_that_a_strict_reader_understands()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        _ = await registry.GetAsync("/getCa");
        _ = await registry.GetAsync("/getCa");
        _ = await registry.GetAsync("/isToken?token=\"\\");
        _ = await registry.GetAsync("/isToken?token=" + new string('x', 40_000));
        RawResponse response = await registry.GetAsync("/metrics");
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response["Content-Type"]);
        PrometheusText metrics = PrometheusText.Parse(response.Text);
        Assert.Equal(2, metrics.Samples["mesh_registry_requests_total{method=\"getCa\",status=\"200\"}"]);
        Assert.Equal(1, metrics.Samples["mesh_registry_requests_total{method=\"other\",status=\"414\"}"]);
        Assert.Equal(2, metrics.Samples["mesh_registry_request_seconds_count{method=\"getCa\"}"]);
        Assert.InRange(metrics.Samples["mesh_registry_request_seconds_sum{method=\"getCa\"}"], 1e-7, 30);
        Assert.Equal(1, metrics.Samples["mesh_registry_up"]);
        Assert.False(metrics.Samples.ContainsKey("mesh_registry_local_node_sent_total"));
    }

    [Fact]
    public void Durations_fall_into_their_buckets()
    {
        var metrics = new RegistryMetrics();
        MethodMetrics method = metrics.Find("/hello?client_prefix=01");
        Assert.Same(method, metrics.Find("/hello"));
        foreach (double seconds in (double[])[0, 0.0005, 0.0006, 0.9, 1, 29, 31])
            method.Count(200, TimeSpan.FromSeconds(seconds));
        method.Count(503, TimeSpan.FromSeconds(100));
        PrometheusText text = Write(metrics);
        double Bucket(string end) => text.Samples[$"mesh_registry_request_seconds_bucket{{method=\"hello\",le=\"{end}\"}}"];
        Assert.Equal([2, 3, 3, 5, 6, 8], new[] { Bucket("0.0005"), Bucket("0.001"), Bucket("0.5"), Bucket("1"), Bucket("30"), Bucket("+Inf") });
        Assert.Equal(161.9011, text.Samples["mesh_registry_request_seconds_sum{method=\"hello\"}"], 6);
        Assert.Equal((7, 1), (text.Samples["mesh_registry_requests_total{method=\"hello\",status=\"200\"}"], text.Samples["mesh_registry_requests_total{method=\"hello\",status=\"503\"}"]));
    }

    [Fact]
    public void Only_names_that_exist_are_remembered()
    {
        var metrics = new RegistryMetrics();
        foreach (string target in (string[])["", "/", "*", "//hello", "/hello/", "/Hello", "/a\"b", "http://r/hello", "/" + new string('x', 1000)])
            Assert.Same(metrics.Other, metrics.Find(target));
        Assert.Equal("/healthz", metrics.Find("/healthz?x").Name);
        Assert.True(metrics.Find("/hello").IsLimited && metrics.Other.IsLimited && !metrics.Find("/getDh").IsLimited);
    }

    [Fact]
    public void The_node_beside_the_registry_is_counted_where_there_is_one()
    {
        PrometheusText text = Write(new RegistryMetrics(), new LocalNodeStatistics(1, 2, 3, 4, 5, 6, 7));
        Assert.Equal((8, 9), (text.Samples["mesh_registry_mails_total{outcome=\"sent\"}"], text.Samples["mesh_registry_mails_total{outcome=\"failed\"}"]));
        Assert.Equal((1, 4, 7), (text.Samples["mesh_registry_local_node_sent_total"], text.Samples["mesh_registry_local_node_unexpected_total"], text.Samples["mesh_registry_local_node_notified_total"]));
    }

    [Fact]
    public void Labels_are_escaped() => Assert.Equal("a\\\"b\\\\c\\nd", RegistryMetrics.Escape("a\"b\\c\nd"));

    [Theory]
    [InlineData("x 1\n")]
    [InlineData("# HELP x a\n# TYPE x gauge\nx 1")]
    [InlineData("# HELP x a\n# TYPE x gauge\nx 1\nx 1\n")]
    [InlineData("# HELP x a\n# TYPE x gauge\ny 1\n")]
    [InlineData("# HELP x a\n# TYPE x gauge\nx{a=\"b\\c\"} 1\n")]
    [InlineData("# HELP x a\n# TYPE x counter\nx 1\n")]
    [InlineData("# HELP x a\n# TYPE x histogram\nx_bucket{m=\"a\",le=\"1\"} 2\nx_bucket{m=\"a\",le=\"+Inf\"} 1\nx_sum{m=\"a\"} 1\nx_count{m=\"a\"} 1\n")]
    public void The_strict_reader_is_strict(string text) => Assert.Throws<FormatException>(() => PrometheusText.Parse(text));

    private static PrometheusText Write(RegistryMetrics metrics, LocalNodeStatistics? localNode = null)
    {
        var text = new System.Text.StringBuilder();
        metrics.WriteServer(text, rateLimited: 0);
        RegistryMetrics.Write(text, new RegistryNumbers(
            new RegistryStatistics(1, 2, 3, 4, 5, 6), new PublishedParameters(7, Parameters: null), new SessionCount(1), new AdvertiserCount(2), new Health(true, 1), localNode,
            new MailStatistics(8, 9, 0, 0, 0, 0, 1, 2)));
        return PrometheusText.Parse(text.ToString());
    }
}
