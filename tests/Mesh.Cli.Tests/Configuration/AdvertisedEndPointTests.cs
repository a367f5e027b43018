using System.Net;
using Mesh.Cli.Configuration;
using Mesh.Protocol.Addressing;

namespace Mesh.Cli.Tests.Configuration;

public sealed class AdvertisedEndPointTests
{
    [Theory]
    [InlineData("192.0.2.7:1", "192.0.2.7,1,mesh")]
    [InlineData("[2001:db8::1]:65535", "2001:db8::1,65535,mesh")]
    public void Addresses_of_both_families_are_read(string text, string expected)
    {
        Assert.True(AdvertisedEndPoint.TryParse(text, out AdvertisedAddress address));
        Assert.Equal(expected, address.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("host")]
    [InlineData("node.example.org:6626")]
    [InlineData(":80")]
    [InlineData("host:")]
    [InlineData("host:0")]
    [InlineData("host:65536")]
    [InlineData("host:+1")]
    [InlineData("2001:db8::1:80")]
    [InlineData("[192.0.2.1]:80")]
    [InlineData("ho;st:80")]
    [InlineData("ho,st:80")]
    public void Anything_else_is_refused(string text) => Assert.False(AdvertisedEndPoint.TryParse(text, out _));

    [Fact]
    public void Only_public_addresses_of_the_machine_are_advertised_by_default()
    {
        IPAddress[] machine =
        [
            .. new[] { "10.1.2.3", "172.16.0.1", "172.32.0.1", "192.168.1.1", "100.64.0.1", "169.254.3.4", "8.8.8.8", "fd00::1", "2001:db8::5" }.Select(IPAddress.Parse),
        ];
        var any = new IPEndPoint(IPAddress.IPv6Any, 6626);
        Assert.Equal(["172.32.0.1", "2001:db8::5", "8.8.8.8"], OwnAddresses.Public.Select(machine, any).Select(static address => address.Host), StringComparer.Ordinal);
        Assert.Equal(machine.Length, OwnAddresses.All.Select(machine, any).Count());
        Assert.Empty(OwnAddresses.None.Select(machine, any));
    }

    [Fact]
    public void An_address_at_which_nobody_listens_is_not_advertised()
    {
        IPAddress[] machine = [IPAddress.Parse("8.8.8.8"), IPAddress.Parse("9.9.9.9"), IPAddress.Parse("2001:db8::5")];
        Assert.Equal(["9.9.9.9"], OwnAddresses.All.Select(machine, new IPEndPoint(IPAddress.Parse("9.9.9.9"), 1)).Select(static address => address.Host), StringComparer.Ordinal);
        Assert.Equal(["8.8.8.8", "9.9.9.9"], OwnAddresses.All.Select(machine, new IPEndPoint(IPAddress.Any, 1)).Select(static address => address.Host), StringComparer.Ordinal);
    }
}
