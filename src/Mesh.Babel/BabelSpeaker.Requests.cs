using Mesh.Babel.Neighbours;
using Mesh.Babel.Requests;
using Mesh.Babel.Routes;
using Mesh.Babel.Wire;

namespace Mesh.Babel;

/// <content>Route and seqno requests, received and sent (RFC 8966 section 3.8).</content>
public sealed partial class BabelSpeaker
{
    private void HandleRouteRequest(Neighbour neighbour, RouteRequestTlv request)
    {
        if (request.Key is not { } key)
        {
            if (neighbour.LastDump != TimeSpan.MinValue && _now - neighbour.LastDump < _options.WildcardPause)
            {
                Count(BabelCounter.WildcardSuppressed);
                return;
            }

            neighbour.LastDump = _now;
            QueueTable(neighbour.Updates, _now + Roughly(_options.UrgentDelay));
            return;
        }

        int row = _routes.Find(key);
        if (row >= 0 && Announcement(row) is { Metric: not Metric.Infinity } known && MayTell(neighbour.Link, known))
        {
            neighbour.Updates.Add(row, _now + Roughly(_options.UrgentDelay));
            return;
        }

        // No route: a retraction must be the answer (3.8.1.1). The Router-Id in front is for speakers that want one before any Update.
        Span<byte> tlvs = stackalloc byte[2 + RouterIdTlv.BodyLength + 2 + UpdateTlv.BodyLength + 16 + SourcePrefix.MaxLength];
        int length = new RouterIdTlv(_routerId).Encode(tlvs);
        AddressEncoding encoding = key.Prefix.IsIpv4 ? AddressEncoding.Ipv4 : AddressEncoding.Ipv6;
        _ = new UpdateTlv(
            encoding, 0, key.Prefix.WireLength, 0, neighbour.Link.UpdateCentiseconds, _seqno, Metric.Infinity, AddressCodec.ToLeftAligned(key.Prefix)).Encode(tlvs[length..]);
        length += new SourcePrefix(key.Source).AppendTo(tlvs[length..]);
        neighbour.Control.Add(tlvs[..length]);
    }

    private void HandleSeqnoRequest(Neighbour neighbour, SeqnoRequestTlv request)
    {
        int row = _routes.Find(request.Key);
        if (row < 0)
        {
            Count(BabelCounter.RequestDropped);
            return;
        }

        if (_routes.Rows[row].IsOwn)
        {
            // By one and never more, however much is asked for (3.8.1.2): otherwise a stray request could make our number jump.
            if (request.RouterId == _routerId && request.Seqno.IsNewerThan(_seqno))
            {
                if (SeqnoLimit is { } limit && !limit.IsNewerThan(_seqno))
                    Count(BabelCounter.SeqnoHeld);
                else
                    _seqno = _seqno.Next;
            }

            neighbour.Link.Updates.Add(row, _now + Roughly(_options.UrgentDelay));
            return;
        }

        OutgoingUpdate known = Announcement(row);
        if (known.Metric != Metric.Infinity && Satisfies(known, request.RouterId, request.Seqno))
            neighbour.Link.Updates.Add(row, _now + Roughly(_options.UrgentDelay));
        else
            Forward(neighbour, row, request);
    }

    private static bool Satisfies(in OutgoingUpdate update, RouterId routerId, Seqno seqno) =>
        update.RouterId != routerId || !seqno.IsNewerThan(update.Seqno);

    /// <summary>Passes a request on, by unicast and to one neighbour only, remembering for whom.</summary>
    private void Forward(Neighbour requester, int row, SeqnoRequestTlv request)
    {
        int pending = FindRequest(row, request.RouterId);
        if (pending >= 0)
        {
            ref PendingRequest known = ref _requests[pending];
            if (!request.Seqno.IsNewerThan(known.Seqno) && _tick < known.SuppressUntil)
            {
                known.Join(requester.Slot);
                Count(BabelCounter.RequestSuppressed);
                return;
            }
        }

        Neighbour? target = request.HopCount >= 2 && request.RouterId != _routerId ? TowardsOrigin(row, requester) : null;
        if (target is null)
        {
            Count(BabelCounter.RequestDropped);
            return;
        }

        if (pending < 0 && !TryAddRequest(row, request.RouterId, request.Seqno, requester.Slot, out pending))
            return;
        ref PendingRequest entry = ref _requests[pending];
        entry.Join(requester.Slot);
        if (request.Seqno.IsNewerThan(entry.Seqno))
            entry.Seqno = request.Seqno;
        entry.SuppressUntil = _tick + CeilTicks(_options.ForwardPause);
        entry.ExpiresAt = _tick + CeilTicks(_options.RequestLifetime);
        Arm(row, entry.ExpiresAt);
        SendSeqnoRequest(target, request with { HopCount = (byte)(request.HopCount - 1) });
        Count(BabelCounter.SeqnoRequestsForwarded);
    }

    /// <summary>The next hop of the selected route, or of the best other one, feasible first; never the requester.</summary>
    private Neighbour? TowardsOrigin(int row, Neighbour requester)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        int best = -1;
        int bestRank = int.MaxValue;
        for (int slot = _routes.NextNeighbour(row, -1); slot >= 0; slot = _routes.NextNeighbour(row, slot))
        {
            var candidate = new RouteId(row, slot);
            ushort metric = MetricOf(candidate);
            if (metric == Metric.Infinity || slot == requester.Slot)
                continue;
            int rank = metric;
            if (slot == entry.Selected)
                rank = -1;
            else if (!IsFeasible(candidate))
                rank += Metric.Infinity;
            if (rank < bestRank)
                (best, bestRank) = (slot, rank);
        }

        return best < 0 ? null : NeighbourOf(best);
    }

    /// <summary>Asks the origin for a newer number, so that a route may become feasible (3.8.2.1, 3.8.2.2).</summary>
    private void RequestSeqno(int row, RouterId routerId, Neighbour? target)
    {
        if (routerId == _routerId || !_routes.Sources.TryGet(row, routerId, out FeasibilityDistance announced))
            return;
        Seqno wanted = announced.Seqno.Next;
        int pending = FindRequest(row, routerId);
        if (pending >= 0 && !wanted.IsNewerThan(_requests[pending].Seqno) && _requests[pending].ResendAt != long.MaxValue)
            return;
        bool wasJustForwarded = pending >= 0 && !wanted.IsNewerThan(_requests[pending].Seqno) && _tick < _requests[pending].SuppressUntil;
        if (pending < 0 && !TryAddRequest(row, routerId, wanted, PendingRequest.Self, out pending))
            return;
        ref PendingRequest request = ref _requests[pending];
        if (wanted.IsNewerThan(request.Seqno))
            request.Seqno = wanted;
        request.ResendsDone = 0;
        request.SuppressUntil = _tick + CeilTicks(_options.ForwardPause);
        request.ResendAt = _tick + CeilTicks(_options.ResendDelay);
        request.ExpiresAt = _tick + CeilTicks(_options.RequestLifetime);
        Arm(row, Math.Min(request.ResendAt, request.ExpiresAt));
        if (!wasJustForwarded)
            SendOwnRequest(row, pending, target);
    }

    private void SendOwnRequest(int row, int pending, Neighbour? target)
    {
        ref PendingRequest request = ref _requests[pending];
        int selected = _routes.Rows[row].Selected;
        var tlv = new SeqnoRequestTlv(_routes.Rows[row].Prefix, request.Seqno, _options.RequestHopCount, request.RouterId, _routes.SourceOf(row));
        if (target is null && selected >= 0)
            target = NeighbourOf(selected);
        Count(BabelCounter.SeqnoRequestsSent);
        if (target is not null)
            SendSeqnoRequest(target, tlv);
        else if (!TryAskAll(row, tlv))
            AskEverybody(tlv);
    }

    /// <summary>Asks all that have a route, as 3.8.2.1 says. The one with the best may be the one that is gone and not missed yet, or may have its route from us.</summary>
    /// <returns>False where nobody has one.</returns>
    private bool TryAskAll(int row, SeqnoRequestTlv request)
    {
        bool isAsked = false;
        for (int slot = _routes.NextNeighbour(row, -1); slot >= 0; slot = _routes.NextNeighbour(row, slot))
        {
            if (MetricOf(new RouteId(row, slot)) == Metric.Infinity)
                continue;
            SendSeqnoRequest(NeighbourOf(slot), request);
            isAsked = true;
        }

        return isAsked;
    }

    /// <summary>Nobody is known to have a route; somebody may all the same.</summary>
    private void AskEverybody(SeqnoRequestTlv request)
    {
        Span<byte> octets = stackalloc byte[SeqnoRequestTlv.MaxLength];
        int length = request.Encode(octets);
        foreach (BabelInterface link in _interfaces)
        {
            if (link.Neighbours.Count > 0)
                link.Control.Add(octets[..length]);
        }
    }

    private static void SendSeqnoRequest(Neighbour target, SeqnoRequestTlv request)
    {
        Span<byte> octets = stackalloc byte[SeqnoRequestTlv.MaxLength];
        target.Control.Add(octets[..request.Encode(octets)]);
    }

    private static void SendRouteRequest(Neighbour target, RouteKey key)
    {
        Span<byte> octets = stackalloc byte[RouteRequestTlv.MaxLength];
        target.Control.Add(octets[..new RouteRequestTlv(key.Prefix, key.Source).Encode(octets)]);
    }

    /// <summary>Ends the requests that the selected route satisfies, and passes the answer on to those who asked.</summary>
    private void AnswerRequests(int row)
    {
        OutgoingUpdate known = Announcement(row);
        if (known.Metric == Metric.Infinity)
            return;
        for (int index = FirstRequestOf(row); index >= 0;)
        {
            PendingRequest request = _requests[index];
            if (Satisfies(known, request.RouterId, request.Seqno))
            {
                if (request.Requester == PendingRequest.Several)
                    QueueEverywhere(row, _now + Roughly(_options.UrgentDelay));
                else if (request.Requester != PendingRequest.Self)
                    NeighbourOf(request.Requester).Link.Updates.Add(row, _now + Roughly(_options.UrgentDelay));
                RemoveRequest(row, index);
            }

            index = request.Next;
        }
    }

    /// <summary>Repeats and forgets requests. Returns when to look again.</summary>
    private long ServeRequests(int row)
    {
        long next = long.MaxValue;
        for (int index = FirstRequestOf(row); index >= 0;)
        {
            ref PendingRequest request = ref _requests[index];
            int following = request.Next;
            if (request.ExpiresAt <= _tick)
            {
                RemoveRequest(row, index);
            }
            else
            {
                if (request.ResendAt <= _tick)
                {
                    request.ResendsDone++;
                    request.ResendAt = request.ResendsDone < _options.Resends
                        ? _tick + (CeilTicks(_options.ResendDelay) << request.ResendsDone)
                        : long.MaxValue;
                    SendOwnRequest(row, index, null);
                }

                next = Math.Min(next, Math.Min(request.ExpiresAt, request.ResendAt));
            }

            index = following;
        }

        return next;
    }

    private int FirstRequestOf(int row) => _routes.Rows[row].Is(RowFlags.Requests) ? _firstRequests[row] : -1;

    private int FindRequest(int row, RouterId routerId)
    {
        int index = FirstRequestOf(row);
        while (index >= 0 && _requests[index].RouterId != routerId)
            index = _requests[index].Next;
        return index;
    }

    private bool TryAddRequest(int row, RouterId routerId, Seqno seqno, int requester, out int index)
    {
        var added = new PendingRequest
        {
            RouterId = routerId,
            Seqno = seqno,
            Requester = requester,
            Next = FirstRequestOf(row),
            ResendAt = long.MaxValue,
        };
        if (!_requests.TryAdd(added, out index))
        {
            Count(BabelCounter.RequestLimit);
            return false;
        }

        _firstRequests[row] = index;
        _routes.Rows[row].Flags |= RowFlags.Requests;
        return true;
    }

    private void RemoveRequest(int row, int index)
    {
        int next = _requests[index].Next;
        int before = FirstRequestOf(row);
        if (before != index)
        {
            while (_requests[before].Next != index)
                before = _requests[before].Next;
            _requests[before].Next = next;
        }
        else if (next >= 0)
        {
            _firstRequests[row] = next;
        }
        else
        {
            _ = _firstRequests.Remove(row);
            _routes.Rows[row].Flags &= ~RowFlags.Requests;
        }

        _requests.Remove(index);
    }

    /// <summary>A neighbour is gone: nobody waits for the answers to its requests, and its slot will mean somebody else.</summary>
    private void ForgetRequester(int slot)
    {
        for (int index = 0; index < _requests.Extent; index++)
        {
            if (_requests[index].RouterId.IsValid && _requests[index].Requester == slot)
                _requests[index].Requester = PendingRequest.Self;
        }
    }
}
