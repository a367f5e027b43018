using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Node;
using Mesh.Node.Parameters;
using Mesh.Node.Peers;
using Mesh.Node.PortMapping;
using Mesh.Node.Routing;
using Mesh.Node.Tunnels;

namespace Mesh.Cli.Node;

/// <summary>The node cannot go on: a sentence for the operator.</summary>
internal sealed record NodeEnded(string Reason);

/// <summary>The node's actors have stopped.</summary>
internal sealed record GuardStopped;

/// <summary>Stands above a node. What nobody can repair while the process runs (a port that is taken, a journal that cannot be written) ends the process.</summary>
/// <param name="make">Makes the node.</param>
/// <param name="owner">Gets <see cref="NodeEnded"/> and <see cref="GuardStopped"/>.</param>
internal sealed class NodeGuard(Func<NodeActor> make, ActorRef owner) : Actor
{
    private ActorRef? _node;

    /// <inheritdoc/>
    protected override SupervisorStrategy SupervisorStrategy { get; } = new(static reason => reason is PortUnavailableException or NetworkRefusedException ? Directive.Stop : SupervisorStrategy.DefaultDecider(reason));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe<ActorFailed>(Self);
        _node = Context.ActorOf(Props.Create(make), "node");
        Context.Watch(_node);
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        owner.Tell(new GuardStopped());
    }

    /// <inheritdoc/>
    protected override void Receive(object message)
    {
        switch (message)
        {
            case ActorFailed { Reason: PortUnavailableException or NetworkRefusedException or JournalException } failed:
                owner.Tell(new NodeEnded(failed.Reason.Message.TrimEnd('.')));
                break;
            case ActorFailed:
                break;   // its supervisor has decided, and it is in the log
            case Terminated:
                owner.Tell(new NodeEnded("the node has stopped by itself; the log says why"));
                break;
            case GetNodeStatus or GetPeersStatus or GetParametersStatus or GetPortMappingStatus or RoutingQuestion or ReleasePortMappings or LeaveNetwork or UnderlayChanged:
                _node!.Tell(message, Sender);
                break;
            default:
                Unhandled(message);
                break;
        }
    }
}
