using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;

namespace Mesh.Node.Peers;

/// <content>
/// Programs of this machine, that is the registry beside us (protocol reference 3.9 and 4.6). What is for us is answered here; what is for another node goes on to it, marked, and
/// its answer comes back to whoever asked last.
/// </content>
public sealed partial class PeersActor
{
    private ushort? _localPort;

    private void OnLocalDatagram(PeerDatagramReceived received)
    {
        if (!LocalDatagram.TryDecode(received.Datagram.Span, out LocalDatagram? datagram))
        {
            _counters.Add(PeerCounter.LocalMalformed);
            return;
        }

        _localPort = received.Port;
        if (datagram.Prefix != _identity.Prefix)
            Tell(datagram.Prefix, (byte)(datagram.Code | PeerCode.Forwarded), datagram.Payload);
        else if (AnswerLocally(datagram) is { } answer)
            PassToLocal(_identity.Prefix, datagram.Code, answer);
    }

    private ReadOnlyMemory<byte>? AnswerLocally(LocalDatagram datagram)
    {
        switch (datagram.Code)
        {
            case PeerCode.NetworkVersion:
                Context.System.EventStream.Publish(new ParametersOutdated());
                return null;
            case PeerCode.Address:
                return System.Text.Encoding.UTF8.GetBytes(_advertised.ToString());
            case PeerCode.NodeInformation:
                return _software.Encode();
            case PeerCode.Topology:
                return Topology().Encode();
            default:
                _counters.Add(PeerCounter.UnknownCode);
                return null;
        }
    }

    private void PassToLocal(NodePrefix about, byte code, ReadOnlyMemory<byte> data)
    {
        if (_localPort is not { } port)
        {
            _counters.Add(PeerCounter.NotAllowed);   // nobody here has asked
            return;
        }

        _counters.Add(PeerCounter.Sent);
        _ports.Port.Send(Ipv6Address.Loopback, port, new LocalDatagram(about, code, data).Encode());
    }
}
