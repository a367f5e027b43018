using System.Net;
using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.PortMapping;

namespace Mesh.Node.PortMapping;

/// <content>What the gateway has given: kept, renewed, advertised and given back.</content>
public sealed partial class PortMappingActor
{
    // RFC 6887 section 11.2.1: no closer than that, however short the time that is left.
    private static readonly TimeSpan MinRenewalDelay = TimeSpan.FromSeconds(4);
    // A gateway that has lost its state has lost the mappings; until it has said so of each again, they may be thought to be there only for so long.
    private static readonly TimeSpan LostPatience = TimeSpan.FromSeconds(30);

    private readonly List<Lease> _leases = [];
    private MappedAddressesChanged _published = new(AddressList.Empty, null);
    private TimeSpan _checkAt;

    private void MakeLeases()
    {
        _leases.Clear();
        (_epoch, _external, _isPermanentOnly) = (null, null, false);
        foreach (PortToMap port in _options.Ports)
        {
            RememberedMapping? earlier = _known!.Mappings.FirstOrDefault(m => Is(m, port));
            _leases.Add(new Lease(port) { ExternalPort = earlier?.ExternalPort ?? port.Port });
        }

        foreach (RememberedMapping stale in _known!.Mappings.Where(m => !_options.Ports.Any(port => Is(m, port))))
            _leases.Add(new Lease(new PortToMap((TransportProtocol)stale.Protocol, stale.InternalPort, null), isStale: true) { ExternalPort = stale.ExternalPort });
    }

    private void DropLeases()
    {
        _leases.Clear();
        CancelTimers();
    }

    private void CancelTimers()
    {
        foreach (object timer in (object[])[Due.Instance, Restarted.Instance, CheckDue.Instance])
            Context.Timers.Cancel(timer);
    }

    private static bool Is(RememberedMapping mapping, PortToMap port) => mapping.Protocol == (byte)port.Protocol && mapping.InternalPort == port.Port;

    // The method that worked the last time is tried first.
    private FsmStep<PortMappingState, PortMappingProgress> NextMethod(string? problem)
    {
        PortMappingMethod[] order = [.. _options.Methods.OrderBy(m => m != _known!.Method)];
        int next = Data.Method is { } present ? Array.IndexOf(order, present) + 1 : 0;
        if (next >= order.Length)
            return Rest(Data with { Problem = problem ?? "no method is allowed" });
        GiveUpQuestions();
        (_epoch, _external) = (null, null);
        foreach (Lease lease in _leases)
            lease.WasAsked = false;
        Apply(Stay(Data with { Method = order[next] }));
        if (order[next] != PortMappingMethod.Pcp)
            Ask(new Question(order[next] == PortMappingMethod.Upnp ? Topic.Discover : Topic.Check));
        foreach (Lease lease in _leases.Where(static l => !l.IsStale))
            Ask(new Question(Topic.Map, lease));
        return Stay();
    }

    private FsmStep<PortMappingState, PortMappingProgress> MethodFailed(string reason)
    {
        if (State != PortMappingState.Asking)
            return Answered();   // it has spoken it before: renewals tell whether it still does
        Log.Debug($"{Method} with the gateway {Data.Gateway!.Address}: {reason}");
        return NextMethod($"{Method}: {reason}");
    }

    private FsmStep<PortMappingState, PortMappingProgress> OnGranted(Lease lease, IPAddress? address, ushort port, TimeSpan lifetime)
    {
        if (lifetime < PortMappingOptions.MinLifetime || port == 0)
        {
            Count(PortMappingCounter.ShortLifetimes);
            return OnRefused(_asked!, $"it maps for {lifetime.TotalSeconds:0} s", isTemporary: false, TimeSpan.Zero);
        }

        if (lifetime > PortMappingOptions.MaxLifetime && lifetime != TimeSpan.MaxValue)
        {
            Count(PortMappingCounter.LongLifetimes);
            lifetime = PortMappingOptions.MaxLifetime;
        }

        (lease.ExternalPort, lease.Conflicts) = (port, 0);
        lease.ExternalAddress = address;
        lease.Until = lifetime == TimeSpan.MaxValue ? TimeSpan.MaxValue : Context.Now + lifetime;
        // UPnP tells nothing of a gateway's restarts, so a mapping is renewed in place of looking for one.
        TimeSpan half = lifetime / 2;
        lease.AgainAt = Context.Now + (Method == PortMappingMethod.Upnp && half > _options.CheckInterval ? _options.CheckInterval : half);
        return Answered();
    }

    private FsmStep<PortMappingState, PortMappingProgress> OnRefused(Question question, string reason, bool isTemporary, TimeSpan again)
    {
        Count(PortMappingCounter.Refusals);
        if (question.Lease is not { } lease)
            return State == PortMappingState.Asking && Method != PortMappingMethod.NatPmp ? MethodFailed(reason) : Answered();
        Log.Debug($"the gateway {Data.Gateway!.Address} does not map {lease.Port} by {Method}: {reason}");
        Apply(Stay(Data with { Problem = $"{Method}: {reason}" }));
        if (question.Topic == Topic.Unmap)
            return OnDone(question);
        if (lease.IsHeld && !isTemporary)
            Lose(lease);
        if (!lease.IsHeld)
            lease.AgainAt = Context.Now + (again > _options.MaxRetryDelay ? _options.MaxRetryDelay : again > _options.MinRetryDelay ? again : _options.MinRetryDelay);
        return Answered();
    }

    private FsmStep<PortMappingState, PortMappingProgress> OnDone(Question question)
    {
        if (question is { Topic: Topic.Unmap, Lease: { } ended })
            _leases.Remove(ended);
        return Answered();
    }

    // The question is over; what comes after it?
    private FsmStep<PortMappingState, PortMappingProgress> Answered()
    {
        Context.Timers.Cancel(Overdue.Instance);
        AskNext();
        switch (State)
        {
            case PortMappingState.Asking when _asked is null:
                return _leases.Exists(static l => l.IsHeld) ? Arrive() : NextMethod(Data.Problem);
            case PortMappingState.Mapped:
                Publish();
                return LookAhead();
            case PortMappingState.Releasing when _asked is null:
                _memory!.Tell(Data.Gateway!, Self);   // all is given back
                _known = null;
                return GoTo(PortMappingState.Released);
            default:
                return Stay();
        }
    }

    private FsmStep<PortMappingState, PortMappingProgress> Arrive()
    {
        _checkAt = Context.Now + _options.CheckInterval;
        foreach (Lease stale in _leases.Where(static l => l.IsStale).ToArray())
        {
            if (_known!.Method == Method)
                _questions.Enqueue(new Question(Topic.Unmap, stale));
            else
                _leases.Remove(stale);
        }

        Log.Info($"the gateway {Data.Gateway!.Address} maps by {Method}: {string.Join(", ", _leases.Where(static l => l.IsHeld).Select(l => $"{l.Port} at {l.ExternalAddress ?? _external}, port {l.ExternalPort}"))}");
        FsmStep<PortMappingState, PortMappingProgress> step = GoTo(PortMappingState.Mapped, Data with { Problem = null });
        Apply(step);
        Keep();
        if (_asked is null)
            AskNext();
        return LookAhead();
    }

    private void Keep()
    {
        KnownGateway known = _known! with
        {
            Method = Method,
            Mappings = [.. _leases.Where(static l => l.IsHeld || l.IsStale).Select(static l => new RememberedMapping((byte)l.Port.Protocol, l.Port.Port, l.ExternalPort))],
        };
        if (known.Method == _known.Method && known.Mappings.SequenceEqual(_known.Mappings))
            return;
        _known = known;
        _memory!.Tell(known, Self);
    }

    // Sets the timer for what is due next.
    private FsmStep<PortMappingState, PortMappingProgress> LookAhead()
    {
        if (!_leases.Exists(static l => l.IsHeld))
            return Rest(Data with { Problem = Data.Problem ?? $"the gateway {Data.Gateway!.Address} does not renew" });
        Keep();
        TimeSpan next = _checkAt;
        foreach (Lease lease in _leases.Where(static l => !l.IsStale))
        {
            next = lease.AgainAt < next ? lease.AgainAt : next;
            next = lease.Until < next ? lease.Until.Value : next;
        }

        Context.Timers.StartSingle(Due.Instance, Due.Instance, next > Context.Now ? next - Context.Now : TimeSpan.Zero);
        return Stay();
    }

    private FsmStep<PortMappingState, PortMappingProgress> OnDue()
    {
        foreach (Lease lease in _leases.Where(static l => !l.IsStale))
        {
            if (lease.Until <= Context.Now)
                Lose(lease);
            if (lease.AgainAt <= Context.Now)
                AskFor(lease);
        }

        if (_checkAt <= Context.Now)
        {
            _checkAt = Context.Now + _options.CheckInterval;
            if (Method != PortMappingMethod.Upnp)
                Ask(new Question(Topic.Check));
        }

        Publish();
        return LookAhead();
    }

    // Where no answer comes it is asked again at half of what is left then (RFC 6887 section 11.2.1).
    private void AskFor(Lease lease)
    {
        TimeSpan left = lease.Until is not { } until ? _options.MinRetryDelay * 2 : until == TimeSpan.MaxValue ? _options.CheckInterval * 2 : until - Context.Now;
        lease.AgainAt = Context.Now + (left / 2 > MinRenewalDelay ? left / 2 : MinRenewalDelay);
        Ask(new Question(Topic.Map, lease));
    }

    private void AskForAll()
    {
        foreach (Lease lease in _leases.Where(static l => !l.IsStale))
        {
            if (lease.Until > Context.Now + LostPatience)
                lease.Until = Context.Now + LostPatience;
            AskFor(lease);
        }

        Apply(LookAhead());
    }

    private void Lose(Lease lease)
    {
        Count(PortMappingCounter.Lost);
        Log.Info($"the gateway {Data.Gateway!.Address} does not map {lease.Port} any more");
        lease.Until = null;
    }

    private FsmStep<PortMappingState, PortMappingProgress> BeginRelease()
    {
        _releasedBy.Add(Sender);
        return GoTo(PortMappingState.Releasing);
    }

    private void AskForEnds()
    {
        CancelTimers();
        if (Data.Method is not null)
        {
            foreach (Lease lease in _leases.Where(static l => l.IsHeld || l.WasAsked || l.IsStale))
                _questions.Enqueue(new Question(Topic.Unmap, lease));
        }

        Apply(Answered());
    }

    private void Publish()
    {
        var addresses = new List<AdvertisedAddress>();
        ushort? udpPort = null;
        foreach (Lease lease in State == PortMappingState.Mapped ? _leases.Where(static l => l.IsHeld) : [])
        {
            if ((lease.ExternalAddress ?? _external) is not { } address || !IsOfUse(address))
                continue;
            if (lease.Port.AdvertisedAs is { } protocol)
                addresses.Add(new AdvertisedAddress(address.ToString(), lease.ExternalPort, protocol));
            else
                udpPort = lease.ExternalPort;
        }

        var present = new MappedAddressesChanged(new AddressList(addresses.Distinct().Take(AddressList.MaxCount)), udpPort);
        if (present == _published)
            return;
        _published = present;
        Context.System.EventStream.Publish(present);
    }

    private bool IsOfUse(IPAddress address)
    {
        if (AddressScope.IsUnicast(address) && (_options.AcceptsPrivate || AddressScope.IsPublic(address)))
            return true;
        string problem = $"the gateway's own external address, {address}, cannot be reached from the Internet: there is another NAT behind it";
        if (_saidProblem == problem)
            return false;
        Count(PortMappingCounter.UnusableAddresses);
        Log.Info($"ports are mapped in vain: {problem}");
        _saidProblem = problem;
        return false;
    }
}
