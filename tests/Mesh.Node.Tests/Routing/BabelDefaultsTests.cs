using Mesh.Babel;
using Mesh.Node.Routing;

namespace Mesh.Node.Tests.Routing;

public sealed class BabelDefaultsTests
{
    [Theory]
    [InlineData("max-rtt-penalty 5000 rtt-max 500 rtt-decay 125", 5000, 10, 500, 125)]
    [InlineData("", 96, 10, 120, 42)]
    [InlineData("  rtt-min\t0.5  type tunnel rxcost 200 ", 96, 0.5, 120, 42)]
    [InlineData("rtt-max", 96, 10, 120, 42)]   // without its value it says nothing
    public void Words_of_babeld_are_understood_and_others_passed_over(string words, ushort penalty, double min, double max, int decay)
    {
        RttParameters? rtt = BabelDefaults.RttOf(words, out string? problem);
        Assert.Equal(new RttParameters { MaxPenalty = penalty, Min = TimeSpan.FromMilliseconds(min), Max = TimeSpan.FromMilliseconds(max), Decay = decay }, rtt);
        Assert.Null(problem);
    }

    [Theory]
    [InlineData("max-rtt-penalty 65535", "65534")]
    [InlineData("max-rtt-penalty -1", "max-rtt-penalty -1")]
    [InlineData("rtt-decay 0", "1..256")]
    [InlineData("rtt-max 5", "must be above")]
    [InlineData("rtt-max 1e999", "rtt-max 1e999")]
    [InlineData("rtt-min NaN", "rtt-min NaN")]
    [InlineData("rtt-max 99999999999999999999999", "rtt-max 99999999999999999999999")]
    public void What_cannot_be_used_is_named_and_the_defaults_of_babeld_count(string words, string named)
    {
        RttParameters? rtt = BabelDefaults.RttOf(words, out string? problem);
        Assert.Equal(new RttParameters { MaxPenalty = 96 }, rtt);
        Assert.Contains(named, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Measuring_can_be_switched_off() => Assert.Null(BabelDefaults.RttOf("enable-timestamps false max-rtt-penalty 100", out _));
}
