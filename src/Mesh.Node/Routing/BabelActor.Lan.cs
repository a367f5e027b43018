using Mesh.Babel;
using Mesh.Node.Routing.Lan;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing;

/// <content>
/// Interfaces of the LAN: shared links without tunnels. That a neighbour there is a member shows by the keys of the routing protocol alone, and which member it is by nothing: it is called what it
/// calls itself, and what it says of itself is not held against a certificate.
/// </content>
public sealed partial class BabelActor
{
    private IEnumerable<KernelLink> Lans => _kernelLinks.Values.Where(static link => link.Lan is not null);

    // While the keys are being introduced others than members are heard, too.
    private bool IsOpenLan(InterfaceId id) => (_keys.IsEmpty || _keys.AcceptAny) && IsLan(id);

    private bool IsLan(InterfaceId id) => _kernelLinks.TryGetValue(-id.Value, out KernelLink? link) && link.Lan is not null;

    private void StartSpeaking(KernelLinkUp up)
    {
        if (up.Lan is { } lan)
        {
            if (_keys.IsEmpty)
                Log.Warning($"the network has no key for routing packets: whoever is on {lan.Name} can change the routes");
            // As babeld speaks on wires. Round trips are not measured: on a LAN they are below what counts.
            _speaker.AddInterface(IdOf(up.Link), Parameters(new BabelAddress(lan.Address.Value)) with { Kind = LinkKind.Wired, Rtt = null }, Context.Now);
        }
        else
        {
            StartSpeaking(IdOf(up.Link));
        }
    }

    private bool TryNameOnLan(KernelLink link, BabelAddress neighbour, NodePrefix node) => link.TryNameOnLan(
        neighbour, node, known => SaysOfItself(link.Id, neighbour, known), address => _speaker.Neighbours().Any(other => other.Interface == link.Id && other.Address == address));

    // A neighbour that is reached in a better way than over the LAN has no route in use there by which it would be known.
    private void NameLans()
    {
        if (!Lans.Any())
            return;
        foreach (RouteSnapshot route in _speaker.Routes())
        {
            if (route.RefMetric == 0 && !route.Key.IsSourceSpecific && _kernelLinks.TryGetValue(-route.Interface.Value, out KernelLink? link) && link.Lan is not null
                && NodePrefix.TryFromSubnet(_options.Network, new Ipv6Prefix(route.Prefix.Bits, route.Prefix.Length), out NodePrefix node) && TryNameOnLan(link, route.Neighbour, node))
            {
                LookAgain(-route.Interface.Value);
            }
        }
    }

    private bool SaysOfItself(InterfaceId id, BabelAddress neighbour, NodePrefix node)
    {
        Ipv6Prefix own = node.Subnet(_options.Network);
        return _speaker.Routes(new RouteKey(new BabelPrefix(own.Bits, (byte)own.Length))).Any(route => route.Interface == id && route.Neighbour == neighbour && route.RefMetric == 0);
    }

    private int CountOnLans() => _speaker.Neighbours().Count(neighbour => IsLan(neighbour.Interface));

    // What is left there of other ways is announced as dear as it is through tunnels.
    private void MultiplyLans(ushort multiplier)
    {
        foreach (KernelLink link in Lans)
        {
            link.LanMultiplier = multiplier;
            foreach (NeighbourSnapshot neighbour in _speaker.Neighbours())
            {
                if (neighbour.Interface == link.Id)
                    _speaker.SetCostMultiplier(link.Id, neighbour.Address, multiplier, Context.Now);
            }
        }
    }

    private IBabelFilter Filter()
    {
        var network = new BabelPrefix(_options.Network.Prefix.Bits, (byte)_options.Network.Length);
        return new LanFilter(new OriginFilter(network, OwnPrefixOf), network, DefaultKey, IsOpenLan);
    }
}
