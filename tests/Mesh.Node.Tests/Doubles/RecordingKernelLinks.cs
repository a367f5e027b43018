using System.Collections.Immutable;
using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tests.Doubles;

/// <summary>Links of the kernel that only write down what they are asked for.</summary>
internal sealed class RecordingKernelLinks : IKernelLinkPort
{
    public Dictionary<int, ActorRef> Opened { get; } = [];

    public List<int> Closed { get; } = [];

    public List<(int Link, Ipv6Address To, ReadOnlyMemory<byte> Packet)> Sent { get; } = [];

    public ImmutableArray<KernelHopRoute> Routes { get; private set; } = [];

    public Dictionary<int, Ipv6Address> Addresses { get; } = [];

    public void Open(int link, Ipv6Address address, ActorRef owner)
    {
        Opened.Add(link, owner);
        Addresses[link] = address;
    }

    public void Send(int link, Ipv6Address to, ReadOnlyMemory<byte> packet) => Sent.Add((link, to, packet));

    public void Close(int link)
    {
        Opened.Remove(link);
        Closed.Add(link);
    }

    public void Publish(ImmutableArray<KernelHopRoute> routes) => Routes = routes;
}
