using System.Net;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.Ports;

namespace Mesh.Node.Tests.Doubles;

/// <summary>A frame that the code under test has sent.</summary>
internal sealed record SentFrame(StreamId Stream, byte Kind, ReadOnlyMemory<byte> Payload);

/// <summary>A stream port that only writes down what it is asked for; the test plays the network.</summary>
internal sealed class RecordingStreams : IStreamPort
{
    private long _lastId;

    public List<(IPEndPoint Local, ActorRef Owner)> Listeners { get; } = [];

    public List<(IPEndPoint Remote, TimeSpan Timeout, ActorRef Owner, StreamId Stream)> Connects { get; } = [];

    public List<(StreamId Stream, ActorRef Owner)> Handovers { get; } = [];

    public List<SentFrame> Sent { get; } = [];

    public List<StreamId> Closed { get; } = [];

    public StreamId NewStream() => new(++_lastId);

    public void Listen(IPEndPoint local, ActorRef owner) => Listeners.Add((local, owner));

    public StreamId Connect(IPEndPoint remote, TimeSpan timeout, ActorRef owner)
    {
        StreamId stream = NewStream();
        Connects.Add((remote, timeout, owner, stream));
        return stream;
    }

    public void SetOwner(StreamId stream, ActorRef owner) => Handovers.Add((stream, owner));

    public void Send(StreamId stream, byte kind, ReadOnlyMemory<byte> payload) => Sent.Add(new SentFrame(stream, kind, payload));

    public void Close(StreamId stream) => Closed.Add(stream);
}
