using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.Ports;
using Mesh.Node;
using Mesh.Node.Parameters;
using Mesh.Node.Peers;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Security.Keys;

namespace Mesh.Benchmarks.Peers;

/// <summary>The actors with which one node talks to others, on a loop of their own. Their RSA is done at once, on the same thread.</summary>
internal sealed class PeerNode : IPeerPort, IWorkPool
{
    private const int Unlimited = 1_000_000;   // limits against floods; this is one

    private readonly Wire _wire;
    private readonly ActorSystem _system;
    private readonly ActorRef _peers;
    private readonly ActorRef _reader;
    private PeersStatus? _status;

    public PeerNode(NodeIdentity identity, Wire wire, DateTimeOffset now, NetworkVersion version)
    {
        (Identity, _wire) = (identity, wire);
        _system = new ActorSystem(new ActorSystemOptions
        {
            Epoch = now,
            Seed = (ulong)identity.Prefix.Value,
            Journal = new InMemoryJournal(new SimulatedDisk()) { ReadDelay = TimeSpan.Zero, WriteDelay = TimeSpan.Zero },
            Schema = PeersActor.AddTo(new EventSchema()),
        });
        _reader = _system.ActorOf(Props.Create(() => new Reader(status => _status = status)), "reader");
        // What is not needed to talk to other nodes is not there.
        var ports = new NodePorts(Streams: null!, DataPlane: null!, Http: null!, SystemEntropy.Instance, Peers: this, WorkPool: this, Credentials: null!);
        // Remembering is disk work, and the same for all that a node stores.
        var options = new PeersOptions { ChecksPerSecond = Unlimited, SecretsPerSecond = Unlimited, MaxPeers = Unlimited, MaxRemembered = 0 };
        _peers = _system.ActorOf(Props.Create(() => new PeersActor(identity, options, ports, _reader, new NodeInformation("benchmark", "none"))), "peers");
        Run();
        _system.EventStream.Publish(new VersionLearned(version));
        Run();
    }

    public NodeIdentity Identity { get; }

    public void Tell(object message)
    {
        _system.Loop.Inject(_peers, message);
        Run();
    }

    public PeersStatus Status()
    {
        _system.Loop.Inject(_peers, new GetPeersStatus(), _reader);
        Run();
        return _status ?? throw new InvalidOperationException("the actors gave no answer");
    }

    void IPeerPort.Attach(ActorRef receiver)
    {
    }

    void IPeerPort.Handled()
    {
    }

    void IPeerPort.Send(Ipv6Address to, ushort port, ReadOnlyMemory<byte> datagram) => _wire.Send(Identity.Address, to, datagram);

    void IWorkPool.Run(object tag, Func<object> work, ActorRef replyTo) => replyTo.Tell(new WorkDone(tag, work()), sender: null);

    /// <summary>Lets time pass: it stands still otherwise.</summary>
    public void Wait(TimeSpan duration) => _system.Loop.RunUntil(_system.Loop.Now + duration);

    // The journal answers at once, but by a timer.
    private void Run() => _system.Loop.RunUntil(_system.Loop.Now);

    private sealed class Reader(Action<PeersStatus> read) : Actor
    {
        protected override void Receive(object message)
        {
            if (message is PeersStatus status)   // not addresses for the address book
                read(status);
        }
    }
}

/// <summary>Carries datagrams between nodes, in order and at once.</summary>
internal sealed class Wire
{
    private readonly Dictionary<Ipv6Address, PeerNode> _nodes = [];
    private readonly Queue<(PeerNode To, PeerDatagramReceived Datagram)> _flying = new();

    public void Add(PeerNode node)
    {
        foreach (Ipv6Address address in AddressesOf(node))
            _nodes.Add(address, node);
    }

    public void Remove(PeerNode node)
    {
        foreach (Ipv6Address address in AddressesOf(node))
            _ = _nodes.Remove(address);
    }

    public void Send(Ipv6Address from, Ipv6Address to, ReadOnlyMemory<byte> datagram) => _flying.Enqueue((_nodes[to], new PeerDatagramReceived(from, LocalDatagram.NodePort, datagram)));

    /// <summary>Until nobody has anything to say.</summary>
    public void Deliver()
    {
        while (_flying.TryDequeue(out (PeerNode To, PeerDatagramReceived Datagram) next))
            next.To.Tell(next.Datagram);
    }

    private static IEnumerable<Ipv6Address> AddressesOf(PeerNode node) =>
        new[] { node.Identity.Address, node.Identity.Prefix.FirstAddress(node.Identity.Network) }.Distinct();
}
