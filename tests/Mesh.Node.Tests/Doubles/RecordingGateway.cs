using Mesh.Actors;
using Mesh.Node.Ports;

namespace Mesh.Node.Tests.Doubles;

/// <summary>Notes what goes to a gateway.</summary>
internal sealed class RecordingGateway : IPortMappingPort
{
    public int Searches { get; private set; }

    public List<Gateway> Attached { get; } = [];

    public List<byte[]> Sent { get; } = [];

    public List<UpnpCommand> Commands { get; } = [];

    public int HandledCount { get; private set; }

    public void FindGateway(ActorRef replyTo) => Searches++;

    public void Attach(Gateway gateway, ActorRef receiver) => Attached.Add(gateway);

    public void Send(ReadOnlyMemory<byte> datagram) => Sent.Add(datagram.ToArray());

    public void Handled() => HandledCount++;

    public void Run(UpnpCommand command, ActorRef replyTo) => Commands.Add(command);
}
