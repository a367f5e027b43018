using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.Persistence.Postgres;
using Mesh.Actors.Persistence.Sqlite;
using Mesh.Actors.RealTime;
using Mesh.Cli.Configuration;
using Mesh.Cli.Control;
using Mesh.Cli.Logging;
using Mesh.Cli.Shell;
using Mesh.Hocon.Schema;
using Mesh.Platform.Linux.Work;
using Mesh.Registry;
using Mesh.Registry.Authority;
using Mesh.Registry.Events;
using Mesh.Registry.Http;
using Mesh.Registry.Http.Cluster;
using Mesh.Registry.Http.Storage;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Cli.Registry;

/// <summary>A registry on this machine: actors, journal, HTTP server and control socket, put together and taken apart again.</summary>
internal sealed class RegistryHost(CliContext context, RegistryDirectory directory, ResolvedConfig config)
{
    private const int WorkQueueLength = 1024;
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(5);

    /// <summary>Name of the control socket in the registry's directory.</summary>
    public const string ControlName = "control.sock";

    /// <summary>Serves until it is cancelled.</summary>
    /// <exception cref="CommandFailedException">It cannot start, or it cannot go on.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using CertificateAuthority authority = LoadAuthority();
        using ConsoleLog log = LogKeys.Open(config, context.Error);
        await using RegistryEquipment equipment = RegistryEquipment.Open(context, directory.DirectoryPath, config, authority.Certificate, log);
        using var work = new ThreadedWorkPool(config.Get(RegistryKeys.WorkThreads), WorkQueueLength);
        RegistryPorts ports = equipment.Ports(new RsaRegistryAuthority(authority, SystemEntropy.Instance), work);
        await (config.Get(ClusterKeys.Journal) == JournalKind.Postgresql
            ? RunInClusterAsync(equipment.Options, ports, log, cancellation)
            : RunAloneAsync(equipment.Options, ports, log, cancellation));
        log.Write(LogLevel.Info, "registry", "stopped");
    }

    private async Task RunAloneAsync(RegistryOptions options, RegistryPorts ports, ConsoleLog log, CancellationToken cancellation)
    {
        using SqliteJournal journal = SqliteJournal.Open(directory.JournalPath, JournalKeys.Registry.Map(config, Warn(log, "journal")));
        ActorSystem system = MakeSystem(journal, log);
        RegistryActors actors = RegistryActors.Start(system, options, ports);
        var ending = new ChannelRef("/registry-host");
        _ = system.SystemActorOf(Props.Create(() => new EndWatch(actors, ending)), "end-watch");
        using RealTimeDriver driver = RealTimeDriver.Start(system);
        await using ControlServer control = StartControl(new RegistryControl(actors).AnswerAsync);
        await using RegistryServer server = await StartServerAsync(server => RegistryServer.StartAsync(actors, server, cancellation), log);
        await AnnounceAsync(ports, server, log);
        await WaitAsync(ending, log, cancellation);
        await server.StopAsync(StopGrace);
    }

    // Actors only live in the process that leads, one system for each of its terms; the server and the control socket are there all the time.
    private async Task RunInClusterAsync(RegistryOptions options, RegistryPorts ports, ConsoleLog log, CancellationToken cancellation)
    {
        PostgresOptions database = ClusterKeys.MapJournal(config, Warn(log, "journal"));
        var leaderOptions = new LeadershipOptions { Url = config.Get(ClusterKeys.Url) };
        if (database.Validate().Concat(leaderOptions.Validate()).ToList() is { Count: > 0 } problems)
            throw CommandFailedException.Usage(problems);
        await using RegistryCluster cluster = RegistryCluster.Start(
            new Leadership(database, leaderOptions), options, ClusterKeys.Map(config, text => log.Write(LogLevel.Info, "cluster", text)),
            (epoch, _) => Task.FromResult(BeginTerm(PostgresJournal.Open(database, epoch), options, ports, log)));
        await using ControlServer control = StartControl(request =>
            cluster.Actors is { } actors ? new RegistryControl(actors).AnswerAsync(request) : Task.FromResult(ControlAnswer.Refuse(Describe(cluster.State))));
        await using RegistryServer server = await StartServerAsync(server => RegistryServer.StartAsync(cluster, server, cancellation), log);
        await AnnounceAsync(ports, server, log);
        await WaitAsync(new ChannelRef("/registry-host"), log, cancellation);
        await cluster.DisposeAsync();   // resigns, so that another process leads at once; what still comes in is refused
        await server.StopAsync(StopGrace);
    }

    private static RegistryTerm BeginTerm(PostgresJournal journal, RegistryOptions options, RegistryPorts ports, ConsoleLog log)
    {
        RealTimeDriver driver;
        RegistryActors actors;
        try
        {
            ActorSystem system = MakeSystem(journal, log);
            actors = RegistryActors.Start(system, options, ports);
            driver = RealTimeDriver.Start(system);
        }
        catch
        {
            journal.Dispose();
            throw;
        }

        return new RegistryTerm(actors, () => Task.Run(() =>
        {
            driver.Dispose();
            journal.Dispose();
        }));
    }

    private static ActorSystem MakeSystem(IJournal journal, ConsoleLog log) => new(new ActorSystemOptions
    {
        Name = "registry",
        Seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))),
        Epoch = DateTimeOffset.UtcNow,
        Journal = journal,
        Schema = RegistrySchema.AddTo(new EventSchema()),
        Log = log,
    });

    private ControlServer StartControl(Func<ControlRequest, Task<ControlAnswer>> answer) => ControlServer.Start(Path.Combine(directory.DirectoryPath, ControlName), answer);

    private async Task AnnounceAsync(RegistryPorts ports, RegistryServer server, ConsoleLog log)
    {
        log.Write(LogLevel.Info, "registry", $"serves {ports.Authority.Network} from {directory.DirectoryPath}");
        foreach (Uri address in server.Addresses)
            await context.Out.WriteLineAsync(address.ToString().TrimEnd('/'));
        await context.Out.FlushAsync(CancellationToken.None);
    }

    private static Action<string> Warn(ConsoleLog log, string source) => text => log.Write(LogLevel.Warning, source, text);

    private static string Describe(LeadershipState state) => state switch
    {
        Following following => $"another process leads, which serves at {following.Url}: give the command there",
        Leading => "this process leads, but has not read back its journal yet; try again in a moment",
        _ => "nobody leads at the moment; try again in a few seconds",
    };

    private CertificateAuthority LoadAuthority()
    {
        try
        {
            return directory.Load();
        }
        catch (RegistryDirectoryException e)
        {
            throw CommandFailedException.Usage($"{e.Message} (mesh registry init makes one)");
        }
    }

    private async Task<RegistryServer> StartServerAsync(Func<RegistryServerOptions, Task<RegistryServer>> start, ConsoleLog log)
    {
        RegistryServerOptions options = RegistryKeys.MapServer(config) with
        {
            AccessLog = access => Log(log, access),
            Warn = Warn(log, "http"),
        };
        if (!options.TlsEndpoints.IsEmpty)
            options = options with { TlsCertificate = Path.GetFullPath(options.TlsCertificate!, directory.DirectoryPath), TlsKey = Path.GetFullPath(options.TlsKey!, directory.DirectoryPath) };
        try
        {
            return await start(options);
        }
        catch (Exception e) when (e is RegistryPortException or RegistryTlsException)
        {
            throw CommandFailedException.Failed(e.Message.TrimEnd('.'), e);
        }
    }

    private static async Task WaitAsync(ChannelRef ending, ConsoleLog log, CancellationToken cancellation)
    {
        try
        {
            object why = await ending.Messages.ReadAsync(cancellation);
            throw CommandFailedException.Failed($"the registry has ended: {why}");
        }
        catch (OperationCanceledException)
        {
            log.Write(LogLevel.Info, "registry", "stopping");
        }
    }

    // What was refused says why; the rest is only of interest to who looks for something.
    private static void Log(ConsoleLog log, AccessRecord access)
    {
        LogLevel level = access.Reason is null ? LogLevel.Debug : LogLevel.Info;
        if (level < log.Level)
            return;
        string forwarded = access.ForwardedFor is { } client ? $" for {client}" : "", reason = access.Reason is { } why ? $": {why}" : "";
        log.Write(
            level, "http",
            string.Create(CultureInfo.InvariantCulture, $"{access.Client}{forwarded} {access.Verb} {access.Method} {access.Status} {access.BodyLength} {access.Duration.TotalMilliseconds:0.0} ms{reason}"),
            new JsonObject
            {
                ["client"] = access.Client.ToString(),
                ["forwardedFor"] = access.ForwardedFor,
                ["verb"] = access.Verb,
                ["method"] = access.Method,
                ["status"] = access.Status,
                ["octets"] = access.BodyLength,
                ["milliseconds"] = Math.Round(access.Duration.TotalMilliseconds, 3),
                ["reason"] = access.Reason,
            });
    }

    /// <summary>Tells when one of the registry's memories has stopped, and why.</summary>
    private sealed class EndWatch(RegistryActors registry, ActorRef owner) : Actor
    {
        private string _reason = "its actor has stopped";

        protected override void PreStart()
        {
            foreach (ActorRef actor in registry.Persistent)
                Context.Watch(actor);
            Context.System.EventStream.Subscribe<ActorFailed>(Self);
        }

        protected override void Receive(object message)
        {
            switch (message)
            {
                case ActorFailed failed when registry.Persistent.Contains(failed.Actor):
                    _reason = failed.Reason.Message;
                    break;
                case Terminated:
                    owner.Tell(_reason);
                    break;
            }
        }
    }
}
