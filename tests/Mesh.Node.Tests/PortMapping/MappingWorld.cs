using System.Net;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.TestKit;
using Mesh.Node.PortMapping;
using Mesh.Node.Ports;
using Mesh.Node.Tests.Doubles;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.PortMapping;

namespace Mesh.Node.Tests.PortMapping;

/// <summary>The actor that has ports mapped, and a test that plays the gateway.</summary>
internal sealed class MappingWorld
{
    public const ushort Port = 6626;

    public static readonly Gateway Gateway = new(IPAddress.Parse("10.1.0.254"), IPAddress.Parse("10.1.0.1"));
    public static readonly IPAddress External = IPAddress.Parse("198.51.100.7");
    private static readonly TimeSpan Instant = TimeSpan.FromMilliseconds(20);

    private readonly CountingEntropy _entropy;

    public MappingWorld(PortMappingOptions options, SimulatedDisk? disk = null, CountingEntropy? entropy = null, bool findsGateway = true)
    {
        Disk = disk ?? new SimulatedDisk();
        _entropy = entropy ?? new CountingEntropy();
        Kit = new ActorTestKit(schema: RememberedGatewaysActor.AddTo(new EventSchema()), disk: Disk);
        Listener = Kit.CreateProbe("listener");
        Asker = Kit.CreateProbe("asker");
        Kit.System.EventStream.Subscribe<MappedAddressesChanged>(Listener.Ref);
        Actor = Kit.ActorOf(Props.Create(() => new PortMappingActor(options, Port5351, _entropy)), "port-mapping");
        Advance(Instant);
        if (findsGateway)
            Find(Gateway);
    }

    public ActorTestKit Kit { get; }

    public SimulatedDisk Disk { get; }

    public TestProbe Listener { get; }

    public TestProbe Asker { get; }

    public ActorRef Actor { get; }

    public RecordingGateway Port5351 { get; } = new();

    public PortMappingStatus Status
    {
        get
        {
            Asker.Send(Actor, new GetPortMappingStatus());
            return Asker.ExpectMsg<PortMappingStatus>();
        }
    }

    /// <summary>TCP and UDP by these methods.</summary>
    public static PortMappingOptions Options(params PortMappingMethod[] methods) => new()
    {
        Ports = [new PortToMap(TransportProtocol.Tcp, Port, AddressProtocol.Mesh), new PortToMap(TransportProtocol.Udp, Port, null)],
        Methods = methods,
    };

    public void Advance(TimeSpan time) => Kit.Advance(time);

    public void Tell(object message)
    {
        Actor.Tell(message);
        Kit.Settle();
    }

    /// <summary>The machine has this gateway; what is remembered of it is stored.</summary>
    public void Find(Gateway gateway)
    {
        Tell(new GatewayFound(gateway));
        Advance(Instant);
    }

    public long Count(PortMappingCounter counter) => Status.Counters.GetValueOrDefault(counter);

    /// <summary>What was sent since the last time.</summary>
    public byte[][] Sent()
    {
        byte[][] sent = [.. Port5351.Sent];
        Port5351.Sent.Clear();
        return sent;
    }

    public void Hear(byte[] datagram, IPEndPoint? from = null, bool isAnnouncement = false) =>
        Tell(new GatewayDatagram(from ?? new IPEndPoint(Gateway.Address, PcpMessage.ServerPort), datagram, isAnnouncement));

    /// <summary>The last request of PCP.</summary>
    public PcpRequest LastPcp() => PcpRequest.TryDecode(Port5351.Sent[^1], out PcpRequest request) ? request : throw new InvalidOperationException("no request of PCP was sent");

    public NatPmpRequest LastNatPmp() => NatPmpRequest.TryDecode(Port5351.Sent[^1], out NatPmpRequest request) ? request : throw new InvalidOperationException("no request of NAT-PMP was sent");

    /// <summary>The gateway does what was asked last by PCP.</summary>
    public void Grant(uint epoch, TimeSpan? lifetime = null, ushort? port = null, IPAddress? external = null, PcpNonce? nonce = null)
    {
        PcpRequest request = LastPcp();
        PcpMap? map = request.Map is { } asked
            ? asked with { Nonce = nonce ?? asked.Nonce, ExternalPort = port ?? asked.ExternalPort, ExternalAddress = Embed(external ?? External) }
            : null;
        Hear(new PcpResponse(request.Opcode, PcpResult.Success, lifetime ?? request.Lifetime, epoch, map).Encode());
    }

    public void Refuse(PcpResult result, uint epoch = 100, TimeSpan lifetime = default) => Hear(new PcpResponse(LastPcp().Opcode, result, lifetime, epoch, LastPcp().Map).Encode());

    /// <summary>The gateway answers what was asked last by NAT-PMP.</summary>
    public void GrantNatPmp(uint epoch, TimeSpan? lifetime = null, IPAddress? external = null)
    {
        NatPmpRequest request = LastNatPmp();
        Hear(request.Map is { } map
            ? new NatPmpResponse(request.Opcode, NatPmpResult.Success, epoch, null, map with { Lifetime = lifetime ?? map.Lifetime }).Encode()
            : new NatPmpResponse(request.Opcode, NatPmpResult.Success, epoch, external ?? External, null).Encode());
    }

    /// <summary>The tool has printed this.</summary>
    public void Print(string text) => Tell(new UpnpRan(Port5351.Commands[^1], UpnpcOutput.Parse(text)));

    public static Ipv6Address Embed(IPAddress address) => Ipv6Address.TryFrom(address.MapToIPv6(), out Ipv6Address embedded) ? embedded : default;
}
