using Mesh.Babel;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing;

/// <summary>How a node routes.</summary>
public sealed record RoutingOptions
{
    /// <summary>The overlay network; only prefixes in it are routed.</summary>
    public required NetworkPrefix Network { get; init; }

    /// <summary>Our own prefix, which is announced.</summary>
    public required NodePrefix Self { get; init; }

    /// <summary>Interval of Hellos on tunnels. Network parameter hello, default 15 s. A tunnel that reports its death is noticed at once whatever the interval.</summary>
    public TimeSpan HelloInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Largest packet that carries routing messages, octets. Default 1280.</summary>
    public int Mtu { get; init; } = 1280;

    /// <summary>Whether packets from the network to the rest of the world may leave it here. The machine's kernel has to forward them. Default false.</summary>
    public bool IsGateway { get; init; }

    /// <summary>Whether router-id and sequence number are kept from one start to the next, in the journal. Default false: a router-id for this start only.</summary>
    public bool IsIdentityKept { get; init; }

    /// <summary>A mistake on purpose, for tests.</summary>
    internal NodeMutation Mutation { get; init; }

    /// <summary>The speaker's own settings.</summary>
    public BabelOptions Speaker { get; init; } = new();
}
