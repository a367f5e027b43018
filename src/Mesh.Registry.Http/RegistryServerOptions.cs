using System.Collections.Immutable;
using System.Net;

namespace Mesh.Registry.Http;

/// <summary>Settings of the registry's front door.</summary>
public sealed record RegistryServerOptions
{
    /// <summary>Where to listen; port 0 lets the system choose. An IPv6 address is IPv6 only. Default: port 80 of all IPv4 and all IPv6 addresses.</summary>
    public ImmutableArray<IPEndPoint> Endpoints { get; init; } = [new(IPAddress.Any, 80), new(IPAddress.IPv6Any, 80)];

    /// <summary>Where to listen with TLS, 1.2 or newer; as <see cref="Endpoints"/>. Default: nowhere. Nodes of re6st need no TLS, for the protocol proves what matters.</summary>
    public ImmutableArray<IPEndPoint> TlsEndpoints { get; init; } = [];

    /// <summary>File with the certificate for TLS and what leads to its authority, PEM. It is read again when it changes.</summary>
    public string? TlsCertificate { get; init; }

    /// <summary>File with the certificate's key, PEM, not encrypted. It is read again when it changes.</summary>
    public string? TlsKey { get; init; }

    /// <summary>Connections at a time; further ones are closed. 1..100000, default 1024.</summary>
    public int MaxConnections { get; init; } = 1024;

    /// <summary>How long a client may take to send the head of a request, or for the TLS handshake. 1 s..60 s, default 10 s.</summary>
    public TimeSpan HeadTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a connection may be idle between requests. 1 s..600 s, default 60 s.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Octets per second that a client has to take of an answer, after a grace of <see cref="HeadTimeout"/>; who is slower is cut off. 1..1000000000, default 1024.</summary>
    public int MinAnswerRate { get; init; } = 1024;

    /// <summary>Requests that one address (IPv6: one /64) may send in the long run without being a node, per second. Above 0, default 10.</summary>
    /// <remarks>For methods that anybody may call: some cost the registry a signature. Authorized origins are not limited.</remarks>
    public double AnonymousRate { get; init; } = 10;

    /// <summary>Such requests that may come at once; at least 1, default 200, so that many nodes behind one address can say hello after a restart.</summary>
    public int AnonymousBurst { get; init; } = 200;

    /// <summary>Called once for each request, on the thread that served it; must return at once and must not throw. Null: no access log.</summary>
    public Action<AccessRecord>? AccessLog { get; init; }

    /// <summary>Called with a sentence for the operator, on any thread; must return at once and must not throw. Null: nobody is told.</summary>
    public Action<string>? Warn { get; init; }

    /// <summary>The clock of the access log and of the rate limit.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Every setting that breaks its rule, one sentence each.</summary>
    public IEnumerable<string> Validate()
    {
        if (Endpoints.IsDefaultOrEmpty && TlsEndpoints.IsDefaultOrEmpty)
            yield return "there is no address to listen on";
        if (!TlsEndpoints.IsDefaultOrEmpty && (string.IsNullOrEmpty(TlsCertificate) || string.IsNullOrEmpty(TlsKey)))
            yield return "tls-endpoints has an address; tls-certificate and tls-key have to name files then";
        if (TlsEndpoints.IsDefaultOrEmpty && !(string.IsNullOrEmpty(TlsCertificate) && string.IsNullOrEmpty(TlsKey)))
            yield return "tls-certificate or tls-key names a file, but tls-endpoints has no address";
        if (MaxConnections is < 1 or > 100_000)
            yield return $"max-connections is {MaxConnections}; it has to be 1 to 100000";
        if (HeadTimeout < TimeSpan.FromSeconds(1) || HeadTimeout > TimeSpan.FromSeconds(60))
            yield return $"head-timeout is {HeadTimeout.TotalSeconds:0.###} s; it has to be 1 to 60 s";
        if (IdleTimeout < TimeSpan.FromSeconds(1) || IdleTimeout > TimeSpan.FromSeconds(600))
            yield return $"idle-timeout is {IdleTimeout.TotalSeconds:0.###} s; it has to be 1 to 600 s";
        if (MinAnswerRate is < 1 or > 1_000_000_000)
            yield return $"min-answer-rate is {MinAnswerRate}; it has to be 1 to 1000000000";
        if (!(AnonymousRate > 0))
            yield return $"anonymous-rate is {AnonymousRate}; it has to be above 0";
        if (AnonymousBurst < 1)
            yield return $"anonymous-burst is {AnonymousBurst}; it has to be at least 1";
    }
}

/// <summary>One line of the access log.</summary>
/// <param name="Utc">When the request had been read.</param>
/// <param name="Client">Address of the other end of the connection.</param>
/// <param name="ForwardedFor">For whom a proxy says that it asks, or null.</param>
/// <param name="Verb">The HTTP method, <c>other</c> for one that HTTP does not define.</param>
/// <param name="Method">Name of the registry's method, <c>other</c> for anything unknown. Never arguments: they can be tokens.</param>
/// <param name="Status">HTTP status code.</param>
/// <param name="BodyLength">Octets of the answer's body.</param>
/// <param name="Duration">From the request to the answer; zero where the server could not even read the request.</param>
public sealed record AccessRecord(DateTimeOffset Utc, IPAddress Client, string? ForwardedFor, string Verb, string Method, int Status, int BodyLength, TimeSpan Duration)
{
    /// <summary>Why it was refused, or null. Never arguments.</summary>
    public string? Reason { get; init; }
}

/// <summary>The registry cannot listen where it was told to: the message says where, why and what to do.</summary>
public sealed class RegistryPortException(string message, Exception? inner) : Exception(message, inner);

/// <summary>The certificate for TLS cannot be used: the message says which file and why.</summary>
public sealed class RegistryTlsException(string message, Exception? inner) : Exception(message, inner);
