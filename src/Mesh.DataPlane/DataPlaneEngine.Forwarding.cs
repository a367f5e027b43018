using System.Runtime.InteropServices;
using Mesh.DataPlane.Packets;
using Mesh.DataPlane.Sealing;

namespace Mesh.DataPlane;

public sealed partial class DataPlaneEngine
{
    /// <summary>A packet that the host sends into the overlay.</summary>
    /// <param name="packet">The IPv6 packet; it may be changed.</param>
    /// <param name="now">A monotonic time.</param>
    public void HandleHostPacket(Span<byte> packet, TimeSpan now)
    {
        Interlocked.Increment(ref _fromHost);
        if (!TryReadRoutable(packet, out Ipv6Header header))
            return;
        packet = packet[..header.PacketLength];

        ForwardingTable table = Volatile.Read(ref _table);
        Route route = table.Lookup(header.Destination);
        // The host has no such address, or it would have kept the packet: giving it back would make it go in circles.
        if (route.Kind == RouteKind.Local)
            Refuse(Refusal.AddressUnreachable(DropReason.NoSuchLocalAddress), packet, header, table, now);
        else if (table.Lookup(header.Source).Kind != RouteKind.Local)
            Drop(DropReason.SourceNotOurs);
        else
            Leave(route, packet, header, from: null, table, now);
    }

    /// <summary>A datagram from the underlay.</summary>
    /// <param name="datagram">The datagram; it is opened in its place.</param>
    /// <param name="from">Who sent it.</param>
    /// <param name="now">A monotonic time.</param>
    public void HandleDatagram(Span<byte> datagram, in DatagramEndpoint from, TimeSpan now)
    {
        if (datagram.Length > SealedDatagram.MaxPlaintextLength + SealedDatagram.Overhead || !SealedDatagram.TryReadHeader(datagram, out uint receiver, out _))
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
        tunnel.CountReceived(inner.Length);
        // Only the newest says where the peer is now: an older one that was overtaken may come from where it was.
        if (newest && tunnel.ShouldReportMove(from, now))
            _sink.PeerMoved(tunnel.Index, from);
        if (inner.IsEmpty)
            return;   // a sign of life

        switch (inner[0] >> 4)
        {
            case 6:
                HandleInner(tunnel, inner, now);
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
        found.CountReceived(packet.Length);
        HandleInner(found, packet, now);
    }

    // A packet out of a tunnel: for the host, or for another tunnel.
    private void HandleInner(Tunnel from, Span<byte> packet, TimeSpan now)
    {
        if (!TryReadRoutable(packet, out Ipv6Header header))
            return;
        packet = packet[..header.PacketLength];

        ForwardingTable table = Volatile.Read(ref _table);
        Route route = table.Lookup(header.Destination);
        if (route.Kind == RouteKind.Local)
        {
            if (_output.WriteToHost(packet))
                Interlocked.Increment(ref _toHost);
            else
                Drop(DropReason.HostRefused);
            return;
        }
        if (header.HopLimit <= 1)
        {
            Refuse(new Refusal(DropReason.HopLimitExceeded, Icmpv6Error.TimeExceeded), packet, header, table, now);
            return;
        }
        if (Leave(route, packet, header, from, table, now))
            Interlocked.Increment(ref _transit);
    }

    // Out through a tunnel, or refused. From is the tunnel it came from, or null for the host.
    private bool Leave(Route route, Span<byte> packet, in Ipv6Header header, Tunnel? from, ForwardingTable table, TimeSpan now)
    {
        if (route.Kind == RouteKind.Blackhole)
            return Drop(DropReason.Blackhole);
        if (route.Kind == RouteKind.Unreachable)
            return Refuse(new Refusal(DropReason.NoRoute, Icmpv6Error.DestinationUnreachable, Icmpv6Error.NoRoute), packet, header, table, now);
        if (Find(route.Tunnel) is not { } tunnel)
            return Refuse(Refusal.AddressUnreachable(DropReason.NoTunnel), packet, header, table, now);
        // A tunnel has two ends: whoever sent this through it would send it again (RFC 4443 section 3.1).
        if (tunnel == from)
            return Refuse(Refusal.AddressUnreachable(DropReason.BackToSender), packet, header, table, now);
        TunnelPath path = tunnel.Path;
        if (path.Kind == TunnelPathKind.None)
            return Refuse(Refusal.AddressUnreachable(DropReason.NoPath), packet, header, table, now);
        if (packet.Length > path.Mtu)
            return Refuse(new Refusal(DropReason.PacketTooBig, Icmpv6Error.PacketTooBig, Parameter: (uint)path.Mtu), packet, header, table, now);

        if (from is not null)
            packet[Ipv6Header.HopLimitOffset]--;   // only now: an error message quotes the packet as it came
        return Send(tunnel, path, packet);
    }

    private bool Send(Tunnel tunnel, TunnelPath path, ReadOnlySpan<byte> packet)
    {
        if (path.Kind == TunnelPathKind.Datagram)
            return SendSealed(tunnel, packet, path.Remote);
        if (!_output.SendOnStream(path.Stream, packet))
            return Drop(DropReason.StreamRefused);
        tunnel.CountSent(packet.Length);
        return true;
    }

    private bool SendSealed(Tunnel tunnel, ReadOnlySpan<byte> plaintext, in DatagramEndpoint to)
    {
        if (tunnel.Sealing is not { } sealing)
            return Drop(DropReason.NoKeys);
        Span<byte> datagram = Scratch.ForSealing(plaintext.Length + SealedDatagram.Overhead);
        if (!sealing.TrySeal(plaintext, datagram))
            return Drop(DropReason.KeyUsedUp);
        if (!_output.SendDatagram(to, datagram))
            return Drop(DropReason.DatagramRefused);
        tunnel.CountSent(plaintext.Length);
        return true;
    }

    // Drops a packet and, where RFC 4443 section 2.4 allows it, tells its source why. Always false.
    private bool Refuse(Refusal refusal, ReadOnlySpan<byte> packet, in Ipv6Header header, ForwardingTable table, TimeSpan now)
    {
        Drop(refusal.Reason);
        if (table.IcmpSource == 0 || !Icmpv6Error.IsAllowedAbout(packet, header, refusal.Type))
            return false;
        if (!_icmpErrors.TryTake(now))
        {
            Interlocked.Increment(ref _icmpErrorsSuppressed);
            return false;
        }

        Span<byte> message = stackalloc byte[Icmpv6Error.MaxLength];
        message = message[..Icmpv6Error.Write(message, table.IcmpSource, refusal.Type, refusal.Code, refusal.Parameter, packet)];
        if (SendOwn(message, header.Source, table))
            Interlocked.Increment(ref _icmpErrorsSent);
        return false;
    }

    // A message of this machine's. Nothing is said about it where it cannot be sent.
    private bool SendOwn(ReadOnlySpan<byte> message, UInt128 destination, ForwardingTable table)
    {
        Route route = table.Lookup(destination);
        return route.Kind switch
        {
            RouteKind.Local => _output.WriteToHost(message),
            RouteKind.Tunnel when Find(route.Tunnel) is { Path: { Kind: not TunnelPathKind.None } path } tunnel => Send(tunnel, path, message),
            _ => false,
        };
    }

    private bool TryReadRoutable(ReadOnlySpan<byte> packet, out Ipv6Header header)
    {
        if (!Ipv6Header.TryRead(packet, out header))
            return Drop(!packet.IsEmpty && packet[0] >> 4 == 4 ? DropReason.IPv4Packet : DropReason.MalformedPacket);
        if (Ipv6Header.IsMulticast(header.Destination))
            return Drop(DropReason.Multicast);
        if (IsMartian(header.Source) || IsMartian(header.Destination))
            return Drop(DropReason.Martian);
        return true;
    }

    private static bool IsMartian(UInt128 address) => Ipv6Header.IsNeverOnLink(address) || Ipv6Header.IsLinkLocal(address) || Ipv6Header.IsMulticast(address);

    /// <summary>Why a packet is dropped, and the ICMPv6 error that says so.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Refusal(DropReason Reason, byte Type, byte Code = 0, uint Parameter = 0)
    {
        public static Refusal AddressUnreachable(DropReason reason) => new(reason, Icmpv6Error.DestinationUnreachable, Icmpv6Error.AddressUnreachable);
    }
}
