using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.TestKit;
using Mesh.Node.Parameters;
using Mesh.Node.Peers;
using Mesh.Node.Ports;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Node.Tests.Peers;

/// <summary>The messages of one node, whose network the test plays.</summary>
internal sealed class PeerWorld
{
    public static readonly NodeIdentity Registry = Load("registry");

    public static readonly NodeIdentity C = Load("C");

    private int _taken;

    public PeerWorld(NodeIdentity self, DateTimeOffset? epoch = null, PeersOptions? options = null, SimulatedDisk? disk = null, AddressList? advertised = null, NodeInformation? software = null)
    {
        Self = self;
        Kit = new ActorTestKit(schema: PeersActor.AddTo(new EventSchema()), disk: disk, configure: o => o with { Epoch = epoch ?? Identities.Now });
        Work.Attach(Kit);
        Book = Kit.CreateProbe("book");
        Heard = Kit.CreateProbe("heard");
        Kit.System.EventStream.Subscribe<VersionHeard>(Heard.Ref);
        Kit.System.EventStream.Subscribe<ParametersOutdated>(Heard.Ref);
        Kit.System.EventStream.Subscribe<PeerKillRequested>(Heard.Ref);
        Kit.System.EventStream.Subscribe<PeerKillAnswered>(Heard.Ref);
        Context = Kit.CreateProbe("addresses");
        var ports = new NodePorts(new RecordingStreams(), new RecordingDataPlane(), new ScriptedHttp(), Entropy, Port, Work, new HeldCredentials());
        Actor = Kit.ActorOf(
            Props.Create(() => new PeersActor(self, options ?? new PeersOptions { TellsCapabilities = false }, ports, Book.Ref, software ?? new NodeInformation("0-test", "Linux-test"))), "peers");
        if (advertised is not null)
            Publish(new AdvertisedAddressesChanged(advertised));
        Kit.Advance(TimeSpan.FromMilliseconds(5));   // the journal
    }

    public NodeIdentity Self { get; }

    public ActorTestKit Kit { get; }

    public ActorRef Actor { get; }

    public RecordingPeerPort Port { get; } = new();

    public VirtualWorkPool Work { get; } = new() { Delay = TimeSpan.Zero };

    public ChosenEntropy Entropy { get; } = new();

    public TestProbe Book { get; }

    public TestProbe Heard { get; }

    public TestProbe Context { get; }

    public PeersStatus Status
    {
        get
        {
            Actor.Tell(new GetPeersStatus(), Context.Ref);
            return Context.ExpectMsg<PeersStatus>(TimeSpan.Zero);
        }
    }

    public long this[PeerCounter counter] => Status.Counters.GetValueOrDefault(counter);

    public PeerState? StateOf(NodeIdentity peer) => Status.Peers.FirstOrDefault(p => p.Peer == peer.Prefix)?.State;

    /// <summary>What was sent since the last call.</summary>
    public SentDatagram[] Take()
    {
        SentDatagram[] sent = [.. Port.Sent.Skip(_taken)];
        _taken = Port.Sent.Count;
        return sent;
    }

    /// <summary>The one datagram that was sent since the last call, as hexadecimal digits.</summary>
    public string TakeHex() => Convert.ToHexStringLower(Assert.Single(Take()).Datagram.Span);

    public void Receive(Ipv6Address from, ReadOnlySpan<byte> datagram, ushort port = 326)
    {
        Actor.Tell(new PeerDatagramReceived(from, port, datagram.ToArray()));
        Kit.Advance(TimeSpan.Zero);
        Kit.Advance(TimeSpan.Zero);
    }

    public void Receive(NodeIdentity from, ReadOnlySpan<byte> datagram) => Receive(from.Address, datagram);

    public void Tell(object message)
    {
        Actor.Tell(message);
        Kit.Settle();
    }

    public void Publish(object happened)
    {
        Kit.System.EventStream.Publish(happened);
        if (happened is AdvertisedAddressesChanged)
            Actor.Tell(happened);
        Kit.Settle();
    }

    public static NetworkParameters ParametersOf(ulong number, NodePrefix registry, params IEnumerable<ulong> revoked) =>
        new() { Version = Security.VersionSigner.Sign(Identities.Authority, number), Protocol = 10, RegistryPrefix = registry, RevokedSerials = [.. revoked] };

    private static NodeIdentity Load(string name) =>
        new(Identities.Verifier, Identities.CertificateOf(Identities.Node(name)), Identities.KeyOf(Identities.Node(name)), Identities.Now);
}

/// <summary>Entropy whose secrets the test chooses; everything else is filled with sevens.</summary>
internal sealed class ChosenEntropy : IEntropy
{
    private const int SecretPart = 12;   // octets of a secret behind its time

    public Queue<byte[]> Secrets { get; } = new();

    private byte _next;

    public void Fill(Span<byte> destination)
    {
        if (destination.Length == SecretPart && Secrets.TryDequeue(out byte[]? secret))
            secret.CopyTo(destination);
        else
            destination.Fill(destination.Length == SecretPart ? ++_next : (byte)7);
    }
}
