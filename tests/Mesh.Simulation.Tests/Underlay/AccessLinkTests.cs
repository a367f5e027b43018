using System.Net;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Tests.Underlay;

public sealed class AccessLinkTests
{
    private const int OctetsOfPacket = 41;   // headers and one octet

    private readonly TestUnderlay _world = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Packets_wait_for_those_before_them_and_those_without_room_drop(bool isUp)
    {
        // A packet takes 10 ms, and 5 more may wait.
        var slow = new AccessLink { Queue = TimeSpan.FromMilliseconds(50), UpBitsPerSecond = isUp ? OctetsOfPacket * 8 * 100 : 0, DownBitsPerSecond = isUp ? 0 : OctetsOfPacket * 8 * 100 };
        Machine from = _world.AddPublic("198.18.0.1", access: isUp ? slow : null), to = _world.AddPublic("198.18.0.2", access: isUp ? null : slow);
        var arrived = _world.Listen(to, 9);
        for (byte i = 0; i < 10; i++)
            TestUnderlay.SendUdp(from, 9, new IPEndPoint(to.Address, 9), i);
        _world.Run(TimeSpan.FromSeconds(1));
        Assert.Equal([0, 1, 2, 3, 4, 5], arrived.Select(static one => (int)one.Octet));
        Assert.Equal(Enumerable.Range(1, 6).Select(static i => 1 + (10 * i)), arrived.Select(static one => (int)Math.Round(one.At.TotalMilliseconds)));
        Assert.Equal((4, 0), (_world.Internet.Dropped, _world.Internet.Lost));
        arrived.Clear();
        TestUnderlay.SendUdp(from, 9, new IPEndPoint(to.Address, 9));
        _world.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(1011, (int)Math.Round(Assert.Single(arrived).At.TotalMilliseconds));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Connections_lose_nothing_where_packets_drop(bool isUp)
    {
        var slow = new AccessLink { Queue = TimeSpan.FromMilliseconds(50), UpBitsPerSecond = isUp ? 100_000 : 0, DownBitsPerSecond = isUp ? 0 : 100_000 };
        Machine from = _world.AddPublic("198.18.0.1", access: isUp ? slow : null), to = _world.AddPublic("198.18.0.2", access: isUp ? null : slow);
        var got = new List<byte>();
        to.Tcp.Listen(80, connection => connection.Received = bytes => got.AddRange(bytes.Span));
        TcpConnection made = from.Tcp.Connect(new IPEndPoint(to.Address, 80));
        _world.Run(TimeSpan.FromSeconds(1));
        for (byte i = 0; i < 20; i++)
            made.Send([.. Enumerable.Repeat(i, 500)]);
        _world.Run(TimeSpan.FromMinutes(1));
        Assert.Equal(Enumerable.Range(0, 20).SelectMany(static i => Enumerable.Repeat((byte)i, 500)), got);
        Assert.InRange(_world.Internet.Dropped, 1, 1000);
    }

    [Fact]
    public void A_lossy_line_loses_in_both_directions_and_no_others_packets()
    {
        Machine lossy = _world.AddPublic("198.18.0.1", access: new AccessLink { Loss = 0.5 }), a = _world.AddPublic("198.18.0.2"), b = _world.AddPublic("198.18.0.3");
        var arrived = new[] { lossy, a, b }.ToDictionary(static machine => machine, machine => _world.Listen(machine, 9));
        foreach ((Machine from, Machine to) in new[] { (lossy, a), (a, lossy), (a, b) })
        {
            for (int i = 0; i < 400; i++)
                TestUnderlay.SendUdp(from, 9, new IPEndPoint(to.Address, 9));
        }

        _world.Run(TimeSpan.FromSeconds(1));
        Assert.InRange(arrived[a].Count, 150, 250);
        Assert.InRange(arrived[lossy].Count, 150, 250);
        Assert.Equal(400, arrived[b].Count);
    }

    [Fact]
    public void Jitter_of_a_line_comes_on_top()
    {
        Machine shaky = _world.AddPublic("198.18.0.1", access: new AccessLink { Jitter = TimeSpan.FromMilliseconds(100) }), to = _world.AddPublic("198.18.0.2");
        var arrived = _world.Listen(to, 9);
        for (int i = 0; i < 200; i++)
            TestUnderlay.SendUdp(shaky, 9, new IPEndPoint(to.Address, 9));
        _world.Run(TimeSpan.FromSeconds(1));
        Assert.InRange(arrived.Min(static one => one.At.TotalMilliseconds), 1, 10);
        Assert.InRange(arrived.Max(static one => one.At.TotalMilliseconds), 90, 101);
    }
}
