using Mesh.Protocol.Addressing;
using Mesh.Protocol.Udp;

namespace Mesh.Protocol.Tests.Udp;

public sealed class UdpPacketTests
{
    // Checksum by hand: RFC 8200 section 8.1.
    private static readonly byte[] Golden = Convert.FromHexString(
        "60000000000B1140" + "20010DB8004200010000000000000001" + "20010DB8004200020000000000000000" + "01460146000B" + "9D50" + "010203");

    private static readonly UdpPacket Packet = new(Ipv6Address.Parse("2001:db8:42:1::1"), 326, Ipv6Address.Parse("2001:db8:42:2::"), 326, new byte[] { 1, 2, 3 });

    [Fact]
    public void Encodes_to_the_golden_octets_and_back()
    {
        Assert.Equal(Convert.ToHexString(Golden), Convert.ToHexString(Packet.Encode()));
        Assert.True(UdpPacket.TryDecode(Golden, out UdpPacket decoded));
        Assert.Equal(Packet, decoded);
    }

    [Fact]
    public void Every_truncation_and_every_changed_octet_that_counts_is_refused()
    {
        Assert.All(Hostile.Truncations(Golden), octets => Assert.False(UdpPacket.TryDecode(octets, out _)));
        for (int index = 8; index < Golden.Length; index++)   // what comes before is no part of the checksum, but for the length
        {
            byte[] changed = [.. Golden];
            changed[index] ^= 0x10;
            Assert.False(UdpPacket.TryDecode(changed, out _), $"octet {index}");
        }
    }

    [Fact]
    public void A_missing_checksum_is_refused()
    {
        byte[] without = [.. Golden];
        (without[46], without[47]) = (0, 0);
        Assert.False(UdpPacket.TryDecode(without, out _));
    }

    [Fact]
    public void A_checksum_of_zero_is_written_as_all_ones()
    {
        for (int value = 0; value <= ushort.MaxValue; value++)
        {
            UdpPacket packet = Packet with { Data = new byte[] { (byte)(value >> 8), (byte)value } };
            byte[] octets = packet.Encode();
            if ((octets[46], octets[47]) != (byte.MaxValue, byte.MaxValue))
                continue;
            Assert.True(UdpPacket.TryDecode(octets, out UdpPacket decoded));
            Assert.Equal(packet, decoded);
            return;
        }

        Assert.Fail("no data made the sum zero");
    }
}
