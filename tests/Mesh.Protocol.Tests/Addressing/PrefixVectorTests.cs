using System.Globalization;
using System.Text.Json;
using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.Tests.Addressing;

/// <summary>Networks and nodes as re6st computes them.</summary>
public sealed class PrefixVectorTests
{
    private static readonly JsonElement Prefixes = Vectors.Load("prefixes.json");

    [Fact]
    public void Serial_numbers_of_authorities_give_the_networks_of_re6st()
    {
        foreach (JsonElement vector in Prefixes.GetProperty("networks").EnumerateArray())
        {
            var serial = UInt128.Parse(vector.Text("ca_serial_hex"), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            Assert.True(NetworkPrefix.TryFromSerial(serial, out NetworkPrefix network));
            Assert.Equal($"{vector.Text("network")}/{vector.GetProperty("length").GetInt32()}", network.ToString());
            Assert.Equal(serial, network.Serial);

            string hex = vector.Text("ca_serial_hex");
            byte[] octets = Convert.FromHexString("00" + (hex.Length % 2 == 0 ? hex : "0" + hex));
            Assert.True(NetworkPrefix.TryFromSerial(octets, out NetworkPrefix fromOctets));
            Assert.Equal(network, fromOctets);
        }
    }

    [Fact]
    public void Common_names_give_the_subnets_and_addresses_of_re6st()
    {
        NetworkPrefix network = NetworkPrefix.Parse("2001:db8:42::/48");
        foreach (JsonElement vector in Prefixes.GetProperty("nodes").EnumerateArray())
        {
            Assert.True(NodePrefix.TryParseCommonName(vector.Text("cn"), out NodePrefix prefix));
            Assert.Equal(vector.Text("prefix"), prefix.Bits);
            Assert.Equal(vector.Text("cn"), prefix.CommonName);
            Assert.Equal(prefix, NodePrefix.ParseBits(vector.Text("prefix")));
            Assert.True(prefix.FitsIn(network));
            Assert.Equal(vector.Text("subnet"), prefix.Subnet(network).ToString());
            Assert.Equal(vector.Text("address"), prefix.NodeAddress(network).ToString());
            Assert.Equal(vector.Text("udp_destination"), prefix.FirstAddress(network).ToString());
            Assert.True(NodePrefix.TryFromSubnet(network, prefix.Subnet(network), out NodePrefix back));
            Assert.Equal(prefix, back);
            Assert.True(NodePrefix.TryFromAddress(network, prefix.NodeAddress(network), prefix.Length, out back));
            Assert.Equal(prefix, back);
        }
    }
}
