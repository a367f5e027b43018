using System.Net;
using Mesh.Protocol.PortMapping;

namespace Mesh.Protocol.Tests.PortMapping;

/// <summary>What upnpc 2.2.4 prints.</summary>
public sealed class UpnpcOutputTests
{
    private const string Found = """
        upnpc : miniupnpc library test client, version 2.2.4.
        List of UPNP devices found on the network :
         desc: http://10.1.0.254:37019/rootDesc.xml
         st: urn:schemas-upnp-org:device:InternetGatewayDevice:1

        Found valid IGD : http://10.1.0.254:37019/ctl/IPConn
        Local LAN ip address : 10.1.0.1
        Connection Type : IP_Routed
        Status : Connected, uptime=4s, LastConnectionError : ERROR_NONE
        ExternalIPAddress = 9.9.9.2
        """;

    [Fact]
    public void A_gateway_and_its_address_are_found()
    {
        var output = UpnpcOutput.Parse(Found);
        Assert.Equal(new UpnpcOutput { Descriptions = ["http://10.1.0.254:37019/rootDesc.xml"], HasGateway = true, ExternalAddress = IPAddress.Parse("9.9.9.2") }, output);
        Assert.Equal(IPAddress.Parse("10.1.0.254"), UpnpcOutput.HostOf(output.Descriptions[0]));
    }

    [Fact]
    public void A_mapping_its_refusal_and_its_end_are_read()
    {
        Assert.Equal(new UpnpcMapping(TransportProtocol.Tcp, 6626, 7000, TimeSpan.FromHours(1)), UpnpcOutput.Parse("external 9.9.9.2:7000 TCP is redirected to internal 10.1.0.1:6626 (duration=3600)\n").Mapping);
        Assert.Equal(new UpnpcMapping(TransportProtocol.Udp, 6626, 6626, TimeSpan.Zero), UpnpcOutput.Parse("external 9.9.9.2:6626 UDP is redirected to internal 10.1.0.1:6626 (duration=0)").Mapping);
        Assert.Equal(718, UpnpcOutput.Parse("AddPortMapping(6626, 6626, 10.1.0.2) failed with code 718 (ConflictInMappingEntry)").Error);
        Assert.True(UpnpcOutput.Parse("UPNP_DeletePortMapping() returned : 0").IsDeleted);
        Assert.False(UpnpcOutput.Parse("UPNP_DeletePortMapping() failed with code : 714").IsDeleted);
        Assert.Equal(new UpnpcOutput(), UpnpcOutput.Parse("No IGD UPnP Device found on the network !"));
    }

    [Theory]
    [InlineData("external 9.9.9.2:0 TCP is redirected to internal 10.1.0.1:6626 (duration=3600)")]
    [InlineData("external 9.9.9.2:70000 TCP is redirected to internal 10.1.0.1:6626 (duration=3600)")]
    [InlineData("external 9.9.9.2:1 SCTP is redirected to internal 10.1.0.1:6626 (duration=3600)")]
    [InlineData("external 9.9.9.2:1 TCP is redirected to internal 10.1.0.1:6626 (duration=x)")]
    [InlineData("external 9.9.9.2:1 TCP is redirected to internal 10.1.0.1:6626")]
    [InlineData("external ")]
    public void What_is_no_mapping_is_none(string line) => Assert.Null(UpnpcOutput.Parse(line).Mapping);

    [Theory]
    [InlineData("desc: https://10.1.0.254/x")]
    [InlineData("desc: http://router.example/x")]
    [InlineData("desc: http://[fe80::1]/x")]
    [InlineData("desc: http://user@10.1.0.254/x")]
    [InlineData("desc: http://10.1.0.254/ -d")]
    [InlineData("desc: -u")]
    [InlineData("ExternalIPAddress = fe80::1")]
    [InlineData("ExternalIPAddress = 7")]
    [InlineData("ExternalIPAddress = ")]
    public void What_could_be_something_else_than_an_address_is_passed_over(string line) => Assert.Equal(new UpnpcOutput(), UpnpcOutput.Parse(line));

    [Fact]
    public void More_devices_or_more_text_than_fits_is_passed_over()
    {
        string line = " desc: http://10.1.0.254:1/x\n";
        Assert.Equal(UpnpcOutput.MaxDevices, UpnpcOutput.Parse(string.Concat(Enumerable.Repeat(line, 1000))).Descriptions.Count);
        Assert.Empty(UpnpcOutput.Parse(new string('\n', UpnpcOutput.MaxLength) + line).Descriptions);
    }
}
