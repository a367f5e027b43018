using System.Net;
using System.Net.Sockets;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.RealTime;
using Mesh.Cli.Tests;
using Mesh.Interop.Tests.Harness;
using Mesh.Node.PortMapping;
using Mesh.Platform.Linux.Namespaces;
using Mesh.Platform.Linux.PortMapping;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.PortMapping;
using Mesh.Security.Keys;

namespace Mesh.Interop.Tests.PortMapping;

/// <summary>A machine behind a router, with the actor that has ports mapped, and somebody outside.</summary>
internal sealed class MappedHost : IDisposable
{
    public const int Port = 6626;

    private static readonly IPAddress External = IPAddress.Parse("20.0.0.2"), Address = IPAddress.Parse("10.1.0.1");

    private readonly NetworkNamespace _host, _router, _outside;
    private readonly SimulatedDisk _disk = new();
    private PortMappingPort? _port;
    private ActorSystem? _system;
    private RealTimeDriver? _driver;
    private ActorRef? _actor;

    public MappedHost()
    {
        NeedsRoot.Check();
        const string Label = "mesh-interop-";
        NetworkNamespace.RemoveLeftovers(Label);
        (_host, _router, _outside) = (NetworkNamespace.Create($"{Label}host"), NetworkNamespace.Create($"{Label}router"), NetworkNamespace.Create($"{Label}outside"));
        // miniupnpd maps nothing where its external address is private, or one for documentation.
        _router.Connect(NatBox.Outside, External, _outside, "under", IPAddress.Parse("20.0.0.1"), 24);
        Router = new NatBox(_router, _host, IPAddress.Parse("10.1.0.254"), Address);
    }

    public NatBox Router { get; }

    /// <summary>Starts the actor, on the disk of the earlier one.</summary>
    public void Start(PortMappingOptions options)
    {
        _port = _host.Run(static () => new PortMappingPort(new PortMappingPortOptions()));
        _system = new ActorSystem(new ActorSystemOptions
        {
            Name = "mapping",
            Seed = 7,
            Epoch = DateTimeOffset.UtcNow,
            Journal = new InMemoryJournal(_disk),
            Schema = RememberedGatewaysActor.AddTo(new EventSchema()),
        });
        _actor = _system.ActorOf(Props.Create(() => new PortMappingActor(options, _port, SystemEntropy.Instance)), "port-mapping");
        _driver = RealTimeDriver.Start(_system);
    }

    /// <summary>TCP and UDP of one port by one method.</summary>
    public static PortMappingOptions Options(PortMappingMethod method, int port = Port) => new()
    {
        Ports = [new PortToMap(TransportProtocol.Tcp, (ushort)port, AddressProtocol.Mesh), new PortToMap(TransportProtocol.Udp, (ushort)port, null)],
        Methods = [method],
    };

    public Task<PortMappingStatus> StatusAsync() => _actor!.Ask<PortMappingStatus>(new GetPortMappingStatus(), TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

    public async Task<PortMappingStatus> AwaitAsync(string what, Func<PortMappingStatus, bool> condition)
    {
        PortMappingStatus? status = null;
        await Eventually.TrueAsync(
            async () => condition(status = await StatusAsync()), what,
            () => $"{status} {string.Join(", ", status!.Mappings)} {string.Join(", ", status.Counters)}\n{string.Join(", ", Router.Mappings())}\n{Router.Said}");
        return status!;
    }

    public Task<PortMappingsReleased> ReleaseAsync() => _actor!.Ask<PortMappingsReleased>(new ReleasePortMappings(), TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

    /// <summary>Ends the actor without a word to the gateway.</summary>
    public void Crash()
    {
        _driver?.Dispose();
        _port?.Dispose();
        (_driver, _port) = (null, null);
    }

    /// <summary>Whether somebody outside reaches TCP and UDP sockets of the machine at the router's port.</summary>
    public async Task<bool> IsReachedAsync(int externalPort)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(5));
        using Socket listener = Make(_host, SocketType.Stream), caller = Make(_outside, SocketType.Stream), receiver = Make(_host, SocketType.Dgram), sender = Make(_outside, SocketType.Dgram);
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(new IPEndPoint(Address, Port));
        listener.Listen();
        receiver.Bind(new IPEndPoint(Address, Port));
        try
        {
            await caller.ConnectAsync(new IPEndPoint(External, externalPort), limit.Token);
            await sender.SendToAsync(new byte[] { 7 }, SocketFlags.None, new IPEndPoint(External, externalPort), limit.Token);
            return await receiver.ReceiveAsync(new byte[16], limit.Token) == 1;
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        Crash();
        foreach (NetworkNamespace space in (NetworkNamespace[])[_host, _router, _outside])
            space.Dispose();
        Router.Dispose();
    }

    private static Socket Make(NetworkNamespace space, SocketType type) => space.Run(() => new Socket(AddressFamily.InterNetwork, type, type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp));
}
