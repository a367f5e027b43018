using System.Net;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.Ports;

namespace Mesh.Node.Tests.Doubles;

/// <summary>A control payload that the code under test has sent.</summary>
internal sealed record SentControl(TunnelIndex Tunnel, InnerKind Kind, ReadOnlyMemory<byte> Payload, IPEndPoint To);

/// <summary>A data plane that only writes down what it is asked for.</summary>
internal sealed class RecordingDataPlane : IDataPlanePort
{
    public IPEndPoint? LocalEndpoint => null;

    public Dictionary<TunnelIndex, ActorRef> Tunnels { get; } = [];

    public List<(TunnelIndex Tunnel, DataKeys Keys)> Keys { get; } = [];

    public List<(TunnelIndex Tunnel, DataPath Path)> Paths { get; } = [];

    public List<(TunnelIndex Tunnel, StreamId Stream)> Bindings { get; } = [];

    public List<TunnelIndex> Removed { get; } = [];

    public List<SentControl> Sent { get; } = [];

    public List<ForwardingTable> Tables { get; } = [];

    /// <summary>Set: no tunnel can be added.</summary>
    public bool IsBroken { get; set; }

    public void AddTunnel(TunnelIndex tunnel, ActorRef owner)
    {
        if (IsBroken)
            throw new InvalidOperationException("the data plane is broken");
        Tunnels.Add(tunnel, owner);
    }

    public void SetKeys(TunnelIndex tunnel, DataKeys keys) => Keys.Add((tunnel, keys));

    public void SetPath(TunnelIndex tunnel, DataPath path) => Paths.Add((tunnel, path));

    public void RemoveTunnel(TunnelIndex tunnel)
    {
        Tunnels.Remove(tunnel);
        Removed.Add(tunnel);
    }

    public void SendControl(TunnelIndex tunnel, InnerKind kind, ReadOnlyMemory<byte> payload, IPEndPoint to) => Sent.Add(new SentControl(tunnel, kind, payload, to));

    public void BindStream(TunnelIndex tunnel, StreamId stream) => Bindings.Add((tunnel, stream));

    /// <summary>How many packets each tunnel has carried.</summary>
    public Dictionary<TunnelIndex, long> Traffic { get; } = [];

    public void AskTraffic(TunnelIndex tunnel, ActorRef asker) => asker.Tell(new TunnelTraffic(tunnel, Traffic.GetValueOrDefault(tunnel)));

    public void Publish(ForwardingTable table) => Tables.Add(table);
}
