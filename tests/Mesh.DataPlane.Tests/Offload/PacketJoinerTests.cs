using System.Buffers.Binary;
using Mesh.DataPlane.Offload;
using static Mesh.DataPlane.Tests.Offload.SuperPacket;

namespace Mesh.DataPlane.Tests.Offload;

public sealed class PacketJoinerTests
{
    private static readonly byte[] First = Tcp(100), Second = Tcp(100, sequence: 1100);

    public static TheoryData<string, byte[]> Strangers => new()
    {
        { "a gap", Tcp(100, sequence: 1101) },
        { "an overlap", Tcp(100, sequence: 1099) },
        { "longer than the first", Tcp(101, sequence: 1100) },
        { "no payload", Tcp(0, sequence: 1100) },
        { "another source", Tcp(100, sequence: 1100, source: "2001:db8:1::2") },
        { "another destination", Tcp(100, sequence: 1100, destination: "2001:db8:2::2") },
        { "SYN", Tcp(100, sequence: 1100, flags: Ack | Syn) },
        { "urgent", Tcp(100, sequence: 1100, flags: Ack | Urgent) },
        { "CWR", Tcp(100, sequence: 1100, flags: Ack | CongestionWindowReduced) },
        { "no ACK", Tcp(100, sequence: 1100, flags: 0) },
        { "a wrong checksum", Changed(Tcp(100, sequence: 1100), TcpHeaders, mends: false) },
        { "another port", Changed(Tcp(100, sequence: 1100), 41) },
        { "another flow label", Changed(Tcp(100, sequence: 1100), 3) },
        { "another traffic class", Changed(Tcp(100, sequence: 1100), 1) },
        { "another hop limit", Changed(Tcp(100, sequence: 1100), 7) },
        { "another acknowledgement", Changed(Tcp(100, sequence: 1100), Acknowledgement) },
        { "another window", Changed(Tcp(100, sequence: 1100), Window) },
        { "an urgent pointer", Changed(Tcp(100, sequence: 1100), UrgentPointer) },
        { "other options", Changed(Tcp(100, sequence: 1100), Options) },
        { "UDP", Udp(100) },
        { "less than a header", Tcp(100)[..50] },
    };

    [Fact]
    public void Two_packets_in_sequence_become_one()
    {
        (int count, byte[] packet, VirtioNetHeader header) = Join([.. First], Second);
        Assert.Equal(2, count);
        Assert.Equal(new VirtioNetHeader(VirtioNetHeader.NeedsChecksum, SegmentationKind.TcpIPv6, TcpHeaders, 100, 40, 16), header);
        Assert.Equal([First, Second], Cut(packet, header));
    }

    [Theory]
    [MemberData(nameof(Strangers))]
    public void What_could_not_be_cut_again_into_the_same_packets_is_not_joined(string why, byte[] next)
    {
        (int count, byte[] packet, _) = Join(First, next);
        Assert.True((1, 1) == (count, packet.SequenceEqual(First) ? 1 : 0), why);
    }

    [Theory]
    [InlineData(Push)]
    [InlineData(Fin)]
    public void Nothing_follows_what_ends_a_run(byte flag)
    {
        Assert.Equal(1, Join(Tcp(100, flags: (byte)(Ack | flag)), Second).Count);
        (int count, byte[] packet, VirtioNetHeader header) = Join([.. First], Tcp(100, sequence: 1100, flags: (byte)(Ack | flag)), Tcp(100, sequence: 1200));
        Assert.Equal(2, count);
        Assert.Equal([0, flag], Cut(packet, header).Select(segment => segment[Flags] & flag));
    }

    [Fact]
    public void Nothing_follows_a_shorter_packet() => Assert.Equal(2, Join([.. First], Tcp(99, sequence: 1100), Tcp(99, sequence: 1199)).Count);

    [Fact]
    public void A_first_packet_with_a_wrong_checksum_stays_alone() => Assert.Equal(1, Join(Changed(Tcp(100), TcpHeaders, mends: false), Second).Count);

    [Fact]
    public void Datagrams_of_one_length_become_one_and_a_kernel_without_them_gets_none()
    {
        byte[][] datagrams = [Udp(100), Udp(100, fill: 4), Udp(50, fill: 5)];
        (int count, byte[] packet, VirtioNetHeader header) = Join([[.. datagrams[0]], datagrams[1], datagrams[2]]);
        Assert.Equal(3, count);
        Assert.Equal(datagrams, Cut(packet, header));

        var joiner = new PacketJoiner();
        Assert.False(joiner.Begin(datagrams[0], joinsUdp: false));
        Assert.False(joiner.TryJoin(datagrams[0], datagrams[1]));
    }

    [Fact]
    public void A_datagram_without_a_checksum_is_not_joined()
    {
        // Where the right checksum is zero in either form, a field of zero still says that there is none (RFC 8200 section 8.1).
        byte[] whole = Udp(2), none = [.. whole];
        (whole[46], whole[47], none[46], none[47]) = (0xff, 0xff, 0, 0);
        ushort missing = BinaryPrimitives.ReadUInt16BigEndian(Udp(2).AsSpan(46));
        foreach (byte[] packet in new[] { whole, none })
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(48), (ushort)((BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(48)) + missing) % 0xffff));
        Assert.True(IsChecksumRight(whole) && IsChecksumRight(none));
        Assert.Equal(2, Join([.. whole], whole).Count);
        Assert.Equal(1, Join(none, none).Count);
    }

    [Fact]
    public void Only_so_much_is_joined_as_one_packet_can_be_long()
    {
        byte[][] packets = [.. Enumerable.Range(0, 60).Select(static i => Tcp(1400, sequence: (uint)(1000 + (1400 * i))))];
        (int count, byte[] packet, _) = Join(packets);
        Assert.Equal((65_535 - TcpHeaders) / 1400, count);
        Assert.Equal(TcpHeaders + (1400 * count), packet.Length);
        Assert.Equal(packet.Length - 40, BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(4)));
        Assert.Equal(PacketJoiner.MaxPackets, Join([.. Enumerable.Repeat(Udp(10), 100)]).Count);
    }

    private static byte[] Changed(byte[] packet, int offset, bool mends = true)
    {
        packet[offset] ^= 1;
        return mends ? Sealed(packet) : packet;
    }
}
