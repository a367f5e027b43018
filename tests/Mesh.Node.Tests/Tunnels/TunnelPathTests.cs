using System.Net;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels;

public sealed class TunnelPathTests
{
    private static readonly IPEndPoint Elsewhere = new(IPAddress.Parse("203.0.113.9"), 40_000);

    private static readonly TunnelOptions Options = new() { UdpPort = 1326 };

    [Fact]
    public void A_client_sends_in_the_stream_until_a_probe_has_come_back()
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        Assert.Equal(new DataPath.Stream(world.Stream), Assert.Single(world.DataPlane.Paths).Path);
        Assert.Equal([1UL], world.TakeProbes());
        world.Kit.Advance(TimeSpan.FromMilliseconds(40));
        world.ProbeReply(1);
        Assert.Equal(new DataPath.Datagram(TunnelWorld.PeerDatagrams), world.DataPlane.Paths[^1].Path);
        TunnelStatus status = world.Status.FishForMsg<TunnelStatus>(s => s.Path == TunnelPathKind.Datagram);
        Assert.Equal(TimeSpan.FromMilliseconds(40), status.RoundTrip);
        SentFrame report = Assert.Single(world.TakeSent());
        Assert.True(PathReport.TryDecode(report.Payload.Span, out PathReport said) && report.Kind == PathReport.Kind);
        Assert.Equal(new PathReport(PathState.Validated, 7, 1448), said);
    }

    [Fact]
    public void Probes_go_fast_at_first_then_seldom_where_datagrams_do_not_pass()
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        world.Kit.Advance(Options.FastProbeInterval * Options.FastProbes);
        Assert.Equal(Options.FastProbes + 1, world.TakeProbes().Count);
        // The control stream lives, so the tunnel stays.
        for (int i = 0; i < 30; i++)
        {
            world.Kit.Advance(TimeSpan.FromSeconds(10));
            world.Frame(new KeepAlive(1, IsEcho: true).Encode);
        }

        Assert.Equal(10, world.TakeProbes().Count);
        Assert.Equal(new DataPath.Stream(world.Stream), Assert.Single(world.DataPlane.Paths).Path);
    }

    [Fact]
    public void A_round_trip_longer_than_the_probe_interval_validates_too()
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        world.Kit.Advance(TimeSpan.FromMilliseconds(700));
        world.ProbeReply(1);
        Assert.Equal(new DataPath.Datagram(TunnelWorld.PeerDatagrams), world.DataPlane.Paths[^1].Path);
        Assert.Equal(TimeSpan.FromMilliseconds(700), world.Status.FishForMsg<TunnelStatus>(s => s.Path == TunnelPathKind.Datagram).RoundTrip);
    }

    [Theory]
    [InlineData("it was answered already")]
    [InlineData("it comes too late")]
    [InlineData("it was never sent")]
    [InlineData("it is too short")]
    [InlineData("it is too long")]
    public void A_reply_says_nothing_where(string why)
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        switch (why)
        {
            case "it was answered already":
                world.ProbeReply(1);
                world.Kit.Advance(TimeSpan.FromSeconds(1));
                world.Status.ReceiveAll();
                world.ProbeReply(1);
                Assert.Empty(world.Status.ReceiveAll());
                return;
            case "it comes too late":
                world.Kit.Advance(TimeSpan.FromMilliseconds(3_050));
                world.ProbeReply(1);
                break;
            case "it was never sent":
                world.ProbeReply(2);
                break;
            case "it is too short":
                world.Datagram(InnerKind.ProbeReply, new byte[7]);
                break;
            case "it is too long":
                world.Datagram(InnerKind.ProbeReply, new byte[9]);
                break;
        }

        Assert.IsType<DataPath.Stream>(Assert.Single(world.DataPlane.Paths).Path);
    }

    [Fact]
    public void Packets_go_back_into_the_stream_after_lost_probes_and_into_datagrams_after_an_answer()
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        world.ProbeReply(1);
        world.TakeSent();
        world.TakeProbes();
        // Probe 2 after the usual interval; when its answer is missing the next ones go fast.
        world.Kit.Advance(Options.ProbeInterval);
        world.Kit.Advance(Options.FastProbeInterval * 2);
        Assert.IsType<DataPath.Datagram>(world.DataPlane.Paths[^1].Path);
        world.Kit.Advance(Options.FastProbeInterval);
        Assert.IsType<DataPath.Stream>(world.DataPlane.Paths[^1].Path);
        SentFrame report = Assert.Single(world.TakeSent(), f => f.Kind == PathReport.Kind);
        Assert.True(PathReport.TryDecode(report.Payload.Span, out PathReport said));
        Assert.Equal(PathState.Lost, said.State);
        world.ProbeReply(world.TakeProbes()[^1]);
        Assert.IsType<DataPath.Datagram>(world.DataPlane.Paths[^1].Path);
        report = Assert.Single(world.TakeSent(), f => f.Kind == PathReport.Kind);
        Assert.True(PathReport.TryDecode(report.Payload.Span, out said));
        Assert.Equal(PathState.Validated, said.State);
    }

    [Fact]
    public void A_path_that_carries_short_datagrams_only_is_searched_for_the_longest()
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        const int Width = 1337;
        Play(seconds: 10, Width);

        var path = Assert.IsType<DataPath.Datagram>(world.DataPlane.Paths[^1].Path);
        Assert.InRange(path.Mtu, Width - 8, Width);
        PathReport[] reports = [.. world.TakeSent().Where(static frame => frame.Kind == PathReport.Kind).Select(static frame => PathReport.TryDecode(frame.Payload.Span, out PathReport report) ? report : default)];
        Assert.All(reports, static report => Assert.Equal(PathState.Validated, report.State));
        Assert.Equal(path.Mtu + 28, reports[^1].LargestDatagram);
        // Nothing was sent in datagrams before it was known that they carry what IPv6 asks for.
        Assert.Equal(1280, world.DataPlane.Paths.Select(static set => set.Path).OfType<DataPath.Datagram>().First().Mtu);

        // The path has got wider, and ten minutes later that is seen.
        Play(seconds: 580, width: 1500);
        Assert.Equal(path, world.DataPlane.Paths[^1].Path);
        Play(seconds: 30, width: 1500);
        Assert.Equal(new DataPath.Datagram(TunnelWorld.PeerDatagrams), world.DataPlane.Paths[^1].Path);

        void Play(int seconds, int width)
        {
            for (int i = 0; i < seconds * 10; i++)
            {
                foreach (SentControl probe in world.DataPlane.Sent.Where(static sent => sent.Kind == InnerKind.Probe).ToArray())
                {
                    if (probe.Payload.Length < width)
                        world.Datagram(InnerKind.ProbeReply, probe.Payload);
                }

                world.DataPlane.Sent.Clear();
                world.Kit.Advance(TimeSpan.FromMilliseconds(100));
                world.Frame(new KeepAlive(1, IsEcho: true).Encode);
            }
        }
    }

    [Fact]
    public void While_datagrams_pass_a_client_asks_in_the_stream_seldom_but_soon_again_where_no_answer_comes()
    {
        TunnelWorld world = new TunnelWorld(Options with { RekeyInterval = TimeSpan.FromHours(1) }).Up(isClient: true);
        world.ProbeReply(1);
        Assert.Equal(3, Pass(seconds: 95, answers: true));
        int streams = world.Streams.Connects.Count;
        Assert.Equal(1, Pass(seconds: 30, answers: false));
        Assert.Equal(1, Pass(seconds: 10, answers: false));
        Assert.Equal(streams, world.Streams.Connects.Count);
        Pass(seconds: 10, answers: false);
        Assert.Equal(streams + 1, world.Streams.Connects.Count);

        int Pass(int seconds, bool answers)
        {
            int questions = 0;
            for (int i = 0; i < seconds; i++)
            {
                foreach (SentControl probe in world.DataPlane.Sent.Where(static sent => sent.Kind == InnerKind.Probe).ToArray())
                    world.Datagram(InnerKind.ProbeReply, probe.Payload);
                world.DataPlane.Sent.Clear();
                world.Kit.Advance(TimeSpan.FromSeconds(1));
                foreach (SentFrame frame in world.TakeSent().Where(static frame => frame.Kind == KeepAlive.Kind))
                {
                    Assert.True(KeepAlive.TryDecode(frame.Payload.Span, out KeepAlive asked));
                    questions++;
                    if (answers)
                        world.Frame((asked with { IsEcho = true }).Encode);
                }
            }

            return questions;
        }
    }

    [Fact]
    public void News_for_a_stream_that_was_silent_go_with_a_question()
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        world.ProbeReply(1);
        world.TakeSent();
        NetworkVersion version = NetworkVersion.Initial;
        world.Tell(new TellVersion(version));
        Assert.Equal([VersionNews.Kind], world.TakeSent().Select(static frame => frame.Kind));
        world.Kit.Advance(TimeSpan.FromSeconds(9));
        world.ProbeReply(world.TakeProbes().LastOrDefault());
        world.Kit.Advance(TimeSpan.FromSeconds(2));
        world.TakeSent();
        world.Tell(new TellVersion(version));
        Assert.Equal([VersionNews.Kind, KeepAlive.Kind], world.TakeSent().Select(static frame => frame.Kind));
    }

    [Fact]
    public void A_server_asks_in_the_stream_only_where_it_hears_nothing_there()
    {
        TunnelWorld world = new TunnelWorld(Options with { RekeyInterval = TimeSpan.FromHours(1) }).Up(isClient: false);
        world.Datagram(InnerKind.Probe, TunnelWorld.Number(1), Elsewhere);
        world.Frame(new PathReport(PathState.Validated, 7, 1448).Encode);
        world.TakeSent();
        for (uint i = 1; i <= 6; i++)
        {
            world.Kit.Advance(Options.KeepAliveInterval);
            world.Frame(new KeepAlive(i, IsEcho: false).Encode);
        }

        Assert.Equal(6, Questions(isEcho: true));
        for (int i = 0; i < 4; i++)
        {
            world.Datagram(InnerKind.Probe, TunnelWorld.Number(2), Elsewhere);
            world.Kit.Advance(Options.KeepAliveInterval);
        }

        Assert.Equal(0, Questions(isEcho: false));
        world.Datagram(InnerKind.Probe, TunnelWorld.Number(2), Elsewhere);
        world.Kit.Advance(Options.KeepAliveInterval);
        Assert.Equal(1, Questions(isEcho: false));
        world.Frame(new KeepAlive(1, IsEcho: true).Encode);
        world.Kit.Advance(Options.KeepAliveInterval * 2);   // without a probe
        Assert.Equal(1, Questions(isEcho: false));

        // Of these alone, which are taken.
        int Questions(bool isEcho)
        {
            KeepAlive[] sent = [.. world.TakeSent().Where(static frame => frame.Kind == KeepAlive.Kind)
                .Select(static frame => KeepAlive.TryDecode(frame.Payload.Span, out KeepAlive decoded) ? decoded : throw new InvalidOperationException("malformed"))];
            Assert.All(sent, keepAlive => Assert.Equal(isEcho, keepAlive.IsEcho));
            return sent.Length;
        }
    }

    [Fact]
    public void While_no_packets_are_carried_one_probe_in_a_minute_is_long()
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        world.ProbeReply(1);
        Assert.InRange(LongProbes(minutes: 10), 10, 11);
        world.DataPlane.Traffic[TunnelWorld.Index] = 1;   // and no more
        Assert.InRange(LongProbes(minutes: 10), 11, 12);

        int LongProbes(int minutes)
        {
            int longs = 0, probes = 0;
            for (int i = 0; i < minutes * 600; i++)
            {
                foreach (SentControl probe in world.DataPlane.Sent.Where(static sent => sent.Kind == InnerKind.Probe).ToArray())
                {
                    probes++;
                    longs += probe.Payload.Length > 1_000 ? 1 : 0;
                    world.Datagram(InnerKind.ProbeReply, probe.Payload);
                }

                world.DataPlane.Sent.Clear();
                world.Kit.Advance(TimeSpan.FromMilliseconds(100));
                world.Frame(new KeepAlive(1, IsEcho: true).Encode);
            }

            Assert.InRange(probes, (minutes * 6) - 1, (minutes * 6) + 1);
            return longs;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Packets_get_shorter_where_long_ones_vanish_within_seconds_where_there_are_any(bool isCarrying)
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        world.ProbeReply(1);
        TimeSpan lost = world.Kit.Now, limit = (isCarrying ? Options.ProbeInterval * 2 : Options.IdleConfirmationInterval) + TimeSpan.FromSeconds(2);
        while (((DataPath.Datagram)world.DataPlane.Paths[^1].Path).Mtu == DataPath.DefaultMtu)
        {
            foreach (ulong number in world.TakeProbes())
                world.ShortProbeReply(number);
            world.DataPlane.Traffic[TunnelWorld.Index] = isCarrying ? world.Kit.Now.Ticks : 0;
            world.Kit.Advance(TimeSpan.FromMilliseconds(50));
            world.Frame(new KeepAlive(1, IsEcho: true).Encode);
            Assert.InRange(world.Kit.Now - lost, TimeSpan.Zero, limit);
        }

        Assert.Equal(1280, ((DataPath.Datagram)world.DataPlane.Paths[^1].Path).Mtu);
        Assert.DoesNotContain(world.TakeSent(), static frame => frame.Kind == PathReport.Kind && PathReport.TryDecode(frame.Payload.Span, out PathReport report) && report.State == PathState.Lost);
    }

    [Fact]
    public void A_path_too_narrow_for_IPv6_is_not_used()
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        for (int i = 0; i < 50; i++)
        {
            foreach (ulong number in world.TakeProbes())
                world.ShortProbeReply(number);
            world.Kit.Advance(TimeSpan.FromMilliseconds(100));
        }

        Assert.IsType<DataPath.Stream>(Assert.Single(world.DataPlane.Paths).Path);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_end_that_sends_and_hears_nothing_probes_at_once_and_falls_back(bool isClient)
    {
        TunnelWorld world = new TunnelWorld().Up(isClient);
        if (isClient)
        {
            world.ProbeReply(1);
        }
        else
        {
            world.Datagram(InnerKind.Probe, TunnelWorld.Number(1), Elsewhere);
            world.Frame(new PathReport(PathState.Validated, 7, 1448).Encode);
        }

        world.TakeSent();
        world.TakeProbes();
        world.Tell(new PathSilent(TunnelWorld.Index));
        ulong probe = Assert.Single(world.TakeProbes());
        world.ShortProbeReply(probe);   // the peer has nothing to say, that is all
        if (isClient)
            world.ProbeReply(probe);
        world.Kit.Advance(TimeSpan.FromSeconds(2));
        Assert.IsType<DataPath.Datagram>(world.DataPlane.Paths[^1].Path);

        world.TakeProbes();
        world.Tell(new PathSilent(TunnelWorld.Index));
        world.Tell(new PathSilent(TunnelWorld.Index));
        world.Kit.Advance(Options.FastProbeInterval * Options.LostProbes);
        Assert.IsType<DataPath.Stream>(world.DataPlane.Paths[^1].Path);
        Assert.True(PathReport.TryDecode(world.TakeSent().Last(static frame => frame.Kind == PathReport.Kind).Payload.Span, out PathReport said));
        Assert.Equal(PathState.Lost, said.State);
        world.TakeProbes();
        world.Kit.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(isClient, world.TakeProbes().Count > 0);
    }

    [Fact]
    public void A_client_that_is_told_that_nothing_arrives_probes_anew()
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        world.ProbeReply(1);
        world.TakeProbes();
        world.Frame(new PathReport(PathState.Lost, 99, 0).Encode);
        Assert.IsType<DataPath.Stream>(world.DataPlane.Paths[^1].Path);
        world.ProbeReply(Assert.Single(world.TakeProbes()));
        Assert.IsType<DataPath.Datagram>(world.DataPlane.Paths[^1].Path);
    }

    [Theory]
    [InlineData(1308, 1280)]
    [InlineData(1448, 1420)]
    [InlineData(9000, 1420)]
    [InlineData(0, 1420)]
    public void A_server_sends_what_the_client_says_that_the_path_carries(ushort largestDatagram, int mtu)
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: false);
        world.Datagram(InnerKind.Probe, TunnelWorld.Number(1), Elsewhere);
        world.Frame(new PathReport(PathState.Validated, 7, largestDatagram).Encode);
        Assert.Equal(new DataPath.Datagram(Elsewhere, mtu), world.DataPlane.Paths[^1].Path);
    }

    [Theory]
    [InlineData(0, 1326)]
    [InlineData(1400, 0)]
    public void Nothing_is_probed_where_one_end_has_no_datagrams(ushort peerPort, ushort ownPort)
    {
        TunnelWorld world = new TunnelWorld(new TunnelOptions { UdpPort = ownPort }).Up(isClient: true, peerUdpPort: peerPort);
        world.Kit.Advance(TimeSpan.FromSeconds(5));
        Assert.Empty(world.DataPlane.Sent);
    }

    [Fact]
    public void A_server_does_not_probe_but_answers_where_the_probe_came_from()
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: false);
        world.Kit.Advance(TimeSpan.FromSeconds(5));
        Assert.Empty(world.DataPlane.Sent);
        world.Datagram(InnerKind.Probe, TunnelWorld.Number(5), Elsewhere);
        var answer = Assert.Single(world.DataPlane.Sent);
        Assert.Equal((InnerKind.ProbeReply, Elsewhere), (answer.Kind, answer.To));
        Assert.Equal(TunnelWorld.Number(5), answer.Payload.ToArray());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_server_uses_datagrams_once_the_client_says_so_in_whatever_order_report_and_probe_come(bool reportFirst)
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: false);
        Action[] steps =
        [
            () => world.Frame(new PathReport(PathState.Validated, 7, 0).Encode),
            () => world.Datagram(InnerKind.Probe, TunnelWorld.Number(1), Elsewhere),
        ];
        if (!reportFirst)
            Array.Reverse(steps);
        steps[0]();
        Assert.IsType<DataPath.Stream>(world.DataPlane.Paths[^1].Path);
        steps[1]();
        Assert.Equal(new DataPath.Datagram(Elsewhere), world.DataPlane.Paths[^1].Path);
        world.Frame(new PathReport(PathState.Lost, 7, 0).Encode);
        Assert.Equal(new DataPath.Stream(world.Stream), world.DataPlane.Paths[^1].Path);
    }

    [Fact]
    public void A_server_follows_a_peer_that_moved_and_a_client_does_not()
    {
        TunnelWorld server = new TunnelWorld().Up(isClient: false);
        server.Datagram(InnerKind.Probe, TunnelWorld.Number(1));
        server.Frame(new PathReport(PathState.Validated, 7, 0).Encode);
        server.Tell(new PeerMoved(TunnelWorld.Index, Elsewhere));
        Assert.Equal(new DataPath.Datagram(Elsewhere), server.DataPlane.Paths[^1].Path);
        int paths = server.DataPlane.Paths.Count;
        server.Tell(new PeerMoved(TunnelWorld.Index, Elsewhere));
        Assert.Equal(paths, server.DataPlane.Paths.Count);

        TunnelWorld client = new TunnelWorld().Up(isClient: true);
        client.ProbeReply(1);
        client.Tell(new PeerMoved(TunnelWorld.Index, Elsewhere));
        Assert.Equal(new DataPath.Datagram(TunnelWorld.PeerDatagrams), client.DataPlane.Paths[^1].Path);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Routing_packets_take_the_path_and_come_from_both(bool inDatagrams)
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        if (inDatagrams)
            world.ProbeReply(1);
        world.TakeSent();
        world.DataPlane.Sent.Clear();
        world.Tell(new RoutingPacket(TunnelWorld.Index, new byte[] { 42, 2 }));
        byte[] sent = inDatagrams ? Assert.Single(world.DataPlane.Sent, c => c.Kind == InnerKind.Babel).Payload.ToArray() : Assert.Single(world.TakeSent()).Payload.ToArray();
        Assert.Equal([42, 2], sent);

        world.Datagram(InnerKind.Babel, new byte[] { 1 });
        Assert.Equal([1], world.Router.ExpectMsg<RoutingPacket>().Packet.ToArray());
        world.Frame(0x40, 2);
        Assert.Equal([2], world.Router.ExpectMsg<RoutingPacket>().Packet.ToArray());
    }
}
