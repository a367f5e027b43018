using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tests.Doubles;

/// <summary>A datagram that the code under test has sent.</summary>
internal sealed record SentDatagram(Ipv6Address To, ushort Port, ReadOnlyMemory<byte> Datagram);

/// <summary>A peer port that only writes down what it is asked for; the test plays the network.</summary>
internal sealed class RecordingPeerPort : IPeerPort
{
    public ActorRef? Receiver { get; private set; }

    public List<SentDatagram> Sent { get; } = [];

    public int HandledCount { get; private set; }

    public void Attach(ActorRef receiver) => Receiver = receiver;

    public void Handled() => HandledCount++;

    public void Send(Ipv6Address to, ushort port, ReadOnlyMemory<byte> datagram) => Sent.Add(new SentDatagram(to, port, datagram));
}
