using Mesh.Babel.Neighbours;
using Mesh.Babel.Routes;
using Mesh.Babel.Sending;
using Mesh.Babel.Wire;

namespace Mesh.Babel;

/// <content>Neighbours: Hello, IHU, link cost, timers (RFC 8966 sections 3.4, A.1, A.2).</content>
public sealed partial class BabelSpeaker
{
    /// <summary>Two Hellos make a link usable, and one of them may be lost.</summary>
    private const int BurstLength = 3;

    private static readonly TimeSpan BurstSpacing = TimeSpan.FromMilliseconds(5);

    /// <summary>Between two bursts for peers that are known by their signature.</summary>
    private static readonly TimeSpan BurstPause = TimeSpan.FromMilliseconds(300);

    /// <summary>Nothing was done for longer than this though it was due: the machine was asleep, and what was sent to it may be lost. Retractions are repeated for longer than that, so who sleeps no longer misses none.</summary>
    private static readonly TimeSpan UnnoticedNap = TimeSpan.FromSeconds(5);

    private void TickInterfaces()
    {
        int place = 0;
        while (_interfaces.TakeDue(ref place, _now) is { } link)
        {
            link.Touch();
            TickNeighbours(link);
            if (link.NextBurst <= _now)
                SendBurst(link);
            if (link.NextHello <= _now)
            {
                SendHello(link);
                link.NextHello = _now + Early(link.TakePace());
                if (link.IsCatchingUp && link.BurstLeft == 0)
                {
                    AskForTable(link.Control);   // once more, for who was not there yet
                    link.IsCatchingUp = false;
                }

                if (link.Authenticator is { } mac)
                    ExpirePeers(link, mac);
            }

            if (link.NextDump <= _now)
            {
                QueueDump(link);
                link.NextDump = _now + Early(link.Parameters.EffectiveUpdateInterval);
            }
        }
    }

    private void TickNeighbours(BabelInterface link)
    {
        for (int i = link.Neighbours.Count - 1; i >= 0; i--)
        {
            Neighbour neighbour = link.Neighbours[i];
            if (neighbour.NextDeadline > _now)
                continue;
            bool changed = neighbour.Hellos.Expire(_now) | neighbour.UnicastHellos.Expire(_now);
            if (neighbour.RoundTrip.Deadline <= _now)
            {
                neighbour.RoundTrip.ForgetSamples();
                changed = true;
            }

            if (neighbour.IhuDeadline <= _now)
            {
                neighbour.TxCost = Metric.Infinity;
                neighbour.IhuDeadline = TimeSpan.MaxValue;
                changed = true;
            }

            if (!neighbour.IsHeard && (changed || _now >= neighbour.CreatedAt + (link.Parameters.HelloInterval * 4)))
                LoseNeighbour(neighbour);
            else if (changed)
                RefreshCost(neighbour, SelectionRule.Hysteresis);
        }
    }

    private void SendHello(BabelInterface link)
    {
        link.HelloDue = link.HelloCentiseconds;
        link.Touch();

        // Weak links get an IHU each time (as babeld).
        bool isTurn = link.TakeTurn() || link.IsAtFormerPace;
        foreach (Neighbour neighbour in link.Neighbours)
        {
            if (isTurn || neighbour.IsMarginal)
                SendIhu(neighbour);
        }
    }

    /// <summary>A Hello with IHUs makes the new promises at once. The old ones are kept all the same, as long as somebody may have missed the new ones.</summary>
    /// <remarks>
    /// The next Hellos come at the old pace, if that is the faster one: two of them in a few milliseconds would do for one that is lost, but if both were, they
    /// would count as missing and end the link. The full update comes when it was promised, or sooner if the new interval is shorter.
    /// </remarks>
    private void ChangeIntervals(BabelInterface link, TimeSpan helloInterval, TimeSpan? updateInterval)
    {
        link.SetIntervals(helloInterval, updateInterval, _now);
        link.NextDump = Min(link.NextDump, _now + Early(link.Parameters.EffectiveUpdateInterval));
        SendHello(link);
        link.NextHello = _now + Early(link.TakePace());
    }

    private static void SendIhu(Neighbour neighbour)
    {
        neighbour.IsIhuDue = true;
        neighbour.Link.IsIhuDue = true;
        neighbour.Link.Touch();
    }

    /// <summary>One packet of the series that opens an interface, or greets a new neighbour: several Hellos make the link usable at once.</summary>
    private void SendBurst(BabelInterface link)
    {
        SendHello(link);
        if (link.IsStarting)
        {
            // The retraction makes neighbours forget a previous run of ours. It must not be in the first packet alone, which may be lost; and it must not
            // follow what we announced in this run, for then it would take that back until the next full update.
            if (link.BurstLeft < BurstLength && !link.HasAnnounced)
                link.Control.Add(EncodeWildcardRetraction(stackalloc byte[2 + UpdateTlv.BodyLength]));
        }

        if ((link.IsStarting || link.IsCatchingUp) && link.BurstLeft != 2)
            AskForTable(link.Control);

        link.BurstLeft--;
        link.NextBurst = link.BurstLeft > 0 ? _now + BurstSpacing : TimeSpan.MaxValue;
        if (link.BurstLeft > 0)
            return;
        link.IsStarting = false;
        if (link.IsBurstWanted)
            WantBurst(link);
    }

    // Neighbours may not have heard us either, and what they announced before may have been taken back since.
    private void CatchUp()
    {
        foreach (BabelInterface link in _interfaces)
        {
            link.IsCatchingUp = true;
            if (link.BurstLeft == 0)
                StartBurst(link, _now);
            link.Touch();
        }
    }

    private static void AskForTable(ControlQueue control) => control.Add(EncodeWildcardRequest(stackalloc byte[2 + RouteRequestTlv.BodyLength]));

    /// <summary>A peer that is known by its signature needs our Hellos soon: it is to get a whole series that begins after now. One every <see cref="BurstPause"/> serves all.</summary>
    private void WantBurst(BabelInterface link)
    {
        link.IsBurstWanted = link.BurstLeft is > 0 and < BurstLength;
        if (link.BurstLeft > 0)
            return;
        TimeSpan soon = _now + BurstSpacing;
        StartBurst(link, link.LastBurst is { } last && last + BurstPause > soon ? last + BurstPause : soon);
    }

    private static void StartBurst(BabelInterface link, TimeSpan first) => (link.BurstLeft, link.NextBurst, link.LastBurst) = (BurstLength, first, first - BurstSpacing);

    private Span<byte> EncodeWildcardRetraction(Span<byte> tlv)
    {
        int length = new UpdateTlv(AddressEncoding.Wildcard, 0, 0, 0, Centiseconds.Never, _seqno, Metric.Infinity, default).Encode(tlv);
        return tlv[..length];
    }

    private static Span<byte> EncodeWildcardRequest(Span<byte> tlv) => tlv[..new RouteRequestTlv(null).Encode(tlv)];

    /// <summary>Everything is taken back, and the tiny interval makes neighbours drop us within a fraction of a second.</summary>
    private void SendFarewell(BabelInterface link)
    {
        link.Control.Clear();
        link.Updates.Clear();
        (link.HelloDue, link.IsIhuDue) = (1, false);
        link.Control.Add(EncodeWildcardRetraction(stackalloc byte[2 + UpdateTlv.BodyLength]));
        Flush(link);
    }

    /// <summary>The neighbour with this address, made where there is none; null where the table is full.</summary>
    private Neighbour? FindOrAddNeighbour(BabelInterface link, BabelAddress address)
    {
        if (link.Find(address) is { } known)
            return known;
        if (!_freeSlots.TryPop(out int slot))
        {
            slot = _neighbours.Count;
            if (slot >= _options.MaxNeighbours)
            {
                Count(BabelCounter.NeighbourLimit);
                return null;
            }

            _neighbours.Add(null);
        }

        var added = new Neighbour(slot, link, address, _now);
        _neighbours[slot] = added;
        link.Neighbours.Add(added);
        Count(BabelCounter.NeighboursFound);
        if (link.BurstLeft == 0 && (link.LastBurst is not { } last || _now - last >= link.Parameters.HelloInterval))
        {
            // It has just appeared and needs two Hellos of ours to use the link: do not let it wait for two intervals.
            StartBurst(link, _now + BurstSpacing);
        }

        return added;
    }

    private void HandleHello(Neighbour neighbour, HelloTlv hello, HelloTimestamp? timestamp)
    {
        TimeSpan interval = Centiseconds.ToTimeSpan(hello.IntervalCentiseconds);
        bool wasAccepted = hello.IsUnicast
            ? neighbour.UnicastHellos.Received(hello.Seqno, interval, _now)
            : neighbour.Hellos.Received(hello.Seqno, interval, _now);
        if (!wasAccepted)
        {
            // A.1: the peer has restarted. Nothing that we know of it is true any more.
            LoseNeighbour(neighbour);
            if (FindOrAddNeighbour(neighbour.Link, neighbour.Address) is { } reborn)
            {
                reborn.IsVerified = neighbour.IsVerified;
                HandleHello(reborn, hello, timestamp);
            }

            return;
        }

        if (timestamp is { } sent)
            NoteTimestamp(neighbour, sent);
        // What was sent meanwhile may be lost as well, and of a route that is gone we would hear only with the next whole table.
        if ((hello.IsUnicast ? neighbour.UnicastHellos : neighbour.Hellos).HasMissedOne && neighbour.Cost != Metric.Infinity)
            AskForTable(neighbour.Control);
        RefreshCost(neighbour, SelectionRule.Hysteresis);
    }

    private void HandleIhu(Neighbour neighbour, IhuTlv ihu, IhuTimestamp? timestamp)
    {
        if (ihu.Encoding != AddressEncoding.Wildcard && ihu.Address != neighbour.Link.Parameters.Address)
        {
            Count(BabelCounter.ForeignIhu);
            return;
        }

        // It does not hear us any more, and may have missed no more than two Hellos: it need not wait for the next ones. Once, for it may be out of our reach.
        if (ihu.RxCost == Metric.Infinity && neighbour.TxCost != Metric.Infinity)
            WantBurst(neighbour.Link);
        SelectionRule rule = neighbour.TxCost == ihu.RxCost ? SelectionRule.Hysteresis : SelectionRule.Immediate;
        TimeSpan hold = Centiseconds.ToTimeSpan(ihu.IntervalCentiseconds) * 3.5;
        neighbour.TxCost = ihu.RxCost;
        neighbour.IhuDeadline = _now + hold;
        if (timestamp is { } echo)
            NoteEcho(neighbour, echo, hold);
        RefreshCost(neighbour, rule);
    }

    /// <summary>Computes the cost of a link again, and selects again where it has changed.</summary>
    /// <param name="neighbour">Whose.</param>
    /// <param name="rule">How routes through it may be replaced if the link worked before and does now. What was measured may be otherwise in a moment: hysteresis is for that.</param>
    private void RefreshCost(Neighbour neighbour, SelectionRule rule)
    {
        // What the peer may count on has changed from nothing to something or back: do not let it wait for a third Hello.
        if ((neighbour.RxCost == Metric.Infinity) != (neighbour.AnnouncedRxCost == Metric.Infinity))
            SendIhu(neighbour);
        ushort cost = Metric.Multiply(neighbour.LinkCost, neighbour.CostMultiplier);
        SettleCost(neighbour);
        if (cost == neighbour.Cost)
            return;
        bool isNew = neighbour.Cost == Metric.Infinity;
        if (isNew || cost == Metric.Infinity)
            rule = SelectionRule.Immediate;
        bool isNoWorse = cost <= neighbour.Cost;
        ChangeCost(neighbour, cost);
        if (isNew)
            AskForTable(neighbour.Control);
        ReconsiderVia(neighbour, rule, isNoWorse);
    }

    private void ReconsiderVia(Neighbour neighbour, SelectionRule rule, bool isNoWorse)
    {
        for (int row = _routes.NextRow(neighbour.Slot, -1); row >= 0; row = _routes.NextRow(neighbour.Slot, row))
            Reconsider(new RouteId(row, neighbour.Slot), rule, isNoWorse);
    }

    private void LoseNeighbours(BabelInterface link)
    {
        link.Touch();
        for (int i = link.Neighbours.Count - 1; i >= 0; i--)
            LoseNeighbour(link.Neighbours[i]);
    }

    private void LoseNeighbour(Neighbour neighbour)
    {
        // Out of the list first, so that nothing is sent to it; then its routes lose their metric, and only then their places.
        _ = neighbour.Link.Neighbours.Remove(neighbour);
        Count(BabelCounter.NeighboursLost);
        neighbour.Cost = Metric.Infinity;
        ReconsiderVia(neighbour, SelectionRule.Immediate, isNoWorse: false);
        for (int row = _routes.NextRow(neighbour.Slot, -1); row >= 0; row = _routes.NextRow(neighbour.Slot, row))
        {
            _routes.Remove(new RouteId(row, neighbour.Slot));
            ReleaseIfUnused(row);
        }

        ForgetRequester(neighbour.Slot);
        _neighbours[neighbour.Slot] = null;
        _freeSlots.Push(neighbour.Slot);
    }
}
