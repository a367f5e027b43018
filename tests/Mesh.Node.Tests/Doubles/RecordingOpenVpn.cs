using System.Net;
using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Node.Tunnels.OpenVpn;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tests.Doubles;

/// <summary>OpenVPN that only writes down what it is asked for; the test says what becomes of it.</summary>
internal sealed class RecordingOpenVpn : IOpenVpnPort
{
    private long _last;

    public List<(OpenVpnProcessId Process, OpenVpnServerOrder Order, ActorRef Owner)> Servers { get; } = [];

    public List<(OpenVpnProcessId Process, OpenVpnClientOrder Order, ActorRef Owner)> Clients { get; } = [];

    public List<(OpenVpnClientAsks Asks, ActorRef Owner)> Admitted { get; } = [];

    public List<(OpenVpnClientAsks Asks, string Reason)> Refused { get; } = [];

    public List<(OpenVpnProcessId Process, uint Client)> Killed { get; } = [];

    public List<OpenVpnProcessId> Stopped { get; } = [];

    /// <summary>Equipment with this port.</summary>
    public OpenVpnEquipment With(OpenVpnOptions? options = null) => new(this, options ?? new OpenVpnOptions(), Ipv6Address.Parse("fe80::1"));

    /// <summary>A client that asks a server to be let in.</summary>
    public static OpenVpnClientAsks Asks(OpenVpnProcessId server, uint client, string commonName, ulong serial, uint key = 1) =>
        new(server, client, key, new OpenVpnPeer(commonName, serial, new IPEndPoint(IPAddress.Parse("192.0.2.9"), 4242)));

    public OpenVpnProcessId StartServer(OpenVpnServerOrder order, ActorRef owner)
    {
        var id = new OpenVpnProcessId(++_last);
        Servers.Add((id, order, owner));
        return id;
    }

    public OpenVpnProcessId StartClient(OpenVpnClientOrder order, ActorRef owner)
    {
        var id = new OpenVpnProcessId(++_last);
        Clients.Add((id, order, owner));
        return id;
    }

    public void Admit(OpenVpnClientAsks asks, ActorRef owner) => Admitted.Add((asks, owner));

    public void Refuse(OpenVpnClientAsks asks, string reason) => Refused.Add((asks, reason));

    public void Kill(OpenVpnProcessId process, uint client) => Killed.Add((process, client));

    public void Stop(OpenVpnProcessId process) => Stopped.Add(process);
}
