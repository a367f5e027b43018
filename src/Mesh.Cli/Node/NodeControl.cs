using System.Net;
using Mesh.Actors;
using Mesh.Actors.RealTime;
using Mesh.Cli.Control;
using Mesh.DataPlane;
using Mesh.Node;
using Mesh.Node.Certificates;
using Mesh.Node.Tunnels;
using Mesh.Platform.Linux.Forwarding;

namespace Mesh.Cli.Node;

/// <summary>Answers the administrator's requests to a running node.</summary>
internal sealed class NodeControl(ActorRef node, NodeIdentity identity, LinuxDataPlane plane, IPEndPoint listen, NodeSettings settings)
{
    public const string Status = "status";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>Answers one request.</summary>
    public async Task<ControlAnswer> AnswerAsync(ControlRequest request)
    {
        if (request.Name != Status)
            return ControlAnswer.Refuse($"the node does not know the request '{request.Name}'; is it of another version?", isUsage: true);
        return ControlAnswer.Of(Describe(await node.Ask<NodeStatus>(new GetNodeStatus(), Timeout)));
    }

    private NodeStatusReport Describe(NodeStatus status)
    {
        DataPlaneCounters counters = plane.Counters;
        return new NodeStatusReport(
            status.Prefix.CommonName, status.Address.ToString(), status.Prefix.Subnet(identity.Network).ToString(), identity.Network.ToString(), settings.RegistryUrl,
            plane.DeviceName, settings.Accept ? listen.ToString() : "nowhere", Describe(status.Certificate), status.ParametersVersion,
            [.. status.Tunnels.Select(Describe)],
            [.. status.Routes.Select(static route => new RouteReport(route.Destination.ToString(), route.Via.CommonName, route.Tunnel.Value, route.Metric))],
            new PacketReport(counters.FromHost, counters.ToHost, counters.Transit, counters.TotalDrops));
    }

    private static CertificateReport Describe(CertificateStatus certificate) =>
        new(certificate.SerialNumber, certificate.State, certificate.Since, certificate.Until, certificate.AuthorityUntil, certificate.Problem);

    private TunnelReport Describe(TunnelStatus tunnel)
    {
        TunnelCounters counters = plane.CountersOf(tunnel.Index) ?? default;
        return new TunnelReport(
            tunnel.Index.Value, tunnel.Peer.IsEmpty ? null : tunnel.Peer.CommonName, tunnel.IsClient, tunnel.State, tunnel.Path, tunnel.Remote?.ToString(),
            tunnel.RoundTrip?.TotalMilliseconds, counters.SentOctets, counters.ReceivedOctets);
    }
}
