using System.Buffers;
using System.Buffers.Binary;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.TestKit;
using Mesh.DataPlane;
using Mesh.Fuzz.Tests.Corpus;
using Mesh.Fuzz.Tests.Harness;
using Mesh.Node;
using Mesh.Node.Certificates;
using Mesh.Node.Parameters;
using Mesh.Node.Peers;
using Mesh.Node.RegistryClient;
using Mesh.Node.Routing;
using Mesh.Node.Tests;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tests.Peers;
using Mesh.Node.Tests.Tunnels;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>What a node makes of datagrams and frames: an actor that fails on one has let a stranger or a peer restart it.</summary>
internal static class NodeTargets
{
    private const uint Later = 1000;   // above all numbers of the recording

    private static readonly DateTimeOffset Recorded = new(2027, 1, 15, 8, 0, 0, TimeSpan.Zero);

    private static readonly byte[][] Handshake = [.. Files.HexValues(Network.Peers.GetProperty("handshake"), "hex")];

    private static readonly byte[][] Payloads =
        [.. Network.Datagrams.Where(static d => d.Length > SessionMessage.MinLength && PeerDatagram.KindOf(d) == PeerDatagramKind.Message).Select(static d => d[PeerDatagram.NumberLength..^SessionMessage.MacLength]), [PeerCode.Capabilities, 1, 0, 0, 0, 0, 3, 0, 0]];

    private static readonly byte[][] Frames =
    [
        Frame(new KeepAlive(1, IsEcho: false).Encode), Frame(new PeerAddresses([]).Encode), Frame(new PathReport(PathState.Validated, 7, 1400).Encode), Frame(new Rekey(8, TunnelWorld.Key(9)).Encode),
        Frame(new CloseRequest(CloseReason.Retired, "x").Encode), Frame(new CloseAnswer(CloseReason.Retired, "").Encode), Frame(new CertificateRenewal([.. Network.NodeCertificate]).Encode),
        Frame(new StreamResume(7, IsAnswer: false).Encode), Frame(new VersionNews(NetworkVersion.Create(7, new byte[256])).Encode), Frame(TunnelWorld.PeerHello().Encode), Frame(new TunnelReady(SealingCipher.Aes256Gcm).Encode), [0x40, 42, 2, 0, 0], [0x80, 0x60],
    ];

    public static IEnumerable<FuzzTarget> All() =>
    [
        Slow("node/peer-datagram", Network.Datagrams, static octets =>
        {
            var world = new PeerWorld(Identities.B, Recorded);
            return () => Survives(world.Kit, () => world.Receive(Identities.A, octets), () => world.Take().Length > 0);
        }) with { Repairs = [ChangeCertificate] },
        Slow("node/loopback-datagram", Files.HexValues(Network.Peers.GetProperty("loopback"), "hex"), static octets =>
        {
            var world = new PeerWorld(Identities.B, Recorded);
            world.Publish(new NetworkParametersChanged(PeerWorld.ParametersOf(1, PeerWorld.Registry.Prefix)));
            return () => Survives(world.Kit, () => world.Receive(Protocol.Addressing.Ipv6Address.Loopback, octets, port: 40_000), () => world.Take().Length > 0);
        }),
        Slow("node/peer-message", Payloads, static payload =>
        {
            PeerWorld world = Connected();
            return () => Survives(world.Kit, () => world.Receive(Identities.A, Sealed(payload)), () => world.Status.Counters.Count > 0);
        }),
        Slow("node/parameters", RegistryAnswerTargets.ParameterTexts, Adopt) with { Tokens = RegistryAnswerTargets.ParameterTokens, MaxLength = 8000, Share = 3 },
        Slow("node/bootstrap", ["0000000000000010 192.0.2.1,326,mesh;2001:db8::1,1194,tcp6,DE"u8.ToArray(), "1 "u8.ToArray()], Introduce),
        Slow("node/tunnel-frame", Frames, static octets => Tunnel(octets, static world => world.Up(isClient: true))),
        Slow("node/tunnel-greeting", Frames, static octets => Tunnel(octets, static world => world.StartServer())),
        Slow("node/tunnel-datagram", [[1, .. TunnelWorld.Number(1)], [2, .. TunnelWorld.Number(1)], [3, 42, 2, 0, 0], [1], []], static octets =>
        {
            TunnelWorld world = new TunnelWorld().Up(isClient: false);
            return () => Survives(world.Kit, () => world.Datagram(octets.Length == 0 ? InnerKind.Probe : (InnerKind)octets[0], octets.Length == 0 ? octets : octets[1..]), () => world.DataPlane.Sent.Count > 0 || world.Router.PendingCount > 0);
        }),
    ];

    private static Func<object?> Adopt(byte[] json)
    {
        var kit = new ActorTestKit(schema: NodeActor.AddTo(new EventSchema()));
        var work = new VirtualWorkPool { Delay = TimeSpan.Zero };
        work.Attach(kit);
        TestProbe client = kit.CreateProbe("client"), other = kit.CreateProbe("other"), listener = kit.CreateProbe("listener");
        kit.System.EventStream.Subscribe<NetworkParametersChanged>(listener.Ref);
        var plane = new RecordingDataPlane();
        var routing = new RoutingOptions { Network = Network.Prefix, Self = Identities.A.Prefix, HelloInterval = TimeSpan.FromSeconds(4) };
        ActorRef babel = kit.ActorOf(Props.Create(() => new BabelActor(routing, plane)));
        var ports = new TunnelPorts(new RecordingStreams(), plane, new CountingEntropy(), kit.System.DeadLetters, babel, TunnelWorld.Identify);
        _ = kit.ActorOf(Props.Create(() => new TunnelsActor(new TunnelsOptions { Self = Identities.A.Prefix }, ports, other.Ref, other.Ref, other.Ref)));
        _ = kit.ActorOf(Props.Create(() => new ParametersActor(Identities.A, client.Ref, work)));
        babel.Tell(new RoutingLinkUp(new TunnelIndex(5), Identities.B.Prefix, other.Ref));
        CallRegistry call = client.ExpectMsg<CallRegistry>(TimeSpan.FromHours(2));
        byte[] body = ZlibBody.Compress(json);
        return () => Survives(
            kit,
            () =>
            {
                client.Reply(new RegistryAnswered(call.Tag, body));
                kit.Advance(TimeSpan.FromMinutes(1));
            },
            () => listener.PendingCount > 0);
    }

    private static Func<object?> Introduce(byte[] peer)
    {
        var kit = new ActorTestKit();
        TestProbe client = kit.CreateProbe("client"), book = kit.CreateProbe("book");
        ActorRef bootstrap = kit.ActorOf(Props.Create(() => new BootstrapActor(Identities.A, client.Ref, book.Ref)));
        bootstrap.Tell(new BootstrapWanted());
        kit.Settle();
        CallRegistry call = client.ExpectMsg<CallRegistry>();
        byte[] body = Identities.A.Key.PublicKey.Encrypt(peer[..Math.Min(peer.Length, Identities.A.Key.PublicKey.MaxPlainLength)], new CountingEntropy());
        return () => Survives(kit, () => client.Reply(new RegistryAnswered(call.Tag, body)), () => book.PendingCount > 0);
    }

    private static FuzzTarget Slow(string name, IEnumerable<byte[]> corpus, Func<byte[], Func<object?>> prepare) => new(name, [.. corpus])
    {
        Prepare = input => prepare(input.Octets),
        OctetsPerOctet = 256,
        BaseOctets = 2 * 1024 * 1024,
        BaseTime = TimeSpan.FromMilliseconds(200),
        Share = 2,
    };

    private static Func<object?> Tunnel(byte[] octets, Func<TunnelWorld, TunnelWorld> start)
    {
        TunnelWorld world = start(new TunnelWorld());
        world.Kit.Settle();
        return () => Survives(world.Kit, () => world.Frame(octets.Length == 0 ? (byte)0 : octets[0], octets.Length == 0 ? octets : octets[1..]), () => world.Manager.PendingCount + world.Router.PendingCount + world.TakeSent().Count > 0);
    }

    private static byte[] ChangeCertificate(DeterministicRandom random, byte[] octets) => Hello0.TryDecode(octets, out Hello0? hello)
        ? (hello with { Certificate = SecurityTargets.ChangeAndResign(random, hello.Certificate.ToArray()) }).Encode()
        : octets;

    /// <summary>Tells actors something, and lets time pass, for it may have its effect when a timer fires.</summary>
    /// <exception cref="InvalidOperationException">An actor failed.</exception>
    public static object? Survives(ActorTestKit kit, Action happens, Func<bool> hasEffect)
    {
        happens();
        kit.Advance(TimeSpan.FromSeconds(5));
        string? failure = kit.System.FailureCount == 0
            ? null
            : kit.Log.Entries.Where(static entry => entry.Level >= LogLevel.Warning).Select(static entry => entry.ToString()).LastOrDefault() ?? "an actor failed";
        // The one failure that is meant to end the node: the network has left this program behind.
        bool isTooOld = kit.Log.Entries.Any(static entry => entry.ToString().Contains("the network wants protocol", StringComparison.Ordinal));
        return failure is not null && !isTooOld ? throw new InvalidOperationException(failure) : hasEffect() ? true : null;
    }

    // As the recorded node B was, after the handshake.
    private static PeerWorld Connected()
    {
        var world = new PeerWorld(Identities.B, Recorded);
        foreach (int fromA in (int[])[0, 2, 4])
            world.Receive(Identities.A, Handshake[fromA]);
        _ = world.Take();
        return world.StateOf(Identities.A) == PeerState.Connected ? world : throw new InvalidOperationException("the recorded handshake does not connect");
    }

    private static byte[] Sealed(byte[] payload)
    {
        byte[] datagram = new byte[SessionMessage.MinLength + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(datagram, Later);
        payload.CopyTo(datagram, PeerDatagram.NumberLength);
        Network.SessionKey.Authenticate(datagram.AsSpan(0, datagram.Length - SessionMessage.MacLength), datagram.AsSpan(datagram.Length - SessionMessage.MacLength));
        return datagram;
    }

    // Kind and payload, as a frame is given to a tunnel.
    private static byte[] Frame(Action<IBufferWriter<byte>> encode)
    {
        var output = new ArrayBufferWriter<byte>();
        encode(output);
        return [output.WrittenSpan[0], .. output.WrittenSpan[Protocol.Tunnel.Frame.HeaderLength..]];
    }
}
