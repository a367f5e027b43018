namespace Mesh.Actors.TestKit.Tests;

/// <summary>An actor that runs what it is given: messages are <c>Action&lt;Puppet&gt;</c>; everything else is unhandled.</summary>
internal sealed class Puppet : Actor
{
    public static readonly Props Props = Props.Create<Puppet>();

    public IActorContext Surroundings => Context;

    protected override void Receive(object message)
    {
        if (message is Action<Puppet> run)
            run(this);
        else
            Unhandled(message);
    }
}
