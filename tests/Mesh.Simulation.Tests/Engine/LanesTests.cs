using System.Net;
using Mesh.Simulation.Engine;
using Mesh.Simulation.Ranks;
using Mesh.Simulation.Tests.Ranks;
using Mesh.Simulation.Tests.Underlay;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Tests.Engine;

/// <summary>Several lanes computed side by side give what one gives.</summary>
public sealed class LanesTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Packets_that_are_passed_on_arrive_when_and_in_the_order_in_which_they_do_with_one_lane(int workers)
    {
        Assert.Equal(PassOn(1), PassOn(workers));
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(4, 1)]
    public void Packets_that_are_passed_on_between_processes_arrive_when_and_in_the_order_in_which_they_do_in_one(int ranks, int workers)
    {
        List<(TimeSpan, int, byte)> alone = PassOn(1);
        List<(TimeSpan At, int Machine, byte Octet)>[] parts = ThreadRanks.Run(ranks, link => PassOn(workers, link));
        Assert.All(parts, static part => Assert.NotEmpty(part));   // each computes some of it
        Assert.Equal(alone, parts.SelectMany(static part => part).OrderBy(static one => one.Machine));   // stable: of one machine all are of one rank
    }

    [Fact]
    public void What_the_script_does_stands_between_the_windows()
    {
        using var world = new TestUnderlay(workers: 3);
        Machine a = world.AddPublic("198.18.0.1"), b = world.AddPublic("198.18.0.2");
        var arrived = world.Listen(b, 9);
        for (int i = 0; i < 100; i++)
        {
            int number = i;
            world.Engine.At(Second + TimeSpan.FromMicroseconds(300 * i), () =>
            {
                Assert.Equal(Second + TimeSpan.FromMicroseconds(300 * number), world.Engine.Now);
                TestUnderlay.SendUdp(a, 1, new IPEndPoint(b.Address, 9), (byte)number);
            });
        }

        world.Run(Second * 2);
        Assert.Equal(Enumerable.Range(0, 100), arrived.Select(static packet => (int)packet.Octet));
        Assert.Equal(Enumerable.Range(0, 100).Select(static i => Second + TimeSpan.FromMicroseconds(1000 + (300 * i))), arrived.Select(static packet => packet.At));
    }

    [Fact]
    public void A_way_that_is_shorter_than_was_promised_is_an_error_and_not_another_result()
    {
        using var world = new TestUnderlay(workers: 2, lookahead: TimeSpan.FromMilliseconds(5));
        Machine a = world.AddPublic("198.18.0.1"), b = world.AddPublic("198.18.0.2");
        a.ListenUdp(7, packet => TestUnderlay.SendUdp(a, 1, new IPEndPoint(b.Address, 9)));
        TestUnderlay.SendUdp(b, 1, new IPEndPoint(a.Address, 7));
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => world.Run(Second));
        Assert.Contains("198.18.0.1 to 198.18.0.2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_in_a_lane_reaches_the_caller_and_time_goes_on_after_the_threads_have_ended()
    {
        using var world = new TestUnderlay(workers: 4);
        Machine a = world.AddPublic("198.18.0.1"), b = world.AddPublic("198.18.0.2");
        b.ListenUdp(9, static _ => throw new InvalidDataException("an error of the test"));
        TestUnderlay.SendUdp(a, 1, new IPEndPoint(b.Address, 9));
        Assert.Throws<InvalidDataException>(() => world.Run(Second));
        var arrived = world.Listen(b, 10);
        world.Engine.Dispose();
        TestUnderlay.SendUdp(a, 1, new IPEndPoint(b.Address, 10), 42);
        world.Run(Second * 2);
        Assert.Equal(42, Assert.Single(arrived).Octet);
    }

    // Forty machines that pass each packet on to two others, until its number is used up: a thousand packets a window in the end.
    private static List<(TimeSpan At, int Machine, byte Octet)> PassOn(int workers, IRankLink? ranks = null)
    {
        using var world = new TestUnderlay(new InternetOptions(), workers: workers, ranks: ranks);
        Machine[] machines = [.. Enumerable.Range(1, 40).Select(i => world.AddPublic($"198.18.0.{i}", new Place(i % 7, i % 5)))];
        var logs = machines.Select(static _ => new List<(TimeSpan, int, byte)>()).ToArray();
        for (int i = 0; i < machines.Length; i++)
        {
            int number = i;
            machines[i].ListenUdp(9, packet =>
            {
                byte left = packet.Payload.Span[0];
                logs[number].Add((machines[number].WorldTime, number, left));
                if (left == 0)
                    return;
                TestUnderlay.SendUdp(machines[number], 1, new IPEndPoint(machines[((number * 7) + left) % machines.Length].Address, 9), (byte)(left - 1));
                TestUnderlay.SendUdp(machines[number], 1, new IPEndPoint(machines[((number * 3) + 1) % machines.Length].Address, 9), (byte)(left - 1));
            });
        }

        TestUnderlay.SendUdp(machines[0], 1, new IPEndPoint(machines[1].Address, 9), 13);
        world.Run(Second);
        Assert.Equal((1 << 14) - 1, world.Engine.SumOfRanks(logs.Sum(static log => log.Count)));
        return [.. logs.SelectMany(static log => log)];
    }
}
