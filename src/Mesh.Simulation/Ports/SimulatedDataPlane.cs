using System.Net;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.DataPlane.Sealing;
using Mesh.Node.Ports;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Ports;

/// <summary>The production forwarding code, one packet at a time, with the simulated underlay on one side and a simulated host on the other.</summary>
public sealed class SimulatedDataPlane : IDataPlanePort, IPacketOutput, IControlSink
{
    private readonly Machine _machine;
    private readonly SimulatedStreams _streams;
    private readonly int _port;
    private readonly Dictionary<TunnelIndex, ActorRef> _owners = [];
    private readonly Dictionary<TunnelIndex, long> _controls = [];

    /// <summary>Makes a data plane that receives datagrams at <paramref name="port"/> and seals them with <paramref name="ciphers"/>.</summary>
    public SimulatedDataPlane(Machine machine, SimulatedStreams streams, int port, PacketCipherFactory ciphers)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(streams);
        (_machine, _streams, _port) = (machine, streams, port);
        Engine = new DataPlaneEngine(DataPlaneOptions.Default with { CipherFactory = ciphers }, this, this);
        machine.ListenUdp(port, OnDatagram);
        streams.PacketReceived = (stream, packet) => Engine.HandleStreamPacket(stream, packet.ToArray(), Now);
    }

    /// <summary>The forwarding code and its counters.</summary>
    public DataPlaneEngine Engine { get; }

    /// <summary>Gets the packets for this machine. It must not send within the call.</summary>
    public Action<ReadOnlyMemory<byte>>? HostReceived { get; set; }

    /// <inheritdoc/>
    public IPEndPoint? LocalEndpoint => new(_machine.Address, _port);

    private TimeSpan Now => _machine.System?.Loop.Now ?? TimeSpan.Zero;

    /// <summary>The machine's own programs send a packet.</summary>
    public void SendFromHost(byte[] packet) => Engine.HandleHostPacket(packet, Now);

    /// <inheritdoc/>
    public void AddTunnel(TunnelIndex tunnel, ActorRef owner)
    {
        Engine.AddTunnel(tunnel);
        _owners[tunnel] = owner;
    }

    /// <inheritdoc/>
    public void SetKeys(TunnelIndex tunnel, DataKeys keys) => Engine.SetKeys(tunnel, keys);

    /// <inheritdoc/>
    public void SetPath(TunnelIndex tunnel, DataPath path) => Engine.SetPath(tunnel, path);

    /// <inheritdoc/>
    public void RemoveTunnel(TunnelIndex tunnel)
    {
        Engine.RemoveTunnel(tunnel);
        _owners.Remove(tunnel);
        _controls.Remove(tunnel);
    }

    /// <inheritdoc/>
    public void SendControl(TunnelIndex tunnel, InnerKind kind, ReadOnlyMemory<byte> payload, IPEndPoint to)
    {
        if (Engine.SendControl(tunnel, kind, payload.Span, DatagramEndpoint.From(to)))
            CountControl(tunnel);
    }

    /// <inheritdoc/>
    public void AskTraffic(TunnelIndex tunnel, ActorRef asker)
    {
        if (Engine.CountersOf(tunnel) is { } counters)
            _machine.System?.Loop.Inject(asker, new TunnelTraffic(tunnel, counters.SentPackets + counters.ReceivedPackets - _controls.GetValueOrDefault(tunnel)));
    }

    /// <inheritdoc/>
    public void BindStream(TunnelIndex tunnel, StreamId stream) => Engine.BindStream(tunnel, stream);

    /// <inheritdoc/>
    public void Publish(ForwardingTable table) => Engine.Publish(table);

    bool IPacketOutput.WriteToHost(ReadOnlySpan<byte> packet)
    {
        HostReceived?.Invoke(packet.ToArray());
        return true;
    }

    bool IPacketOutput.SendDatagram(in DatagramEndpoint to, ReadOnlySpan<byte> datagram)
    {
        _machine.Send(new Packet(PacketProtocol.Udp, new IPEndPoint(_machine.Address, _port), to.ToIPEndPoint(), datagram.ToArray()));
        return true;
    }

    bool IPacketOutput.SendOnStream(StreamId stream, ReadOnlySpan<byte> packet) => _streams.SendPacket(stream, packet);

    void IControlSink.ControlReceived(TunnelIndex tunnel, InnerKind kind, ReadOnlySpan<byte> payload, in DatagramEndpoint from)
    {
        CountControl(tunnel);
        if (_owners.TryGetValue(tunnel, out ActorRef? owner))
            _machine.System?.Loop.Inject(owner, new ControlReceived(tunnel, kind, payload.ToArray(), from.ToIPEndPoint()));
    }

    void IControlSink.PeerMoved(TunnelIndex tunnel, in DatagramEndpoint from)
    {
        if (_owners.TryGetValue(tunnel, out ActorRef? owner))
            _machine.System?.Loop.Inject(owner, new PeerMoved(tunnel, from.ToIPEndPoint()));
    }

    private void CountControl(TunnelIndex tunnel) => _controls[tunnel] = _controls.GetValueOrDefault(tunnel) + 1;

    void IControlSink.PathSilent(TunnelIndex tunnel)
    {
        if (_owners.TryGetValue(tunnel, out ActorRef? owner))
            _machine.System?.Loop.Inject(owner, new PathSilent(tunnel));
    }

    void IControlSink.KeyWorn(TunnelIndex tunnel)
    {
        if (_owners.TryGetValue(tunnel, out ActorRef? owner))
            _machine.System?.Loop.Inject(owner, new KeyWorn(tunnel));
    }

    private void OnDatagram(Packet packet) => Engine.HandleDatagram(packet.Payload.ToArray(), DatagramEndpoint.From(packet.Source), Now);
}
