using Mesh.Babel.Mac;

namespace Mesh.Babel;

/// <summary>How the speaker uses one interface.</summary>
public sealed record InterfaceParameters
{
    private static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(10);
    /// <summary>The longest time between Hellos.</summary>
    public static readonly TimeSpan MaxHelloInterval = TimeSpan.FromSeconds(200);
    private static readonly TimeSpan MaxUpdateInterval = TimeSpan.FromSeconds(655);

    /// <summary>What the interface is.</summary>
    public LinkKind Kind { get; init; } = LinkKind.Tunnel;

    /// <summary>Our own link-local address on it: source of what we send, and how IHUs name us.</summary>
    public required BabelAddress Address { get; init; }

    /// <summary>Our own IPv4 address on it, the next hop that is announced for IPv4 prefixes; without one they are not announced here.</summary>
    public BabelAddress? Ipv4Address { get; init; }

    /// <summary>What it costs to receive here without losses, 1..65534; 96 for wires and tunnels and 256 for what is lossy where not given, as in babeld.</summary>
    public ushort? Cost { get; init; }

    /// <summary>Time between Hellos, 10 ms..200 s. Shorter notices a dead link sooner (2.5 intervals) and costs packets.</summary>
    public TimeSpan HelloInterval { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>Time between full updates, 10 ms..655 s; four Hello intervals where not given.</summary>
    public TimeSpan? UpdateInterval { get; init; }

    /// <summary>Largest IPv6 packet, in octets, 576..65535.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>Whether routes through this interface are not announced on it; depends on <see cref="Kind"/> where not given.</summary>
    public bool? SplitHorizon { get; init; }

    /// <summary>
    /// What the round-trip time adds to the cost; where not given, packets carry no timestamps and none are looked at. It can be changed later: <see cref="BabelSpeaker.SetRtt"/>.
    /// </summary>
    public RttParameters? Rtt { get; init; }

    /// <summary>The keys with which packets are signed and checked; none where not given. They can be changed later: <see cref="BabelSpeaker.SetKeys"/>.</summary>
    public MacKeys Keys { get; init; } = MacKeys.None;

    /// <summary>The number of the first packet, which RFC 8967 section 3.1 leaves open. For tests, which cannot send 2^32 packets.</summary>
    internal uint FirstPacketCounter { get; init; }

    internal TimeSpan EffectiveUpdateInterval => UpdateInterval ?? (HelloInterval * 4 < MaxUpdateInterval ? HelloInterval * 4 : MaxUpdateInterval);

    internal ushort EffectiveCost => Cost ?? (Kind == LinkKind.Lossy ? Neighbours.ExpectedTransmissions.Unit : (ushort)96);

    internal bool EffectiveSplitHorizon => SplitHorizon ?? Kind == LinkKind.Wired;

    internal int PayloadLimit => Wire.PacketWriter.PayloadLimit(Mtu);

    /// <summary>Everything that is wrong with these values; empty where they can be used.</summary>
    public IEnumerable<string> Problems()
    {
        if (!Address.IsLinkLocal)
            yield return $"{nameof(Address)} {Address}: must be link-local (fe80::/10).";
        if (Ipv4Address is { IsIpv4: false })
            yield return $"{nameof(Ipv4Address)} {Ipv4Address}: must be an IPv4 address.";
        if (Cost is 0 or Metric.Infinity)
            yield return $"{nameof(Cost)} {Cost}: must be 1..65534.";
        if (HelloInterval < MinInterval || HelloInterval > MaxHelloInterval)
            yield return $"{nameof(HelloInterval)} {HelloInterval}: must be 10 ms..200 s.";
        if (EffectiveUpdateInterval < MinInterval || EffectiveUpdateInterval > MaxUpdateInterval)
            yield return $"{nameof(UpdateInterval)} {EffectiveUpdateInterval}: must be 10 ms..655 s (four Hello intervals, or 655 s, where not given).";
        if (Mtu is < 576 or > ushort.MaxValue)
            yield return $"{nameof(Mtu)} {Mtu}: must be 576..65535.";
        foreach (string problem in Rtt?.Problems() ?? [])
            yield return problem;
    }
}
