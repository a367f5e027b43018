using System.Net;
using System.Net.Sockets;
using Mesh.Protocol.Registry;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Mesh.Registry.Http;

/// <summary>The registry's front door: an HTTP server that hands every request to the registry's actors.</summary>
/// <remarks>HTTP/1.1 without TLS, as nodes of re6st expect it: what matters is authenticated by the protocol itself. There is no other web framework in it.</remarks>
public sealed class RegistryServer : IAsyncDisposable
{
    private const int MaxHeadLength = 16 * 1024;

    private readonly KestrelServer _server;
    private readonly RegistryApplication _application;
    private bool _isStopped;

    private RegistryServer(RegistryActors registry, RegistryServerOptions options)
    {
        var kestrel = new KestrelServerOptions { AddServerHeader = false };
        kestrel.Limits.MaxConcurrentConnections = options.MaxConnections;
        kestrel.Limits.MaxConcurrentUpgradedConnections = 0;
        kestrel.Limits.MaxRequestBodySize = 0;
        kestrel.Limits.MaxRequestLineSize = RegistryCall.MaxTargetLength + 64;
        kestrel.Limits.MaxRequestBufferSize = 2 * kestrel.Limits.MaxRequestLineSize;
        kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeadLength;
        kestrel.Limits.MaxRequestHeaderCount = 50;
        kestrel.Limits.RequestHeadersTimeout = options.HeadTimeout;
        kestrel.Limits.KeepAliveTimeout = options.IdleTimeout;
        foreach (IPEndPoint endpoint in options.Endpoints)
            kestrel.Listen(endpoint, listen => listen.Protocols = HttpProtocols.Http1);
        var transport = new SocketTransportOptions { CreateBoundListenSocket = Bind };
        _server = new KestrelServer(Options.Create(kestrel), new SocketTransportFactory(Options.Create(transport), NullLoggerFactory.Instance), NullLoggerFactory.Instance);
        _application = new RegistryApplication(registry, options);
    }

    /// <summary>Where the server listens; with the ports that the system chose.</summary>
    public IReadOnlyList<Uri> Addresses =>
        [.. _server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Select(static address => new Uri(address))];

    /// <summary>Starts to listen.</summary>
    /// <exception cref="ArgumentException">A setting breaks its rule; the message has all of them.</exception>
    /// <exception cref="RegistryPortException">A port is taken or may not be used; nothing listens then.</exception>
    public static async Task<RegistryServer> StartAsync(RegistryActors registry, RegistryServerOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(registry);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Validate().ToList() is { Count: > 0 } problems)
            throw new ArgumentException(string.Join("; ", problems), nameof(options));
        var server = new RegistryServer(registry, options);
        try
        {
            await server._server.StartAsync(server._application, cancellation).ConfigureAwait(false);
            return server;
        }
        catch
        {
            server._server.Dispose();
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
        _server.Dispose();
    }

    /// <summary>Stops within 5 s.</summary>
    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.FromSeconds(5)).ConfigureAwait(false);

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
