using Mesh.Protocol.Addressing;
using Mesh.Protocol.PortMapping;

namespace Mesh.Node.PortMapping;

/// <summary>How a gateway is asked.</summary>
public enum PortMappingMethod
{
    /// <summary>Port Control Protocol, RFC 6887.</summary>
    Pcp,

    /// <summary>NAT Port Mapping Protocol, RFC 6886.</summary>
    NatPmp,

    /// <summary>UPnP Internet Gateway Device.</summary>
    Upnp,
}

/// <summary>A port of this machine that others are to reach from outside.</summary>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="Port">The port.</param>
/// <param name="AdvertisedAs">As what the mapped address is advertised; null for the datagrams of native tunnels, whose port peers are told in the control stream.</param>
public sealed record PortToMap(TransportProtocol Protocol, ushort Port, AddressProtocol? AdvertisedAs)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Protocol.ToString().ToLowerInvariant()} {Port}";
}

/// <summary>What is mapped, and how.</summary>
public sealed record PortMappingOptions
{
    /// <summary>The shortest lifetime that is of use. Default 10 s; servers give two minutes at the least (RFC 6887 section 15).</summary>
    public static readonly TimeSpan MinLifetime = TimeSpan.FromSeconds(10);

    /// <summary>The longest lifetime that is believed: 24 h (RFC 6887 section 15).</summary>
    public static readonly TimeSpan MaxLifetime = TimeSpan.FromHours(24);

    /// <summary>The ports.</summary>
    public required IReadOnlyList<PortToMap> Ports { get; init; }

    /// <summary>The methods in the order in which they are tried. Default: all.</summary>
    public IReadOnlyList<PortMappingMethod> Methods { get; init; } = [PortMappingMethod.Pcp, PortMappingMethod.NatPmp, PortMappingMethod.Upnp];

    /// <summary>How long a mapping is asked for; it is renewed at half of what is given. Default 1 h.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How often the gateway is asked whether it still has its state. Default 5 minutes.</summary>
    public TimeSpan CheckInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>After how long it is tried again at first, where there is nobody who maps; it doubles up to <see cref="MaxRetryDelay"/>. Default 1 minute.</summary>
    public TimeSpan MinRetryDelay { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The longest time until it is tried again. Default 1 h.</summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Whether an external address that the Internet cannot reach is of use, because the underlay is a private network. Default false.</summary>
    public bool AcceptsPrivate { get; init; }
}
