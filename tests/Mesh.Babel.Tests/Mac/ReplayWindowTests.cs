using Mesh.Babel.Mac;
using Mesh.Babel.Tests.Network;

namespace Mesh.Babel.Tests.Mac;

public sealed class ReplayWindowTests
{
    /// <summary>Against the obvious: a set of all that was ever seen.</summary>
    [Theory]
    [InlineData(0u)]
    [InlineData(1000u)]
    [InlineData(uint.MaxValue - 3000)]
    public void It_agrees_with_a_list_of_everything_that_was_seen(uint start)
    {
        var random = new SeededRandom(start);
        var window = new ReplayWindow(start);
        var seen = new HashSet<uint>();
        uint highest = start;
        int accepted = 0;
        for (int i = 0; i < 20_000; i++)
        {
            long pick = random.Chance(0.02) ? highest + random.Below(300) : (long)highest + random.Below(140) - 136;
            uint counter = (uint)Math.Clamp(pick, 0, uint.MaxValue);
            bool isOld = counter <= start || (highest >= counter && highest - counter >= ReplayWindow.Size) || seen.Contains(counter);
            Assert.True(isOld == window.IsOld(counter), $"{counter} with {highest} as the highest");
            if (isOld)
                continue;
            window.Accept(counter);
            seen.Add(counter);
            highest = Math.Max(highest, counter);
            accepted++;
        }

        Assert.True(accepted > 500, $"only {accepted} were accepted");
    }
}
