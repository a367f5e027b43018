using System.Runtime.InteropServices;
using Mesh.DataPlane.Offload;
using Mesh.DataPlane.Packets;
using Mesh.DataPlane.Sealing;

namespace Mesh.DataPlane;

public sealed partial class DataPlaneEngine
{
    /// <summary>A packet that the host sends into the overlay.</summary>
    /// <param name="packet">The IPv6 packet; it may be changed.</param>
    /// <param name="now">A monotonic time.</param>
    /// <param name="output">Where it goes; null for the engine's own output.</param>
    public void HandleHostPacket(Span<byte> packet, TimeSpan now, IPacketOutput? output = null) => HandleFromHost(packet, default, Begin(now, output));

    /// <summary>A packet from a TUN device with IFF_VNET_HDR: one that still lacks its checksum, or a super-packet to be cut into segments.</summary>
    /// <param name="offload">What the device says about the packet.</param>
    /// <param name="packet">The IPv6 packet; it may be changed.</param>
    /// <param name="now">A monotonic time.</param>
    /// <param name="output">Where it goes; null for the engine's own output.</param>
    public void HandleHostPacket(in VirtioNetHeader offload, Span<byte> packet, TimeSpan now, IPacketOutput? output = null)
    {
        Segmentation segmentation = default;
        bool isClear = offload.Kind == SegmentationKind.None
            ? (offload.Flags & VirtioNetHeader.NeedsChecksum) == 0 || Segmentation.TryCompleteChecksum(offload, packet)
            : Segmentation.TryFrom(offload, packet, out segmentation);
        if (isClear)
            HandleFromHost(packet, segmentation, Begin(now, output));
        else
            Drop(DropReason.MalformedPacket);
    }

    /// <summary>A datagram from the underlay.</summary>
    /// <param name="datagram">The datagram; it is opened in its place.</param>
    /// <param name="from">Who sent it.</param>
    /// <param name="now">A monotonic time.</param>
    /// <param name="output">Where what it carries goes; null for the engine's own output.</param>
    public void HandleDatagram(Span<byte> datagram, in DatagramEndpoint from, TimeSpan now, IPacketOutput? output = null)
    {
        if (datagram.Length > SealedDatagram.MaxPlaintextLength + SealedDatagram.Overhead || !SealedDatagram.TryReadHeader(datagram, out uint receiver, out ulong counter))
        {
            Drop(DropReason.MalformedDatagram);
            return;
        }
        if (receiver > MaxTunnels || Find(new TunnelIndex((int)receiver)) is not { } tunnel)
        {
            Drop(DropReason.UnknownReceiver);
            return;
        }
        if (!tunnel.TryOpen(datagram, now, out Span<byte> inner, out bool newest, out DropReason reason))
        {
            Drop(reason);
            return;
        }
        tunnel.CountReceived(1, inner.Length);
        // Only the newest says where the peer is now: an older one that was overtaken may come from where it was.
        if (newest && tunnel.ShouldReportMove(from, now))
            _sink.PeerMoved(tunnel.Index, from);
        if (counter >= _wornAfter && newest && tunnel.ShouldReportWorn(now))
            _sink.KeyWorn(tunnel.Index);
        if (inner.IsEmpty)
            return;   // a sign of life

        switch (inner[0] >> 4)
        {
            case 6:
                HandleInner(tunnel, inner, Begin(now, output));
                break;
            case 4:
                Drop(DropReason.IPv4Packet);
                break;
            default:
                if ((InnerKind)inner[0] is var kind and (InnerKind.Probe or InnerKind.ProbeReply or InnerKind.Babel))
                    _sink.ControlReceived(tunnel.Index, kind, inner[1..], from);
                else
                    Drop(DropReason.UnknownKind);
                break;
        }
    }

    /// <summary>A packet that came in a packet frame of a control stream.</summary>
    /// <param name="stream">Which stream; see <see cref="BindStream"/>.</param>
    /// <param name="packet">The IPv6 packet; it may be changed.</param>
    /// <param name="now">A monotonic time.</param>
    public void HandleStreamPacket(StreamId stream, Span<byte> packet, TimeSpan now)
    {
        if (Volatile.Read(ref _streams).TryGetValue(stream, out Tunnel? tunnel))
            HandleStreamPacket(tunnel.Index, packet, now);
        else
            Drop(DropReason.UnboundStream);
    }

    /// <summary>A packet that came in a packet frame of a tunnel's control stream.</summary>
    /// <param name="tunnel">Which tunnel.</param>
    /// <param name="packet">The IPv6 packet; it may be changed.</param>
    /// <param name="now">A monotonic time.</param>
    public void HandleStreamPacket(TunnelIndex tunnel, Span<byte> packet, TimeSpan now)
    {
        if (Find(tunnel) is not { } found)
        {
            Drop(DropReason.NoTunnel);
            return;
        }
        found.CountReceived(1, packet.Length);
        HandleInner(found, packet, Begin(now, output: null));
    }

    private Pass Begin(TimeSpan now, IPacketOutput? output) => new(Volatile.Read(ref _table), now, output ?? _output);

    private void HandleFromHost(Span<byte> packet, in Segmentation segmentation, in Pass pass)
    {
        int count = segmentation.SegmentSize == 0 ? 1 : segmentation.CountOf(packet.Length);
        Interlocked.Add(ref _fromHost, count);
        if (!TryReadRoutable(packet, out Ipv6Header header, count))
            return;
        packet = packet[..header.PacketLength];

        Route route = pass.Table.Lookup(header.Destination, header.Source);
        // The host has no such address, or it would have kept the packet: giving it back would make it go in circles.
        if (route.Kind == RouteKind.Local)
            Refuse(Refusal.AddressUnreachable(DropReason.NoSuchLocalAddress), packet, header, pass, count);
        else if (!_forwardsForHost && pass.Table.Lookup(header.Source).Kind != RouteKind.Local)
            Drop(DropReason.SourceNotOurs, count);
        else if (FindWayOut(route, packet, header, from: null, segmentation.SegmentSize == 0 ? packet.Length : segmentation.PacketLength, pass, count) is not { } way)
            return;
        else if (segmentation.SegmentSize == 0)
            Send(way.Tunnel, way.Path, packet, pass);
        else
            SendSegments(way.Tunnel, way.Path, packet, segmentation, count, pass);
    }

    // A packet out of a tunnel: for the host, or for another tunnel.
    private void HandleInner(Tunnel from, Span<byte> packet, in Pass pass)
    {
        if (!TryReadRoutable(packet, out Ipv6Header header))
            return;
        packet = packet[..header.PacketLength];

        Route route = pass.Table.Lookup(header.Destination, header.Source);
        if (route.Kind == RouteKind.Local)
        {
            if (from.Path is { Kind: TunnelPathKind.Datagram } back)
                TcpMss.Clamp(packet, back.Mtu);   // what the host then sends has to fit, too
            if (pass.Output.DeliverToHost(packet))
                Interlocked.Increment(ref _toHost);
            else
                Drop(DropReason.HostRefused);
            return;
        }
        if (header.HopLimit <= 1)
        {
            Refuse(new Refusal(DropReason.HopLimitExceeded, Icmpv6Error.TimeExceeded), packet, header, pass);
            return;
        }
        if (FindWayOut(route, packet, header, from, packet.Length, pass) is not { } way)
            return;
        packet[Ipv6Header.HopLimitOffset]--;   // only now: an error message quotes the packet as it came
        if (Send(way.Tunnel, way.Path, packet, pass))
            Interlocked.Increment(ref _transit);
    }

    // The tunnel to leave by and its path; null where the packet was refused. From is the tunnel it came from, or null for the host.
    private (Tunnel Tunnel, TunnelPath Path)? FindWayOut(
        Route route, ReadOnlySpan<byte> packet, in Ipv6Header header, Tunnel? from, int length, in Pass pass, int count = 1)
    {
        Refusal refusal;
        if (route.Kind == RouteKind.Blackhole)
        {
            Drop(DropReason.Blackhole, count);
            return null;
        }
        if (route.Kind == RouteKind.Unreachable)
            refusal = new Refusal(DropReason.NoRoute, Icmpv6Error.DestinationUnreachable, Icmpv6Error.NoRoute);
        else if (Find(route.Tunnel) is not { } tunnel)
            refusal = Refusal.AddressUnreachable(DropReason.NoTunnel);
        // A tunnel has two ends: whoever sent this through it would send it again (RFC 4443 section 3.1).
        else if (tunnel == from)
            refusal = Refusal.AddressUnreachable(DropReason.BackToSender);
        else if (tunnel.Path is { Kind: not TunnelPathKind.None } path)
        {
            if (length <= path.Mtu)
                return (tunnel, path);
            refusal = new Refusal(DropReason.PacketTooBig, Icmpv6Error.PacketTooBig, Parameter: (uint)path.Mtu);
        }
        else
            refusal = Refusal.AddressUnreachable(DropReason.NoPath);
        Refuse(refusal, packet, header, pass, count);
        return null;
    }

    private bool Send(Tunnel tunnel, TunnelPath path, Span<byte> packet, in Pass pass)
    {
        if (path.Kind == TunnelPathKind.Datagram)
        {
            ListenFor(tunnel, pass);
            TcpMss.Clamp(packet, path.Mtu);
            return SendSealed(tunnel, packet, path.Remote, pass.Output);
        }
        if (!pass.Output.SendOnStream(path.Stream, packet))
            return Drop(DropReason.StreamRefused);
        tunnel.CountSent(1, packet.Length);
        return true;
    }

    private void ListenFor(Tunnel tunnel, in Pass pass)
    {
        if (tunnel.IsSilent(pass.Now))
            _sink.PathSilent(tunnel.Index);
    }

    private bool SendSealed(Tunnel tunnel, ReadOnlySpan<byte> plaintext, in DatagramEndpoint to, IPacketOutput output)
    {
        if (tunnel.Sealing is not { } sealing)
            return Drop(DropReason.NoKeys);
        Span<byte> datagram = output.RoomFor(to, plaintext.Length + SealedDatagram.Overhead);
        if (!sealing.TrySeal(plaintext, datagram))
            return Drop(DropReason.KeyUsedUp);
        if (!output.SendDatagram(to, datagram))
            return Drop(DropReason.DatagramRefused);
        tunnel.CountSent(1, plaintext.Length);
        return true;
    }

    private void SendSegments(Tunnel tunnel, TunnelPath path, ReadOnlySpan<byte> packet, in Segmentation segmentation, int count, in Pass pass)
    {
        if (path.Kind != TunnelPathKind.Datagram)
        {
            Span<byte> segment = Scratch.ForSealing(segmentation.PacketLength);
            for (int i = 0; i < count; i++)
            {
                int length = segmentation.LengthOf(packet.Length, i);
                segmentation.Write(packet, i, segment[..length]);
                Send(tunnel, path, segment[..length], pass);
            }
            return;
        }

        if (tunnel.Sealing is not { } sealing)
        {
            Drop(DropReason.NoKeys, count);
            return;
        }
        if (!sealing.TryBegin(count, out SealingRun run))
        {
            Drop(DropReason.KeyUsedUp, count);
            return;
        }
        ListenFor(tunnel, pass);
        IPacketOutput output = pass.Output;
        int sent = 0, octets = 0;
        for (int i = 0; i < count; i++)
        {
            int length = segmentation.LengthOf(packet.Length, i);
            Span<byte> datagram = output.RoomFor(path.Remote, length + SealedDatagram.Overhead);
            Span<byte> segment = datagram.Slice(SealedDatagram.HeaderLength, length);
            segmentation.Write(packet, i, segment);
            run.Seal(segment, datagram);
            if (!output.SendDatagram(path.Remote, datagram))
                continue;
            sent++;
            octets += length;
        }
        run.Dispose();
        tunnel.CountSent(sent, octets);
        if (sent < count)
            Drop(DropReason.DatagramRefused, count - sent);
    }

    // Drops packets and, where RFC 4443 section 2.4 allows it, tells their source why.
    private void Refuse(Refusal refusal, ReadOnlySpan<byte> packet, in Ipv6Header header, in Pass pass, int count = 1)
    {
        Drop(refusal.Reason, count);
        if (pass.Table.IcmpSource == 0 || !Icmpv6Error.IsAllowedAbout(packet, header, refusal.Type))
            return;
        if (!_icmpErrors.TryTake(pass.Now))
        {
            Interlocked.Increment(ref _icmpErrorsSuppressed);
            return;
        }

        Span<byte> message = stackalloc byte[Icmpv6Error.MaxLength];
        message = message[..Icmpv6Error.Write(message, pass.Table.IcmpSource, refusal.Type, refusal.Code, refusal.Parameter, packet)];
        if (SendOwn(message, header.Source, pass))
            Interlocked.Increment(ref _icmpErrorsSent);
    }

    // A message of this machine's. Nothing is said about it where it cannot be sent.
    private bool SendOwn(Span<byte> message, UInt128 destination, in Pass pass)
    {
        Route route = pass.Table.Lookup(destination, pass.Table.IcmpSource);
        return route.Kind switch
        {
            RouteKind.Local => pass.Output.WriteToHost(message),
            RouteKind.Tunnel when Find(route.Tunnel) is { Path: { Kind: not TunnelPathKind.None } path } tunnel => Send(tunnel, path, message, pass),
            _ => false,
        };
    }

    private bool TryReadRoutable(ReadOnlySpan<byte> packet, out Ipv6Header header, int count = 1)
    {
        if (!Ipv6Header.TryRead(packet, out header))
            return Drop(!packet.IsEmpty && packet[0] >> 4 == 4 ? DropReason.IPv4Packet : DropReason.MalformedPacket, count);
        if (Ipv6Header.IsMulticast(header.Destination))
            return Drop(DropReason.Multicast, count);
        if (IsMartian(header.Source) || IsMartian(header.Destination))
            return Drop(DropReason.Martian, count);
        return true;
    }

    private static bool IsMartian(UInt128 address) => Ipv6Header.IsNeverOnLink(address) || Ipv6Header.IsLinkLocal(address) || Ipv6Header.IsMulticast(address);

    /// <summary>What stays the same while one packet is handled.</summary>
    private readonly ref struct Pass(ForwardingTable table, TimeSpan now, IPacketOutput output)
    {
        public ForwardingTable Table => table;

        public TimeSpan Now => now;

        public IPacketOutput Output => output;
    }

    /// <summary>Why a packet is dropped, and the ICMPv6 error that says so.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Refusal(DropReason Reason, byte Type, byte Code = 0, uint Parameter = 0)
    {
        public static Refusal AddressUnreachable(DropReason reason) => new(reason, Icmpv6Error.DestinationUnreachable, Icmpv6Error.AddressUnreachable);
    }
}
