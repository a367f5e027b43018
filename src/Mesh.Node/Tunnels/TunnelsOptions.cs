using System.Net;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <summary>What the tunnels' manager may and should do. Counts come from the network parameters, the rest from the configuration.</summary>
public sealed record TunnelsOptions
{
    /// <summary>Our own prefix.</summary>
    public required NodePrefix Self { get; init; }

    /// <summary>The overlay network, or null where routes are not looked at.</summary>
    public NetworkPrefix? Network { get; init; }

    /// <summary>Where to accept tunnels, or null to accept none.</summary>
    public IPEndPoint? Listen { get; init; }

    /// <summary>How many tunnels to keep open to others. Network parameter client_count, default 10.</summary>
    public int ClientCount { get; init; } = 10;

    /// <summary>How many tunnels of others to accept. Network parameter max_clients, default 20.</summary>
    public int MaxClients { get; init; } = 20;

    /// <summary>How often a tunnel that we opened is replaced by one with another node. Network parameter tunnel_refresh, default 5 minutes.</summary>
    public TimeSpan RefreshInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Whether tunnels are replaced at all. Default true.</summary>
    public bool Refresh { get; init; } = true;

    /// <summary>Nodes with whom to have a tunnel if at all possible: they are tried first, and a tunnel with them is never replaced.</summary>
    public IReadOnlySet<NodePrefix> Neighbours { get; init; } = new HashSet<NodePrefix>();

    /// <summary>The country that this node is in, a code of two letters, or null where the registry is to be asked. It matters where the network parameter same_country is set.</summary>
    public string? Country { get; init; }

    /// <summary>Interval of the look at what is missing. Default 5 s (re6st).</summary>
    public TimeSpan Tick { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a peer whose tunnel could not be opened is left alone at first; it doubles up to <see cref="MaxRetryDelay"/>. Default 5 s.</summary>
    public TimeSpan MinRetryDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest time a peer is left alone. Default 5 minutes.</summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The longest time a peer is left alone while no tunnel is up at all, and in the first ten minutes without a route to the registry's node. Default 30 s.</summary>
    public TimeSpan MaxIsolatedRetryDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After how long a node without any tunnel asks the registry a second time; it doubles up to twice <see cref="Tick"/>. Default 1 s.</summary>
    public TimeSpan MinBootstrapDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often a node that has some tunnels, but fewer than it wants, asks the registry for a peer, at the least. Default 10 minutes; it begins with half a <see cref="Tick"/>.</summary>
    public TimeSpan MaxMoreDelay { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Addresses at which others can reach us, from the configuration.</summary>
    public AddressList Advertised { get; init; } = AddressList.Empty;

    /// <summary>The machine's own underlay addresses: where a peer sees us at one of them, no NAT is in between, and we can be reached there.</summary>
    public IReadOnlySet<IPAddress> LocalAddresses { get; init; } = new HashSet<IPAddress>();

    /// <summary>How many known peers a new neighbour is told about. Default 16, at most 63.</summary>
    public int SharedPeers { get; init; } = 16;

    /// <summary>Whether peers hear of new versions of the parameters in the tunnels. Default true; without, they hear of them in messages between nodes only, as nodes of re6st do.</summary>
    public bool TellsVersion { get; init; } = true;

    /// <summary>Whether packets have to be hidden. Network parameter encrypt, default true; without, they are authenticated only where the peer agrees.</summary>
    public bool Encrypts { get; init; } = true;

    /// <summary>The options of a tunnel that is opened or accepted now.</summary>
    internal TunnelOptions TunnelNow => Encrypts ? Tunnel : Tunnel with { Ciphers = [SealingCipher.Aes256Gmac, .. Tunnel.Ciphers] };

    /// <summary>Timers of each tunnel.</summary>
    public TunnelOptions Tunnel { get; init; } = new();
}
