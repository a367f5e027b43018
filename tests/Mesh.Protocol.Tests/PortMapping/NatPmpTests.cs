using System.Net;
using Mesh.Protocol.PortMapping;

namespace Mesh.Protocol.Tests.PortMapping;

public sealed class NatPmpTests
{
    // As miniupnpd 2.3.1 has answered.
    private const string Address = "008000000000000809090902", Mapping = "008200000000000819E319E300000E10";

    [Theory]
    [InlineData(NatPmpOpcode.MapUdp, "0001000019E219E200000E10")]
    [InlineData(NatPmpOpcode.MapTcp, "0002000019E219E200000E10")]
    public void A_request_for_a_mapping_is_encoded_to_the_golden_octets_and_back(NatPmpOpcode opcode, string golden)
    {
        var request = new NatPmpRequest(opcode, new NatPmpMapping(6626, 6626, TimeSpan.FromHours(1)));
        Assert.Equal(golden, Convert.ToHexString(request.Encode()));
        Assert.True(NatPmpRequest.TryDecode(Convert.FromHexString(golden), out NatPmpRequest decoded));
        Assert.Equal(request, decoded);
        Assert.All(Hostile.Truncations(request.Encode()), static octets => Assert.False(NatPmpRequest.TryDecode(octets, out _)));
    }

    [Fact]
    public void The_question_for_the_external_address_has_two_octets()
    {
        Assert.Equal("0000", Convert.ToHexString(new NatPmpRequest(NatPmpOpcode.ExternalAddress, null).Encode()));
        Assert.True(NatPmpRequest.TryDecode([0, 0], out NatPmpRequest request));
        Assert.Equal(new NatPmpRequest(NatPmpOpcode.ExternalAddress, null), request);
    }

    [Fact]
    public void What_a_gateway_has_answered_is_read_and_encoded_to_the_same_octets()
    {
        Assert.True(NatPmpResponse.TryDecode(Convert.FromHexString(Address), out NatPmpResponse? address));
        Assert.Equal(new NatPmpResponse(NatPmpOpcode.ExternalAddress, NatPmpResult.Success, 8, IPAddress.Parse("9.9.9.2"), null), address);
        Assert.True(NatPmpResponse.TryDecode(Convert.FromHexString(Mapping), out NatPmpResponse? mapping));
        Assert.Equal(new NatPmpResponse(NatPmpOpcode.MapTcp, NatPmpResult.Success, 8, null, new NatPmpMapping(6627, 6627, TimeSpan.FromHours(1))), mapping);
        Assert.Equal((Address, Mapping), (Convert.ToHexString(address.Encode()), Convert.ToHexString(mapping.Encode())));
    }

    [Fact]
    public void Every_truncation_of_a_success_is_refused() =>
        Assert.All(((string[])[Address, Mapping]).SelectMany(static text => Hostile.Truncations(Convert.FromHexString(text))), static octets => Assert.False(NatPmpResponse.TryDecode(octets, out _)));

    [Fact]
    public void A_refusal_may_be_short_and_of_any_opcode()
    {
        // RFC 6886 section 3.5: what a gateway says to a PCP request for a mapping.
        Assert.True(NatPmpResponse.TryDecode(Convert.FromHexString("0081000100000008"), out NatPmpResponse? refusal));
        Assert.Equal(new NatPmpResponse(NatPmpOpcode.MapUdp, NatPmpResult.UnsupportedVersion, 8, null, null), refusal);
        Assert.True(NatPmpResponse.TryDecode(Convert.FromHexString("00FF000500000008"), out _));
        Assert.False(NatPmpResponse.TryDecode(Convert.FromHexString("00FF000000000008" + "0000000000000000"), out _));
        Assert.False(NatPmpResponse.TryDecode(Convert.FromHexString("0001000100000008"), out _));   // a request
        Assert.False(NatPmpResponse.TryDecode(Convert.FromHexString("0281000100000008"), out _));   // another version
    }
}
