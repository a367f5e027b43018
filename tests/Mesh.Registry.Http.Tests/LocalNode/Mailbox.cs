using System.Threading.Channels;
using Mesh.Actors;
using Mesh.Actors.RealTime;

namespace Mesh.Registry.Http.Tests.LocalNode;

/// <summary>A system on a real thread with one actor that passes on what it is told.</summary>
internal sealed class Mailbox : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Channel<object> _messages = Channel.CreateUnbounded<object>();
    private readonly RealTimeDriver _driver;

    /// <param name="makeOthers">Makes further actors, before the thread runs.</param>
    public Mailbox(Action<ActorSystem, ActorRef>? makeOthers = null)
    {
        var system = new ActorSystem(new ActorSystemOptions { Epoch = DateTimeOffset.UtcNow });
        Channel<object> messages = _messages;
        Ref = system.ActorOf(Props.Create(() => new MailboxActor(messages.Writer)), "mailbox");
        makeOthers?.Invoke(system, Ref);
        _driver = RealTimeDriver.Start(system);
    }

    public ActorRef Ref { get; }

    public async Task<T> NextAsync<T>()
    {
        using var patience = new CancellationTokenSource(Patience);
        return Assert.IsAssignableFrom<T>(await _messages.Reader.ReadAsync(patience.Token));
    }

    public void Dispose() => _driver.Dispose();

    private sealed class MailboxActor(ChannelWriter<object> messages) : Actor
    {
        protected override void Receive(object message) => Assert.True(messages.TryWrite(message));
    }
}
