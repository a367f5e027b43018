using Mesh.Actors;
using Mesh.Node.Certificates;
using Mesh.Node.Parameters;
using Mesh.Node.Ports;
using Mesh.Node.Routing;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tunnels.OpenVpn;

/// <summary>States of an <see cref="OpenVpnServerActor"/>.</summary>
public enum OpenVpnServerState
{
    /// <summary>There is no process: the network's parameters are not known, or the last process has ended a short while ago.</summary>
    Waiting,

    /// <summary>The process is being started.</summary>
    Starting,

    /// <summary>Clients are taken.</summary>
    Serving,

    /// <summary>The process is told to end, because another one has to take its place.</summary>
    Stopping,
}

/// <summary>What a server was started with.</summary>
/// <param name="Hello">Interval of the routing protocol.</param>
/// <param name="Encrypt">Whether the network encrypts.</param>
public sealed record OpenVpnTerms(TimeSpan Hello, bool Encrypt);

/// <summary>Keeps one OpenVPN server running, and hands its clients to the manager of tunnels.</summary>
/// <remarks>State diagram: <c>docs/states/openvpn-server.md</c>, held against <see cref="Transitions"/> by a test.</remarks>
public sealed class OpenVpnServerActor : Fsm<OpenVpnServerState, OpenVpnTerms?>
{
    private readonly OpenVpnListen _listen;
    private readonly OpenVpnEquipment _equipment;
    private readonly ActorRef _manager;
    private readonly ActorRef _router;
    private OpenVpnProcessId _process;
    private OpenVpnUp? _up;
    private TimeSpan _servingSince;
    private TimeSpan _delay;

    /// <summary>Makes a server, which waits for the network's parameters.</summary>
    /// <param name="listen">Where.</param>
    /// <param name="equipment">Processes.</param>
    /// <param name="manager">Gets <see cref="OpenVpnPeerAsks"/>.</param>
    /// <param name="router">Gets <see cref="KernelLinkUp"/> and <see cref="KernelLinkDown"/>.</param>
    public OpenVpnServerActor(OpenVpnListen listen, OpenVpnEquipment equipment, ActorRef manager, ActorRef router)
    {
        (_listen, _equipment, _manager, _router, _delay) = (listen, equipment, manager, router, equipment.Options.MinRestartDelay);
        foreach (FsmTransition<OpenVpnServerState> transition in Transitions)
            Allow(transition.From, transition.To, transition.Because);
        When(OpenVpnServerState.Waiting, WhileWaiting);
        When(OpenVpnServerState.Starting, WhileRunning);
        When(OpenVpnServerState.Serving, WhileRunning);
        When(OpenVpnServerState.Stopping, WhileStopping);
        WhenUnhandled(InAnyState);
        StartWith(OpenVpnServerState.Waiting, null);
    }

    /// <summary>The declared transitions.</summary>
    public static IReadOnlyList<FsmTransition<OpenVpnServerState>> Transitions { get; } =
    [
        new(OpenVpnServerState.Waiting, OpenVpnServerState.Starting, "the parameters are known, and the delay is over"),
        new(OpenVpnServerState.Starting, OpenVpnServerState.Serving, "device and port are there"),
        new(OpenVpnServerState.Starting, OpenVpnServerState.Waiting, "the process ended"),
        new(OpenVpnServerState.Serving, OpenVpnServerState.Waiting, "the process ended"),
        new(OpenVpnServerState.Starting, OpenVpnServerState.Stopping, "other parameters, another certificate"),
        new(OpenVpnServerState.Serving, OpenVpnServerState.Stopping, "other parameters, another certificate"),
        new(OpenVpnServerState.Stopping, OpenVpnServerState.Starting, "the old process ended"),
    ];

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe<NetworkParametersChanged>(Self);
        Context.System.EventStream.Subscribe<IdentityChanged>(Self);
        Context.System.EventStream.Subscribe<RoutingLinksWanted>(Self);
    }

    /// <inheritdoc/>
    protected override void PostRestart(Exception reason)
    {
        PreStart();
        Context.System.EventStream.Publish(new NetworkParametersWanted(Self));
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        LeaveRouting();
        if (State != OpenVpnServerState.Waiting)
            _equipment.Port.Stop(_process);
    }

    private FsmStep<OpenVpnServerState, OpenVpnTerms?>? WhileWaiting(FsmEvent<OpenVpnTerms?> e)
    {
        switch (e.Message)
        {
            case NetworkParametersChanged changed:
                OpenVpnTerms terms = TermsOf(changed);
                return e.Data is null ? Start(terms) : Stay(terms);
            case RestartDue:
                return Start(e.Data!);
            default:
                return null;
        }
    }

    private FsmStep<OpenVpnServerState, OpenVpnTerms?>? WhileRunning(FsmEvent<OpenVpnTerms?> e)
    {
        switch (e.Message)
        {
            case OpenVpnUp up when up.Process == _process:
                (_up, _servingSince) = (up, Context.Now);
                _router.Tell(new KernelLinkUp(up.Link, IsShared: true));
                Log.Info($"tunnels of OpenVPN are accepted at {_listen.Protocol.Name()} port {_listen.Port}");
                return GoTo(OpenVpnServerState.Serving);
            case OpenVpnClientAsks asks when asks.Process == _process && _up is not null:
                _manager.Tell(new OpenVpnPeerAsks(asks, _listen.Protocol, _up.Link), Self);
                return Stay();
            case OpenVpnEnded ended when ended.Process == _process:
                return Wait(ended.Reason);
            case NetworkParametersChanged changed when TermsOf(changed) is var terms && terms != e.Data:
                return Replace(terms);
            case IdentityChanged:
                return Replace(e.Data!);
            case RoutingLinksWanted when _up is not null:
                _router.Tell(new KernelLinkUp(_up.Link, IsShared: true));
                return Stay();
            default:
                return null;
        }
    }

    private FsmStep<OpenVpnServerState, OpenVpnTerms?>? WhileStopping(FsmEvent<OpenVpnTerms?> e)
    {
        switch (e.Message)
        {
            case OpenVpnEnded ended when ended.Process == _process:
                return Start(e.Data!);
            case NetworkParametersChanged changed:
                return Stay(TermsOf(changed));
            default:
                return null;
        }
    }

    private FsmStep<OpenVpnServerState, OpenVpnTerms?>? InAnyState(FsmEvent<OpenVpnTerms?> e)
    {
        switch (e.Message)
        {
            case OpenVpnClientAsks asks:
                _equipment.Port.Refuse(asks, "this server is ending");
                return Stay();
            case OpenVpnEvent or NetworkParametersChanged or IdentityChanged or RoutingLinksWanted or RestartDue:
                return Stay();   // of a process of the past, or nothing that changes anything now
            default:
                return null;
        }
    }

    private FsmStep<OpenVpnServerState, OpenVpnTerms?> Start(OpenVpnTerms terms)
    {
        OpenVpnLinkOptions link = _equipment.LinkOf(_listen.Protocol.Name(), terms.Hello, terms.Encrypt);
        _process = _equipment.Port.StartServer(new OpenVpnServerOrder(_listen.Protocol, _listen.Port, link), Self);
        return GoTo(OpenVpnServerState.Starting, terms);
    }

    private FsmStep<OpenVpnServerState, OpenVpnTerms?> Replace(OpenVpnTerms terms)
    {
        LeaveRouting();
        _equipment.Port.Stop(_process);
        return GoTo(OpenVpnServerState.Stopping, terms);
    }

    private FsmStep<OpenVpnServerState, OpenVpnTerms?> Wait(string reason)
    {
        if (_up is not null && Context.Now - _servingSince >= _equipment.Options.MaxRestartDelay)
            _delay = _equipment.Options.MinRestartDelay;
        Log.Warning($"the OpenVPN server for {_listen.Protocol.Name()} is not running and is started in {_delay.TotalSeconds:0.#} s: {reason}");
        LeaveRouting();
        Context.Timers.StartSingle(RestartDue.Instance, RestartDue.Instance, _delay);
        _delay = _delay * 2 < _equipment.Options.MaxRestartDelay ? _delay * 2 : _equipment.Options.MaxRestartDelay;
        return GoTo(OpenVpnServerState.Waiting);
    }

    private void LeaveRouting()
    {
        if (_up is not null)
            _router.Tell(new KernelLinkDown(_up.Link));
        _up = null;
    }

    private static OpenVpnTerms TermsOf(NetworkParametersChanged changed) => new(changed.Parameters.Hello, changed.Parameters.Encrypt);

    private sealed class RestartDue
    {
        public static readonly RestartDue Instance = new();
    }
}
