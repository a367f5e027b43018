using Mesh.Protocol.Addressing;
using Mesh.Protocol.PortMapping;

namespace Mesh.Protocol.Tests.PortMapping;

public sealed class PcpTests
{
    // By hand from RFC 6887 sections 7.1 and 11.1.
    private const string Request = "02010000" + "00000E10" + "00000000000000000000FFFF0A010001" + "0102030405060708090A0B0C" + "06000000" + "19E219E2" + "00000000000000000000FFFF00000000";

    // As miniupnpd 2.3.1 has answered such a request.
    private const string Response = "0281000000000E1000000008000000000000000000000000AA10DCCDC3D88168C3CBFF1C0600000019E219E200000000000000000000FFFF09090902";

    private static readonly Ipv6Address Mapped = Ipv6Address.Parse("::ffff:10.1.0.1");
    private static readonly PcpMap Wanted = new(new PcpNonce(0x0102030405060708, 0x090A0B0C), TransportProtocol.Tcp, 6626, 6626, Ipv6Address.Parse("::ffff:0.0.0.0"));

    [Fact]
    public void A_request_is_encoded_to_the_golden_octets_and_back()
    {
        var request = new PcpRequest(PcpOpcode.Map, TimeSpan.FromHours(1), Mapped, Wanted);
        Assert.Equal(Request, Convert.ToHexString(request.Encode()));
        Assert.True(PcpRequest.TryDecode(Convert.FromHexString(Request), out PcpRequest decoded));
        Assert.Equal(request, decoded);
    }

    [Fact]
    public void An_announcement_is_a_header_alone()
    {
        var request = new PcpRequest(PcpOpcode.Announce, TimeSpan.Zero, Mapped, null);
        Assert.Equal("02000000" + "00000000" + "00000000000000000000FFFF0A010001", Convert.ToHexString(request.Encode()));
        Assert.True(PcpRequest.TryDecode(request.Encode(), out PcpRequest decoded));
        Assert.Equal(request, decoded);
        Assert.True(PcpResponse.TryDecode(Convert.FromHexString("028000000000000000000008" + "000000000000000000000000"), out PcpResponse response));
        Assert.Equal(new PcpResponse(PcpOpcode.Announce, PcpResult.Success, TimeSpan.Zero, 8, null), response);
    }

    [Fact]
    public void What_a_server_has_answered_is_read_and_encoded_to_the_same_octets()
    {
        Assert.True(PcpResponse.TryDecode(Convert.FromHexString(Response), out PcpResponse response));
        Assert.Equal((PcpOpcode.Map, PcpResult.Success, TimeSpan.FromHours(1), 8U), (response.Opcode, response.Result, response.Lifetime, response.EpochSeconds));
        Assert.Equal(new PcpMap(new PcpNonce(0xAA10DCCDC3D88168, 0xC3CBFF1C), TransportProtocol.Tcp, 6626, 6626, Ipv6Address.Parse("::ffff:9.9.9.2")), response.Map);
        Assert.Equal(Response, Convert.ToHexString(response.Encode()));
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        Assert.All(Hostile.Truncations(Convert.FromHexString(Request)), static octets => Assert.False(PcpRequest.TryDecode(octets, out _)));
        Assert.All(Hostile.Truncations(Convert.FromHexString(Response)), static octets => Assert.False(PcpResponse.TryDecode(octets, out _)));
    }

    [Theory]
    [InlineData(0, 0x01)]   // another version
    [InlineData(0, 0x00)]
    [InlineData(1, 0x01)]   // a request
    [InlineData(1, 0x82)]   // another opcode
    [InlineData(36, 0x2F)]   // neither TCP nor UDP
    public void What_is_no_answer_to_us_is_refused(int index, byte value)
    {
        byte[] octets = Convert.FromHexString(Response);
        octets[index] = value;
        Assert.False(PcpResponse.TryDecode(octets, out _));
    }

    [Fact]
    public void An_error_may_come_without_the_mapping_and_a_success_may_not()
    {
        byte[] header = Convert.FromHexString(Response)[..PcpMessage.HeaderLength];
        Assert.False(PcpResponse.TryDecode(header, out _));
        header[3] = (byte)PcpResult.NotAuthorized;
        Assert.True(PcpResponse.TryDecode(header, out PcpResponse response));
        Assert.Equal((PcpResult.NotAuthorized, null), (response.Result, response.Map));
    }

    [Fact]
    public void Options_are_passed_over_and_lengths_beyond_the_limit_or_off_four_are_not()
    {
        byte[] response = Convert.FromHexString(Response);
        Assert.True(PcpResponse.TryDecode([.. response, 1, 0, 0, 0], out _));
        Assert.True(PcpResponse.TryDecode([.. response, .. new byte[PcpMessage.MaxLength - response.Length]], out _));
        Assert.False(PcpResponse.TryDecode([.. response, .. new byte[PcpMessage.MaxLength - response.Length + 4]], out _));
        Assert.False(PcpResponse.TryDecode([.. response, 0], out _));
    }

    [Fact]
    public void The_longest_lifetime_is_a_time_and_a_longer_one_is_our_mistake()
    {
        byte[] octets = Convert.FromHexString(Response);
        octets.AsSpan(4, 4).Fill(0xFF);
        Assert.True(PcpResponse.TryDecode(octets, out PcpResponse response));
        Assert.Equal(TimeSpan.FromSeconds(uint.MaxValue), response.Lifetime);
        Assert.Throws<OverflowException>(() => (response with { Lifetime = response.Lifetime + TimeSpan.FromSeconds(1) }).Encode());
    }

    [Fact]
    public void A_nonce_does_not_get_into_a_log() => Assert.DoesNotContain("72623859790382856", Wanted.ToString(), StringComparison.Ordinal);
}
