using System.Buffers;
using System.Runtime.InteropServices;
using Mesh.Babel.Neighbours;
using Mesh.Babel.Routes;
using Mesh.Babel.Sending;
using Mesh.Babel.Wire;

namespace Mesh.Babel;

/// <content>Sending updates, and packing everything into packets (RFC 8966 sections 3.7, 4).</content>
public sealed partial class BabelSpeaker
{
    /// <summary>What we say about a row: our own announcement, the selected route, or a retraction.</summary>
    private OutgoingUpdate Announcement(int row)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        BabelPrefix source = _routes.SourceOf(row);
        if (entry.IsOwn)
            return new OutgoingUpdate(entry.Prefix, _routerId, _seqno, entry.OwnMetric, 0, Source: source);
        if (entry.Selected >= 0)
        {
            var selected = new RouteId(row, entry.Selected);
            ushort metric = MetricOf(selected);
            if (metric != Metric.Infinity)
                return new OutgoingUpdate(entry.Prefix, _routes.OriginOf(selected), _routes[selected].Seqno, metric, 0, Source: source);
        }

        RouterId last = _routes.SentOriginOf(row);
        return new OutgoingUpdate(entry.Prefix, last.IsValid ? last : _routerId, entry.SentSeqno, Metric.Infinity, 0, Source: source);
    }

    /// <summary>Puts rows in the order that compresses best: by router-id, IPv6 before IPv4, the router's own address first, long prefixes first, then by prefix and source.</summary>
    private void OrderForPacking(Span<int> rows)
    {
        PackingKey[] rented = ArrayPool<PackingKey>.Shared.Rent(rows.Length);
        Span<PackingKey> keys = rented.AsSpan(0, rows.Length);
        for (int i = 0; i < rows.Length; i++)
            keys[i] = _routes.Rows[rows[i]].Is(RowFlags.InUse) ? new PackingKey(_routes.Rows[rows[i]].Prefix, OriginToTell(rows[i]), rows[i]) : new PackingKey(default, default, rows[i]);
        keys.Sort(new ByPacking(_routes));
        for (int i = 0; i < rows.Length; i++)
            rows[i] = keys[i].Row;
        ArrayPool<PackingKey>.Shared.Return(rented);
    }

    /// <summary>The origin that <see cref="Announcement"/> names.</summary>
    private RouterId OriginToTell(int row)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        if (!entry.IsOwn && SelectedMetricOf(row) != Metric.Infinity)
            return _routes.OriginOf(new RouteId(row, entry.Selected));
        RouterId last = entry.IsOwn ? _routerId : _routes.SentOriginOf(row);
        return last.IsValid ? last : _routerId;
    }

    private void QueueEverywhere(int row, TimeSpan flushAt)
    {
        foreach (BabelInterface link in _interfaces)
        {
            if (link.Neighbours.Count > 0)
                link.Updates.Add(row, flushAt);
        }
    }

    // Everybody hears about it, but an interface that tells much news tells it in few packets.
    private void QueueNews(int row)
    {
        TimeSpan soon = _now + Roughly(_options.UrgentDelay);
        foreach (BabelInterface link in _interfaces)
        {
            if (link.Neighbours.Count == 0)
                continue;
            TimeSpan allowed = link.NewsAllowedAt(_options.NewsPause, _options.NewsBurst);
            link.Updates.Add(row, allowed > soon ? allowed : soon);
        }
    }

    private void QueueDump(BabelInterface link)
    {
        if (link.Neighbours.Count > 0)
            QueueTable(link.Updates, _now);
    }

    private void QueueTable(UpdateQueue queue, TimeSpan flushAt)
    {
        if (!_isPacked)
            Pack();
        queue.Add(CollectionsMarshal.AsSpan(_packed), flushAt);
    }

    /// <summary>Puts the rows about which there is something to say in order, once for all that get the whole table until it changes.</summary>
    private void Pack()
    {
        _packed.Clear();
        for (int row = 0; row < _routes.Rows.Extent; row++)
        {
            ref RouteRow entry = ref _routes.Rows[row];
            if (entry.Is(RowFlags.InUse) && (entry.IsOwn || entry.IsHeld || entry.Selected >= 0))
                _packed.Add(row);
        }

        OrderForPacking(CollectionsMarshal.AsSpan(_packed));
        _isPacked = true;
    }

    private void FlushAll()
    {
        foreach (BabelInterface link in _touched)
        {
            link.Settle();
            if (_isShutDown)
                continue;
            if (link.HelloDue is not null || link.IsIhuDue || !link.Control.IsEmpty || link.Updates.FlushAt <= _now)
                Flush(link);
            foreach (Neighbour neighbour in link.Neighbours)
            {
                if (!neighbour.Control.IsEmpty || neighbour.Updates.FlushAt <= _now)
                {
                    BeginPacket(link);
                    Flush(link, neighbour.Address, neighbour.Control, neighbour.Updates);
                }
            }

            _interfaces.Refresh(link);
        }

        _touched.Clear();
    }

    private void Flush(BabelInterface link)
    {
        BeginPacket(link);
        WriteHellos(link);
        Flush(link, BabelAddress.Multicast, link.Control, link.Updates);
    }

    private void Flush(BabelInterface link, BabelAddress destination, ControlQueue control, UpdateQueue updates)
    {
        int position = 0;
        while (control.TryNext(ref position, out ReadOnlySpan<byte> tlv))
        {
            if (_writer.TryAppend(tlv))
                continue;
            Emit(link, destination);
            _ = _writer.TryAppend(tlv);
        }

        control.Clear();
        if (updates.FlushAt <= _now)
            WriteUpdates(link, destination, updates);
        if (!_writer.IsEmpty)
            Emit(link, destination);
    }

    private void WriteUpdates(BabelInterface link, BabelAddress destination, UpdateQueue updates)
    {
        updates.Order(_packingOrder);
        link.NoteNews(_options.NewsPause, _now);
        long lifetime = Math.Max(CeilTicks(_options.SourceLifetime), 4L * LongestUpdateInterval());
        int packets = 0;
        while (updates.Count > 0)
        {
            int row = updates.Peek();
            Retold outcome = TryTellAgain(row, link, lifetime);
            if (outcome == Retold.Otherwise)
                outcome = !TryPrepare(row, link, lifetime, out OutgoingUpdate update) ? Retold.Nothing : _writer.TryAppend(update) ? Retold.Written : Retold.NoRoom;
            if (outcome == Retold.NoRoom)
            {
                Emit(link, destination);
                if (++packets == _options.BurstPackets)
                {
                    updates.Postpone(_now + _options.BurstPause);
                    return;
                }

                continue;
            }

            if (outcome == Retold.Written)
            {
                link.HasAnnounced = true;
                Count(BabelCounter.UpdatesSent);
            }

            updates.Take();
        }
    }

    /// <summary>Decides what this interface hears about a row, and takes the feasibility distance down before it is sent (3.7.3).</summary>
    private bool TryPrepare(int row, BabelInterface link, long lifetime, out OutgoingUpdate update)
    {
        update = default;
        ref RouteRow entry = ref _routes.Rows[row];
        if (!entry.Is(RowFlags.InUse))
            return false;
        update = Announcement(row) with { IntervalCentiseconds = link.UpdateCentiseconds };
        if (update.Metric == Metric.Infinity)
        {
            // There is nothing to take back where we never said anything, or so long ago that nobody believes it.
            if (!entry.IsHeld)
                return false;
        }
        else if (!entry.IsOwn && link.Parameters.EffectiveSplitHorizon && NeighbourOf(entry.Selected).Link == link)
        {
            return false;
        }

        if (update.Metric != Metric.Infinity && !MayTell(link, update))
        {
            Count(BabelCounter.FilteredOut);
            return false;
        }

        if (entry.Prefix.IsIpv4)
        {
            if (link.Parameters.Ipv4Address is { } nextHop)
            {
                update = update with { Ipv4NextHop = nextHop };
            }
            else if (update.Metric != Metric.Infinity)
            {
                Count(BabelCounter.NoIpv4Address);
                return false;
            }
        }

        if (update.Metric != Metric.Infinity && !entry.IsOwn)
        {
            if (!_routes.Sources.TryNoteSent(row, update.RouterId, update.Seqno, update.Metric, (uint)(_tick + lifetime)))
            {
                Count(BabelCounter.SourceLimit);
                return false;
            }
        }

        (entry.SentSeqno, entry.SentMetric) = (update.Seqno, update.Metric);
        _routes.SetSentOrigin(row, update.RouterId);
        return true;
    }

    private void BeginPacket(BabelInterface link) => _writer.Begin(link.Parameters.PayloadLimit, link.Authenticator?.Overhead ?? 0);

    private void Emit(BabelInterface link, BabelAddress destination)
    {
        if (link.Authenticator is not { } mac)
            _ = _writer.Finish();
        else if (mac.Seal(_writer, link.Parameters.Address, destination))
            Count(BabelCounter.IndexChanges);
        ReadOnlySpan<byte> packet = _writer.Whole;
        Count(BabelCounter.PacketsSent);
        Count(BabelCounter.OctetsSent, packet.Length);
        _output.Send(link.Id, destination, packet);
        BeginPacket(link);
    }

    /// <summary>A row and what decides its place in a packet, but for the source, which few have. The rank has IPv4 behind IPv6, the router's own address first, and long prefixes first.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly struct PackingKey(BabelPrefix prefix, RouterId origin, int row)
    {
        private readonly ulong _origin = origin.Value;
        private readonly ulong _high = (ulong)(prefix.Bits >> 64);
        private readonly ulong _low = (ulong)prefix.Bits;
        private readonly ushort _rank = (ushort)((prefix.IsIpv4 ? 512 : 0) | (OutgoingUpdate.IsAddressOf(prefix, origin) ? 0 : 256) | (128 - prefix.Length));

        public int Row { get; } = row;

        public int OrderTo(in PackingKey other)
        {
            int order = _origin.CompareTo(other._origin);
            if (order == 0)
                order = _rank.CompareTo(other._rank);
            if (order == 0)
                order = _high.CompareTo(other._high);
            return order != 0 ? order : _low.CompareTo(other._low);
        }
    }

    private readonly struct ByPacking(RouteTable routes) : IComparer<PackingKey>
    {
        public int Compare(PackingKey x, PackingKey y)
        {
            int order = x.OrderTo(y);
            return order != 0 || x.Row == y.Row ? order : BabelPrefix.Compare(routes.SourceOf(x.Row), routes.SourceOf(y.Row));
        }
    }
}
