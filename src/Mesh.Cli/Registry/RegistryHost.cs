using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Mesh.Actors;
using Mesh.Actors.Persistence;
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
        using SqliteJournal journal = SqliteJournal.Open(directory.JournalPath, JournalKeys.Registry.Map(config, text => log.Write(LogLevel.Warning, "journal", text)));
        using var work = new ThreadedWorkPool(config.Get(RegistryKeys.WorkThreads), WorkQueueLength);
        var system = new ActorSystem(new ActorSystemOptions
        {
            Name = "registry",
            Seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))),
            Epoch = DateTimeOffset.UtcNow,
            Journal = journal,
            Schema = RegistrySchema.AddTo(new EventSchema()),
            Log = log,
        });
        RegistryActors actors = RegistryActors.Start(system, equipment.Options, equipment.Ports(new RsaRegistryAuthority(authority, SystemEntropy.Instance), work));
        var ending = new ChannelRef("/registry-host");
        _ = system.SystemActorOf(Props.Create(() => new EndWatch(actors, ending)), "end-watch");
        using RealTimeDriver driver = RealTimeDriver.Start(system);
        await using ControlServer control = ControlServer.Start(
            Path.Combine(directory.DirectoryPath, ControlName), new RegistryControl(actors).AnswerAsync);
        await using RegistryServer server = await StartServerAsync(actors, log, cancellation);
        log.Write(LogLevel.Info, "registry", $"serves {authority.Certificate.Network} from {directory.DirectoryPath}");
        foreach (Uri address in server.Addresses)
            await context.Out.WriteLineAsync(address.ToString().TrimEnd('/'));
        await context.Out.FlushAsync(CancellationToken.None);
        await WaitAsync(ending, log, cancellation);
        await server.StopAsync(StopGrace);
        log.Write(LogLevel.Info, "registry", "stopped");
    }

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

    private async Task<RegistryServer> StartServerAsync(RegistryActors actors, ConsoleLog log, CancellationToken cancellation)
    {
        RegistryServerOptions options = RegistryKeys.MapServer(config) with
        {
            AccessLog = access => Log(log, access),
            Warn = text => log.Write(LogLevel.Warning, "http", text),
        };
        if (!options.TlsEndpoints.IsEmpty)
            options = options with { TlsCertificate = Path.GetFullPath(options.TlsCertificate!, directory.DirectoryPath), TlsKey = Path.GetFullPath(options.TlsKey!, directory.DirectoryPath) };
        try
        {
            return await RegistryServer.StartAsync(actors, options, cancellation);
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
