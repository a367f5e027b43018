using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Text;
using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels;

/// <summary>One tunnel actor, and a test that plays everybody else: the peer, the manager, the router and the data plane.</summary>
internal sealed class TunnelWorld
{
    public static readonly NodePrefix Self = NodePrefix.ParseCommonName("1/16");
    public static readonly NodePrefix Peer = NodePrefix.ParseCommonName("2/16");
    public static readonly IPEndPoint Remote = new(IPAddress.Parse("198.51.100.2"), 1326);
    public static readonly IPEndPoint PeerDatagrams = new(Remote.Address, 1400);
    public static readonly TunnelIndex Index = new(7);

    private readonly TunnelOptions _options;
    private readonly TunnelPorts _ports;

    public TunnelWorld(TunnelOptions? options = null, bool isOnlyTunnel = false)
    {
        _options = options ?? new TunnelOptions { UdpPort = 1326 };
        Manager = Kit.CreateProbe("manager");
        Router = Kit.CreateProbe("router");
        Status = Kit.CreateProbe("status");
        Kit.System.EventStream.Subscribe<TunnelStatus>(Status.Ref);
        _ports = new TunnelPorts(Streams, DataPlane, Entropy, Manager.Ref, Router.Ref, Identify) { IsOnlyTunnel = _ => isOnlyTunnel };
    }

    public ActorTestKit Kit { get; } = new();

    public RecordingStreams Streams { get; } = new();

    public RecordingDataPlane DataPlane { get; } = new();

    public CountingEntropy Entropy { get; } = new();

    public TestProbe Manager { get; }

    public TestProbe Router { get; }

    public TestProbe Status { get; }

    public ActorRef Tunnel { get; private set; } = null!;

    public StreamId Stream { get; private set; }

    public string? LastState => Status.ReceiveAll().OfType<TunnelStatus>().LastOrDefault() is { } last ? last.IsGone ? "gone" : last.State.ToString() : null;

    public static ReadOnlyMemory<byte> CertificateOf(NodePrefix node) => Encoding.ASCII.GetBytes(node.CommonName);

    /// <summary>A certificate is the name of its node and perhaps, after a blank, something that tells it from another; that of 666/16 is refused.</summary>
    public static bool Identify(ReadOnlyMemory<byte> certificate, out NodePrefix peer, out string problem)
    {
        peer = NodePrefix.ParseCommonName(Encoding.ASCII.GetString(certificate.Span).Split(' ')[0]);
        problem = peer.Value == 666 ? "its certificate is refused: it has been revoked" : "";
        return problem.Length == 0;
    }

    public static TunnelKey Key(byte octet)
    {
        Span<byte> octets = stackalloc byte[TunnelKey.Length];
        octets.Fill(octet);
        return new TunnelKey(octets);
    }

    public TunnelWorld StartClient(params IReadOnlyList<IPEndPoint> remotes)
    {
        Tunnel = Kit.ActorOf(TunnelActor.Client(Index, Peer, remotes.Count > 0 ? remotes : [Remote], _options, _ports), "tunnel");
        Stream = Assert.Single(Streams.Connects).Stream;
        return this;
    }

    public TunnelWorld StartServer()
    {
        Stream = Streams.NewStream();
        Tunnel = Kit.ActorOf(TunnelActor.Server(Index, Peer, new StreamOpened(Stream, CertificateOf(Peer), Remote, Accepted: true), _options, _ports), "tunnel");
        return this;
    }

    public TunnelWorld Opened(NodePrefix? peer = null)
    {
        Tell(new StreamOpened(Stream, CertificateOf(peer ?? Peer), Remote, Accepted: false));
        return this;
    }

    /// <summary>Client: opens and greets. Server: is greeted. Ends in state Up; what was recorded so far is forgotten.</summary>
    public TunnelWorld Up(bool isClient, ushort peerUdpPort = 1400, TunnelCapabilities capabilities = TunnelCapabilities.PacketsInStream)
    {
        if (isClient)
            StartClient().Opened();
        else
            StartServer();
        Frame(PeerHello(udpPort: peerUdpPort, capabilities: capabilities).Encode);
        Frame(new TunnelReady(SealingCipher.Aes256Gcm).Encode);
        Manager.FishForMsg<TunnelUp>();
        Router.ExpectMsg<RoutingLinkUp>();
        Status.ReceiveAll();
        Streams.Sent.Clear();
        return this;
    }

    public static TunnelHello PeerHello(IReadOnlyList<SealingCipher>? ciphers = null, ushort udpPort = 1400, TunnelCapabilities capabilities = TunnelCapabilities.PacketsInStream) => new()
    {
        Capabilities = capabilities,
        ReceiverIndex = 99,
        Key = Key(0xEE),
        Ciphers = ciphers ?? [SealingCipher.Aes256Gcm],
        UdpPort = udpPort,
        LinkMtu = 1500,
        ReceiverSeenAt = ObservedEndpoint.Ipv4(0xC6336401, 1326),
    };

    public void Tell(object message)
    {
        Tunnel.Tell(message);
        Kit.Settle();
    }

    /// <summary>The peer sends a frame.</summary>
    public void Frame(Action<IBufferWriter<byte>> encode)
    {
        var buffer = new ArrayBufferWriter<byte>();
        encode(buffer);
        Frame(buffer.WrittenSpan[0], buffer.WrittenSpan[Protocol.Tunnel.Frame.HeaderLength..].ToArray());
    }

    public void Frame(byte kind, params byte[] payload) => Tell(new FrameReceived(Stream, kind, payload));

    /// <summary>The peer sends a control payload in a datagram.</summary>
    public void Datagram(InnerKind kind, ReadOnlyMemory<byte> payload, IPEndPoint? from = null) => Tell(new ControlReceived(Index, kind, payload, from ?? PeerDatagrams));

    /// <summary>The peer answers the probe number <paramref name="number"/> that was as long as a packet of <paramref name="length"/> octets; by default the longest there is.</summary>
    public void ProbeReply(ulong number, int length = DataPath.DefaultMtu) => Datagram(InnerKind.ProbeReply, (byte[])[.. Number(number), .. new byte[length - 1 - sizeof(ulong)]]);

    /// <summary>The peer answers the short probe of that number.</summary>
    public void ShortProbeReply(ulong number) => Datagram(InnerKind.ProbeReply, Number(number));

    public static byte[] Number(ulong number)
    {
        byte[] octets = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(octets, number);
        return octets;
    }

    /// <summary>Takes the frames that were sent since the last call.</summary>
    public IReadOnlyList<SentFrame> TakeSent()
    {
        SentFrame[] sent = [.. Streams.Sent];
        Streams.Sent.Clear();
        return sent;
    }

    /// <summary>Takes the numbers of the probes that were sent since the last call; a short and a long one have the same.</summary>
    public IReadOnlyList<ulong> TakeProbes()
    {
        ulong[] probes = [.. DataPlane.Sent.Where(c => c.Kind == InnerKind.Probe).Select(c => BinaryPrimitives.ReadUInt64BigEndian(c.Payload.Span)).Distinct()];
        DataPlane.Sent.Clear();
        return probes;
    }

    /// <summary>The tunnel has ended, its traces are gone, and the manager knows why.</summary>
    public TunnelEnded ExpectEnded(string reasonContains, bool wasUp)
    {
        TunnelEnded ended = Manager.FishForMsg<TunnelEnded>(limit: TimeSpan.FromMinutes(2));
        Assert.Contains(reasonContains, ended.Reason, StringComparison.Ordinal);
        Assert.Equal(wasUp, ended.WasUp);
        Assert.Contains(Index, DataPlane.Removed);
        Assert.Equal("gone", LastState);
        Assert.Null(Kit.System.Find("/user/tunnel"));
        Assert.Equal(0, Kit.System.FailureCount);
        return ended;
    }
}
