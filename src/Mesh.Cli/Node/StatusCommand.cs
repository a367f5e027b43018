using System.CommandLine;
using System.Globalization;
using Mesh.Cli.Control;
using Mesh.Cli.Shell;
using Mesh.Node.Certificates;
using Mesh.Node.PortMapping;
using Mesh.Node.Tunnels;
using Spectre.Console;

namespace Mesh.Cli.Node;

/// <summary><c>mesh status</c>: how the node of this machine is.</summary>
internal static class StatusCommand
{
    public static Command Create(CliContext context)
    {
        Option<string> dir = CommonOptions.Dir("Directory of the running node.");
        var watch = new WatchOption();
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("status", "Show a running node's certificate, network parameters, tunnels and routes.")
        {
            Examples = ["mesh status --dir /var/lib/mesh/node", "mesh status --dir node --json", "mesh status --dir node --watch"],
        };
        foreach (Option option in (Option[])[dir, json])
            command.Options.Add(option);
        watch.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var checks = new Checks();
            TimeSpan? interval = watch.Read(parsed, checks);
            checks.ThrowIfAny();
            using ControlClient client = RunningNode.Connect(parsed.GetValue(dir)!);
            await WatchOption.ShowAsync(context, interval, parsed.GetValue(json), () => client.AskAsync<NodeStatusReport>(NodeControl.Status, argument: null, cancellation), Show, cancellation);
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Show(CliContext context, NodeStatusReport status)
    {
        IAnsiConsole console = context.Tables();
        context.Out.WriteLine($"node {status.Prefix}, address {status.Address}, subnet {status.Subnet} in {status.Network}");
        context.Out.WriteLine($"registry {status.Registry}; {Sentence(status.Parameters)}");
        context.Out.WriteLine(Sentence(status.Certificate));
        if (status.PortMapping is { } mapping)
            context.Out.WriteLine(Sentence(mapping));
        foreach (LanReport lan in status.Lans)
            context.Out.WriteLine(Sentence(lan));
        context.Out.WriteLine(
            $"device {status.Device}, tunnels accepted at {status.Listen}; packets from host {status.Packets.FromHost}, to host {status.Packets.ToHost}, "
            + $"transit {status.Packets.Transit}, dropped {status.Packets.Dropped}");
        Table tunnels = new Table().Border(TableBorder.Simple).Title("tunnels").AddColumns("#", "peer", "opened by", "state", "path", "remote", "round trip", "sent", "received");
        foreach (TunnelReport tunnel in status.Tunnels)
        {
            _ = tunnels.AddRow(
                $"{tunnel.Index}", tunnel.Peer ?? "?", tunnel.IsClient ? "us" : "peer", tunnel.Destruction is { } destruction ? $"{Lower(tunnel.State)}, {Lower(destruction)}" : Lower(tunnel.State), PathOf(tunnel), Markup.Escape(tunnel.Remote ?? ""),
                tunnel.RoundTripMilliseconds is { } milliseconds ? string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0.0} ms") : "", $"{tunnel.SentOctets}", $"{tunnel.ReceivedOctets}");
        }
        console.Write(tunnels);
        Table routes = new Table().Border(TableBorder.Simple).Title("routes").AddColumns("destination", "via", "tunnel", "metric");
        foreach (RouteReport route in status.Routes)
            _ = routes.AddRow(route.Destination, route.Via, route.Device ?? $"{route.Tunnel}", $"{route.Metric}");
        console.Write(routes);
    }

    private static string Sentence(ParametersReport parameters)
    {
        string used = parameters.Used == 0 ? "none yet" : $"version {parameters.Used}";
        string fetch = parameters switch
        {
            { IsFetching: true } => "being fetched",
            { NextFetch: { } time } when parameters.Newest > parameters.Used => $"to be fetched at {time:yyyy-MM-dd HH:mm:ss}Z",
            { NextFetch: { } time } => $"to be checked at {time:yyyy-MM-dd HH:mm}Z",
            _ => "to be fetched soon",
        };
        string keys = parameters switch
        {
            { RoutingKeys: 0 } => "without a key",
            { RoutingKeys: 1, AcceptsAny: true } => "with 1 key, and any other is accepted, too",
            { RoutingKeys: 1 } => "with 1 key",
            _ => $"with {parameters.RoutingKeys} keys",
        };
        string next = parameters.ValidUntil is { } end ? $", next step at {end:yyyy-MM-dd HH:mm}Z" : "";
        return $"network parameters: {used}, newest heard of {parameters.Newest}, {fetch}; routing {keys}{next}";
    }

    private static string Sentence(CertificateReport certificate)
    {
        string state = certificate.State switch
        {
            CertificateState.Valid => "valid",
            CertificateState.Renewing => $"renewing since {certificate.Since:yyyy-MM-dd HH:mm}Z",
            _ => $"{Lower(certificate.State)} since {certificate.Since:yyyy-MM-dd HH:mm}Z, so this node is out of service",
        };
        string problem = certificate.Problem is null ? "" : $" ({certificate.Problem})";
        return $"certificate {certificate.Serial} until {certificate.Until:yyyy-MM-dd}: {state}{problem}; authority's until {certificate.AuthorityUntil:yyyy-MM-dd}";
    }

    private static string Sentence(PortMappingReport mapping)
    {
        string state = mapping.Mappings.Count == 0 ? $"none, {Lower(mapping.State)}"
            : $"{string.Join(", ", mapping.Mappings.Select(static m => $"{Lower(m.Protocol)} {m.Port} at {m.ExternalAddress ?? "?"}:{m.ExternalPort}"))} by {mapping.Method} at {mapping.Gateway}";
        return $"mapped ports: {state}{(mapping.Problem is { } problem ? $" ({problem})" : "")}";
    }

    private static string Sentence(LanReport lan) =>
        $"interface {lan.Interface}: {(lan.Address is null ? $"{Lower(lan.State)}, {lan.Problem}" : $"{Lower(lan.State)}, from {lan.Address}")}";

    private static string PathOf(TunnelReport tunnel) => tunnel.Path switch
    {
        TunnelPathKind.OpenVpnTcp => "openvpn, tcp",
        TunnelPathKind.OpenVpnUdp => "openvpn, udp",
        _ => Lower(tunnel.Path),
    };

    private static string Lower<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
