using System.Buffers.Binary;
using System.Net;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.TestKit;
using Mesh.Node.AddressBook;
using Mesh.Node.Certificates;
using Mesh.Node.Parameters;
using Mesh.Node.Ports;
using Mesh.Node.Routing;
using Mesh.Node.Routing.Lan;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tests.RegistryClient;
using Mesh.Node.Tests.Tunnels;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;
using Mesh.Security;
using Mesh.Security.Certificates;

namespace Mesh.Node.Tests;

public sealed class NodeActorTests
{
    private static readonly IPEndPoint PeerAt = new(IPAddress.Parse("198.51.100.2"), 1326);

    private readonly SimulatedDisk _disk = new();
    private readonly RecordingStreams _streams = new();
    private readonly RecordingDataPlane _dataPlane = new();
    private readonly RecordingPeerPort _peers = new();
    private readonly RecordingLinkWatch _watch = new();
    private readonly RecordingKernelLinks _links = new();
    private ActorTestKit _kit = null!;
    private PlayedRegistry _registry = null!;
    private TestProbe _asker = null!;
    private ActorRef _node = null!;

    [Fact]
    public void It_has_the_parts_that_the_design_names()
    {
        Start();
        foreach (string part in (string[])["registry-client", "parameters", "address-book", "bootstrap", "tunnels", "babel", "certificate"])
            Assert.NotNull(_kit.System.Find($"/user/node/{part}"));
    }

    [Fact]
    public void It_knows_how_it_is()
    {
        Start();
        NodeStatus status = Status();
        Assert.Equal((Identities.A.Prefix, Identities.A.Address, 0UL, 0, 0), (status.Prefix, status.Address, status.ParametersVersion, status.Tunnels.Length, status.Routes.Length));
        ServeParameters(version: 4);
        Assert.Equal(4UL, Status().ParametersVersion);

        _kit.System.EventStream.Publish(new KnownPeers([Peer]));
        _kit.Settle();
        (IPEndPoint remote, _, ActorRef tunnel, DataPlane.StreamId stream) = Assert.Single(_streams.Connects);
        Assert.Equal(PeerAt, remote);
        Assert.Equal(TunnelState.Connecting, Assert.Single(Status().Tunnels).State);
        Open(tunnel, stream);
        TunnelStatus up = Assert.Single(Status().Tunnels);
        Assert.Equal((Identities.B.Prefix, TunnelState.Up, TunnelPathKind.Stream, true), (up.Peer, up.State, up.Path, up.IsClient));
        tunnel.Tell(new StreamClosed(stream, "reset by the peer"));
        _kit.Settle();
        Assert.Empty(Status().Tunnels);
    }

    [Fact]
    public void Questions_about_routing_reach_the_router()
    {
        Start();
        _asker.Send(_node, new GetRoutes());
        Assert.Single(_asker.ExpectMsg<RoutesStatus>().Own);
        _asker.Send(_node, new GetNeighbours());
        Assert.Empty(_asker.ExpectMsg<NeighboursStatus>().Neighbours);
        _asker.Send(_node, new ExplainRoute(Identities.A.Address));
        Assert.Equal(RouteOutcome.Own, _asker.ExpectMsg<RouteExplanation>().Outcome);
    }

    [Fact]
    public void On_the_LAN_it_speaks_with_the_networks_key_alone_also_when_routing_has_failed_and_begins_anew()
    {
        Ipv6Address own = Ipv6Address.Parse("fe80::1");
        Start();
        _watch.Owners["eth0"].Tell(new LinkSeen("eth0", new LinkView(7, IsRunning: true, [own])));
        _kit.Settle();
        Assert.Equal(LanInterfaceState.Waiting, Assert.Single(Status().Lans).State);
        Assert.Empty(_links.Opened);
        ServeParameters(version: 1);
        Assert.Equal(("eth0", LanInterfaceState.Speaking, 7, own), Assert.Single(Status().Lans) is var lan ? (lan.Name, lan.State, lan.Link!.Value, lan.Address!.Value) : default);
        _kit.Advance(TimeSpan.FromMinutes(1));

        ActorRef babel = _kit.System.Find("/user/node/babel")!;
        babel.Tell(new KernelLinkUp(9, IsShared: true) { Lan = new LanLink("eth9", Ipv6Address.Parse("2001:db8::1")) });   // no speaker takes that address
        _kit.Settle();
        Assert.DoesNotContain(7, _links.Opened);
        _kit.Advance(TimeSpan.FromMinutes(1));
        Assert.Contains(7, _links.Opened);
        Assert.NotEmpty(_links.Sent);
        // Behind the body is the trailer with the MAC (RFC 8967 section 4.1).
        Assert.All(_links.Sent, static sent => Assert.True(sent.Packet.Length > 4 + BinaryPrimitives.ReadUInt16BigEndian(sent.Packet.Span[2..])));
    }

    [Fact]
    public void A_peer_that_is_revoked_gets_no_tunnel_and_loses_the_one_it_has()
    {
        Start();
        ServeParameters(version: 1);
        _kit.System.EventStream.Publish(new KnownPeers([Peer]));
        _kit.Settle();
        (_, _, ActorRef tunnel, DataPlane.StreamId stream) = Assert.Single(_streams.Connects);
        Open(tunnel, stream);
        Assert.Equal(TunnelState.Up, Assert.Single(Status().Tunnels).State);
        _kit.System.EventStream.Publish(new NetworkParametersChanged(ParametersOf(2, Identities.B.Certificate.SerialNumber)));
        _kit.Settle();
        Assert.Contains(_streams.Sent, f => f.Stream == stream && f.Kind == CloseRequest.Kind);

        DataPlane.StreamId another = _streams.NewStream();
        _kit.System.Find("/user/node/tunnels")!.Tell(new StreamOpened(another, Identities.B.Certificate.Der.AsMemory(), PeerAt, Accepted: true));
        _kit.Settle();
        Assert.Contains(another, _streams.Closed);
    }

    [Fact]
    public void A_new_identity_is_used_for_all_that_comes_and_its_status_is_shown()
    {
        Start();
        CertificateStatus before = Status().Certificate;
        Assert.Equal((CertificateState.Valid, Identities.A.Certificate.SerialNumber, Identities.A.Certificate.NotAfter), (before.State, before.SerialNumber, before.Until));
        DateTimeOffset oldEnd = Identities.A.Verifier.Authority.NotAfter;
        AuthorityCertificate authority = Identities.Authority.Renew(Identities.Now, oldEnd.AddYears(20));
        NodeCertificate peer = Identities.Authority.Renew(Identities.B.Certificate, 50, oldEnd.AddYears(-1), oldEnd.AddYears(2));
        _kit.Loop.Epoch = oldEnd.AddYears(1);
        Assert.Contains(Accept(peer), _streams.Closed);   // our authority has ended
        NodeCertificate own = Identities.Authority.Renew(Identities.A.Certificate, 51, oldEnd.AddYears(-1), oldEnd.AddYears(2));
        _kit.System.EventStream.Publish(new IdentityChanged(new NodeIdentity(new CertificateVerifier(authority), own, Identities.A.Key, oldEnd.AddYears(1))));
        _kit.Settle();
        DataPlane.StreamId stream = Accept(peer);
        Assert.DoesNotContain(stream, _streams.Closed);
        Assert.Equal(Identities.B.Prefix, Assert.Single(Status().Tunnels).Peer);
    }

    [Fact]
    public void A_node_whose_certificate_ends_while_nobody_renews_it_goes_out_of_service()
    {
        Start();
        ServeParameters(version: 1);
        _kit.System.EventStream.Publish(new KnownPeers([Peer]));
        _kit.Settle();
        (_, _, ActorRef tunnel, DataPlane.StreamId stream) = Assert.Single(_streams.Connects);
        Open(tunnel, stream);
        _kit.Loop.Epoch = Identities.A.Certificate.NotAfter;
        _kit.Advance(TimeSpan.FromHours(1) + TimeSpan.FromSeconds(5));
        Assert.Equal((CertificateState.Expired, false), (Status().Certificate.State, Status().Certificate.MayServe));
        Assert.Contains(stream, _streams.Closed);
        Assert.Contains(Accept(Identities.B.Certificate), _streams.Closed);
    }

    [Fact]
    public void A_port_that_somebody_else_holds_is_not_hidden_by_restarting_the_part()
    {
        Start();
        _kit.System.Find("/user/node/tunnels")!.Tell(new StreamListenFailed(new IPEndPoint(IPAddress.Any, 1326), "another program listens there"));
        _kit.Settle();
        Assert.IsType<PortUnavailableException>(_kit.System.LastFailure!.Reason);
        Assert.Equal("/user/node", _kit.System.LastFailure.Actor.Path);
    }

    [Fact]
    public void A_damaged_journal_ends_the_node_visibly()
    {
        Start();
        ServeParameters(version: 1);
        _disk.Corrupt("parameters", 1);
        Start();
        Assert.Null(_kit.System.Find("/user/node"));
        Assert.Contains(_kit.Log.Entries, e => e.Level == LogLevel.Error && e.Message.Contains("the checksum does not fit", StringComparison.Ordinal));
    }

    [Fact]
    public void A_full_disk_is_survived()
    {
        Start();
        _kit.Journal.WriteFault = JournalFailure.Full;
        _registry.AnswerHello();
        _registry.Answer(ParametersOf(1).Encode());
        _kit.Advance(TimeSpan.FromMinutes(1));
        Assert.NotNull(_kit.System.Find("/user/node/parameters"));
        Assert.Equal(0UL, Status().ParametersVersion);
        _kit.Journal.WriteFault = null;
        ServeParameters(version: 1);
        Assert.Equal(1UL, Status().ParametersVersion);
    }

    private static PeerAddressEntry Peer => new(Identities.B.Prefix, new AddressList(new AdvertisedAddress("198.51.100.2", 1326, AddressProtocol.Mesh)));

    private static NetworkParameters ParametersOf(ulong version, params ulong[] revoked) =>
        new() { Version = VersionSigner.Sign(Identities.Authority, version), Protocol = 10, RegistryPrefix = Identities.B.Prefix, RevokedSerials = [.. revoked], BabelHmacSign = [.. Identities.A.Key.PublicKey.Encrypt(new byte[RoutingKeys.KeyLength], new CountingEntropy())] };

    private void Start()
    {
        _kit = new ActorTestKit(schema: NodeActor.AddTo(new EventSchema()), disk: _disk);
        _registry = new PlayedRegistry(_kit);
        var work = new VirtualWorkPool { Delay = TimeSpan.Zero };
        work.Attach(_kit);
        _asker = _kit.CreateProbe("asker");
        var ports = new NodePorts(_streams, _dataPlane, _registry.Http, new CountingEntropy(), _peers, work, new HeldCredentials()) { KernelLinks = _links, LinkWatch = _watch };
        var options = new NodeOptions { RegistryUrl = "http://registry.example", LanInterfaces = ["eth0"], Tunnels = new TunnelsOptions { Self = NodePrefix.Empty, ClientCount = 1, Listen = new IPEndPoint(IPAddress.Any, 1326) } };
        _node = _kit.ActorOf(Props.Create(() => new NodeActor(Identities.A, options, ports)), "node");
        _kit.Advance(TimeSpan.FromMilliseconds(100));
    }

    // Answers whatever is asked until the parameters have been served.
    private void ServeParameters(ulong version)
    {
        int answered = -1;
        for (int i = 0; i < 100; i++)
        {
            if (_registry.Http.Requests.Count - 1 > answered)
            {
                answered = _registry.Http.Requests.Count - 1;
                switch (_registry.LastMethod)
                {
                    case "hello":
                        _registry.AnswerHello();
                        break;
                    case RegistryMethod.GetNetworkConfig:
                        _registry.Answer(ParametersOf(version).Encode());
                        _kit.Advance(TimeSpan.FromMilliseconds(10));
                        if (Status().ParametersVersion == version)
                            return;
                        break;
                    default:
                        _registry.Answer([], status: 204);
                        break;
                }
            }
            else
            {
                _kit.Advance(TimeSpan.FromSeconds(1));
            }
        }

        Assert.Fail("the parameters were never asked for");
    }

    private DataPlane.StreamId Accept(NodeCertificate peer)
    {
        DataPlane.StreamId stream = _streams.NewStream();
        _kit.System.Find("/user/node/tunnels")!.Tell(new StreamOpened(stream, peer.Der.AsMemory(), PeerAt, Accepted: true));
        _kit.Settle();
        return stream;
    }

    private void Open(ActorRef tunnel, DataPlane.StreamId stream)
    {
        tunnel.Tell(new StreamOpened(stream, Identities.B.Certificate.Der.AsMemory(), PeerAt, Accepted: false));
        Frame(tunnel, stream, TunnelWorld.PeerHello(udpPort: 0).Encode);
        Frame(tunnel, stream, new TunnelReady(SealingCipher.Aes256Gcm).Encode);
    }

    private void Frame(ActorRef tunnel, DataPlane.StreamId stream, Action<System.Buffers.IBufferWriter<byte>> encode)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        encode(buffer);
        tunnel.Tell(new FrameReceived(stream, buffer.WrittenSpan[0], buffer.WrittenSpan[Protocol.Tunnel.Frame.HeaderLength..].ToArray()));
        _kit.Settle();
    }

    private NodeStatus Status()
    {
        _asker.Send(_node, new GetNodeStatus());
        return _asker.ExpectMsg<NodeStatus>();
    }
}
