using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Mesh.Protocol.Registry;
using Mesh.Registry.Bootstrap;
using Mesh.Registry.Calls;
using Mesh.Registry.LocalNode;
using Mesh.Registry.Mail;
using Mesh.Registry.Parameters;
using Mesh.Registry.Sessions;

namespace Mesh.Registry.Http;

/// <summary>Counts requests, and writes everything in the text format of Prometheus.</summary>
internal sealed class RegistryMetrics
{
    /// <summary>The server's answer to "are you well?".</summary>
    public const string HealthPath = "/healthz";

    /// <summary>Where these metrics are.</summary>
    public const string MetricsPath = "/metrics";

    /// <summary>What the text is, for the header.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly ConcurrentDictionary<string, MethodMetrics> _methods = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, MethodMetrics>.AlternateLookup<ReadOnlySpan<char>> _byName;
    private readonly MethodMetrics _health = new(HealthPath);
    private readonly MethodMetrics _metrics = new(MetricsPath);

    public RegistryMetrics() => _byName = _methods.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>All requests for something that does not exist.</summary>
    public MethodMetrics Other { get; } = new("other");

    /// <summary>TLS handshakes that failed.</summary>
    public Counter FailedHandshakes { get; } = new();

    /// <summary>How often changed certificate files could not be used.</summary>
    public Counter FailedReloads { get; } = new();

    /// <summary>The method of a request. Only names that exist have one of their own: access log and metrics must not grow with what strangers send.</summary>
    public MethodMetrics Find(string target)
    {
        int mark = target.IndexOf('?', StringComparison.Ordinal);
        ReadOnlySpan<char> path = mark < 0 ? target : target.AsSpan(0, mark);
        if (path.Length < 2 || path[0] != '/')
            return Other;
        if (_byName.TryGetValue(path[1..], out MethodMetrics? method))
            return method;
        if (path.SequenceEqual(HealthPath))
            return _health;
        if (path.SequenceEqual(MetricsPath))
            return _metrics;
        string name = path[1..].ToString();
        return RegistryMethod.TryFind(name, out _) ? _methods.GetOrAdd(name, static added => new MethodMetrics(added)) : Other;
    }

    /// <summary>What the server itself counts.</summary>
    /// <param name="text">Gets it.</param>
    /// <param name="rateLimited">Requests refused because their address sent too many.</param>
    public void WriteServer(StringBuilder text, long rateLimited)
    {
        WriteRequests(text);
        One(text, "rate_limited_total", "counter", "Requests refused because their address sent too many.", rateLimited);
        One(text, "tls_handshakes_failed_total", "counter", "TLS handshakes that failed.", FailedHandshakes.Value);
        One(text, "tls_reloads_failed_total", "counter", "Changed certificate files that could not be used.", FailedReloads.Value);
    }

    /// <summary>What the actors say.</summary>
    public static void Write(StringBuilder text, RegistryNumbers numbers)
    {
        One(text, "overloaded_total", "counter", "Commands refused because too much was under way.", numbers.Registry.OverloadedCount);
        One(text, "up", "gauge", "1 while the registry's memory can be written.", numbers.Health.IsUp ? 1 : 0);
        One(text, "calls", "gauge", "Calls under way.", numbers.Health.Calls);
        One(text, "pending_signatures", "gauge", "Signatures under way.", numbers.Registry.PendingSignatures);
        One(text, "certificates", "gauge", "Nodes that have a certificate.", numbers.Registry.Certificates);
        One(text, "tokens", "gauge", "Tokens that are left.", numbers.Registry.Tokens);
        One(text, "sessions", "gauge", "Nodes that have a session.", numbers.Sessions.Count);
        One(text, "advertisers", "gauge", "Nodes that advertise addresses.", numbers.Advertisers.Count);
        One(text, "parameters_version", "gauge", "Number of the published parameters.", numbers.Published.Number);
        One(text, "events_total", "counter", "Events in the journal.", numbers.Registry.SequenceNr);
        if (numbers.Mail is { } mail)
            WriteMail(text, mail);
        if (numbers.LocalNode is { } localNode)
            WriteLocalNode(text, localNode);
    }

    private static void WriteMail(StringBuilder text, MailStatistics mail)
    {
        Head(text, "mails_total", "counter", "Requests for a token by mail, by what came of them.");
        foreach ((string outcome, long count) in ((string, long)[])
            [("sent", mail.Sent), ("failed", mail.Failed), ("malformed", mail.Malformed), ("recent", mail.Recent), ("overloaded", mail.Overloaded), ("disabled", mail.Disabled)])
        {
            _ = text.Append(CultureInfo.InvariantCulture, $"mesh_registry_mails_total{{outcome=\"{outcome}\"}} {count}\n");
        }

        One(text, "mails", "gauge", "Mails under way.", mail.UnderWay);
    }

    private static void WriteLocalNode(StringBuilder text, LocalNodeStatistics localNode)
    {
        One(text, "local_node_sent_total", "counter", "Datagrams to the node beside the registry.", localNode.Sent);
        One(text, "local_node_received_total", "counter", "Datagrams from the node beside the registry.", localNode.Received);
        One(text, "local_node_malformed_total", "counter", "Received datagrams that no node sends.", localNode.Malformed);
        One(text, "local_node_unexpected_total", "counter", "Received datagrams that nobody waited for.", localNode.Unexpected);
        One(text, "local_node_silent_total", "counter", "Questions for addresses without an answer.", localNode.Silent);
        One(text, "local_node_refused_total", "counter", "Questions refused because too many were under way.", localNode.Refused);
        One(text, "local_node_notified_total", "counter", "Times that the node was told of new parameters.", localNode.Notified);
    }

    /// <summary>A label's value as the format wants it.</summary>
    public static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private void WriteRequests(StringBuilder text)
    {
        MethodMetrics[] methods = [.. _methods.Values.Append(_health).Append(_metrics).Append(Other).OrderBy(static method => method.Name, StringComparer.Ordinal)];
        Head(text, "requests_total", "counter", "Requests by method and status.");
        foreach (MethodMetrics method in methods)
        {
            foreach ((int status, long count) in method.Statuses())
                _ = text.Append(CultureInfo.InvariantCulture, $"mesh_registry_requests_total{{method=\"{Escape(method.Name)}\",status=\"{status}\"}} {count}\n");
        }

        Head(text, "request_seconds", "histogram", "Time from a request to its answer, by method.");
        foreach (MethodMetrics method in methods)
        {
            long[] counts = method.Durations();
            if (counts[^1] == 0)
                continue;
            string label = $"method=\"{Escape(method.Name)}\"";
            for (int bucket = 0; bucket < counts.Length; bucket++)
            {
                string end = bucket < MethodMetrics.Buckets.Length ? MethodMetrics.Buckets[bucket].ToString(CultureInfo.InvariantCulture) : "+Inf";
                _ = text.Append(CultureInfo.InvariantCulture, $"mesh_registry_request_seconds_bucket{{{label},le=\"{end}\"}} {counts[bucket]}\n");
            }

            _ = text.Append(CultureInfo.InvariantCulture, $"mesh_registry_request_seconds_sum{{{label}}} {method.Total.TotalSeconds}\n");
            _ = text.Append(CultureInfo.InvariantCulture, $"mesh_registry_request_seconds_count{{{label}}} {counts[^1]}\n");
        }
    }

    private static void One(StringBuilder text, string name, string type, string help, double value)
    {
        Head(text, name, type, help);
        _ = text.Append(CultureInfo.InvariantCulture, $"mesh_registry_{name} {value}\n");
    }

    private static void Head(StringBuilder text, string name, string type, string help) =>
        _ = text.Append(CultureInfo.InvariantCulture, $"# HELP mesh_registry_{name} {help}\n# TYPE mesh_registry_{name} {type}\n");

    /// <summary>A number that only grows.</summary>
    internal sealed class Counter
    {
        private long _value;

        public long Value => Interlocked.Read(ref _value);

        public void Increment() => _ = Interlocked.Increment(ref _value);
    }
}
