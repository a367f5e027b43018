using System.Collections.Immutable;
using Mesh.DataPlane;
using Mesh.Node;
using Mesh.Node.Certificates;
using Mesh.Node.Ports;
using Mesh.Node.Routing;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Simulation.Invariants;
using Mesh.Simulation.Ranks;

namespace Mesh.Simulation.World;

/// <content>What the script sees of a node that another rank computes. What is large is told only where it is new.</content>
public sealed partial class SimulatedNode
{
    private ImmutableArray<NodeRoute> _toldRoutes = [];
    private NodeIdentity? _toldIdentity;
    private int _toldLosses;

    // The script looks: with ranks, at what is known of all of them. What is part of the world uses the fields.
    private T Seen<T>(ref T field)
    {
        Machine.Engine.Look();
        return field;
    }

    private T Seen<T>(T collection)
        where T : class
    {
        Machine.Engine.Look();
        return collection;
    }

    private void WriteReport(RankWriter writer)
    {
        writer.Maybe(ReferenceEquals(_identity, _toldIdentity) ? null : _identity, identity =>
        {
            writer.Octets(identity.Verifier.Authority.Der.AsSpan());
            writer.Octets(identity.Certificate.Der.AsSpan());
        });
        _toldIdentity = _identity;
        writer.Bool(_routes != _toldRoutes);
        if (_routes != _toldRoutes)
            writer.List(_routes, route => Write(writer, route));
        _toldRoutes = _routes;
        writer.List(_lockLosses[_toldLosses..], loss =>
        {
            writer.Time(loss.At);
            writer.Int(loss.Tunnel);
            writer.List(loss.Destinations, writer.Subnet);
        });
        _toldLosses = _lockLosses.Count;
        writer.List(_answers, answer =>
        {
            writer.UShort(answer.Number);
            writer.Time(answer.RoundTrip);
        });
        _answers.Clear();
        writer.Maybe(_joinProblem, writer.Text);
        writer.Maybe(_refusal, writer.Text);
        writer.Bool(_hasStarted);
        writer.Maybe(_startedAt, writer.Time);
        writer.Int(_orderlyEnds);
        writer.Int(_renewals);
        writer.Maybe(_version, version => writer.Octets(version.Blob.AsSpan()));
        writer.Time(_parametersSince);
        writer.Maybe(_certificate, status => Write(writer, status));
        writer.List(_tunnels.Values, tunnel => Write(writer, tunnel));
        writer.List(_destructions, one =>
        {
            writer.Int(one.Key);
            writer.Int((int)one.Value);
        });
        writer.Time(_pingWatch?.Known ?? TimeSpan.Zero);
        writer.Long(_forgedVersions);
    }

    private void ReadReport(RankReader reader)
    {
        if (reader.Bool())
            _identity = ReadIdentity(reader);
        if (reader.Bool())
            _routes = [.. reader.List(() => ReadRoute(reader))];
        _lockLosses.AddRange(reader.List(() => new LockLoss(reader.Time(), reader.Int(), reader.List(reader.Subnet))));
        foreach ((ushort number, TimeSpan roundTrip) in reader.List(() => (reader.UShort(), reader.Time())))
        {
            if (_echoes.Remove(number, out Echo? echo))
                echo.Answer(roundTrip);
        }

        _joinProblem = reader.Maybe(reader.Text);
        _refusal = reader.Maybe(reader.Text);
        _hasStarted = reader.Bool();
        _startedAt = reader.MaybeValue(reader.Time);
        _orderlyEnds = reader.Int();
        _renewals = reader.Int();
        _version = reader.Maybe(() => NetworkVersion.TryParse(reader.Octets(), out NetworkVersion? version) ? version : throw reader.Wrong("a version of the parameters that is none"));
        _parametersSince = reader.Time();
        _certificate = reader.Maybe(() => ReadCertificate(reader));
        _tunnels.Clear();
        foreach (TunnelStatus tunnel in reader.List(() => ReadTunnel(reader)))
            _tunnels[tunnel.Index.Value] = tunnel;
        _destructions.Clear();
        foreach ((int tunnel, KillerState state) in reader.List(() => (reader.Int(), reader.Member<KillerState>(reader.Int()))))
            _destructions[tunnel] = state;
        _pingWatch?.See(reader.Time());
        if (_pingWatch is null)
            _ = reader.Time();
        _forgedVersions = reader.Long();
    }

    private static void Write(RankWriter writer, NodeRoute route)
    {
        writer.Subnet(route.Destination);
        writer.Int(route.Tunnel.Value);
        writer.Prefix(route.Via);
        writer.Int(route.Metric);
        writer.Maybe(route.Hop, hop =>
        {
            writer.Int(hop.Link);
            writer.Wide(hop.Address.Value);
        });
        writer.Maybe(route.Device, writer.Text);
    }

    private static NodeRoute ReadRoute(RankReader reader) => new(reader.Subnet(), new TunnelIndex(reader.Int()), reader.Prefix(), reader.Int())
    {
        Hop = reader.Maybe(() => new KernelHop(reader.Int(), new Ipv6Address(reader.Wide()))),
        Device = reader.Maybe(reader.Text),
    };

    private static void Write(RankWriter writer, CertificateStatus status)
    {
        writer.Int((int)status.State);
        writer.Instant(status.Since);
        writer.ULong(status.SerialNumber);
        writer.Instant(status.Until);
        writer.Instant(status.AuthorityUntil);
        writer.Maybe(status.Problem, writer.Text);
    }

    private static CertificateStatus ReadCertificate(RankReader reader) =>
        new(reader.Member<CertificateState>(reader.Int()), reader.Instant(), reader.ULong(), reader.Instant(), reader.Instant(), reader.Maybe(reader.Text));

    private static void Write(RankWriter writer, TunnelStatus tunnel)
    {
        writer.Int(tunnel.Index.Value);
        writer.Prefix(tunnel.Peer);
        writer.Bool(tunnel.IsClient);
        writer.Int((int)tunnel.State);
        writer.Int((int)tunnel.Path);
        writer.Maybe(tunnel.Remote, writer.EndPoint);
        writer.Maybe(tunnel.RoundTrip, writer.Time);
    }

    private static TunnelStatus ReadTunnel(RankReader reader) => new(
        new TunnelIndex(reader.Int()), reader.Prefix(), reader.Bool(), reader.Member<TunnelState>(reader.Int()), reader.Member<TunnelPathKind>(reader.Int()), reader.Maybe(reader.EndPoint),
        reader.MaybeValue(reader.Time), IsGone: false);

    // The key is that of the pool; the certificate was good where it came from.
    private NodeIdentity ReadIdentity(RankReader reader)
    {
        if (!AuthorityCertificate.TryParse(reader.Octets(), out AuthorityCertificate? authority) || !NodeCertificate.TryParse(reader.Octets(), out NodeCertificate? certificate))
            throw reader.Wrong($"certificates of {Machine.Name} that are none");
        return new NodeIdentity(new CertificateVerifier(authority), certificate, _key, certificate.NotBefore);
    }
}
