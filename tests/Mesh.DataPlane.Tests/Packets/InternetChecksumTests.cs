using System.Buffers.Binary;
using Mesh.DataPlane.Packets;

namespace Mesh.DataPlane.Tests.Packets;

public sealed class InternetChecksumTests
{
    [Fact]
    public void It_is_that_of_RFC_1071_for_every_length()
    {
        var random = new Random(1);
        var addresses = new byte[32];
        for (int length = 0; length < 300; length++)
            Check(length, random.Next(2) == 0);
        Check(65_495, isFull: true);

        void Check(int length, bool isFull)
        {
            random.NextBytes(addresses);
            var octets = new byte[length];
            if (isFull)
                octets.AsSpan().Fill(0xff);
            else
                random.NextBytes(octets);
            ulong sum = Naive(addresses) + (uint)length + 6;
            Assert.Equal(Fold(sum), InternetChecksum.OfPseudoHeader(addresses, 6, length));
            Assert.Equal((ushort)~Fold(sum + Naive(octets)), InternetChecksum.OfUpperLayer(addresses, 6, octets));
            Assert.Equal((ushort)~Fold(Naive(octets)), InternetChecksum.OfPartial(octets));
        }
    }

    private static ulong Naive(ReadOnlySpan<byte> octets)
    {
        ulong sum = 0;
        for (; octets.Length >= 2; octets = octets[2..])
            sum += BinaryPrimitives.ReadUInt16BigEndian(octets);
        return octets.IsEmpty ? sum : sum + ((uint)octets[0] << 8);
    }

    private static ushort Fold(ulong sum)
    {
        while (sum > 0xffff)
            sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)sum;
    }
}
