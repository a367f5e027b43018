using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.Persistence.Sqlite;
using Mesh.Actors.RealTime;
using Mesh.Cli.Configuration;
using Mesh.Cli.Control;
using Mesh.Cli.Files;
using Mesh.Cli.Logging;
using Mesh.Cli.Shell;
using Mesh.DataPlane;
using Mesh.Node;
using Mesh.Node.PortMapping;
using Mesh.Node.Tunnels;
using Mesh.Platform.Linux.Crypto;
using Mesh.Platform.Linux.Forwarding;
using Mesh.Platform.Linux.Http;
using Mesh.Platform.Linux.Netlink;
using Mesh.Platform.Linux.Peers;
using Mesh.Platform.Linux.PortMapping;
using Mesh.Platform.Linux.Streams;
using Mesh.Platform.Linux.Work;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;
using Mesh.Security.Keys;

namespace Mesh.Cli.Node;

/// <summary>A node on this machine: actors, ports, device and control socket, put together and taken apart again.</summary>
internal sealed class NodeHost(CliContext context, NodeDirectory directory, NodeIdentity identity, NodeSettings settings)
{
    private static readonly IReadOnlySet<ulong> NobodyRevoked = new HashSet<ulong>();
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(8);
    private const int WorkThreads = 1;   // handshakes of other nodes may keep one processor busy, not all
    private const int WorkQueue = 256;

    private volatile Credentials _credentials = Credentials.Of(identity);

    /// <summary>Runs until it is cancelled.</summary>
    /// <exception cref="CommandFailedException">It cannot start, or it cannot go on.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using ConsoleLog log = LogKeys.Open(settings.Config, context.Error);
        using SqliteJournal journal = SqliteJournal.Open(directory.JournalPath, JournalKeys.Node.Map(settings.Config, text => log.Write(LogLevel.Warning, "journal", text)));
        var ending = new ChannelRef("/node-host");
        IReadOnlySet<IPAddress> local = OverlayDevice.UnderlayAddresses(identity.Network);
        await using TlsStreamPort streams = OpenStreams();
        using var plane = new LinuxDataPlane(settings.DataPlane(failure => ending.Tell(new NodeEnded($"forwarding has ended: {failure.Message}"))), streams);
        if (settings.Config.Get(NodeKeys.Interfaces).Contains(plane.DeviceName, StringComparer.Ordinal))
            throw CommandFailedException.Failed($"{NodeKeys.Interfaces.Path}: {plane.DeviceName} is this node's own TUN device, and no interface of a LAN");
        using OverlayDevice device = OverlayDevice.Configure(plane.DeviceName, plane.DeviceIndex, identity);
        await using KernelHost kernel = KernelHost.Open(settings.Config, directory, plane.DeviceIndex, identity.Address, log.Write);
        using var http = new HttpPort();
        await using PeerPort peers = OpenPeers();
        using var work = new ThreadedWorkPool(WorkThreads, WorkQueue);
        var system = new ActorSystem(new ActorSystemOptions
        {
            Name = "node",
            Seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))),
            Epoch = DateTimeOffset.UtcNow,
            Journal = journal,
            Schema = NodeActor.AddTo(new EventSchema()),
            Log = log,
        });
        // Data and control use the same number: what the kernel chose for the one is asked for with the other.
        var listen = new IPEndPoint(settings.Listen.Address, plane.LocalEndpoint.Port);
        NodeOptions options = Options(listen, local);
        using PortMappingPort? gateway = options.PortMapping is null ? null : PortMappingHost.Open(settings);
        var credentials = new CredentialFiles(directory, renewed => _credentials = Credentials.Of(renewed));
        var ports = new NodePorts(streams, plane, http, SystemEntropy.Instance, peers, work, credentials) { OpenVpn = kernel.Processes, KernelLinks = kernel.Links, LinkWatch = kernel.Interfaces, PortMapping = gateway };
        ActorRef guard = system.ActorOf(Props.Create(() => new NodeGuard(() => new NodeActor(_credentials.Identity, options, ports), ending)), "guard");
        using RealTimeDriver driver = RealTimeDriver.Start(system);
        using var underlay = new UnderlayMonitor(index => index == plane.DeviceIndex || (kernel.Processes?.OwnsLink(index) ?? false), () => guard.Tell(new UnderlayChanged()));
        var status = new NodeControl(guard, identity, plane, listen, settings) { MapsPorts = gateway is not null };
        await using ControlServer control = ControlServer.Start(directory.ControlPath, status.AnswerAsync);
        if (!peers.HearsLocal)
            log.Write(LogLevel.Info, "node", $"another program has [::1]:{LocalDatagram.NodePort}: a registry on this machine tells that one of new parameters");
        log.Write(LogLevel.Info, "node", $"{identity.Address} in {identity.Network} on {plane.DeviceName}, tunnels at {listen}");
        if (options.Tunnels.Advertised.Count == 0)
            log.Write(LogLevel.Info, "node", "no address of this node is advertised, so others cannot open tunnels to it at first, unless a gateway maps its port; --advertise HOST:PORT changes that (or node.advertise-own, in a private network)");
        object? why = await WaitAsync(ending, driver, cancellation);
        log.Write(LogLevel.Info, "node", "stopping");
        await StopAsync(system, guard, ending, gateway is not null);
        log.Write(LogLevel.Info, "node", "stopped");
        if (why is NodeEnded ended)
            throw CommandFailedException.Failed(ended.Reason);
    }

    private TlsStreamPort OpenStreams() => new(new TlsStreamOptions
    {
        Certificate = () => _credentials.Certificate,
        Judge = der => _credentials.Identity.TryIdentify(der.Span, DateTimeOffset.UtcNow, NobodyRevoked, out _, out string problem) ? null : problem,
        HandshakeTimeout = settings.Config.Get(NodeKeys.HandshakeTimeout),
        MaxHandshakes = settings.Config.Get(NodeKeys.MaxHandshakes),
        MaxAccepted = settings.Config.Get(NodeKeys.MaxAccepted),
        MaxQueuedOctets = (int)settings.Config.Get(NodeKeys.MaxQueued),
        Mark = settings.Mark,
        UnderlayDevice = settings.UnderlayDevice,
        Proxy = settings.Config.Get(NodeKeys.Proxy) is { Length: > 0 } proxy ? new Uri(proxy) : null,
    });

    private PeerPort OpenPeers()
    {
        try
        {
            return PeerPort.Open(identity.Address, identity.Prefix.FirstAddress(identity.Network), LocalDatagram.NodePort);
        }
        catch (SocketException e)
        {
            throw CommandFailedException.Failed($"messages of other nodes cannot be received at [{identity.Address}]:{LocalDatagram.NodePort}: {e.Message}", e);
        }
    }

    private NodeOptions Options(IPEndPoint listen, IReadOnlySet<IPAddress> local) => new()
    {
        RegistryUrl = settings.RegistryUrl,
        Babel = settings.Babel,
        IsGateway = settings.Config.Get(NodeKeys.Gateway),
        LanInterfaces = settings.Config.Get(NodeKeys.Interfaces),
        OpenVpn = settings.OpenVpn,
        PortMapping = PortMappingHost.Options(settings, listen),
        Peers = settings.Peers,
        Software = new NodeInformation(MeshCommandLine.Version, RuntimeInformation.OSDescription),
        Tunnels = settings.Tunnels with
        {
            Listen = settings.Accept ? listen : null,
            LocalAddresses = local,
            Advertised = Advertised(listen, local),
            Tunnel = settings.Tunnels.Tunnel with { UdpPort = (ushort)listen.Port, Ciphers = Ciphers() },
        },
    };

    private IReadOnlyList<SealingCipher> Ciphers() => settings.Config.Get(TunnelKeys.Ciphers) is not [TunnelKeys.Fastest] ? settings.Tunnels.Tunnel.Ciphers
        : [.. CipherSpeed.Order().Select(static cipher => cipher == DataCipher.Aes256Gcm ? SealingCipher.Aes256Gcm : SealingCipher.ChaCha20Poly1305)];

    private AddressList Advertised(IPEndPoint listen, IReadOnlySet<IPAddress> local)
    {
        OwnAddresses own = settings.Config.Get(NodeKeys.AdvertiseOwn);
        IEnumerable<AdvertisedAddress> native = settings.Accept ? settings.Tunnels.Advertised.Concat(own.Select(local, listen)) : [];
        // OpenVPN listens on all addresses, wherever native tunnels are accepted.
        IEnumerable<AdvertisedAddress> others = settings.OpenVpn is { } openVpn
            ? KernelHost.Advertised(openVpn, settings.Tunnels.Advertised.Concat(own.Select(local, new IPEndPoint(IPAddress.IPv6Any, listen.Port))).Select(static address => address.Host))
            : [];
        return new AddressList(native.Concat(others).Distinct().Take(AddressList.MaxCount));
    }

    private static async Task<object?> WaitAsync(ChannelRef ending, RealTimeDriver driver, CancellationToken cancellation)
    {
        try
        {
            Task<object> ended = ending.Messages.ReadAsync(cancellation).AsTask();
            // The loop cannot tell by a message that it has ended.
            while (await Task.WhenAny(ended, Task.Delay(TimeSpan.FromSeconds(1), CancellationToken.None)) != ended)
            {
                if (driver.Fatal is { } fatal)
                    return new NodeEnded($"the event loop has ended: {fatal.Message}");
            }
            return await ended;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    // So that routes are taken back, others find other ways, and streams are closed, while there still is somebody to do it.
    private static async Task StopAsync(ActorSystem system, ActorRef guard, ChannelRef ending, bool mapsPorts)
    {
        guard.Tell(new LeaveNetwork(), ending);
        await AwaitAsync<LeftNetwork>(ending, LeaveNetwork.Time * 2);
        if (mapsPorts)
        {
            guard.Tell(new ReleasePortMappings(), ending);
            await AwaitAsync<PortMappingsReleased>(ending, ReleasePortMappings.Limit * 2);
        }

        system.Stop(guard);
        await AwaitAsync<GuardStopped>(ending, StopTimeout);
    }

    private static async Task AwaitAsync<T>(ChannelRef ending, TimeSpan limit)
    {
        using var timeout = new CancellationTokenSource(limit);
        try
        {
            while (await ending.Messages.ReadAsync(timeout.Token) is not T)
            {
            }
        }
        catch (OperationCanceledException)
        {
            // What does not stop in time ends with the process.
        }
    }

    /// <summary>Who this node is, and the same as TLS wants it: with the key as the platform's own type.</summary>
    private sealed record Credentials(NodeIdentity Identity, X509Certificate2 Certificate)
    {
        public static Credentials Of(NodeIdentity identity) => new(identity, X509Certificate2.CreateFromPem(identity.Certificate.ToPem(), identity.Key.ToPem()));
    }
}
