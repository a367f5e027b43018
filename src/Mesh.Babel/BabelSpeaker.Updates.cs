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

    private int ComparePacking(int left, int right) => OutgoingUpdate.ComparePacking(PackingKeyOf(left), PackingKeyOf(right));

    private OutgoingUpdate PackingKeyOf(int row) =>
        _routes.Rows[row].Is(RowFlags.InUse) ? Announcement(row) : default;

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
        for (int row = 0; row < _routes.Rows.Extent; row++)
        {
            ref RouteRow entry = ref _routes.Rows[row];
            if (entry.Is(RowFlags.InUse) && (entry.IsOwn || entry.IsHeld || entry.Selected >= 0))
                _packing.Add(new PackingKey(PackingKeyOf(row), row));
        }

        CollectionsMarshal.AsSpan(_packing).Sort(default(ByPacking));
        _packed.Clear();
        if (_packed.Capacity < _packing.Count)
            _packed.Capacity = _packing.Count;
        foreach (PackingKey key in _packing)
            _packed.Add(key.Row);
        // A key is three times as large as a row and needed again only after a change.
        _packing.Clear();
        if (_packing.Capacity > 64)
            _packing.Capacity = 0;
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
            if (TryPrepare(row, link, lifetime, out OutgoingUpdate update))
            {
                if (!_writer.TryAppend(update))
                {
                    Emit(link, destination);
                    if (++packets == _options.BurstPackets)
                    {
                        updates.Postpone(_now + _options.BurstPause);
                        return;
                    }

                    continue;
                }

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

    /// <summary>A row and what decides its place in a packet.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct PackingKey(OutgoingUpdate Update, int Row);

    private readonly struct ByPacking : IComparer<PackingKey>
    {
        public int Compare(PackingKey x, PackingKey y) => OutgoingUpdate.ComparePacking(x.Update, y.Update);
    }
}
