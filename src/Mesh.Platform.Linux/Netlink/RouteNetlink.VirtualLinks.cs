using System.Runtime.InteropServices;
using Mesh.Platform.Linux.Native;

namespace Mesh.Platform.Linux.Netlink;

public sealed partial class RouteNetlink
{
    private const ushort LinkNameAttribute = 3, LinkInformationAttribute = 18, KindAttribute = 1, DataAttribute = 2;

    /// <summary>Makes a bridge.</summary>
    public void AddBridge(string name) =>
        _socket.Ask(
            new NetlinkRequest(NewLink, Request | Acknowledge | Create | Exclusive)
                .Put(new LinkMessage())
                .Attribute(LinkNameAttribute, name)
                .Nested(LinkInformationAttribute, information => information.Attribute(KindAttribute, "bridge")),
            "make the bridge", name);

    /// <summary>Puts a link into a bridge, or with 0 out of it.</summary>
    public void SetMaster(int link, int bridge)
    {
        const ushort MasterAttribute = 10;
        _socket.Ask(
            new NetlinkRequest(NewLink, Request | Acknowledge).Put(new LinkMessage { Index = link }).Attribute(MasterAttribute, (uint)bridge),
            bridge == 0 ? "take out of its bridge" : $"put into {Named(bridge)}", Named(link));
    }

    /// <summary>Removes a link. A pair of virtual Ethernets goes away with either of its ends.</summary>
    public void DeleteLink(int link) =>
        _socket.Ask(new NetlinkRequest(DeleteLinkType, Request | Acknowledge).Put(new LinkMessage { Index = link }), "remove", Named(link));

    /// <summary>Makes a pair of virtual Ethernets, one end here and the other in another namespace.</summary>
    /// <param name="name">The name of the end here.</param>
    /// <param name="peerName">The name of the other end.</param>
    /// <param name="peerNamespace">An open namespace file.</param>
    internal void AddVirtualEthernet(string name, string peerName, Descriptor peerNamespace)
    {
        const ushort PeerAttribute = 1, NamespaceAttribute = 28;
        _socket.Ask(
            new NetlinkRequest(NewLink, Request | Acknowledge | Create | Exclusive)
                .Put(new LinkMessage())
                .Attribute(LinkNameAttribute, name)
                .Nested(LinkInformationAttribute, information => information
                    .Attribute(KindAttribute, "veth")
                    .Nested(DataAttribute, data => data
                        .Nested(PeerAttribute, peer => peer
                            .Put(new LinkMessage())
                            .Attribute(LinkNameAttribute, peerName)
                            .Attribute(NamespaceAttribute, (uint)peerNamespace.Number)))),
            "make the virtual Ethernet", $"{name} - {peerName}");
    }
}
