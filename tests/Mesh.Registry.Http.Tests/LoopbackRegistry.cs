using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.RealTime;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Authority;
using Mesh.Registry.Events;
using Mesh.Registry.LocalNode;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Registry.Http.Tests;

/// <summary>A real registry on a loopback port that the system chose, with a journal in memory.</summary>
internal sealed class LoopbackRegistry : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // Making keys is slow, and they do not change what is tested.
    private static readonly Lazy<CertificateAuthority> Ca = new(() => CertificateAuthority.Create(
        NetworkPrefix.Parse("2001:db8:42::/48"), PrivateKey.Generate(), "test", "re6st@example.com", DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddYears(5)));

    private readonly RealTimeDriver _driver;

    private LoopbackRegistry(RealTimeDriver driver, RegistryActors actors, ThreadWorkPool pool, InMemoryJournal journal) =>
        (_driver, Actors, Pool, Journal) = (driver, actors, pool, journal);

    public static CertificateAuthority Authority => Ca.Value;

    public RegistryServer Server { get; private set; } = null!;

    public RegistryActors Actors { get; }

    public ThreadWorkPool Pool { get; }

    public InMemoryJournal Journal { get; }

    public ConcurrentQueue<AccessRecord> AccessLog { get; } = new();

    public ConcurrentQueue<string> Warnings { get; } = new();

    public int TlsPort => Server.Addresses.Single(static address => address.Scheme == "https").Port;

    public int Port => Server.Addresses[0].Port;

    public static async Task<LoopbackRegistry> StartAsync(RegistryOptions? options = null, RegistryServerOptions? server = null, ILocalNodePort? localNode = null)
    {
        var journal = new InMemoryJournal(new SimulatedDisk()) { WriteDelay = TimeSpan.Zero, ReadDelay = TimeSpan.Zero };
        var system = new ActorSystem(new ActorSystemOptions { Journal = journal, Schema = RegistrySchema.AddTo(new EventSchema()), Epoch = DateTimeOffset.UtcNow });
        var pool = new ThreadWorkPool();
        var actors = RegistryActors.Start(system, options ?? new RegistryOptions(), new RegistryPorts(new RsaRegistryAuthority(Authority, SystemEntropy.Instance), pool) { LocalNode = localNode });
        var registry = new LoopbackRegistry(RealTimeDriver.Start(system), actors, pool, journal);
        server ??= new RegistryServerOptions();
        registry.Server = await RegistryServer.StartAsync(actors, server with
        {
            Endpoints = [new IPEndPoint(IPAddress.Loopback, 0)],
            TlsEndpoints = server.TlsCertificate is null ? [] : [new IPEndPoint(IPAddress.Loopback, 0)],
            Warn = registry.Warnings.Enqueue,
            AccessLog = registry.AccessLog.Enqueue,
        });
        return registry;
    }

    /// <summary>Options under which this machine is a stranger.</summary>
    public static RegistryOptions Strict => new() { AuthorizedOrigins = ImmutableSortedSet<string>.Empty };

    public Task<T> AskAsync<T>(RegistryCommand command) => AskAsync<T>(Actors.Registry, command);

    public Task<T> AskAsync<T>(ActorRef actor, object message) => actor.Ask<T>(message, Patience);

    /// <summary>Sends a GET as it stands.</summary>
    public Task<RawResponse> GetAsync(string target, params string[] headers) =>
        SendAsync($"GET {target} HTTP/1.1\r\nHost: registry\r\nConnection: close\r\n{string.Concat(headers.Select(h => h + "\r\n"))}\r\n");

    /// <summary>Sends octets as they stand and reads until the server closes.</summary>
    public async Task<RawResponse> SendAsync(string request) => RawResponse.Parse(await SendRawAsync(request));

    /// <summary>Sends octets as they stand and gives what comes until the server closes.</summary>
    public async Task<byte[]> SendRawAsync(string request)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var patience = new CancellationTokenSource(Patience);
        await socket.ConnectAsync(IPAddress.Loopback, Port, patience.Token);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), patience.Token);
        using var received = new MemoryStream();
        try
        {
            await stream.CopyToAsync(received, patience.Token);
        }
        catch (IOException)
        {
            // Reset after the answer, because the server did not read all that was sent.
        }

        return received.ToArray();
    }

    /// <summary>The first line of the access log that fits; lines are written a moment before or after the answer.</summary>
    public async Task<AccessRecord> LoggedAsync(Func<AccessRecord, bool> predicate)
    {
        await EventuallyAsync(() => Task.FromResult(AccessLog.Any(predicate)));
        return AccessLog.First(predicate);
    }

    /// <summary>Waits for what another thread is about to do.</summary>
    public static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!await condition())
            await Task.Delay(1, patience.Token);
    }

    public async ValueTask DisposeAsync()
    {
        Pool.Gate.Set();
        await Server.DisposeAsync();
        _driver.Dispose();
    }
}

/// <summary>An HTTP answer as it came.</summary>
internal sealed record RawResponse(int Status, ImmutableDictionary<string, string> Headers, byte[] Body)
{
    public string Text => Encoding.UTF8.GetString(Body);

    public string? this[string header] => Headers.GetValueOrDefault(header);

    /// <summary>Answers that came one after the other.</summary>
    public static List<RawResponse> ParseAll(byte[] octets)
    {
        var all = new List<RawResponse>();
        while (octets.Length > 0)
        {
            RawResponse next = Parse(octets);
            int length = int.Parse(next["Content-Length"] ?? "0", CultureInfo.InvariantCulture);
            all.Add(next with { Body = next.Body[..length] });
            octets = next.Body[length..];
        }

        return all;
    }

    public static RawResponse Parse(byte[] octets)
    {
        int end = octets.AsSpan().IndexOf("\r\n\r\n"u8);
        Assert.True(end > 0, $"no HTTP answer in {octets.Length} octets");
        string[] lines = Encoding.Latin1.GetString(octets, 0, end).Split("\r\n");
        return new RawResponse(
            int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture),
            lines.Skip(1).Select(line => line.Split(": ", 2)).ToImmutableDictionary(h => h[0], h => h[1], StringComparer.OrdinalIgnoreCase),
            octets[(end + 4)..]);
    }
}
