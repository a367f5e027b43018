namespace Mesh.Protocol.PortMapping;

/// <summary>How long a gateway has had its state, as it said last, and when that was. From that the next saying shows whether it has lost it since.</summary>
/// <param name="EpochSeconds">What it said.</param>
/// <param name="At">When it said so, by our own monotonic clock.</param>
public readonly record struct GatewayEpoch(uint EpochSeconds, TimeSpan At)
{
    private const double PcpTolerance = 2;   // seconds, for rounding and for what is under way
    private const double PcpDrift = 1.0 / 16;
    private const double NatPmpTolerance = 2, NatPmpPace = 7.0 / 8;

    /// <summary>Whether what a PCP server says now goes on from what it said before (RFC 6887 section 8.5): its clock and ours may run apart by a sixteenth, and its own may go back by a second.</summary>
    public bool IsContinuedInPcp(uint epochSeconds, TimeSpan now)
    {
        double client = Math.Floor((now - At).TotalSeconds), server = (double)epochSeconds - EpochSeconds;
        return server >= -1
            && client + PcpTolerance >= server - (server * PcpDrift)
            && server + PcpTolerance >= client - (client * PcpDrift);
    }

    /// <summary>Whether what a NAT-PMP gateway says now goes on from what it said before (RFC 6886 section 3.6): it may be slower than our clock by an eighth and two seconds.</summary>
    public bool IsContinuedInNatPmp(uint epochSeconds, TimeSpan now) =>
        epochSeconds >= EpochSeconds + (NatPmpPace * (now - At).TotalSeconds) - NatPmpTolerance;
}
