using Mesh.Node;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Tunnel;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.World;

/// <summary>What kind of Internet a site has.</summary>
public enum UnderlayFamily
{
    /// <summary>Addresses of IPv4.</summary>
    Ipv4,

    /// <summary>Addresses of IPv6.</summary>
    Ipv6,

    /// <summary>Both; behind NAT, the machines have public addresses of IPv6.</summary>
    Both,
}

/// <summary>Where a site is and what it has to do with the Internet.</summary>
public sealed record SiteOptions
{
    /// <summary>Anywhere, with a perfect line and right clocks.</summary>
    public static SiteOptions Anywhere { get; } = new();

    /// <summary>Where it stands, in the words of the world's <see cref="LatencyModel"/>; null: at random, each machine with a public address for itself.</summary>
    public Place? Place { get; init; }

    /// <summary>The line of the site; where machines have public addresses, of each of them.</summary>
    public AccessLink Access { get; init; } = AccessLink.Perfect;

    /// <summary>Which kind of Internet it has. Default IPv4.</summary>
    public UnderlayFamily Underlay { get; init; }

    /// <summary>What its NAT box is like, where it has one.</summary>
    public NatKind NatKind { get; init; } = NatKind.Restricted;

    /// <summary>How long its box keeps a UDP mapping that is not used. Default two minutes.</summary>
    public TimeSpan NatTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Whether the box stands behind another one of the same kind, the carrier's.</summary>
    public bool HasCarrierNat { get; init; }

    /// <summary>Wall clocks are wrong by up to this, in either direction, at random.</summary>
    public TimeSpan ClockSkew { get; init; }

    /// <summary>Whether its machines are on one LAN, on which the routing protocol speaks.</summary>
    public bool IsLan { get; init; }

    /// <summary>False: nodes that say to others nothing of what they can do, and of new versions of the parameters in messages only, as nodes of re6st do. Default true.</summary>
    public bool TellsCapabilities { get; init; } = true;

    /// <summary>The only cipher that the nodes know, or null for all.</summary>
    public SealingCipher? Cipher { get; init; }

    /// <summary>The protocol that the nodes say they speak, 1..10: a smaller one than ours (10), as older programs do, which behave as ours otherwise.</summary>
    public int Protocol { get; init; } = PeerDatagram.Protocol;

    /// <summary>The settings of the site's nodes, from those of all.</summary>
    internal NodeOptions Apply(NodeOptions all)
    {
        NodeOptions options = TellsCapabilities
            ? all
            : all with { Peers = all.Peers with { TellsCapabilities = false }, Tunnels = all.Tunnels with { TellsVersion = false } };
        options = options with { Protocol = Protocol };
        return Cipher is { } cipher ? options with { Tunnels = options.Tunnels with { Tunnel = options.Tunnels.Tunnel with { Ciphers = [cipher] } } } : options;
    }
}
