using Mesh.Actors;

namespace Mesh.Registry.Calls;

/// <summary>Takes HTTP requests and makes a <see cref="CallActor"/> for each, as many at a time as the settings allow.</summary>
/// <remarks>If the registry's memory fails, it stops, and from then on every call is answered with 503: nothing may be promised any more.</remarks>
public sealed class FrontDeskActor(RegistryActors registry) : Actor
{
    private int _calls;
    private bool _isDown;

    /// <inheritdoc/>
    /// <remarks>A call that fails is over; it answers 500 by itself when it stops.</remarks>
    protected override SupervisorStrategy SupervisorStrategy => SupervisorStrategy.Stopping;

    /// <inheritdoc/>
    protected override void PreStart()
    {
        foreach (ActorRef actor in registry.Persistent)
            Context.Watch(actor);
    }

    /// <inheritdoc/>
    protected override void Receive(object message)
    {
        switch (message)
        {
            case RegistryRequest when _isDown:
                Sender.Tell(CallActor.Unavailable("the registry has stopped", registry.Options.CallTimeout));
                break;
            case RegistryRequest when _calls >= registry.Options.MaxCalls:
                Sender.Tell(CallActor.Unavailable("too many calls are under way", TimeSpan.FromSeconds(1)));
                break;
            case RegistryRequest request:
                ActorRef asker = Sender;
                _calls++;
                Context.Watch(Context.ActorOf(Props.Create(() => new CallActor(registry, request, asker))));
                break;
            case GetHealth:
                Sender.Tell(new Health(!_isDown, _calls));
                break;
            case Terminated terminated when registry.Persistent.Contains(terminated.Actor):
                _isDown = true;
                Log.Error($"{terminated.Actor.Path} has stopped; every call is refused from now on");
                foreach (ActorRef call in Context.Children)
                    call.Tell(RegistryStopped.Instance);
                break;
            case Terminated:
                _calls--;
                break;
            default:
                Unhandled(message);
                break;
        }
    }
}

/// <summary>The registry is gone, so a call will get no answer from it.</summary>
internal sealed record RegistryStopped
{
    public static readonly RegistryStopped Instance = new();
}
