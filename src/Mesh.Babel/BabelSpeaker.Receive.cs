using Mesh.Babel.Neighbours;
using Mesh.Babel.Wire;

namespace Mesh.Babel;

/// <content>Receiving packets (RFC 8966 sections 3, 4).</content>
public sealed partial class BabelSpeaker
{
    /// <summary>A packet came over a link that does not say to which address it was sent, such as a tunnel.</summary>
    /// <param name="id">The interface on which it came.</param>
    /// <param name="source">Its source address; the caller has checked that the source port is 6696.</param>
    /// <param name="packet">The UDP payload.</param>
    /// <param name="now">Monotonic time.</param>
    /// <param name="receivedAt">When it came, by the same clock, if that is known better than by <paramref name="now"/>; for round-trip times.</param>
    /// <remarks>Where there are keys, the MAC covers the destination and so tells which it was: the group is tried first, then our own address.</remarks>
    public void Receive(InterfaceId id, BabelAddress source, ReadOnlySpan<byte> packet, TimeSpan now, TimeSpan? receivedAt = null) =>
        ReceiveAt(id, source, destination: null, packet, now, receivedAt ?? now);

    /// <summary>A packet came.</summary>
    /// <param name="id">The interface on which it came.</param>
    /// <param name="source">Its source address; the caller has checked that the source port is 6696.</param>
    /// <param name="destination">The address to which it was sent: <see cref="BabelAddress.Multicast"/>, or our own address on the interface.</param>
    /// <param name="packet">The UDP payload.</param>
    /// <param name="now">Monotonic time.</param>
    /// <param name="receivedAt">When it came, by the same clock, if that is known better than by <paramref name="now"/>; for round-trip times.</param>
    public void Receive(InterfaceId id, BabelAddress source, BabelAddress destination, ReadOnlySpan<byte> packet, TimeSpan now, TimeSpan? receivedAt = null) =>
        ReceiveAt(id, source, destination, packet, now, receivedAt ?? now);

    private void ReceiveAt(InterfaceId id, BabelAddress source, BabelAddress? destination, ReadOnlySpan<byte> packet, TimeSpan now, TimeSpan receivedAt)
    {
        if (receivedAt > now)
            throw new ArgumentOutOfRangeException(nameof(receivedAt), receivedAt, $"A packet cannot have come later than now, which is {now}.");
        BeginInput(now);
        _stamps = new PacketTimestamps { Received = RoundTrip.ToMicroseconds(receivedAt) };
        Count(BabelCounter.PacketsReceived);
        BabelInterface? link = FindInterface(id);
        link?.Touch();   // whatever comes of it, timers may change
        if (link is null)
            Count(BabelCounter.UnknownInterface);
        else if (!source.IsLinkLocal || source == link.Parameters.Address)
            Count(BabelCounter.BadSource);
        else if (PacketReader.TryOpen(packet, source, out PacketReader reader) != PacketStatus.Valid)
            Count(BabelCounter.BadPacket);
        else if (Admit(link, source, destination, packet) is var admission && admission != Admission.Refused)
            ReadPacket(link, source, reader, admission);
        EndInput();
    }

    private void ReadPacket(BabelInterface link, BabelAddress source, PacketReader reader, Admission admission)
    {
        _isSequel = false;
        while (true)
        {
            if (reader.TryReadPlain(out PlainUpdate first))
            {
                if (FindOrAddNeighbour(link, source) is not { } teller)
                    return;
                teller.IsVerified = admission == Admission.Verified;
                ReadTable(teller, first, ref reader);
            }

            TlvKind kind = reader.Read();
            if (kind == TlvKind.End)
                return;
            if (kind == TlvKind.Ignored)
            {
                Count(CounterOf(reader.Reason));
                continue;
            }

            if (kind is TlvKind.Pad or TlvKind.RouterId or TlvKind.NextHop or TlvKind.Authentication)
                continue;

            // Looked up each time: a Hello may have replaced the entry. An Update alone makes one too, so that a table that is sent
            // before the first Hello is not lost.
            if (FindOrAddNeighbour(link, source) is not { } neighbour)
                return;
            neighbour.IsVerified = admission == Admission.Verified;
            Handle(neighbour, kind, reader);
        }
    }

    // Packets that hold parts of tables have dozens of updates in a row.
    private void ReadTable(Neighbour neighbour, PlainUpdate update, ref PacketReader reader)
    {
        do
        {
            if (!TryRepeat(neighbour, update))
                HandleUpdate(neighbour, update.From(neighbour.Address));
            _isSequel = true;
        }
        while (reader.TryReadPlain(out update));
    }

    private void Handle(Neighbour neighbour, TlvKind kind, in PacketReader reader)
    {
        switch (kind)
        {
            case TlvKind.AckRequest:
                Span<byte> ack = stackalloc byte[2 + AckTlv.BodyLength];
                _ = new AckTlv(reader.AckRequest.Opaque).Encode(ack);
                neighbour.Control.Add(ack);
                break;
            case TlvKind.Ack:
                Count(BabelCounter.UnexpectedAck);
                break;
            case TlvKind.Hello:
                HandleHello(neighbour, reader.Hello, reader.HelloTimestamp);
                break;
            case TlvKind.Ihu:
                HandleIhu(neighbour, reader.Ihu, reader.IhuTimestamp);
                break;
            case TlvKind.Update:
                HandleUpdate(neighbour, reader.Update);
                _isSequel = true;
                break;
            case TlvKind.RouteRequest:
                HandleRouteRequest(neighbour, reader.RouteRequest);
                break;
            case TlvKind.SeqnoRequest:
                HandleSeqnoRequest(neighbour, reader.SeqnoRequest);
                break;
        }
    }

    private static BabelCounter CounterOf(IgnoreReason reason) => reason switch
    {
        IgnoreReason.UnknownType => BabelCounter.UnknownTlv,
        IgnoreReason.UnknownEncoding => BabelCounter.UnknownEncoding,
        IgnoreReason.MandatorySubTlv => BabelCounter.MandatorySubTlv,
        IgnoreReason.NoDefaultPrefix or IgnoreReason.NoRouterId or IgnoreReason.NoNextHop => BabelCounter.IncompleteUpdate,
        IgnoreReason.BadWildcard => BabelCounter.BadWildcard,
        _ => BabelCounter.MalformedTlv,
    };
}
