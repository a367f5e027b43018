using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Mesh.Protocol.Registry;
using Mesh.Registry.Http.Cluster;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace Mesh.Registry.Http;

/// <summary>The registry's front door: an HTTP server that hands every request to the registry's actors.</summary>
/// <remarks>HTTP/1.0 and HTTP/1.1, without TLS as nodes of re6st expect it: what matters is authenticated by the protocol itself. TLS is there for who wants it.
/// Of the web framework only the server is used.</remarks>
public sealed class RegistryServer : IAsyncDisposable
{
    private const int MaxHeadLength = 16 * 1024;

    private static readonly TimeSpan ShortestGrace = TimeSpan.FromSeconds(1.001);   // the server looks once a second

    private readonly WebApplication _services;
    private readonly IServer _server;
    private readonly RegistryApplication _application;
    private bool _isStopped;

    private RegistryServer(IRegistryBackend backend, RegistryServerOptions options)
    {
        var metrics = new RegistryMetrics();
        TlsFiles? tls = options.TlsEndpoints.IsDefaultOrEmpty ? null : new TlsFiles(options.TlsCertificate!, options.TlsKey!, options.Clock, options.Warn, metrics.FailedReloads);
        _application = new RegistryApplication(backend, options, metrics);
        var diagnostics = new DiagnosticListener("mesh-registry");   // of this server alone
        RejectedRequests.Watch(diagnostics, _application.OnRejected);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        _ = builder.Services.AddSingleton<DiagnosticSource>(diagnostics);
        _ = builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration()
            .UseSockets(static sockets => sockets.CreateBoundListenSocket = Bind)
            .ConfigureKestrel(kestrel => Configure(kestrel, options, tls, metrics));
        _services = builder.Build();
        _server = _services.Services.GetRequiredService<IServer>();
    }

    /// <summary>Where the server listens; with the ports that the system chose.</summary>
    public IReadOnlyList<Uri> Addresses =>
        [.. _server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Select(static address => new Uri(address))];

    /// <summary>Starts to listen for one registry.</summary>
    /// <exception cref="ArgumentException">A setting breaks its rule; the message has all of them.</exception>
    /// <exception cref="RegistryPortException">A port is taken or may not be used; nothing listens then.</exception>
    public static Task<RegistryServer> StartAsync(RegistryActors registry, RegistryServerOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(registry);
        return StartAsync(new LocalBackend(registry), options, cancellation);
    }

    /// <summary>Starts to listen for a cluster. It answers before this process or another one leads: with 503, after a while.</summary>
    /// <inheritdoc cref="StartAsync(RegistryActors, RegistryServerOptions, CancellationToken)"/>
    public static Task<RegistryServer> StartAsync(RegistryCluster cluster, RegistryServerOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(cluster);
        return StartAsync((IRegistryBackend)cluster, options, cancellation);
    }

    private static async Task<RegistryServer> StartAsync(IRegistryBackend backend, RegistryServerOptions options, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Validate().ToList() is { Count: > 0 } problems)
            throw new ArgumentException(string.Join("; ", problems), nameof(options));
        var server = new RegistryServer(backend, options);
        try
        {
            await server._server.StartAsync(server._application, cancellation).ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server._services.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Stops to listen, lets requests under way finish within <paramref name="grace"/>, then closes what is left.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        if (_isStopped)
            return;
        _isStopped = true;
        using var limit = new CancellationTokenSource(grace);
        await _server.StopAsync(limit.Token).ConfigureAwait(false);
        await _services.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Stops within 5 s.</summary>
    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.FromSeconds(5)).ConfigureAwait(false);

    private static void Configure(KestrelServerOptions kestrel, RegistryServerOptions options, TlsFiles? tls, RegistryMetrics metrics)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = options.MaxConnections;
        kestrel.Limits.MaxConcurrentUpgradedConnections = 0;
        kestrel.Limits.MaxRequestBodySize = 0;
        kestrel.Limits.MaxRequestLineSize = RegistryCall.MaxTargetLength + 64;
        kestrel.Limits.MaxRequestBufferSize = 2 * kestrel.Limits.MaxRequestLineSize;
        kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeadLength;
        kestrel.Limits.MaxRequestHeaderCount = 50;
        kestrel.Limits.RequestHeadersTimeout = options.HeadTimeout;
        kestrel.Limits.KeepAliveTimeout = options.IdleTimeout;
        kestrel.Limits.MinResponseDataRate = new MinDataRate(options.MinAnswerRate, options.HeadTimeout > ShortestGrace ? options.HeadTimeout : ShortestGrace);
        foreach (IPEndPoint endpoint in options.Endpoints.IsDefault ? [] : options.Endpoints)
            kestrel.Listen(endpoint, static listen => listen.Protocols = HttpProtocols.Http1);
        if (tls is null)
            return;
        foreach (IPEndPoint endpoint in options.TlsEndpoints)
            kestrel.Listen(endpoint, listen => ListenWithTls(listen, options, tls, metrics));
    }

    private static void ListenWithTls(ListenOptions listen, RegistryServerOptions options, TlsFiles tls, RegistryMetrics metrics)
    {
        listen.Protocols = HttpProtocols.Http1;
        // Around the handshake and behind it: who does not come through has failed.
        object passed = new();
        _ = listen.Use(next => async connection =>
        {
            await next(connection).ConfigureAwait(false);
            if (!connection.Items.ContainsKey(passed))
                metrics.FailedHandshakes.Increment();
        });
        _ = listen.UseHttps(new TlsHandshakeCallbackOptions { HandshakeTimeout = options.HeadTimeout, OnConnection = _ => ValueTask.FromResult(tls.Current()) });
        _ = listen.Use(next => connection =>
        {
            connection.Items[passed] = null;
            return next(connection);
        });
    }

    // The framework's own way makes IPv6 sockets that take IPv4 too, so that the two addresses could not be configured apart.
    private static Socket Bind(EndPoint endpoint)
    {
        var address = (IPEndPoint)endpoint;
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.AddressFamily == AddressFamily.InterNetworkV6)
                socket.DualMode = false;
            socket.Bind(address);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new RegistryPortException(Describe(address, e), e);
        }
    }

    private static string Describe(IPEndPoint endpoint, SocketException e) => e.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => $"The registry cannot listen on {endpoint}: another program uses this port; choose another port, or stop that program.",
        SocketError.AccessDenied => $"The registry cannot listen on {endpoint}: this user may not use ports below 1024; choose a port above, or give it the capability CAP_NET_BIND_SERVICE.",
        SocketError.AddressNotAvailable => $"The registry cannot listen on {endpoint}: this machine does not have that address.",
        _ => $"The registry cannot listen on {endpoint}: {e.Message}.",
    };
}
