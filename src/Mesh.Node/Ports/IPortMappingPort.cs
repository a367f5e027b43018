using System.Net;
using Mesh.Actors;
using Mesh.Protocol.PortMapping;

namespace Mesh.Node.Ports;

/// <summary>The way to the gateway of this machine's network, which may map ports for us: datagrams to its port 5351, and a tool that speaks UPnP with it.</summary>
/// <remarks>Every call returns at once. Datagrams get lost, are repeated and come in any order, and nothing about them is checked.</remarks>
public interface IPortMappingPort
{
    /// <summary>Looks for the gateway: where the IPv4 default route leads. Outcome: <see cref="GatewayFound"/> or <see cref="GatewayMissing"/>.</summary>
    void FindGateway(ActorRef replyTo);

    /// <summary>From now on datagrams go to that gateway, from that address of ours, and what comes in arrives at <paramref name="receiver"/> as <see cref="GatewayDatagram"/> and
    /// <see cref="GatewayRefused"/>. What was attached before is not any more.</summary>
    void Attach(Gateway gateway, ActorRef receiver);

    /// <summary>Sends a datagram to the gateway's port 5351, or drops it.</summary>
    /// <param name="datagram">Octets that nobody changes any more.</param>
    void Send(ReadOnlyMemory<byte> datagram);

    /// <summary>The receiver has handled one more <see cref="GatewayDatagram"/>. A port drops and counts what comes faster than it is handled.</summary>
    void Handled();

    /// <summary>Runs the tool. One at a time. Outcome: <see cref="UpnpRan"/> or <see cref="UpnpFailed"/>.</summary>
    void Run(UpnpCommand command, ActorRef replyTo);
}

/// <summary>A gateway.</summary>
/// <param name="Address">Its address in our network, IPv4.</param>
/// <param name="Local">The address that we have towards it, IPv4.</param>
public sealed record Gateway(IPAddress Address, IPAddress Local);

/// <summary>There is a gateway.</summary>
public sealed record GatewayFound(Gateway Gateway);

/// <summary>There is none; <paramref name="Reason"/> is the end of a sentence.</summary>
public sealed record GatewayMissing(string Reason);

/// <summary>A datagram came in.</summary>
/// <param name="From">Who says to have sent it.</param>
/// <param name="Datagram">Octets that nobody changes any more.</param>
/// <param name="IsAnnouncement">Whether it was sent to all, to port 5350, and not to us alone.</param>
public sealed record GatewayDatagram(IPEndPoint From, ReadOnlyMemory<byte> Datagram, bool IsAnnouncement);

/// <summary>Datagrams do not get to the gateway: nobody listens there, or there is no way. <paramref name="Reason"/> is the end of a sentence.</summary>
public sealed record GatewayRefused(string Reason);

/// <summary>What the tool that speaks UPnP is to do.</summary>
public abstract record UpnpCommand
{
    private protected UpnpCommand()
    {
    }
}

/// <summary>Look for gateways in our network.</summary>
/// <param name="Local">Our address in it.</param>
public sealed record UpnpDiscover(IPAddress Local) : UpnpCommand;

/// <summary>Map a port, or renew its mapping.</summary>
/// <param name="Description">Where the gateway describes itself, from <see cref="UpnpcOutput.Descriptions"/>.</param>
/// <param name="Local">Our address.</param>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="InternalPort">Our port.</param>
/// <param name="ExternalPort">The gateway's port.</param>
/// <param name="Lifetime">How long, in whole seconds; zero: for ever.</param>
public sealed record UpnpMap(string Description, IPAddress Local, TransportProtocol Protocol, ushort InternalPort, ushort ExternalPort, TimeSpan Lifetime) : UpnpCommand;

/// <summary>End a mapping.</summary>
/// <param name="Description">Where the gateway describes itself, from <see cref="UpnpcOutput.Descriptions"/>.</param>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="ExternalPort">The gateway's port.</param>
public sealed record UpnpUnmap(string Description, TransportProtocol Protocol, ushort ExternalPort) : UpnpCommand;

/// <summary>The tool has run to its end.</summary>
public sealed record UpnpRan(UpnpCommand Command, UpnpcOutput Output);

/// <summary>The tool could not be run, or took too long; <paramref name="Reason"/> is a sentence.</summary>
public sealed record UpnpFailed(UpnpCommand Command, string Reason);
