using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Node.Ports;
using Mesh.Protocol.PortMapping;

namespace Mesh.Node.PortMapping;

/// <summary>What a gateway is asked with, and what it has given. Stored before it is asked for the first time, so that what a crash leaves at the gateway can be taken over or ended.</summary>
/// <param name="Gateway">The gateway's address.</param>
/// <param name="Local">Our address.</param>
/// <param name="Nonce">Of PCP, 12 octets.</param>
/// <param name="Method">The method that led to mappings, or empty.</param>
/// <param name="Mappings">What it has mapped.</param>
public sealed record GatewayRemembered(string Gateway, string Local, byte[] Nonce, string Method, IReadOnlyList<RememberedMapping> Mappings);

/// <summary>A mapping. Stored as a part of <see cref="GatewayRemembered"/>.</summary>
/// <param name="Protocol">Its number: 6 or 17.</param>
/// <param name="InternalPort">Our port.</param>
/// <param name="ExternalPort">The gateway's port.</param>
public sealed record RememberedMapping(byte Protocol, ushort InternalPort, ushort ExternalPort);

/// <summary>A gateway has ended all mappings; the next time it is asked with another nonce. Stored.</summary>
/// <param name="Gateway">The gateway's address.</param>
/// <param name="Local">Our address.</param>
public sealed record GatewayForgotten(string Gateway, string Local);

/// <summary>To the owner, once after each start: what was remembered, the gateway of the last time last.</summary>
internal sealed record GatewaysRecalled(ImmutableArray<KnownGateway> Gateways);

/// <summary>To the owner: it is stored.</summary>
internal sealed record GatewayStored(Gateway Gateway);

/// <summary>A gateway as it is remembered.</summary>
internal sealed record KnownGateway(Gateway Gateway, PcpNonce Nonce, PortMappingMethod? Method, ImmutableArray<RememberedMapping> Mappings)
{
    /// <summary>As it is stored.</summary>
    public GatewayRemembered ToStored()
    {
        byte[] nonce = new byte[PcpNonce.Length];
        BinaryPrimitives.WriteUInt64BigEndian(nonce, Nonce.Upper);
        BinaryPrimitives.WriteUInt32BigEndian(nonce.AsSpan(8), Nonce.Lower);
        return new GatewayRemembered(Gateway.Address.ToString(), Gateway.Local.ToString(), nonce, Method?.ToString() ?? "", Mappings);
    }

    /// <summary>Reads what is stored, which may be anything; null where it cannot be used.</summary>
    public static KnownGateway? Of(GatewayRemembered stored)
    {
        if (!IPAddress.TryParse(stored.Gateway, out IPAddress? address) || !IPAddress.TryParse(stored.Local, out IPAddress? local) || stored.Nonce is not { Length: PcpNonce.Length } nonce)
            return null;
        PortMappingMethod? method = Enum.TryParse(stored.Method, out PortMappingMethod parsed) && Enum.IsDefined(parsed) ? parsed : null;
        return new KnownGateway(
            new Gateway(address, local), new PcpNonce(BinaryPrimitives.ReadUInt64BigEndian(nonce), BinaryPrimitives.ReadUInt32BigEndian(nonce.AsSpan(8))), method,
            [.. (stored.Mappings ?? []).Where(static m => m is { InternalPort: > 0, ExternalPort: > 0 } && Enum.IsDefined((TransportProtocol)m.Protocol))]);
    }
}

/// <summary>Remembers gateways over restarts.</summary>
/// <param name="owner">Gets <see cref="GatewaysRecalled"/>, and <see cref="GatewayStored"/> for each <see cref="KnownGateway"/> it tells.</param>
public sealed class RememberedGatewaysActor(ActorRef owner) : PersistentActor
{
    /// <summary>How many gateways: a machine that travels comes back to some. The one that was used longest ago is forgotten.</summary>
    public const int Capacity = 8;

    private const int MaxMappings = 32;
    private const int SnapshotInterval = 64;

    private readonly List<KnownGateway> _gateways = [];

    /// <inheritdoc/>
    public override string PersistenceId => "port-mapping";

    /// <summary>Declares what the actor stores.</summary>
    public static EventSchema AddTo(EventSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        return schema
            .Add<GatewayRemembered>("node.gateway-remembered")
            .Add<GatewayForgotten>("node.gateway-forgotten")
            .Add<RememberedGatewaysSnapshot>("node.remembered-gateways-snapshot");
    }

    /// <inheritdoc/>
    protected override void ReceiveCommand(object message)
    {
        switch (message)
        {
            case KnownGateway known when _gateways.LastOrDefault() is { } last && last with { Mappings = known.Mappings } == known && last.Mappings.SequenceEqual(known.Mappings):
                owner.Tell(new GatewayStored(known.Gateway), Self);
                break;
            case KnownGateway known:
                Persist(known.ToStored(), stored =>
                {
                    Applied(stored);
                    owner.Tell(new GatewayStored(known.Gateway), Self);
                });
                break;
            case Gateway forgotten:
                Persist(new GatewayForgotten(forgotten.Address.ToString(), forgotten.Local.ToString()), Applied);
                break;
            case SaveSnapshotSuccess or SaveSnapshotFailure:
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void ReceiveRecover(object message)
    {
        switch (message)
        {
            case SnapshotOffer { State: RememberedGatewaysSnapshot snapshot }:
                foreach (GatewayRemembered gateway in snapshot.Gateways ?? [])   // what is stored may be anything
                    Apply(gateway);
                break;
            case RecoveryCompleted:
                owner.Tell(new GatewaysRecalled([.. _gateways]), Self);
                break;
            default:
                Apply(message);
                break;
        }
    }

    private void Applied(object stored)
    {
        Apply(stored);
        if (LastSequenceNr % SnapshotInterval == 0)
            SaveSnapshot(new RememberedGatewaysSnapshot([.. _gateways.Select(static g => g.ToStored())]));
    }

    private void Apply(object stored)
    {
        switch (stored)
        {
            case GatewayRemembered remembered when KnownGateway.Of(remembered) is { } known:
                _gateways.RemoveAll(g => g.Gateway == known.Gateway);
                _gateways.Add(known with { Mappings = [.. known.Mappings.Take(MaxMappings)] });
                if (_gateways.Count > Capacity)
                    _gateways.RemoveAt(0);
                break;
            case GatewayForgotten forgotten:
                _gateways.RemoveAll(g => g.Gateway.Address.ToString() == forgotten.Gateway && g.Gateway.Local.ToString() == forgotten.Local);
                break;
        }
    }
}

/// <summary>All that is remembered. Stored as a snapshot.</summary>
public sealed record RememberedGatewaysSnapshot(IReadOnlyList<GatewayRemembered> Gateways);
