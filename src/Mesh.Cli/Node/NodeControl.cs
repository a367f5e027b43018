using System.Net;
using Mesh.Actors;
using Mesh.Actors.RealTime;
using Mesh.Cli.Configuration;
using Mesh.Cli.Control;
using Mesh.Cli.Shell;
using Mesh.DataPlane;
using Mesh.Node;
using Mesh.Node.Certificates;
using Mesh.Node.Parameters;
using Mesh.Node.Peers;
using Mesh.Node.PortMapping;
using Mesh.Node.Routing;
using Mesh.Node.Tunnels;
using Mesh.Platform.Linux.Forwarding;
using Mesh.Protocol.Peer;

namespace Mesh.Cli.Node;

/// <summary>Answers the administrator's requests to a running node.</summary>
internal sealed class NodeControl(ActorRef node, NodeIdentity identity, LinuxDataPlane plane, IPEndPoint listen, NodeSettings settings)
{
    public const string Status = "status", Peers = "peers", Routes = "routes", Neighbours = "neighbours", Explain = "explain";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>Whether the node has a gateway map ports.</summary>
    public bool MapsPorts { get; init; }

    /// <summary>Answers one request.</summary>
    public async Task<ControlAnswer> AnswerAsync(ControlRequest request)
    {
        switch (request.Name)
        {
            case Status:
                NodeStatus status = await node.Ask<NodeStatus>(new GetNodeStatus(), Timeout);
                ParametersStatus parameters = await node.Ask<ParametersStatus>(new GetParametersStatus(), Timeout);
                PortMappingStatus? mapping = MapsPorts ? await node.Ask<PortMappingStatus>(new GetPortMappingStatus(), Timeout) : null;
                return ControlAnswer.Of(Describe(status, parameters, mapping));
            case Peers:
                return ControlAnswer.Of(Describe(await node.Ask<PeersStatus>(new GetPeersStatus(), Timeout)));
            case Routes:
                return ControlAnswer.Of(RoutingControl.Describe(await node.Ask<RoutesStatus>(RoutingControl.ToQuestion(request.Read<RoutesOrder>()), Timeout)));
            case Neighbours:
                return ControlAnswer.Of(RoutingControl.Describe(await node.Ask<NeighboursStatus>(RoutingControl.ToQuestion(request.Read<NeighboursOrder>()), Timeout)));
            case Explain:
                return ControlAnswer.Of(RoutingControl.Describe(await node.Ask<RouteExplanation>(RoutingControl.ToQuestion(request.Read<ExplainOrder>()), Timeout), identity));
            default:
                return ControlAnswer.Refuse($"the node does not know the request '{request.Name}'; is it of another version?", isUsage: true);
        }
    }

    private NodeStatusReport Describe(NodeStatus status, ParametersStatus parameters, PortMappingStatus? mapping)
    {
        DataPlaneCounters counters = plane.Counters;
        return new NodeStatusReport(
            status.Prefix.CommonName, status.Address.ToString(), status.Prefix.Subnet(identity.Network).ToString(), identity.Network.ToString(), settings.RegistryUrl,
            plane.DeviceName, settings.Accept ? listen.ToString() : "nowhere", Describe(status.Certificate), Describe(parameters),
            [.. status.Tunnels.Select(Describe)],
            [.. status.Routes.Select(RoutingControl.Describe)],
            new PacketReport(counters.FromHost, counters.ToHost, counters.Transit, counters.TotalDrops))
        {
            PortMapping = mapping is null ? null : Describe(mapping),
            Lans = [.. status.Lans.Select(static lan => new LanReport(lan.Name, lan.State, lan.Address?.ToString(), lan.Problem, lan.Starts))],
        };
    }

    private static ParametersReport Describe(ParametersStatus parameters) => new(
        parameters.Used, parameters.Newest, parameters.NextFetch, parameters.IsFetching, parameters.Keys.Count, parameters.Keys.AcceptsAny, parameters.ValidUntil,
        parameters.Refused, parameters.Forged, parameters.Fetches);

    private static PortMappingReport Describe(PortMappingStatus mapping) => new(
        mapping.State, mapping.Gateway?.ToString(), mapping.Method is { } method ? PortMappingKeys.NameOf(method) : null,
        [.. mapping.Mappings.Select(static m => new MappingReport(m.Port.Protocol, m.Port.Port, m.ExternalAddress?.ToString(), m.ExternalPort, m.Until))], mapping.Problem, mapping.Counters);

    private static PeersReport Describe(PeersStatus peers) => new([.. peers.Peers.Select(Describe)], peers.Counters);

    private static PeerReport Describe(PeerStatus peer) => new(
        peer.Peer.CommonName, peer.State, peer.Since, peer.LastHeard, peer.Protocol, peer.Features is { } features ? [.. NamesOf(features)] : null, peer.SentMessages, peer.ReceivedMessages);

    // A newer node may be able to do what has no name here.
    private static IEnumerable<string> NamesOf(PeerFeatures features)
    {
        for (int bit = 0; bit < 32; bit++)
        {
            var feature = (PeerFeatures)(1u << bit);
            if (features.HasFlag(feature))
                yield return Enum.IsDefined(feature) ? JsonText.Name(feature) : $"bit-{bit}";
        }
    }

    private static CertificateReport Describe(CertificateStatus certificate) =>
        new(certificate.SerialNumber, certificate.State, certificate.Since, certificate.Until, certificate.AuthorityUntil, certificate.Problem);

    private TunnelReport Describe(TunnelStatus tunnel)
    {
        TunnelCounters counters = plane.CountersOf(tunnel.Index) ?? default;
        return new TunnelReport(
            tunnel.Index.Value, tunnel.Peer.IsEmpty ? null : tunnel.Peer.CommonName, tunnel.IsClient, tunnel.State, tunnel.Path, tunnel.Remote?.ToString(),
            tunnel.RoundTrip?.TotalMilliseconds, counters.SentOctets, counters.ReceivedOctets, tunnel.Destruction);
    }
}
