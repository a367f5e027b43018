using Mesh.Protocol.PortMapping;

namespace Mesh.Protocol.Tests.PortMapping;

/// <summary>A gateway that has lost its state is told from one whose clock is not ours.</summary>
public sealed class GatewayEpochTests
{
    [Theory]
    [InlineData(1000, 0, 1000, true)]
    [InlineData(1000, 0, 999, true)]   // back by one second
    [InlineData(1000, 0, 998, false)]
    [InlineData(1000, 3600, 4600, true)]
    [InlineData(1000, 3600, 0, false)]   // it began anew
    [InlineData(1000, 3600, 3600, false)]   // anew right after we had asked
    [InlineData(1000, 1600, 2498, true)]   // slower by a sixteenth and two seconds
    [InlineData(1000, 1600, 2497, false)]
    [InlineData(1000, 1498, 2600, true)]   // faster by a sixteenth and two seconds
    [InlineData(1000, 1497, 2600, false)]
    [InlineData(uint.MaxValue, 10, 3, false)]
    public void In_PCP_the_clocks_may_run_apart_by_a_sixteenth(uint before, int elapsedSeconds, uint now, bool isContinued) =>
        Assert.Equal(isContinued, new GatewayEpoch(before, TimeSpan.FromSeconds(50)).IsContinuedInPcp(now, TimeSpan.FromSeconds(50 + elapsedSeconds)));

    [Theory]
    [InlineData(1000, 0, 1000, true)]
    [InlineData(1000, 0, 998, true)]
    [InlineData(1000, 0, 997, false)]
    [InlineData(1000, 3600, 4600, true)]
    [InlineData(1000, 800, 1698, true)]   // slower by an eighth and two seconds
    [InlineData(1000, 800, 1697, false)]
    [InlineData(1000, 3600, 0, false)]
    [InlineData(1000, 10, 900000, true)]   // faster is not looked at
    public void In_NAT_PMP_the_gateway_may_be_slower_by_an_eighth(uint before, int elapsedSeconds, uint now, bool isContinued) =>
        Assert.Equal(isContinued, new GatewayEpoch(before, TimeSpan.Zero).IsContinuedInNatPmp(now, TimeSpan.FromSeconds(elapsedSeconds)));
}
