using System.Net;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tunnels.OpenVpn;

/// <summary>A client of one of our servers wants in; the manager of tunnels decides.</summary>
/// <param name="Asks">What it asked, and who it is.</param>
/// <param name="Protocol">What it came by.</param>
/// <param name="Link">The server's device.</param>
public sealed record OpenVpnPeerAsks(OpenVpnClientAsks Asks, AddressProtocol Protocol, int Link);

/// <summary>A tunnel of OpenVPN has come up; its manager decides whether it may stay.</summary>
/// <param name="Index">The tunnel.</param>
/// <param name="Peer">The node at the other end.</param>
/// <param name="SerialNumber">Serial number of its certificate.</param>
/// <param name="SeenAt">The address at which the server of a tunnel that we opened sees us, or null.</param>
public sealed record OpenVpnTunnelUp(TunnelIndex Index, NodePrefix Peer, ulong SerialNumber, IPAddress? SeenAt);
