using System.Collections.Concurrent;
using Mesh.Actors;

namespace Mesh.Platform.Linux.Tests;

/// <summary>An actor reference that keeps what is told to it, for a test to take.</summary>
internal sealed class Mailbox : ActorRef
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly BlockingCollection<object> _messages = [];

    public override string Path => "/test/mailbox";

    public int Count => _messages.Count;

    public override void Tell(object message) => _messages.Add(message);

    public override void Tell(object message, ActorRef? sender) => _messages.Add(message);

    /// <summary>Takes the next message, which must be a <typeparamref name="T"/>.</summary>
    public T Next<T>()
    {
        Assert.True(_messages.TryTake(out object? message, Patience), $"No {typeof(T).Name} came within {Patience.TotalSeconds} s.");
        return Assert.IsType<T>(message);
    }
}
