using Mesh.Actors;
using Mesh.Node.Certificates;
using Mesh.Node.Parameters;
using Mesh.Node.Ports;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing.Lan;

/// <summary>What is known about an interface of the LAN.</summary>
/// <param name="Link">The interface as it is, or null.</param>
/// <param name="HasParameters">Whether the network's parameters are known, and by them the keys of the routing protocol.</param>
/// <param name="MayServe">Whether this node may forward for others.</param>
public sealed record LanKnowledge(LinkView? Link, bool HasParameters, bool MayServe)
{
    /// <summary>How the router was told to use the interface; null in other states than <see cref="LanInterfaceState.Speaking"/> and <see cref="LanInterfaceState.Refused"/>.</summary>
    public LanUse? Use { get; init; }

    /// <summary>Whether anything is known of the interface, be it that there is none.</summary>
    public bool IsSeen { get; init; }

    /// <summary>Why the routing protocol does not speak on it, the end of a sentence; or null.</summary>
    public string? Problem { get; init; }
}

/// <summary>How an interface is used. Where anything of it changes it is used anew.</summary>
/// <param name="Link">Its index.</param>
/// <param name="Address">The link-local address from which we speak.</param>
/// <param name="Losses">See <see cref="LinkView.Losses"/>.</param>
public readonly record struct LanUse(int Link, Ipv6Address Address, int Losses);

/// <summary>Has the routing protocol speak on one interface of the machine whenever it can be used. Nothing about the interface is changed: it is the operator's.</summary>
/// <remarks>State diagram: <c>docs/states/lan-interface.md</c>, held against <see cref="Transitions"/> by a test.</remarks>
public sealed class LanInterfaceActor : Fsm<LanInterfaceState, LanKnowledge>
{
    /// <summary>After how long a port that another program has is tried again.</summary>
    public static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(10);

    private readonly string _name;
    private readonly ILinkWatchPort _port;
    private readonly ActorRef _router;
    private string? _refusal;   // why its port could not be used the last time
    private int _starts;

    /// <summary>Begins to watch an interface.</summary>
    /// <param name="name">The interface's name.</param>
    /// <param name="port">Tells how it is.</param>
    /// <param name="router">Gets <see cref="KernelLinkUp"/> and <see cref="KernelLinkDown"/>.</param>
    public LanInterfaceActor(string name, ILinkWatchPort port, ActorRef router)
    {
        (_name, _port, _router) = (name, port, router);
        foreach (FsmTransition<LanInterfaceState> transition in Transitions)
            Allow(transition.From, transition.To, transition.Because);
        foreach (LanInterfaceState state in Enum.GetValues<LanInterfaceState>())
            When(state, Handle, state == LanInterfaceState.Refused ? RetryDelay : null);
        StartWith(LanInterfaceState.Absent, new LanKnowledge(Link: null, HasParameters: false, MayServe: true));
    }

    /// <summary>The declared transitions.</summary>
    public static IReadOnlyList<FsmTransition<LanInterfaceState>> Transitions { get; } =
    [
        new(LanInterfaceState.Absent, LanInterfaceState.Waiting, "it is there and cannot be used yet"),
        new(LanInterfaceState.Absent, LanInterfaceState.Speaking, "it is there"),
        new(LanInterfaceState.Waiting, LanInterfaceState.Speaking, "it can be used"),
        new(LanInterfaceState.Waiting, LanInterfaceState.Absent, "it is gone"),
        new(LanInterfaceState.Speaking, LanInterfaceState.Waiting, "its carrier or its address is gone, or this node is out of service"),
        new(LanInterfaceState.Speaking, LanInterfaceState.Absent, "it is gone"),
        new(LanInterfaceState.Speaking, LanInterfaceState.Refused, "its port cannot be used"),
        new(LanInterfaceState.Refused, LanInterfaceState.Speaking, "some time is over, or it has another address"),
        new(LanInterfaceState.Refused, LanInterfaceState.Waiting, "its carrier or its address is gone, or this node is out of service"),
        new(LanInterfaceState.Refused, LanInterfaceState.Absent, "it is gone"),
    ];

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe<NetworkParametersChanged>(Self);
        Context.System.EventStream.Subscribe<CertificateStatus>(Self);
        Context.System.EventStream.Subscribe<RoutingLinksWanted>(Self);
        _port.Watch(_name, Self);
    }

    /// <inheritdoc/>
    protected override void PostRestart(Exception reason)
    {
        PreStart();
        Context.System.EventStream.Publish(new CertificateStatusWanted(Self));
        Context.System.EventStream.Publish(new NetworkParametersWanted(Self));
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        _port.Unwatch(_name, Self);
        if (State == LanInterfaceState.Speaking)
            _router.Tell(Down(Data.Use!.Value.Link), Self);
    }

    private FsmStep<LanInterfaceState, LanKnowledge>? Handle(FsmEvent<LanKnowledge> e)
    {
        switch (e.Message)
        {
            case LinkSeen seen when seen.Name == _name:
                return Follow(e.Data with { Link = seen.Link, IsSeen = true });
            case NetworkParametersChanged:
                return Follow(e.Data with { HasParameters = true });
            case CertificateStatus status:
                return Follow(e.Data with { MayServe = status.MayServe });
            case StateTimeout:
                return Follow(e.Data with { Use = null });
            case KernelLinkFailed failed when State == LanInterfaceState.Speaking && failed.Link == e.Data.Use?.Link:
                return Enter(LanInterfaceState.Refused, e.Data with { Problem = failed.Reason });
            case KernelLinkFailed:
                return Stay();   // of what it was before
            case RoutingLinksWanted:
                if (State == LanInterfaceState.Speaking)
                    _router.Tell(Up(e.Data.Use!.Value), Self);
                return Stay();
            default:
                return null;
        }
    }

    private FsmStep<LanInterfaceState, LanKnowledge> Follow(LanKnowledge known)
    {
        if (!known.IsSeen)
            return Stay(known);   // the port has not answered yet
        LanUse? told = State == LanInterfaceState.Speaking ? Data.Use : null;
        string? problem = ProblemOf(known);
        LanUse? use = problem is null ? new LanUse(known.Link!.Index, AddressOn(known.Link), known.Link.Losses) : null;
        if (State == LanInterfaceState.Refused && use is not null && use == known.Use)
            return Stay(known);   // until it is tried again
        if (told is { } before && before.Link != use?.Link)
            _router.Tell(Down(before.Link), Self);
        if (use is { } now && use != told)
        {
            _starts++;
            _router.Tell(Up(now), Self);
        }

        return Enter(use is not null ? LanInterfaceState.Speaking : known.Link is null ? LanInterfaceState.Absent : LanInterfaceState.Waiting, known with { Use = use, Problem = problem });
    }

    private FsmStep<LanInterfaceState, LanKnowledge> Enter(LanInterfaceState state, LanKnowledge known)
    {
        bool isNew = (state, known.Use, known.Problem) != (State, Data.Use, Data.Problem);
        if (isNew)
        {
            Ipv6Address? address = state == LanInterfaceState.Speaking ? known.Use?.Address : null;
            Context.System.EventStream.Publish(new LanInterfaceStatus(_name, state, known.Link?.Index, address, known.Problem) { Starts = _starts });
            Say(state, known);
        }

        return state == State ? Stay(known) : GoTo(state, known);
    }

    // A port that another program keeps is tried again and again, and complained of once.
    private void Say(LanInterfaceState state, LanKnowledge known)
    {
        bool isRetried = State == LanInterfaceState.Refused || (state == LanInterfaceState.Refused && known.Problem == _refusal);
        _refusal = state == LanInterfaceState.Refused ? known.Problem : isRetried && state == LanInterfaceState.Speaking ? _refusal : null;
        string text = state == LanInterfaceState.Speaking ? $"the routing protocol speaks on {_name}, from {known.Use!.Value.Address}" : $"{_name} is not used: {known.Problem}";
        if (isRetried)
            Log.Debug(text);
        else if (state is LanInterfaceState.Absent or LanInterfaceState.Refused)
            Log.Warning(text);
        else
            Log.Info(text);
    }

    private static string? ProblemOf(LanKnowledge known) => known switch
    {
        { Link: null } => "there is no such interface; it is waited for",
        { HasParameters: false } => "the network's parameters, which say how routing packets are authenticated, are not known yet",
        { MayServe: false } => "this node is out of service",
        { Link.IsRunning: false } => "it is down, or has no carrier",
        { Link.LinkLocals.IsEmpty: true } => "it has no link-local address that can be used yet",
        _ => null,
    };

    // Neighbours know us by it, so it stays as long as it is there.
    private Ipv6Address AddressOn(LinkView link) =>
        Data.Use is { } use && use.Link == link.Index && link.LinkLocals.Contains(use.Address) ? use.Address : link.LinkLocals[0];

    private KernelLinkUp Up(LanUse use) => new(use.Link, IsShared: true) { Lan = new LanLink(_name, use.Address) };

    private KernelLinkDown Down(int link) => new(link) { Name = _name };
}
