using System.Threading.Channels;
using Mesh.Actors;

namespace Mesh.Cli.Control;

/// <summary>Code outside the actors that gets messages, one after the other.</summary>
internal sealed class ChannelRef(string path) : ActorRef
{
    private readonly Channel<object> _channel = Channel.CreateUnbounded<object>(new UnboundedChannelOptions { SingleReader = true });

    /// <summary>What was told.</summary>
    public ChannelReader<object> Messages => _channel.Reader;

    /// <inheritdoc/>
    public override string Path => path;

    /// <inheritdoc/>
    public override void Tell(object message) => Tell(message, sender: null);

    /// <inheritdoc/>
    public override void Tell(object message, ActorRef? sender) => _channel.Writer.TryWrite(message);
}
