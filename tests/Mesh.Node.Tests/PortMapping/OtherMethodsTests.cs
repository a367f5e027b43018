using System.Net;
using Mesh.Node.PortMapping;
using Mesh.Node.Ports;
using Mesh.Protocol.PortMapping;

namespace Mesh.Node.Tests.PortMapping;

/// <summary>NAT-PMP, UPnP, and which of them is taken.</summary>
public sealed class OtherMethodsTests
{
    private const string Device = " desc: http://10.1.0.254:5000/rootDesc.xml\n", Foreign = " desc: http://10.1.0.66:80/evil.xml\n", Valid = "Found valid IGD : http://10.1.0.254:5000/ctl\n", Outside = "ExternalIPAddress = 198.51.100.7\n";
    private const string Url = "http://10.1.0.254:5000/rootDesc.xml";

    private static readonly PortMappingOptions All = MappingWorld.Options(PortMappingMethod.Pcp, PortMappingMethod.NatPmp, PortMappingMethod.Upnp);
    private static readonly PortMappingOptions NatPmp = MappingWorld.Options(PortMappingMethod.NatPmp), Upnp = MappingWorld.Options(PortMappingMethod.Upnp);

    [Fact]
    public void A_gateway_that_speaks_NAT_PMP_only_says_so_and_is_asked_in_it()
    {
        var world = new MappingWorld(All);
        world.Hear(Convert.FromHexString("0081000100000064"));   // unsupported version, as RFC 6886 section 3.5 has it
        Assert.Equal(NatPmpOpcode.ExternalAddress, world.LastNatPmp().Opcode);
        world.GrantNatPmp(100);
        Assert.Equal(new NatPmpRequest(NatPmpOpcode.MapTcp, new NatPmpMapping(6626, 6626, TimeSpan.FromHours(1))), world.LastNatPmp());
        world.GrantNatPmp(100);
        Assert.Equal(NatPmpOpcode.MapUdp, world.LastNatPmp().Opcode);
        world.GrantNatPmp(100);
        Assert.Equal("198.51.100.7,6626,mesh", Published(world));
        Assert.Equal(PortMappingMethod.NatPmp, world.Status.Method);
    }

    [Fact]
    public void A_NAT_PMP_request_is_sent_again_after_a_quarter_of_a_second_and_twice_as_long_each_time()
    {
        var world = new MappingWorld(NatPmp);
        TimeSpan start = world.Kit.Now;
        List<double> times = [];
        while (world.Status.State == PortMappingState.Asking)
        {
            times.AddRange(world.Sent().Select(_ => (world.Kit.Now - start).TotalSeconds));
            world.Advance(TimeSpan.FromMilliseconds(50));
        }

        Assert.Equal([0, 0.25, 0.75, 1.75, 3.75, 7.75], times.Select(static t => Math.Round(t * 20) / 20));
        Assert.Equal(PortMappingState.Resting, world.Status.State);
    }

    [Fact]
    public void Another_external_address_that_a_gateway_announces_is_advertised_in_place_of_the_old_one()
    {
        MappingWorld world = MappedByNatPmp();
        world.Advance(TimeSpan.FromSeconds(10));
        world.Hear(new NatPmpResponse(NatPmpOpcode.ExternalAddress, NatPmpResult.Success, 110, IPAddress.Parse("203.0.113.9"), null).Encode(), isAnnouncement: true);
        Assert.Equal("203.0.113.9,6626,mesh", Published(world));
        Assert.Equal(0, world.Count(PortMappingCounter.GatewayRestarts));
    }

    [Fact]
    public void A_restart_that_is_announced_in_PCP_is_looked_at_in_NAT_PMP_and_mapped_anew()
    {
        MappingWorld world = MappedByNatPmp();
        world.Advance(TimeSpan.FromSeconds(20));
        world.Sent();
        world.Hear(new PcpResponse(PcpOpcode.Announce, PcpResult.Success, TimeSpan.Zero, 0, null).Encode(), isAnnouncement: true);
        Assert.Empty(world.Port5351.Sent);
        world.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(NatPmpOpcode.ExternalAddress, world.LastNatPmp().Opcode);
        world.GrantNatPmp(5);
        Assert.Equal((NatPmpOpcode.MapTcp, 1), (world.LastNatPmp().Opcode, world.Count(PortMappingCounter.GatewayRestarts)));
    }

    [Fact]
    public void A_gateway_without_an_address_at_its_other_side_is_advertised_when_it_has_one()
    {
        var world = new MappingWorld(NatPmp);
        world.Hear(new NatPmpResponse(NatPmpOpcode.ExternalAddress, NatPmpResult.NetworkFailure, 100, null, null).Encode());
        world.GrantNatPmp(100);
        world.GrantNatPmp(100);
        Assert.Equal(PortMappingState.Mapped, world.Status.State);
        world.Listener.ExpectNoMsg(TimeSpan.Zero);
        world.Advance(NatPmp.CheckInterval);
        world.GrantNatPmp(400);
        Assert.Equal("198.51.100.7,6626,mesh", Published(world));
    }

    [Fact]
    public void Where_nobody_listens_the_next_method_is_tried_at_once()
    {
        var world = new MappingWorld(All);
        world.Tell(new GatewayRefused("nobody listens there"));
        Assert.Equal(PortMappingMethod.NatPmp, world.Status.Method);
        world.Tell(new GatewayRefused("nobody listens there"));
        Assert.Equal([new UpnpDiscover(MappingWorld.Gateway.Local)], world.Port5351.Commands);
        world.Tell(new UpnpFailed(world.Port5351.Commands[0], "upnpc cannot be run: no such file"));
        Assert.Equal((PortMappingState.Resting, "Upnp: upnpc cannot be run: no such file"), (world.Status.State, world.Status.Problem));
    }

    [Fact]
    public void By_UPnP_the_gateway_is_found_and_both_ports_are_mapped_renewed_and_given_back()
    {
        MappingWorld world = MappedByUpnp();
        Assert.Equal("198.51.100.7,6626,mesh", Published(world));
        int before = world.Port5351.Commands.Count;
        world.Advance(Upnp.CheckInterval + TimeSpan.FromSeconds(1));   // its restarts cannot be seen
        Assert.Equal(before + 1, world.Port5351.Commands.Count);
        world.Print(Mapped("TCP", 6626));
        world.Print(Mapped("UDP", 6626));
        world.Asker.Send(world.Actor, new ReleasePortMappings());
        Assert.Equal(new UpnpUnmap(Url, TransportProtocol.Tcp, 6626), world.Port5351.Commands[^1]);
        Assert.Equal("", Published(world));
        world.Print("UPNP_DeletePortMapping() returned : 0");
        Assert.Equal(new UpnpUnmap(Url, TransportProtocol.Udp, 6626), world.Port5351.Commands[^1]);
        world.Print("UPNP_DeletePortMapping() returned : 0");
        world.Asker.ExpectMsg<PortMappingsReleased>();
    }

    [Fact]
    public void A_UPnP_port_that_is_taken_is_given_up_for_another_one()
    {
        var world = new MappingWorld(Upnp);
        world.Print(Device + Valid + Outside);
        world.Print("AddPortMapping(6626, 6626, 10.1.0.1) failed with code 718 (ConflictInMappingEntry)");
        ushort other = Assert.IsType<UpnpMap>(world.Port5351.Commands[^1]).ExternalPort;
        Assert.InRange(other, 49_152, 65_535);
        world.Print(Mapped("TCP", other));
        world.Print(Mapped("UDP", 6626));
        Assert.Equal($"198.51.100.7,{other},mesh", Published(world));
    }

    [Fact]
    public void A_UPnP_gateway_that_knows_only_mappings_for_ever_gets_what_it_wants_and_is_asked_again_all_the_same()
    {
        var world = new MappingWorld(Upnp);
        world.Print(Device + Valid + Outside);
        world.Print("AddPortMapping(6626, 6626, 10.1.0.1) failed with code 725 (OnlyPermanentLeasesSupported)");
        Assert.Equal(TimeSpan.Zero, Assert.IsType<UpnpMap>(world.Port5351.Commands[^1]).Lifetime);
        world.Print(Mapped("TCP", 6626, 0));
        world.Print(Mapped("UDP", 6626, 0));
        Assert.All(world.Status.Mappings, static m => Assert.Null(m.Until));
        int before = world.Port5351.Commands.Count;
        world.Advance(Upnp.CheckInterval + TimeSpan.FromSeconds(1));
        Assert.True(world.Port5351.Commands.Count > before);
    }

    [Theory]
    [InlineData(Foreign + "Found valid IGD : http://10.1.0.66:80/ctl\n" + Outside, 1)]
    [InlineData(Device, 0)]   // it is none that is connected
    [InlineData("No IGD UPnP Device found on the network !", 0)]
    public void A_UPnP_device_that_is_not_the_default_gateway_is_not_asked(string printed, int foreign)
    {
        var world = new MappingWorld(Upnp);
        world.Print(printed);
        Assert.Equal((PortMappingState.Resting, foreign), (world.Status.State, world.Count(PortMappingCounter.ForeignDevices)));
        Assert.Single(world.Port5351.Commands);
    }

    [Fact]
    public void The_method_that_worked_comes_first_the_next_time()
    {
        var world = new MappingWorld(All);
        world.Hear(Convert.FromHexString("0081000100000064"));
        for (int i = 0; i < 3; i++)
            world.GrantNatPmp(100);
        world.Advance(TimeSpan.FromSeconds(1));
        var again = new MappingWorld(All, world.Disk);
        Assert.Equal(PortMappingMethod.NatPmp, again.Status.Method);
    }

    private static MappingWorld MappedByNatPmp()
    {
        var world = new MappingWorld(NatPmp);
        for (int i = 0; i < 3; i++)
            world.GrantNatPmp(100);
        Assert.Equal(PortMappingState.Mapped, world.Status.State);
        return world;
    }

    private static MappingWorld MappedByUpnp()
    {
        var world = new MappingWorld(Upnp);
        world.Print(Device + Foreign + Valid + Outside);
        Assert.Equal(new UpnpMap(Url, MappingWorld.Gateway.Local, TransportProtocol.Tcp, 6626, 6626, TimeSpan.FromHours(1)), world.Port5351.Commands[^1]);
        world.Print(Mapped("TCP", 6626));
        world.Print(Mapped("UDP", 6626));
        Assert.Equal(PortMappingState.Mapped, world.Status.State);
        return world;
    }

    private static string Mapped(string protocol, int port, int seconds = 3600) => $"{Outside}external 198.51.100.7:{port} {protocol} is redirected to internal 10.1.0.1:6626 (duration={seconds})\n";

    private static string Published(MappingWorld world) => ((MappedAddressesChanged)world.Listener.ReceiveAll()[^1]).Addresses.ToString();
}
