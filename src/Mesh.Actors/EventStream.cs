namespace Mesh.Actors;

/// <summary>Publish and subscribe within one system, by type: a subscriber gets every published object that is of the type it named.</summary>
public sealed class EventStream
{
    private readonly List<(ActorRef Subscriber, Type Type)> _subscriptions = [];

    internal EventStream()
    {
    }

    /// <summary>From now on <paramref name="subscriber"/> is told what is published of type <typeparamref name="T"/>.</summary>
    /// <returns>False where it was subscribed already.</returns>
    public bool Subscribe<T>(ActorRef subscriber)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        if (_subscriptions.Contains((subscriber, typeof(T))))
            return false;
        _subscriptions.Add((subscriber, typeof(T)));
        return true;
    }

    /// <summary>Takes one subscription back.</summary>
    /// <returns>False where there was none.</returns>
    public bool Unsubscribe<T>(ActorRef subscriber) => _subscriptions.Remove((subscriber, typeof(T)));

    /// <summary>Takes all of a subscriber's subscriptions back.</summary>
    public void Unsubscribe(ActorRef subscriber) => _subscriptions.RemoveAll(s => s.Subscriber == subscriber);

    /// <summary>Tells all subscribers, in the order in which they subscribed; one that subscribed to several fitting types is told once,
    /// one that has stopped not at all.</summary>
    public void Publish(object published)
    {
        ArgumentNullException.ThrowIfNull(published);
        _subscriptions.RemoveAll(static s => s.Subscriber is Loop.ActorCell { IsStopped: true });
        for (int i = 0; i < _subscriptions.Count; i++)
        {
            (ActorRef subscriber, Type type) = _subscriptions[i];
            if (type.IsInstanceOfType(published) && !ToldBefore(i, subscriber, published))
                subscriber.Tell(published);
        }
    }

    private bool ToldBefore(int index, ActorRef subscriber, object published)
    {
        for (int i = 0; i < index; i++)
        {
            if (_subscriptions[i].Subscriber == subscriber && _subscriptions[i].Type.IsInstanceOfType(published))
                return true;
        }

        return false;
    }
}
