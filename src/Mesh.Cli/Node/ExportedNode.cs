using Mesh.DataPlane;
using Mesh.Node.Certificates;
using Mesh.Node.Routing;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Simulation.Invariants;

namespace Mesh.Cli.Node;

/// <summary>A real node, as it has described itself.</summary>
internal sealed class ExportedNode : NodeView
{
    private readonly NodeStatusReport _state;
    private readonly Dictionary<Ipv6Prefix, NodeRoute> _routes;
    private readonly IReadOnlyList<TunnelView> _tunnels;

    private ExportedNode(NodeStatusReport state, NodePrefix prefix, NetworkPrefix network, Dictionary<Ipv6Prefix, NodeRoute> routes, IReadOnlyList<TunnelView> tunnels) =>
        (_state, Prefix, Network, _routes, _tunnels) = (state, prefix, network, routes, tunnels);

    public NetworkPrefix Network { get; }

    public override string Name => Prefix.ToString();

    public override NodePrefix Prefix { get; }

    public override ulong Serial => _state.Certificate.Serial;

    public override DateTimeOffset CertificateEnd => _state.Certificate.Until;

    public override bool IsRunning => true;

    public override bool IsRevoked => _state.Certificate.State == CertificateState.Revoked;

    public override ulong ParametersVersion => _state.Parameters.Used;

    public override ulong NewestVersion => _state.Parameters.Newest;

    public override IEnumerable<TunnelView> Tunnels => _tunnels;

    public override IReadOnlyCollection<NodeRoute> Routes => _routes.Values;

    public override NodeRoute? RouteTo(Ipv6Prefix subnet) => _routes.GetValueOrDefault(subnet);

    /// <summary>The node that a state describes, or null with problems where it describes none.</summary>
    public static ExportedNode? Of(NodeStatusReport state, List<string> problems)
    {
        if (state is not { Certificate: not null, Parameters: not null, Tunnels: not null, Routes: not null })
        {
            problems.Add("expected certificate, parameters, tunnels and routes");
            return null;
        }

        NodePrefix prefix = NodeOf("prefix", state.Prefix, problems);
        if (!NetworkPrefix.TryParse(state.Network, out NetworkPrefix network))
            problems.Add($"network: '{state.Network}' is not an IPv6 prefix");
        else if (!prefix.FitsIn(network))
            problems.Add($"prefix: {prefix} does not fit in {network}");
        var routes = new Dictionary<Ipv6Prefix, NodeRoute>();
        foreach (RouteReport route in state.Routes)
        {
            if (!Ipv6Prefix.TryParse(route.Destination, out Ipv6Prefix destination))
                problems.Add($"routes: '{route.Destination}' is not an IPv6 prefix");
            else
                routes[destination] = new NodeRoute(destination, new TunnelIndex(route.Tunnel), route.Via == "?" ? NodePrefix.Empty : NodeOf("routes", route.Via, problems), route.Metric);
        }

        TunnelView[] tunnels = [.. state.Tunnels.Select(tunnel => new TunnelView(
            tunnel.Index, tunnel.Peer is null ? NodePrefix.Empty : NodeOf("tunnels", tunnel.Peer, problems), tunnel.State == TunnelState.Up, tunnel.Destruction))];
        return problems.Count == 0 ? new ExportedNode(state, prefix, network, routes, tunnels) : null;
    }

    private static NodePrefix NodeOf(string key, string? text, List<string> problems)
    {
        if (NodePrefix.TryParseCommonName(text, out NodePrefix node))
            return node;
        problems.Add($"{key}: '{text}' is not the name of a node such as 2/16");
        return default;
    }
}
