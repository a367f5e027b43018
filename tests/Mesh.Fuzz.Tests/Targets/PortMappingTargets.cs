using System.Net;
using System.Text;
using Mesh.Fuzz.Tests.Harness;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.PortMapping;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>What gateways say, and what is asked of them.</summary>
internal static class PortMappingTargets
{
    private static readonly PcpMap Map = new(new PcpNonce(7, 9), TransportProtocol.Udp, 6626, 7000, Ipv6Address.Parse("::ffff:198.51.100.7"));
    private static readonly NatPmpMapping Mapping = new(6626, 7000, TimeSpan.FromHours(1));

    public static IEnumerable<FuzzTarget> All() =>
    [
        Target.Octets<PcpResponse>(
            "port-mapping/pcp-response",
            [
                new PcpResponse(PcpOpcode.Map, PcpResult.Success, TimeSpan.FromHours(1), 8, Map).Encode(),
                new PcpResponse(PcpOpcode.Map, PcpResult.NotAuthorized, TimeSpan.FromHours(1), 8, null).Encode(),
                new PcpResponse(PcpOpcode.Announce, PcpResult.Success, TimeSpan.Zero, 8, null).Encode(),
            ],
            PcpResponse.TryDecode, static response => response.Encode()),
        Target.Octets<PcpRequest>(
            "port-mapping/pcp-request",
            [new PcpRequest(PcpOpcode.Map, TimeSpan.FromHours(1), Map.ExternalAddress, Map).Encode(), new PcpRequest(PcpOpcode.Announce, TimeSpan.Zero, Map.ExternalAddress, null).Encode()],
            PcpRequest.TryDecode, static request => request.Encode()),
        Target.Octets<PcpMap>("port-mapping/pcp-map", [Octets(Map)], PcpMap.TryDecode, Octets),
        Target.Octets<NatPmpResponse>(
            "port-mapping/nat-pmp-response",
            [
                new NatPmpResponse(NatPmpOpcode.ExternalAddress, NatPmpResult.Success, 8, IPAddress.Parse("198.51.100.7"), null).Encode(),
                new NatPmpResponse(NatPmpOpcode.MapTcp, NatPmpResult.Success, 8, null, Mapping).Encode(),
                new NatPmpResponse(NatPmpOpcode.MapUdp, NatPmpResult.UnsupportedVersion, 8, null, null).Encode(),
            ],
            NatPmpResponse.TryDecode, static response => response.Encode()),
        Target.Octets<NatPmpRequest>(
            "port-mapping/nat-pmp-request", [new NatPmpRequest(NatPmpOpcode.ExternalAddress, null).Encode(), new NatPmpRequest(NatPmpOpcode.MapTcp, Mapping).Encode()],
            NatPmpRequest.TryDecode, static request => request.Encode()),
        Target.Text(
            "port-mapping/upnpc",
            [
                " desc: http://10.1.0.254:5000/rootDesc.xml\nFound valid IGD : http://10.1.0.254:5000/ctl/IPConn\nExternalIPAddress = 198.51.100.7\n",
                "external 198.51.100.7:6626 TCP is redirected to internal 10.1.0.1:6626 (duration=3600)\n", "AddPortMapping(1, 1, 10.1.0.2) failed with code 718 (Conflict)\nUPNP_DeletePortMapping() returned : 0",
            ],
            static text => UpnpcOutput.Parse(text), Methods.Name(typeof(UpnpcOutput), nameof(UpnpcOutput.Parse))) with
        {
            Tokens = Target.Tokens("desc: http:// https:// @ : / [::1] external TCP UDP (duration= ) 65535 65536 4294967296 0"),
            OctetsPerOctet = 64,
            // What is kept becomes an argument of a program.
            Check = static (_, value) => ((UpnpcOutput)value).Descriptions.All(static url => url.StartsWith("http://", StringComparison.Ordinal) && UpnpcOutput.HostOf(url).GetAddressBytes().Length == 4 && Encoding.ASCII.GetByteCount(url) == url.Length && !url.Contains(' ', StringComparison.Ordinal))
                ? null : "it is no address of a device",
        },
    ];

    private static byte[] Octets(PcpMap map)
    {
        byte[] octets = new byte[PcpMap.Length];
        map.Write(octets);
        return octets;
    }
}
