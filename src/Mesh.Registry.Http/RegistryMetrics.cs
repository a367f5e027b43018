using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Mesh.Registry.Bootstrap;
using Mesh.Registry.Calls;
using Mesh.Registry.Parameters;
using Mesh.Registry.Sessions;

namespace Mesh.Registry.Http;

/// <summary>Counts requests, and writes everything in the text format of Prometheus.</summary>
internal sealed class RegistryMetrics
{
    private readonly ConcurrentDictionary<(string Method, int Status), long> _requests = new();
    private long _ticks;

    public void Count(string method, int status, TimeSpan duration)
    {
        _ = _requests.AddOrUpdate((method, status), 1, static (_, count) => count + 1);
        _ = Interlocked.Add(ref _ticks, duration.Ticks);
    }

    public string Write(RegistryStatistics registry, PublishedParameters published, SessionCount sessions, AdvertiserCount advertisers, Health health, long rateLimited)
    {
        var text = new StringBuilder();
        Head(text, "requests_total", "counter", "Requests by method and status.");
        foreach (((string method, int status), long count) in _requests.OrderBy(static r => r.Key.Method, StringComparer.Ordinal).ThenBy(static r => r.Key.Status))
            _ = text.Append(CultureInfo.InvariantCulture, $"mesh_registry_requests_total{{method=\"{method}\",status=\"{status}\"}} {count}\n");
        One(text, "request_seconds_total", "counter", "Time spent on requests.", new TimeSpan(Interlocked.Read(ref _ticks)).TotalSeconds);
        One(text, "rate_limited_total", "counter", "Requests refused because their address sent too many.", rateLimited);
        One(text, "overloaded_total", "counter", "Commands refused because too much was under way.", registry.OverloadedCount);
        One(text, "up", "gauge", "1 while the registry's memory can be written.", health.IsUp ? 1 : 0);
        One(text, "calls", "gauge", "Calls under way.", health.Calls);
        One(text, "pending_signatures", "gauge", "Signatures under way.", registry.PendingSignatures);
        One(text, "certificates", "gauge", "Nodes that have a certificate.", registry.Certificates);
        One(text, "tokens", "gauge", "Tokens that are left.", registry.Tokens);
        One(text, "sessions", "gauge", "Nodes that have a session.", sessions.Count);
        One(text, "advertisers", "gauge", "Nodes that advertise addresses.", advertisers.Count);
        One(text, "parameters_version", "gauge", "Number of the published parameters.", published.Number);
        One(text, "events_total", "counter", "Events in the journal.", registry.SequenceNr);
        return text.ToString();
    }

    private static void One(StringBuilder text, string name, string type, string help, double value)
    {
        Head(text, name, type, help);
        _ = text.Append(CultureInfo.InvariantCulture, $"mesh_registry_{name} {value}\n");
    }

    private static void Head(StringBuilder text, string name, string type, string help) =>
        _ = text.Append(CultureInfo.InvariantCulture, $"# HELP mesh_registry_{name} {help}\n# TYPE mesh_registry_{name} {type}\n");
}
