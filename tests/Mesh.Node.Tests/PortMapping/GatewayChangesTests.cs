using System.Net;
using Mesh.Node.PortMapping;
using Mesh.Node.Ports;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.PortMapping;

namespace Mesh.Node.Tests.PortMapping;

/// <summary>Gateways come, go and change; the node stops.</summary>
public sealed class GatewayChangesTests
{
    private static readonly PortMappingOptions Pcp = MappingWorld.Options(PortMappingMethod.Pcp);
    private static readonly Gateway Other = new(IPAddress.Parse("192.168.7.1"), IPAddress.Parse("192.168.7.20"));

    [Fact]
    public void Without_a_gateway_it_is_looked_for_more_and_more_seldom_and_at_once_when_routes_change()
    {
        var world = new MappingWorld(Pcp, findsGateway: false);
        List<double> times = [];
        for (int searches = world.Port5351.Searches; world.Kit.Now < TimeSpan.FromHours(4); world.Advance(TimeSpan.FromSeconds(5)))
        {
            if (world.Status.State == PortMappingState.Searching)
                world.Tell(new GatewayMissing("there is no default route to a gateway"));
            if (world.Port5351.Searches == searches)
                continue;
            times.Add(world.Kit.Now.TotalMinutes);
            searches = world.Port5351.Searches;
        }

        Assert.InRange(times.Count, 6, 11);
        Assert.InRange(times[1] - times[0], 1, 4);
        Assert.Equal("there is no default route to a gateway", world.Status.Problem);
        Assert.DoesNotContain(world.Kit.Log.Entries, static e => e.Level > Actors.LogLevel.Debug);
        int before = world.Port5351.Searches;
        world.Tell(new UnderlayChanged());
        Assert.Equal(before + 1, world.Port5351.Searches);
    }

    [Fact]
    public void A_machine_with_a_public_address_asks_nobody()
    {
        var world = new MappingWorld(Pcp, findsGateway: false);
        world.Find(new Gateway(IPAddress.Parse("198.51.100.1"), IPAddress.Parse("198.51.100.2")));
        Assert.Equal(PortMappingState.Resting, world.Status.State);
        Assert.Empty(world.Port5351.Attached);
    }

    [Fact]
    public void After_a_change_of_the_underlay_the_same_gateway_is_asked_whether_it_is_there_and_the_mapping_stays()
    {
        MappingWorld world = Mapped();
        world.Tell(new UnderlayChanged());
        world.Find(MappingWorld.Gateway);
        Assert.Equal((PortMappingState.Mapped, PcpOpcode.Announce), (world.Status.State, world.LastPcp().Opcode));
        world.Listener.ExpectNoMsg(TimeSpan.Zero);
    }

    [Fact]
    public void Another_gateway_takes_the_old_address_away_and_is_asked_itself()
    {
        MappingWorld world = Mapped();
        world.Tell(new UnderlayChanged());
        world.Tell(new GatewayFound(Other));
        Assert.Equal(AddressList.Empty, world.Listener.ExpectMsg<MappedAddressesChanged>().Addresses);
        world.Find(Other);
        Assert.Equal(Other, world.Port5351.Attached[^1]);
        Assert.Equal(MappingWorld.Embed(Other.Local), world.LastPcp().Client);
    }

    [Fact]
    public void A_gateway_that_is_heard_while_nothing_is_mapped_is_asked_but_not_all_the_time()
    {
        var world = new MappingWorld(Pcp);
        world.Tell(new GatewayRefused("nobody listens there"));
        byte[] announcement = new PcpResponse(PcpOpcode.Announce, PcpResult.Success, TimeSpan.Zero, 0, null).Encode();
        world.Hear(announcement, isAnnouncement: true);
        Assert.Equal(PortMappingState.Resting, world.Status.State);   // just now it did not
        world.Advance(TimeSpan.FromSeconds(11));
        world.Hear(announcement, new IPEndPoint(IPAddress.Parse("10.1.0.66"), 5351), isAnnouncement: true);
        Assert.Equal(PortMappingState.Resting, world.Status.State);   // somebody else
        world.Hear(announcement, isAnnouncement: true);
        Assert.Equal(PortMappingState.Searching, world.Status.State);
    }

    [Fact]
    public void When_the_node_stops_the_mappings_are_ended_and_the_next_time_another_nonce_is_drawn()
    {
        MappingWorld world = Mapped();
        PcpNonce nonce = world.LastPcp().Map!.Value.Nonce;
        world.Sent();
        world.Asker.Send(world.Actor, new ReleasePortMappings());
        Assert.Equal(AddressList.Empty, world.Listener.ExpectMsg<MappedAddressesChanged>().Addresses);
        Assert.Equal((TimeSpan.Zero, TransportProtocol.Tcp, nonce, (ushort)0), (world.LastPcp().Lifetime, world.LastPcp().Map!.Value.Protocol, world.LastPcp().Map!.Value.Nonce, world.LastPcp().Map!.Value.ExternalPort));
        world.Grant(110);
        world.Grant(110);
        world.Asker.ExpectMsg<PortMappingsReleased>();
        Assert.Equal(PortMappingState.Released, world.Status.State);
        world.Advance(TimeSpan.FromSeconds(1));
        var entropy = new Doubles.CountingEntropy();
        entropy.Fill(new byte[1]);
        Assert.NotEqual(nonce, new MappingWorld(Pcp, world.Disk, entropy).LastPcp().Map!.Value.Nonce);
        // There is nothing more to end.
        world.Asker.Send(world.Actor, new ReleasePortMappings());
        world.Asker.ExpectMsg<PortMappingsReleased>();
    }

    [Fact]
    public void A_gateway_that_does_not_answer_does_not_keep_the_node_from_stopping_and_is_told_more_than_once()
    {
        MappingWorld world = Mapped();
        world.Sent();
        world.Asker.Send(world.Actor, new ReleasePortMappings());
        world.Asker.ExpectMsg<PortMappingsReleased>(ReleasePortMappings.Limit + TimeSpan.FromMilliseconds(1));
        Assert.True(world.Sent().Length >= 3);
        Assert.Equal(1, world.Disk.CountOf("port-mapping") - 1);   // it is remembered, to be taken over
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Told_to_release_before_there_is_a_mapping_it_ends_what_it_has_asked_for(bool hasAsked)
    {
        var world = new MappingWorld(Pcp, findsGateway: hasAsked);
        world.Asker.Send(world.Actor, new ReleasePortMappings());
        if (hasAsked)
        {
            Assert.Equal(TimeSpan.Zero, world.LastPcp().Lifetime);
            world.Grant(100);
        }

        world.Asker.ExpectMsg<PortMappingsReleased>();
    }

    [Fact]
    public void Who_was_restarted_is_told_the_addresses_again()
    {
        MappingWorld world = Mapped();
        world.Kit.System.EventStream.Publish(new MappedAddressesWanted(world.Asker.Ref));
        Assert.Equal("198.51.100.7,6626,mesh", world.Asker.ExpectMsg<MappedAddressesChanged>().Addresses.ToString());
    }

    private static MappingWorld Mapped()
    {
        var world = new MappingWorld(Pcp);
        world.Grant(100);
        world.Grant(100);
        Assert.Equal("198.51.100.7,6626,mesh", world.Listener.ExpectMsg<MappedAddressesChanged>().Addresses.ToString());
        return world;
    }
}
