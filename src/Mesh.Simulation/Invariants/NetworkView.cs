using Mesh.Node.Routing;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Registry.Revocation;

namespace Mesh.Simulation.Invariants;

/// <summary>A network at one moment, as invariants see it: a simulated one, or what real nodes have exported.</summary>
public sealed class NetworkView
{
    private readonly Lazy<Dictionary<NodePrefix, int>> _byPrefix;

    /// <summary>Makes a view.</summary>
    /// <param name="network">The overlay network.</param>
    /// <param name="now">Virtual time; for exports as much as passes for long.</param>
    /// <param name="nodes">The nodes.</param>
    /// <param name="registry">The registry, or null where nothing is known of it.</param>
    /// <param name="areApart">Whether the underlay is cut between two nodes, or null for never.</param>
    public NetworkView(NetworkPrefix network, TimeSpan now, IReadOnlyList<NodeView> nodes, RegistryView? registry = null, Func<NodeView, NodeView, bool>? areApart = null)
    {
        (Network, Now, Nodes, Registry, AreApart) = (network, now, nodes, registry, areApart ?? (static (_, _) => false));
        _byPrefix = new Lazy<Dictionary<NodePrefix, int>>(() =>
        {
            var index = new Dictionary<NodePrefix, int>(nodes.Count);
            for (int i = 0; i < nodes.Count; i++)
            {
                if (nodes[i].IsRunning && !nodes[i].Prefix.IsEmpty)
                    index[nodes[i].Prefix] = i;
            }

            return index;
        });
    }

    /// <summary>The overlay network.</summary>
    public NetworkPrefix Network { get; }

    /// <summary>Virtual time.</summary>
    public TimeSpan Now { get; }

    /// <summary>The nodes.</summary>
    public IReadOnlyList<NodeView> Nodes { get; }

    /// <summary>The registry, or null where nothing is known of it.</summary>
    public RegistryView? Registry { get; }

    /// <summary>Whether the underlay is cut between two nodes.</summary>
    public Func<NodeView, NodeView, bool> AreApart { get; }

    /// <summary>The place in <see cref="Nodes"/> of the running node with a prefix, or -1.</summary>
    public int IndexOf(NodePrefix prefix) => _byPrefix.Value.GetValueOrDefault(prefix, -1);

    /// <summary>The running node with a prefix, or null.</summary>
    public NodeView? Find(NodePrefix prefix) => _byPrefix.Value.TryGetValue(prefix, out int index) ? Nodes[index] : null;

    /// <summary>Whether nothing has been done to a node for so long.</summary>
    public bool IsQuiet(NodeView node, TimeSpan since) => node.QuietSince is { } quiet && Now - quiet >= since;

    /// <summary>Whether a node is shut out, as far as the registry or the node itself says.</summary>
    public bool IsRevoked(NodeView node) => node.IsRevoked || Registry?.Revocations.ContainsKey(node.Serial) == true;
}

/// <summary>A node at one moment.</summary>
public abstract class NodeView
{
    /// <summary>The machine's name.</summary>
    public abstract string Name { get; }

    /// <summary>The node's prefix; empty before it has joined.</summary>
    public abstract NodePrefix Prefix { get; }

    /// <summary>Serial number of its certificate.</summary>
    public abstract ulong Serial { get; }

    /// <summary>When its certificate ends.</summary>
    public virtual DateTimeOffset CertificateEnd => DateTimeOffset.MaxValue;

    /// <summary>Whether it has joined, and is on and awake.</summary>
    public abstract bool IsRunning { get; }

    /// <summary>Whether it knows itself that it is revoked.</summary>
    public virtual bool IsRevoked => false;

    /// <summary>When it was switched on: virtual time.</summary>
    public virtual TimeSpan StartedAt => TimeSpan.Zero;

    /// <summary>Since when nothing has been done to it: virtual time; null while it does not run.</summary>
    public virtual TimeSpan? QuietSince => TimeSpan.Zero;

    /// <summary>Since when it and the registry run and can reach each other: virtual time; null while they do not.</summary>
    public virtual TimeSpan? ReachableSince => TimeSpan.Zero;

    /// <summary>Version of the network parameters that it uses, 0 for none.</summary>
    public abstract ulong ParametersVersion { get; }

    /// <summary>The newest version that it believes in.</summary>
    public abstract ulong NewestVersion { get; }

    /// <summary>Its tunnels.</summary>
    public abstract IEnumerable<TunnelView> Tunnels { get; }

    /// <summary>Its routes.</summary>
    public abstract IReadOnlyCollection<NodeRoute> Routes { get; }

    /// <summary>Under which name and number it announces its prefix, or null where that is not known.</summary>
    public virtual RoutingOrigin? Origin => null;

    /// <summary>Routes that it lost because it made a tunnel unusable, in order; the same list grows.</summary>
    public virtual IReadOnlyList<LockLoss> LockLosses => [];

    /// <summary>The route to a subnet, or null.</summary>
    public abstract NodeRoute? RouteTo(Ipv6Prefix subnet);

    /// <summary>Whether it has a tunnel that is up with a node, and none with it is being taken out of use.</summary>
    public bool IsJoinedTo(NodePrefix peer) =>
        Tunnels.Any(tunnel => tunnel.IsUp && tunnel.Peer == peer) && !Tunnels.Any(tunnel => tunnel.Peer == peer && tunnel.Destruction is not null);
}

/// <summary>A tunnel at one moment.</summary>
/// <param name="Index">Its number on its machine.</param>
/// <param name="Peer">The node at the other end; empty while that is not known.</param>
/// <param name="IsUp">Whether packets may flow.</param>
/// <param name="Destruction">How far its destruction is, or null.</param>
public readonly record struct TunnelView(int Index, NodePrefix Peer, bool IsUp, KillerState? Destruction);

/// <summary>Routes were lost because a tunnel that was to be destroyed was made unusable.</summary>
/// <param name="At">When: virtual time.</param>
/// <param name="Tunnel">The tunnel.</param>
/// <param name="Destinations">To which nodes there was no other way.</param>
public sealed record LockLoss(TimeSpan At, int Tunnel, IReadOnlyList<Ipv6Prefix> Destinations);

/// <summary>A registry at one moment. Where it does not run, it knows nothing.</summary>
public abstract class RegistryView
{
    /// <summary>True where it is what a real registry has exported at one moment: what it says then may have been so for long.</summary>
    public virtual bool IsExport => false;

    /// <summary>Since when it runs and has read back what it stored: virtual time; null while it does not.</summary>
    public abstract TimeSpan? UpSince { get; }

    /// <summary>The newest version that it has published, also while it does not run.</summary>
    public abstract ulong Published { get; }

    /// <summary>When it did: virtual time.</summary>
    public abstract TimeSpan PublishedAt { get; }

    /// <summary>Who has which prefix.</summary>
    public abstract IReadOnlyCollection<RegisteredNode> Nodes { get; }

    /// <summary>Tokens that are left, by secret.</summary>
    public abstract IReadOnlyDictionary<string, Token> Tokens { get; }

    /// <summary>Revoked certificates, by serial number.</summary>
    public abstract IReadOnlyDictionary<ulong, RevokedCertificate> Revocations { get; }

    /// <summary>The last serial number given, 0 where that is not known.</summary>
    public abstract ulong LastSerial { get; }

    /// <summary>Changes of the routing keys so far, or null where that is not known.</summary>
    public abstract long? RotationSteps { get; }

    /// <summary>The true wall clock.</summary>
    public abstract DateTimeOffset UtcNow { get; }
}
