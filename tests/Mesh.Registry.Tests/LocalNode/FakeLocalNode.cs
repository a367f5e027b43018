using System.Collections.Immutable;
using System.Text;
using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.LocalNode;

namespace Mesh.Registry.Tests.LocalNode;

/// <summary>A node next to the registry, and the network behind it, in virtual time.</summary>
internal sealed class FakeLocalNode(ActorTestKit kit) : ILocalNodePort
{
    private ActorRef? _receiver;

    /// <summary>What was sent to it, with the time.</summary>
    public List<(TimeSpan At, LocalDatagram Datagram)> Sent { get; } = [];

    /// <summary>Answers by prefix and code; who is not listed is silent.</summary>
    public Dictionary<(NodePrefix Node, byte Code), byte[]> Answers { get; } = [];

    /// <summary>Peers without a session: the first message to each is lost.</summary>
    public HashSet<NodePrefix> WithoutSession { get; } = [];

    /// <summary>How long an answer takes.</summary>
    public TimeSpan Delay { get; set; } = TimeSpan.FromMilliseconds(20);

    public void Attach(ActorRef receiver) => _receiver = receiver;

    public void Send(ReadOnlyMemory<byte> datagram)
    {
        Assert.True(LocalDatagram.TryDecode(datagram.Span, out LocalDatagram? question));
        Assert.True(question.Payload.IsEmpty);
        Sent.Add((kit.Now, question));
        if (WithoutSession.Remove(question.Prefix) || !Answers.TryGetValue((question.Prefix, question.Code), out byte[]? payload))
            return;
        Deliver(question with { Payload = payload }, Delay);
    }

    public void Answer(NodePrefix node, byte code, string text) => Answers[(node, code)] = Encoding.UTF8.GetBytes(text);

    /// <summary>Something comes from the node without having been asked.</summary>
    public void Deliver(LocalDatagram datagram, TimeSpan delay = default) => Deliver(datagram.Encode(), delay);

    public void Deliver(byte[] octets, TimeSpan delay = default) => _ = kit.Loop.ScheduleTell(delay, _receiver!, new LocalDatagramReceived(octets));
}

/// <summary>A routing daemon in virtual time.</summary>
internal sealed class FakeDaemon(ActorTestKit kit) : IRouteDumpPort
{
    public ImmutableArray<Ipv6Prefix>? Routes { get; set; }

    public bool IsSilent { get; set; }

    public int Dumps { get; private set; }

    public void Dump(ActorRef replyTo)
    {
        Dumps++;
        if (!IsSilent)
            _ = kit.Loop.ScheduleTell(TimeSpan.FromMilliseconds(5), replyTo, Routes is { } routes ? new RoutesDumped(routes) : new DumpFailed("there is no such socket"));
    }
}
