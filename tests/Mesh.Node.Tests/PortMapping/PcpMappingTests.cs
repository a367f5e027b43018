using System.Net;
using Mesh.Node.PortMapping;
using Mesh.Node.Ports;
using Mesh.Node.Tunnels;
using Mesh.Protocol.PortMapping;

namespace Mesh.Node.Tests.PortMapping;

public sealed class PcpMappingTests
{
    private static readonly PortMappingOptions Pcp = MappingWorld.Options(PortMappingMethod.Pcp);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public void Both_ports_are_asked_for_one_after_the_other_and_advertised_when_they_are_given()
    {
        var world = new MappingWorld(Pcp);
        Assert.Equal([MappingWorld.Gateway], world.Port5351.Attached);
        var nonce = new PcpNonce(0x0101010101010101, 0x01010101);
        Assert.Equal(
            new PcpRequest(PcpOpcode.Map, Hour, MappingWorld.Embed(MappingWorld.Gateway.Local), new PcpMap(nonce, TransportProtocol.Tcp, 6626, 6626, MappingWorld.Embed(IPAddress.Any))), world.LastPcp());
        Assert.Single(world.Port5351.Sent);
        world.Listener.ExpectNoMsg(TimeSpan.Zero);
        world.Hear(Response(world, TransportProtocol.Tcp, nonce));
        Assert.Equal(TransportProtocol.Udp, world.LastPcp().Map!.Value.Protocol);
        world.Grant(100, port: 7001);
        Assert.Equal("198.51.100.7,7000,mesh", Published(world, udp: 7001));
        Assert.Equal(PortMappingState.Mapped, world.Status.State);
        Assert.Equal([7000, 7001], world.Status.Mappings.Select(static m => (int)m.ExternalPort));
    }

    [Fact]
    public void A_request_is_sent_again_after_three_seconds_and_twice_as_long_and_then_given_up()
    {
        var world = new MappingWorld(Pcp);
        List<TimeSpan> times = [];
        for (TimeSpan step = TimeSpan.FromMilliseconds(100), end = TimeSpan.FromSeconds(40); world.Kit.Now < end; world.Advance(step))
            times.AddRange(world.Sent().Select(_ => world.Kit.Now));
        Assert.Equal(3, times.Count);
        Assert.InRange((times[1] - times[0]).TotalSeconds, 2.6, 3.5);
        Assert.InRange((times[2] - times[1]).TotalSeconds, 4.8, 7.5);
        Assert.Equal((PortMappingState.Resting, 1), (world.Status.State, world.Count(PortMappingCounter.Unanswered)));
        Assert.Equal("Pcp: the gateway 10.1.0.254 does not answer", world.Status.Problem);
        // Quiet about it, and seldom.
        Assert.DoesNotContain(world.Kit.Log.Entries, static e => e.Level > Actors.LogLevel.Debug);
        int before = world.Port5351.Searches;
        world.Advance(TimeSpan.FromSeconds(80));
        Assert.Equal(before + 1, world.Port5351.Searches);
    }

    [Fact]
    public void A_mapping_is_renewed_at_half_of_its_time_then_at_three_quarters_and_lost_at_its_end()
    {
        MappingWorld world = Mapped(TimeSpan.FromMinutes(8));
        world.Sent();
        List<TimeSpan> renewals = [];
        TimeSpan start = world.Kit.Now;
        while (world.Status.State == PortMappingState.Mapped && world.Kit.Now - start < TimeSpan.FromMinutes(10))
        {
            world.Advance(TimeSpan.FromSeconds(1));
            renewals.AddRange(world.Sent().Where(static d => PcpRequest.TryDecode(d, out PcpRequest r) && r.Map is { Protocol: TransportProtocol.Tcp }).Select(_ => world.Kit.Now - start));
        }

        Assert.InRange(renewals[0].TotalSeconds, 239, 242);
        Assert.Contains(renewals, static t => t.TotalSeconds is > 358 and < 385);
        Assert.InRange((world.Kit.Now - start).TotalSeconds, 478, 483);
        Assert.Equal((PortMappingState.Resting, 2), (world.Status.State, world.Count(PortMappingCounter.Lost)));
        Assert.Equal("", Published(world, udp: null));
    }

    [Fact]
    public void A_renewal_that_is_answered_goes_on_for_ever()
    {
        MappingWorld world = Mapped(TimeSpan.FromMinutes(8));
        world.Sent();
        int requests = 0;
        for (uint second = 1; second < 6000; second++)
        {
            world.Advance(TimeSpan.FromSeconds(1));
            for (; world.Port5351.Sent.Count > 0; requests++)
            {
                byte[] asked = world.Sent()[^1];
                world.Port5351.Sent.Add(asked);
                world.Grant(100 + second, TimeSpan.FromMinutes(8));
                world.Port5351.Sent.Remove(asked);
            }
        }

        Assert.InRange(requests, 2 * 24, (2 * 26) + 20);   // both ports every four minutes, and a check every five
        Assert.Equal((PortMappingState.Mapped, 0), (world.Status.State, world.Count(PortMappingCounter.Unexpected)));
        world.Listener.ExpectNoMsg(TimeSpan.Zero);
    }

    [Fact]
    public void A_gateway_that_has_lost_its_state_is_asked_for_everything_again_at_once()
    {
        MappingWorld world = Mapped(Hour);
        world.Advance(Pcp.CheckInterval);
        Assert.Equal(PcpOpcode.Announce, world.LastPcp().Opcode);
        world.Sent();
        world.Hear(new PcpResponse(PcpOpcode.Announce, PcpResult.Success, TimeSpan.Zero, 3, null).Encode());
        Assert.Equal(1, world.Count(PortMappingCounter.GatewayRestarts));
        Assert.Equal(TransportProtocol.Tcp, world.LastPcp().Map!.Value.Protocol);
        Assert.Equal(7000, world.LastPcp().Map!.Value.ExternalPort);   // as before, if it can be had
        world.Grant(3, port: 8000);
        world.Grant(3, port: 7001);
        Assert.Equal("198.51.100.7,8000,mesh", Published(world, udp: 7001));
    }

    [Fact]
    public void What_it_says_to_all_is_answered_after_a_while_and_where_no_answer_comes_the_mappings_are_lost_soon()
    {
        MappingWorld world = Mapped(Hour);
        world.Sent();
        world.Advance(TimeSpan.FromSeconds(10));
        world.Hear(new PcpResponse(PcpOpcode.Announce, PcpResult.Success, TimeSpan.Zero, 0, null).Encode(), isAnnouncement: true);
        Assert.Empty(world.Sent());
        world.Advance(TimeSpan.FromSeconds(5));
        Assert.NotEmpty(world.Sent());
        world.Advance(TimeSpan.FromSeconds(32));
        Assert.Equal("", Published(world, udp: null));
    }

    [Fact]
    public void Answers_of_strangers_with_another_nonce_malformed_or_not_asked_for_are_counted_and_passed_over()
    {
        var world = new MappingWorld(Pcp);
        byte[] right = Response(world, TransportProtocol.Tcp, world.LastPcp().Map!.Value.Nonce);
        world.Hear(right, new IPEndPoint(IPAddress.Parse("10.1.0.9"), 5351));
        world.Hear(right, new IPEndPoint(MappingWorld.Gateway.Address, 1024));
        world.Grant(100, nonce: new PcpNonce(6, 6));
        world.Hear([1, 2, 3]);
        world.Hear(Response(world, TransportProtocol.Udp, world.LastPcp().Map!.Value.Nonce));
        world.Hear(new PcpResponse(PcpOpcode.Announce, PcpResult.Success, TimeSpan.Zero, 1, null).Encode());
        Assert.Equal(PortMappingState.Asking, world.Status.State);
        Assert.Equal(
            [(PortMappingCounter.Strangers, 2), (PortMappingCounter.Malformed, 1), (PortMappingCounter.WrongNonces, 1), (PortMappingCounter.Unexpected, 2)],
            world.Status.Counters.Select(static c => (c.Key, c.Value)));
        Assert.Equal(6, world.Port5351.HandledCount);
        world.Hear(right);
        Assert.Equal(TransportProtocol.Udp, world.LastPcp().Map!.Value.Protocol);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    public void A_mapping_for_next_to_no_time_is_a_refusal(int seconds)
    {
        var world = new MappingWorld(Pcp);
        world.Grant(100, lifetime: TimeSpan.FromSeconds(seconds));
        world.Grant(100, lifetime: TimeSpan.FromSeconds(seconds));
        Assert.Equal((PortMappingState.Resting, 2), (world.Status.State, world.Count(PortMappingCounter.ShortLifetimes)));
        Assert.Empty(world.Status.Mappings);
    }

    [Fact]
    public void A_mapping_for_136_years_is_renewed_within_a_day()
    {
        MappingWorld world = Mapped(TimeSpan.FromSeconds(uint.MaxValue));
        Assert.Equal(2, world.Count(PortMappingCounter.LongLifetimes));
        Assert.All(world.Status.Mappings, static m => Assert.InRange(m.Until!.Value - Identities.Now, TimeSpan.FromHours(23), TimeSpan.FromHours(25)));
    }

    [Theory]
    [InlineData("10.0.0.7")]
    [InlineData("100.64.1.1")]
    [InlineData("192.168.1.1")]
    [InlineData("0.0.0.0")]
    [InlineData("127.0.0.1")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    public void An_external_address_that_others_cannot_reach_is_not_advertised_and_said_once(string address)
    {
        MappingWorld world = Mapped(Hour, IPAddress.Parse(address));
        world.Listener.ExpectNoMsg(TimeSpan.Zero);
        world.Advance(TimeSpan.FromMinutes(31));
        AnswerAll(world, 100 + (31 * 60), IPAddress.Parse(address));
        world.Listener.ExpectNoMsg(TimeSpan.Zero);
        Assert.Single(world.Kit.Log.Entries, e => e.Message.Contains("mapped in vain", StringComparison.Ordinal) && e.Message.Contains(address, StringComparison.Ordinal));
        Assert.Equal(1, world.Count(PortMappingCounter.UnusableAddresses));
        Assert.Contains(address, world.Status.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void In_a_private_underlay_a_private_external_address_is_right_and_an_unspecified_one_is_not()
    {
        MappingWorld world = Mapped(Hour, IPAddress.Parse("10.88.0.2"), Pcp with { AcceptsPrivate = true });
        Assert.Equal("10.88.0.2,7000,mesh", Published(world, udp: 7001));
        world = Mapped(Hour, IPAddress.Any, Pcp with { AcceptsPrivate = true });
        world.Listener.ExpectNoMsg(TimeSpan.Zero);
    }

    [Fact]
    public void Where_only_one_of_the_ports_is_given_that_one_is_kept_and_the_other_asked_for_later()
    {
        var world = new MappingWorld(Pcp);
        world.Grant(100);
        world.Refuse(PcpResult.NoResources, lifetime: TimeSpan.FromMinutes(3));
        Assert.Equal("198.51.100.7,6626,mesh", Published(world, udp: null));
        Assert.Single(world.Status.Mappings);
        world.Sent();
        world.Advance(TimeSpan.FromMinutes(3) + TimeSpan.FromSeconds(1));
        Assert.Equal(TransportProtocol.Udp, world.LastPcp().Map!.Value.Protocol);
        world.Grant(281);
        Assert.Equal("198.51.100.7,6626,mesh", Published(world, udp: 6626));
    }

    [Fact]
    public void A_renewal_that_is_refused_for_good_takes_the_address_away_and_one_that_is_refused_for_now_does_not()
    {
        MappingWorld world = Mapped(Hour);
        world.Advance(TimeSpan.FromMinutes(30));
        while (world.LastPcp().Opcode == PcpOpcode.Announce)
            world.Grant(1900);
        world.Refuse(PcpResult.NetworkFailure, 1900);
        world.Listener.ExpectNoMsg(TimeSpan.Zero);
        world.Refuse(PcpResult.NotAuthorized, 1900);   // UDP
        Assert.Equal("198.51.100.7,7000,mesh", Published(world, udp: null));
    }

    [Fact]
    public void After_a_crash_the_same_nonce_and_ports_are_asked_for_and_what_is_not_wanted_any_more_is_ended()
    {
        MappingWorld world = Mapped(Hour);
        PcpNonce nonce = world.LastPcp().Map!.Value.Nonce;
        world.Advance(TimeSpan.FromSeconds(1));
        PortMappingOptions other = Pcp with { Ports = [Pcp.Ports[0]] };
        var again = new MappingWorld(other, world.Disk, new Doubles.CountingEntropy());
        Assert.Equal((nonce, (ushort)7000), (again.LastPcp().Map!.Value.Nonce, again.LastPcp().Map!.Value.ExternalPort));
        again.Grant(200);
        PcpRequest end = again.LastPcp();
        Assert.Equal((TimeSpan.Zero, TransportProtocol.Udp, nonce), (end.Lifetime, end.Map!.Value.Protocol, end.Map.Value.Nonce));
        again.Grant(200);
        Assert.Single(again.Status.Mappings);
    }

    [Fact]
    public void Nothing_is_asked_before_the_nonce_is_stored()
    {
        var world = new MappingWorld(Pcp, findsGateway: false);
        world.Tell(new GatewayFound(MappingWorld.Gateway));
        Assert.Empty(world.Port5351.Sent);
        world.Advance(TimeSpan.FromMilliseconds(10));
        Assert.NotEmpty(world.Port5351.Sent);
        Assert.Equal(1, world.Disk.CountOf("port-mapping"));
    }

    [Fact]
    public void Each_gateway_gets_a_nonce_of_its_own_and_only_the_last_ones_are_remembered()
    {
        var world = new MappingWorld(Pcp);
        HashSet<PcpNonce> nonces = [world.LastPcp().Map!.Value.Nonce];
        for (byte i = 1; i <= RememberedGatewaysActor.Capacity; i++)
        {
            world.Tell(new UnderlayChanged());
            world.Find(new Gateway(new IPAddress([10, 2, i, 254]), new IPAddress([10, 2, i, 1])));
            Assert.True(nonces.Add(world.LastPcp().Map!.Value.Nonce));
        }

        var again = new MappingWorld(Pcp, world.Disk, new Doubles.CountingEntropy(), findsGateway: false);
        again.Find(new Gateway(IPAddress.Parse("10.2.1.254"), IPAddress.Parse("10.2.1.1")));
        Assert.Contains(again.LastPcp().Map!.Value.Nonce, nonces);
    }

    private static MappingWorld Mapped(TimeSpan lifetime, IPAddress? external = null, PortMappingOptions? options = null)
    {
        var world = new MappingWorld(options ?? Pcp);
        world.Grant(100, lifetime, port: 7000, external);
        world.Grant(100, lifetime, port: 7001, external);
        Assert.Equal(PortMappingState.Mapped, world.Status.State);
        if (external is null)
            Published(world, udp: 7001);
        return world;
    }

    private static void AnswerAll(MappingWorld world, uint epoch, IPAddress? external = null)
    {
        for (int i = 0; i < 3; i++)
        {
            if (world.Port5351.Sent.Count > 0)
                world.Grant(epoch, external: external);
        }
    }

    private static byte[] Response(MappingWorld world, TransportProtocol protocol, PcpNonce nonce)
    {
        var map = new PcpMap(nonce, protocol, MappingWorld.Port, 7000, MappingWorld.Embed(MappingWorld.External));
        return new PcpResponse(PcpOpcode.Map, PcpResult.Success, Hour, 100, map).Encode();
    }

    private static string Published(MappingWorld world, ushort? udp)
    {
        var last = (MappedAddressesChanged)world.Listener.ReceiveAll()[^1];
        Assert.Equal(udp, last.UdpPort);
        return last.Addresses.ToString();
    }
}
