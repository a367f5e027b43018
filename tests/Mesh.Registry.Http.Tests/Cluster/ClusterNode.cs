using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.Persistence.Postgres;
using Mesh.Actors.Persistence.Tests.Postgres;
using Mesh.Actors.RealTime;
using Mesh.Registry.Authority;
using Mesh.Registry.Events;
using Mesh.Registry.Http.Cluster;
using Mesh.Security.Keys;

namespace Mesh.Registry.Http.Tests.Cluster;

/// <summary>One process's worth of a cluster: an HTTP server, a part in the leadership, and a registry while it leads. Its two networks, to the database and to the others, can fail.</summary>
internal sealed class ClusterNode : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly RegistryOptions _registry;
    private readonly PostgresOptions _database;

    private ClusterNode(string schema, RegistryOptions registry)
    {
        _registry = registry;
        Database = new FaultyProxy(PostgresServer.Shared.Port);
        _database = new PostgresOptions { ConnectionString = PostgresServer.ConnectionTo(Database.Port), Schema = schema };
        Port = FreePort();
        Front = new FaultyProxy(Port);
        Url = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Front.Port}/"));
    }

    /// <summary>Between it and the database.</summary>
    public FaultyProxy Database { get; }

    /// <summary>Between the others and it, and its clients where they care.</summary>
    public FaultyProxy Front { get; }

    /// <summary>Where the others look for it.</summary>
    public Uri Url { get; }

    public int Port { get; }

    public RegistryCluster Cluster { get; private set; } = null!;

    public RegistryServer Server { get; private set; } = null!;

    public ConcurrentQueue<string> Log { get; } = new();

    public ConcurrentQueue<AccessRecord> AccessLog { get; } = new();

    /// <summary>Thrown by the next terms that begin.</summary>
    public Exception? Fault { get; set; }

    public bool Leads => Cluster.Actors is not null;

    public bool Follows => Cluster.State is Following;

    public static async Task<ClusterNode> StartAsync(string schema, RegistryOptions? registry = null, RegistryServerOptions? server = null, ClusterOptions? cluster = null)
    {
        var node = new ClusterNode(schema, registry ?? new RegistryOptions());
        node.Cluster = RegistryCluster.Start(
            new Leadership(node._database, new LeadershipOptions { Url = node.Url }), node._registry, (cluster ?? new ClusterOptions()) with { Log = node.Log.Enqueue }, node.BeginAsync);
        node.Server = await RegistryServer.StartAsync(node.Cluster, (server ?? new RegistryServerOptions()) with
        {
            Endpoints = [new IPEndPoint(IPAddress.Loopback, node.Port)],
            AccessLog = node.AccessLog.Enqueue,
        });
        return node;
    }

    /// <summary>A leader and a follower.</summary>
    public static async Task<(ClusterNode Leader, ClusterNode Follower)> StartTwoAsync(
        string schema, RegistryOptions? registry = null, RegistryServerOptions? server = null, ClusterOptions? cluster = null)
    {
        ClusterNode leader = await StartAsync(schema, registry, server, cluster);
        await UntilAsync(() => leader.Leads, "it does not lead");
        ClusterNode follower = await StartAsync(schema, registry, server, cluster);
        await UntilAsync(() => follower.Follows, "it does not follow");
        return (leader, follower);
    }

    public static async Task UntilAsync(Func<bool> condition, string otherwise)
    {
        long start = Environment.TickCount64;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 - start < Patience.TotalMilliseconds, otherwise);
            await Task.Delay(5, TestContext.Current.CancellationToken);   // for real time to pass
        }
    }

    /// <summary>From the view of all others, and of the database: its process was stopped in the middle of everything.</summary>
    public void Freeze() => Front.IsBlackHole = Database.IsBlackHole = true;

    /// <summary>Its process is gone, and its connections with it.</summary>
    public void Kill()
    {
        Front.Refuses = Database.Refuses = true;
        Front.Cut();
        Database.Cut();
    }

    /// <summary>Only the way to the database is cut.</summary>
    public void CutOff() => Database.IsBlackHole = true;

    public void Heal()
    {
        Front.IsBlackHole = Database.IsBlackHole = false;
        Front.Refuses = Database.Refuses = false;
        Front.Cut();
        Database.Cut();
    }

    /// <summary>Sends a GET as it stands, from an address of this machine.</summary>
    public Task<RawResponse> GetAsync(string target, string from = "127.0.0.1", params string[] headers) => GetAsync(Port, target, from, patience: null, headers);

    public static async Task<RawResponse> GetAsync(int port, string target, string from = "127.0.0.1", TimeSpan? patience = null, params string[] headers)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var limit = new CancellationTokenSource(patience ?? Patience);
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        await socket.ConnectAsync(IPAddress.Loopback, port, limit.Token);
        await using var stream = new NetworkStream(socket);
        string request = $"GET {target} HTTP/1.1\r\nHost: registry\r\nConnection: close\r\n{string.Concat(headers.Select(static h => h + "\r\n"))}\r\n";
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), limit.Token);
        using var received = new MemoryStream();
        await stream.CopyToAsync(received, limit.Token);
        return received.Length > 0 ? RawResponse.Parse(received.ToArray()) : throw new IOException("the connection was closed");
    }

    public Task<T> AskAsync<T>(Func<RegistryActors, ActorRef> whom, object message) => whom(Cluster.Actors!).Ask<T>(message, Patience);

    public async ValueTask DisposeAsync()
    {
        // First of all whatever it waits for.
        Heal();
        await Cluster.DisposeAsync();
        await Server.DisposeAsync();
        Front.Dispose();
        Database.Dispose();
    }

    private Task<RegistryTerm> BeginAsync(long epoch, CancellationToken over)
    {
        if (Fault is { } fault)
            throw fault;
        PostgresJournal journal = PostgresJournal.Open(_database, epoch);
        var system = new ActorSystem(new ActorSystemOptions { Journal = journal, Schema = RegistrySchema.AddTo(new EventSchema()), Epoch = DateTimeOffset.UtcNow });
        var actors = RegistryActors.Start(system, _registry, new RegistryPorts(new RsaRegistryAuthority(LoopbackRegistry.Authority, SystemEntropy.Instance), new ThreadWorkPool()));
        var driver = RealTimeDriver.Start(system);
        return Task.FromResult(new RegistryTerm(actors, () =>
        {
            driver.Dispose();
            journal.Dispose();
            return Task.CompletedTask;
        }));
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
