using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.Native;
using Mesh.Platform.Linux.Tun;

namespace Mesh.Platform.Linux.Forwarding;

/// <summary>The data plane of a real machine: a TUN device, a UDP socket, and the threads that hand every packet to the engine.</summary>
/// <remarks>
/// The device and the socket are made in the network namespace of the calling thread. Each of the <see cref="ForwardingThreads"/> has a <see cref="ForwardingLane"/> of its own: it reads
/// until nothing is waiting, sends what has come together, and only then waits. The kernel hands over and takes many packets in one call: super-packets of TCP and UDP at the device,
/// trains of datagrams at the socket. What comes in control streams, and control payloads, go one by one.
/// </remarks>
public sealed class LinuxDataPlane : IDataPlanePort, IPacketOutput, IControlSink, IStreamPacketSink, IDisposable
{
    private readonly LinuxDataPlaneOptions _options;
    private readonly TunDevice _device;
    private readonly UdpSocket _socket;
    private readonly IStreamPackets? _streams;
    private readonly DataPlaneEngine _engine;
    private readonly Lock _control = new();   // the engine's control methods want one thread at a time
    private readonly ConcurrentDictionary<TunnelIndex, ActorRef> _owners = new();
    private readonly ConcurrentDictionary<TunnelIndex, long> _controls = new();   // a few a second
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly ForwardingThreads _threads;
    private bool _disposed;

    /// <summary>Makes the device and the socket and begins to forward.</summary>
    /// <param name="options">Settings.</param>
    /// <param name="streams">The packet frames of control streams, or null where there are none.</param>
    /// <exception cref="LinuxException">The kernel refused the device or the socket.</exception>
    public LinuxDataPlane(LinuxDataPlaneOptions options, IStreamPackets? streams = null)
    {
        _options = options;
        _streams = streams;
        _engine = new DataPlaneEngine(options.Engine, this, this);
        _device = TunDevice.Open(options.DeviceName, options.DeviceMtu, options.Offload ? TunOffload.TcpAndUdp : TunOffload.None);
        try
        {
            _socket = new UdpSocket(options.Local, options);
        }
        catch
        {
            _device.Dispose();
            throw;
        }
        _threads = new ForwardingThreads(_device.Descriptor, _socket.Descriptor, () => new ForwardingLane(_device, _socket, _engine, _streams), () => Now, Fail);
        streams?.Attach(this);
    }

    /// <inheritdoc/>
    public IPEndPoint LocalEndpoint => _socket.LocalEndpoint;

    /// <summary>The TUN device's name.</summary>
    public string DeviceName => _device.Name;

    /// <summary>The TUN device's index, for addresses and routes.</summary>
    public int DeviceIndex => _device.Index;

    /// <summary>What was forwarded and dropped so far.</summary>
    public DataPlaneCounters Counters => _engine.Counters();

    private TimeSpan Now => Stopwatch.GetElapsedTime(_started);

    /// <summary>What a tunnel has carried, or null where there is no such tunnel.</summary>
    public TunnelCounters? CountersOf(TunnelIndex tunnel) => _engine.CountersOf(tunnel);

    /// <inheritdoc/>
    public void AddTunnel(TunnelIndex tunnel, ActorRef owner)
    {
        lock (_control)
        {
            _engine.AddTunnel(tunnel);
            _owners[tunnel] = owner;
        }
    }

    /// <inheritdoc/>
    public void SetKeys(TunnelIndex tunnel, DataKeys keys)
    {
        lock (_control)
            _engine.SetKeys(tunnel, keys);
    }

    /// <inheritdoc/>
    public void SetPath(TunnelIndex tunnel, DataPath path)
    {
        lock (_control)
            _engine.SetPath(tunnel, path);
    }

    /// <inheritdoc/>
    public void RemoveTunnel(TunnelIndex tunnel)
    {
        lock (_control)
        {
            _engine.RemoveTunnel(tunnel);
            _owners.TryRemove(tunnel, out _);
            _controls.TryRemove(tunnel, out _);
        }
    }

    /// <inheritdoc/>
    public void SendControl(TunnelIndex tunnel, InnerKind kind, ReadOnlyMemory<byte> payload, IPEndPoint to)
    {
        if (_engine.SendControl(tunnel, kind, payload.Span, DatagramEndpoint.From(to)))
            CountControl(tunnel);
    }

    /// <inheritdoc/>
    public void AskTraffic(TunnelIndex tunnel, ActorRef asker)
    {
        if (_engine.CountersOf(tunnel) is { } counters)
            asker.Tell(new TunnelTraffic(tunnel, counters.SentPackets + counters.ReceivedPackets - _controls.GetValueOrDefault(tunnel)));
    }

    /// <inheritdoc/>
    public void BindStream(TunnelIndex tunnel, StreamId stream)
    {
        lock (_control)
            _engine.BindStream(tunnel, stream);
    }

    /// <inheritdoc/>
    public void Publish(ForwardingTable table)
    {
        lock (_control)
            _engine.Publish(table);
    }

    /// <summary>Stops forwarding and gives the device and the socket back.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, true))
            return;
        _threads.Dispose();
        _device.Dispose();
        _socket.Dispose();
    }

    bool IPacketOutput.WriteToHost(ReadOnlySpan<byte> packet) => _device.TryWrite(packet);

    bool IPacketOutput.SendDatagram(in DatagramEndpoint to, ReadOnlySpan<byte> datagram) => _socket.TrySend(to, datagram);

    bool IPacketOutput.SendOnStream(StreamId stream, ReadOnlySpan<byte> packet) => _streams?.TrySendPacket(stream, packet) ?? false;

    // The last ones of a tunnel that is being removed count nothing.
    private void CountControl(TunnelIndex tunnel)
    {
        if (_owners.ContainsKey(tunnel))
            _controls.AddOrUpdate(tunnel, 1, static (_, count) => count + 1);
    }

    void IControlSink.ControlReceived(TunnelIndex tunnel, InnerKind kind, ReadOnlySpan<byte> payload, in DatagramEndpoint from)
    {
        CountControl(tunnel);
        if (_owners.TryGetValue(tunnel, out ActorRef? owner))
            owner.Tell(new ControlReceived(tunnel, kind, payload.ToArray(), from.ToIPEndPoint()));
    }

    void IControlSink.PeerMoved(TunnelIndex tunnel, in DatagramEndpoint from)
    {
        if (_owners.TryGetValue(tunnel, out ActorRef? owner))
            owner.Tell(new PeerMoved(tunnel, from.ToIPEndPoint()));
    }

    void IControlSink.PathSilent(TunnelIndex tunnel)
    {
        if (_owners.TryGetValue(tunnel, out ActorRef? owner))
            owner.Tell(new PathSilent(tunnel));
    }

    void IControlSink.KeyWorn(TunnelIndex tunnel)
    {
        if (_owners.TryGetValue(tunnel, out ActorRef? owner))
            owner.Tell(new KeyWorn(tunnel));
    }

    void IStreamPacketSink.PacketReceived(StreamId stream, Span<byte> packet)
    {
        if (!Volatile.Read(ref _disposed))
            _engine.HandleStreamPacket(stream, packet, Now);
    }

    void IStreamPacketSink.StreamEnded(StreamId stream)
    {
        lock (_control)
            _engine.UnbindStream(stream);
    }

    private void Fail(LinuxException reason)
    {
        if (!Volatile.Read(ref _disposed))
            _options.Failed?.Invoke(reason);
    }
}
