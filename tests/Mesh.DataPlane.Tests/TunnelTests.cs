using System.Net;

namespace Mesh.DataPlane.Tests;

public sealed class TunnelTests
{
    private static readonly TunnelIndex T = new(1);
    private static readonly DatagramEndpoint Elsewhere = DatagramEndpoint.From(IPEndPoint.Parse("203.0.113.9:9"));
    private readonly Machine _a = new(1), _b = new(2);

    public TunnelTests()
    {
        Machine.Join(_a, _b, 1);
        _a.Publish(Machine.To(2, Route.Through(T)));
        _b.Publish(Machine.To(1, Route.Through(T)));
    }

    [Fact]
    public void Control_payloads_go_to_the_sink_with_their_source()
    {
        Assert.True(_a.Engine.SendControl(T, InnerKind.Babel, "hello"u8, _b.Endpoint));
        Assert.True(_a.Engine.SendControl(T, InnerKind.Probe, default, _b.Endpoint));
        _a.Deliver(_b);
        Assert.Equal(
            [(T, InnerKind.Babel, "68656C6C6F", _a.Endpoint), (T, InnerKind.Probe, "", _a.Endpoint)],
            _b.Output.Control.Select(control => (control.Tunnel, control.Kind, Convert.ToHexString(control.Payload), control.From)));
        Assert.Empty(_b.Output.Moves);
    }

    [Fact]
    public void A_kind_that_is_not_known_is_counted()
    {
        _a.Engine.SendControl(T, (InnerKind)0x3f, "?"u8, _b.Endpoint);
        _a.Deliver(_b);
        Assert.Empty(_b.Output.Control);
        Assert.Equal(1, _b.Drops(DropReason.UnknownKind));
    }

    [Fact]
    public void A_repeated_datagram_is_counted_and_goes_no_further()
    {
        _a.FromHost(Ipv6.Packet(_a.Address, _b.Address));
        byte[] datagram = _a.Output.Datagrams[0].Datagram;
        _b.Engine.HandleDatagram([.. datagram], _a.Endpoint, _b.Now);
        _b.Engine.HandleDatagram([.. datagram], Elsewhere, _b.Now);
        Assert.Single(_b.Output.ToHost);
        Assert.Equal(1, _b.Drops(DropReason.Replayed));
        Assert.Empty(_b.Output.Moves);
    }

    [Fact]
    public void A_peer_that_moved_is_reported_until_the_path_is_changed_but_not_with_every_packet()
    {
        for (int i = 0; i < 10; i++)
            SendFromElsewhere();
        Assert.Equal([(T, Elsewhere)], _b.Output.Moves);
        _b.Now += TimeSpan.FromMilliseconds(100);
        SendFromElsewhere();
        Assert.Equal(2, _b.Output.Moves.Count);

        _b.Engine.SetPath(T, new DataPath.Datagram(Elsewhere.ToIPEndPoint()));
        _b.Now += TimeSpan.FromSeconds(1);
        SendFromElsewhere();
        Assert.Equal(2, _b.Output.Moves.Count);
        Assert.Equal(12, _b.Output.ToHost.Count);
    }

    [Fact]
    public void A_datagram_that_was_overtaken_does_not_say_where_the_peer_is()
    {
        _a.FromHost(Ipv6.Packet(_a.Address, _b.Address));
        _a.FromHost(Ipv6.Packet(_a.Address, _b.Address));
        _b.Engine.HandleDatagram(_a.Output.Datagrams[1].Datagram, _a.Endpoint, _b.Now);
        _b.Engine.HandleDatagram(_a.Output.Datagrams[0].Datagram, Elsewhere, _b.Now);
        Assert.Equal(2, _b.Output.ToHost.Count);
        Assert.Empty(_b.Output.Moves);
    }

    [Fact]
    public void New_keys_lose_nothing_that_is_under_way()
    {
        _a.FromHost(Ipv6.Packet(_a.Address, _b.Address, length: 101));
        _b.Engine.SetKeys(T, Machine.Keys(_b, _a, 1, generation: 1));
        _a.FromHost(Ipv6.Packet(_a.Address, _b.Address, length: 102));
        _a.Engine.SetKeys(T, Machine.Keys(_a, _b, 1, generation: 1));
        _a.FromHost(Ipv6.Packet(_a.Address, _b.Address, length: 103));
        List<(DatagramEndpoint To, byte[] Datagram)> sent = _a.Output.Datagrams;
        foreach (int i in new[] { 0, 2, 1 })   // the last one with the old key is overtaken by the first with the new
            _b.Engine.HandleDatagram(sent[i].Datagram, _a.Endpoint, _b.Now);
        Assert.Equal([101, 103, 102], _b.Output.ToHost.Select(packet => packet.Length));
        Assert.Equal(0, _b.Engine.Counters().TotalDrops);
    }

    [Fact]
    public void The_old_key_is_gone_ten_seconds_after_the_new_one_was_used()
    {
        _a.FromHost(Ipv6.Packet(_a.Address, _b.Address));
        byte[] old = _a.Output.Datagrams[0].Datagram;
        _a.Output.Datagrams.Clear();
        _b.Engine.SetKeys(T, Machine.Keys(_b, _a, 1, generation: 1));
        _a.Engine.SetKeys(T, Machine.Keys(_a, _b, 1, generation: 1));
        _b.Now += TimeSpan.FromHours(1);   // unused, the new key does not displace the old one, however long that takes
        Send();
        _b.Now += TimeSpan.FromSeconds(11);
        Send();
        _b.Engine.HandleDatagram(old, _a.Endpoint, _b.Now);
        Assert.Equal(2, _b.Output.ToHost.Count);
        Assert.Equal(1, _b.Engine.Counters().TotalDrops);
    }

    [Fact]
    public void Setting_the_same_keys_again_never_repeats_a_counter()
    {
        Send();
        _a.Engine.SetKeys(T, Machine.Keys(_a, _b, 1) with { ReceiverIndex = 77 });
        _a.FromHost(Ipv6.Packet(_a.Address, _b.Address));
        Assert.Equal("0000004D" + "0000000000000001", Convert.ToHexString(_a.Output.Datagrams[0].Datagram.AsSpan(0, 12)));
    }

    [Fact]
    public void A_receive_key_that_stays_keeps_its_replay_window()
    {
        _a.FromHost(Ipv6.Packet(_a.Address, _b.Address));
        byte[] datagram = _a.Output.Datagrams[0].Datagram;
        _b.Engine.HandleDatagram([.. datagram], _a.Endpoint, _b.Now);
        _b.Engine.SetKeys(T, Machine.Keys(_b, _a, 1) with { SendKey = new byte[32] });
        _b.Engine.HandleDatagram([.. datagram], _a.Endpoint, _b.Now);
        Assert.Equal(1, _b.Drops(DropReason.Replayed));
    }

    [Fact]
    public void A_tunnel_without_keys_or_path_drops_and_counts()
    {
        _a.Engine.AddTunnel(new TunnelIndex(2));
        _a.Publish(Machine.To(2, Route.Through(new TunnelIndex(2))));
        _a.FromHost(Ipv6.Packet(_a.Address, _b.Address));
        _a.Engine.SetPath(new TunnelIndex(2), new DataPath.Datagram(_b.IPEndPoint));
        _a.FromHost(Ipv6.Packet(_a.Address, _b.Address));
        Assert.False(_a.Engine.SendControl(new TunnelIndex(2), InnerKind.Probe, default, _b.Endpoint));
        _a.Engine.HandleDatagram([0, 0, 0, 2, .. new byte[36]], _b.Endpoint, _a.Now);
        Assert.Equal((1, 3), (_a.Drops(DropReason.NoPath), _a.Drops(DropReason.NoKeys)));
    }

    [Fact]
    public void Datagrams_for_a_removed_tunnel_are_counted_and_its_index_can_be_used_again()
    {
        _a.FromHost(Ipv6.Packet(_a.Address, _b.Address));
        _b.Engine.RemoveTunnel(T);
        _b.Engine.RemoveTunnel(T);
        _a.Deliver(_b);
        Assert.Equal(1, _b.Drops(DropReason.UnknownReceiver));
        Assert.Null(_b.Engine.CountersOf(T));
        _b.FromHost(Ipv6.Packet(_b.Address, _a.Address));
        Assert.Equal(1, _b.Drops(DropReason.NoTunnel));
        _b.Engine.AddTunnel(T);
        Assert.Throws<ArgumentException>(() => _b.Engine.AddTunnel(T));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(DataPlaneEngine.MaxTunnels + 1)]
    public void A_tunnel_index_out_of_range_is_refused(int index)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _a.Engine.AddTunnel(new TunnelIndex(index)));
        Assert.Throws<ArgumentException>(() => _a.Engine.SetPath(new TunnelIndex(index), new DataPath.None()));
        Assert.False(_a.Engine.SendControl(new TunnelIndex(index), InnerKind.Probe, default, _b.Endpoint));
    }

    [Fact]
    public void The_highest_tunnel_index_works()
    {
        Machine.Join(_a, _b, DataPlaneEngine.MaxTunnels);
        _a.Engine.SendControl(new TunnelIndex(DataPlaneEngine.MaxTunnels), InnerKind.Probe, "top"u8, _b.Endpoint);
        _a.Deliver(_b);
        Assert.Single(_b.Output.Control);
    }

    [Fact]
    public void Packets_take_the_stream_where_the_path_says_so()
    {
        var stream = new StreamId(9);
        _a.Engine.SetPath(T, new DataPath.Stream(stream));
        _b.Engine.BindStream(T, stream);
        byte[] packet = Ipv6.Packet(_a.Address, _b.Address, length: 9000);
        _a.FromHost([.. packet]);
        Assert.Equal(stream, Assert.Single(_a.Output.OnStream).Stream);
        Assert.Equal(packet, _a.Output.OnStream[0].Packet);
        _b.Engine.HandleStreamPacket(stream, [.. packet], _b.Now);
        Assert.Equal([packet], _b.Output.ToHost);

        _b.Engine.UnbindStream(stream);
        _b.Engine.HandleStreamPacket(stream, [.. packet], _b.Now);
        _b.Engine.BindStream(T, stream);
        _b.Engine.RemoveTunnel(T);
        _b.Engine.HandleStreamPacket(stream, [.. packet], _b.Now);
        Assert.Equal(2, _b.Drops(DropReason.UnboundStream));
    }

    [Theory]
    [InlineData(1279)]
    [InlineData(65_536)]
    public void A_path_mtu_out_of_range_is_our_mistake(int mtu) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _a.Engine.SetPath(T, new DataPath.Datagram(_b.IPEndPoint, mtu)));

    [Fact]
    public void Endpoints_survive_the_way_there_and_back()
    {
        foreach (string text in new[] { "192.0.2.1:4000", "[2001:db8::1]:65535", "[fe80::1%3]:1" })
            Assert.Equal(IPEndPoint.Parse(text), DatagramEndpoint.From(IPEndPoint.Parse(text)).ToIPEndPoint());
        Assert.Equal(DatagramEndpoint.From(IPEndPoint.Parse("192.0.2.1:1")), DatagramEndpoint.From(IPEndPoint.Parse("[::ffff:192.0.2.1]:1")));
    }

    private void Send()
    {
        _a.FromHost(Ipv6.Packet(_a.Address, _b.Address));
        _a.Deliver(_b);
    }

    private void SendFromElsewhere()
    {
        _a.FromHost(Ipv6.Packet(_a.Address, _b.Address));
        _b.Engine.HandleDatagram(_a.Output.Datagrams[^1].Datagram, Elsewhere, _b.Now);
    }

    [Fact]
    public void A_tunnel_is_silent_where_packets_are_sent_for_a_second_and_nothing_comes()
    {
        byte[] packet = Ipv6.Packet(_a.Address, _b.Address);
        Send(0);
        Send(999);
        Assert.Empty(_a.Output.Silences);
        Send(1000);
        Assert.Equal([T], _a.Output.Silences);
        Send(1500);
        Send(1999);
        Assert.Single(_a.Output.Silences);
        Send(2000);
        Assert.Equal(2, _a.Output.Silences.Count);

        // Anything that comes is an answer, and an idle time is no silence.
        _b.FromHost(Ipv6.Packet(_b.Address, _a.Address));
        _b.Deliver(_a);
        Send(20_000);
        Send(20_900);
        Assert.Equal(2, _a.Output.Silences.Count);

        void Send(int milliseconds)
        {
            _a.Now = TimeSpan.FromMilliseconds(milliseconds);
            _a.FromHost([.. packet]);
        }
    }

    [Fact]
    public void A_key_that_has_sealed_so_much_is_reported_once_a_second_until_there_is_another()
    {
        Machine a = new(1), b = new(2, DataPlaneOptions.Default with { WornAfter = 100 });
        Machine.Join(a, b, 1);
        a.Publish(Machine.To(2, Route.Through(T)));
        Send(100);
        Assert.Empty(b.Output.WornKeys);
        Send(50);
        Assert.Equal([T], b.Output.WornKeys);
        b.Now += TimeSpan.FromSeconds(1);
        Send(50);
        Assert.Equal(2, b.Output.WornKeys.Count);

        a.Engine.SetKeys(T, Machine.Keys(a, b, 1, generation: 1));
        b.Engine.SetKeys(T, Machine.Keys(b, a, 1, generation: 1));
        b.Now += TimeSpan.FromSeconds(1);
        Send(100);
        Assert.Equal(2, b.Output.WornKeys.Count);

        void Send(int count)
        {
            for (int i = 0; i < count; i++)
                a.FromHost(Ipv6.Packet(a.Address, b.Address));
            a.Deliver(b);
        }
    }
}
