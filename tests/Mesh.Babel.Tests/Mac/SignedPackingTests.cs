using Mesh.Babel.Mac;
using Mesh.Babel.Tests.Network;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Mac;

/// <summary>RFC 8967 section 4.2: MACs have their place in a packet that is full.</summary>
public sealed class SignedPackingTests
{
    private static readonly MacKey KeyA = MacBench.KeyA;
    private static readonly MacKey KeyB = MacBench.KeyB;

    [Theory]
    [InlineData(576)]
    [InlineData(1280)]
    [InlineData(1500)]
    public void Section_4_2_a_full_table_fills_packets_up_to_the_mtu_and_never_beyond(int mtu)
    {
        MacKey hmac = MacKey.Create(MacAlgorithm.HmacSha256, [1]);
        int limit = PacketWriter.PayloadLimit(mtu);
        foreach (MacKey[] sign in new MacKey[][] { [], [KeyA], [hmac], [KeyA, KeyB, hmac, MacKey.Create(MacAlgorithm.HmacSha256, [2])] })
        {
            var bench = new MacBench(new MacKeys(sign), new InterfaceParameters { Address = MacBench.Self, Mtu = mtu });
            var random = new SeededRandom((ulong)mtu);
            for (int i = 0; i < 800; i++)
                Assert.True(bench.Speaker.Announce(BabelPrefix.Create(((UInt128)0x2001_0DB8 << 96) | ((UInt128)random.Next() << 32), (byte)(40 + random.Below(60))), bench.Now));
            if (sign.Length == 0)
            {
                bench.Send(bench.Hello());
                bench.Send([.. bench.Hello(), .. bench.Ihu()]);
            }
            else
            {
                bench.Meet();
            }

            bench.Advance(20);
            Assert.All(bench.Log, s => Assert.InRange(s.Payload.Length, 5, limit));
            Assert.All(bench.Log, s => Assert.True(s.IsSignedBy(sign)));
            // The room in reserve is not larger than what goes there: one more update would not have fitted, in all packets of the table but the last.
            MacBench.Sent[] table = [.. bench.Log.Where(s => s.Tlvs().Count(tlv => tlv.Type == UpdateTlv.Type) > 5)];
            Assert.True(table.Length > 5);
            Assert.True(table.Count(s => s.Payload.Length <= limit - 12 - 16 - 12) <= 1);
        }
    }

    [Fact]
    public void The_longest_answer_fits_beside_a_challenge_into_the_smallest_packet_with_the_most_keys()
    {
        MacKey[] sign = [.. Enumerable.Range(1, MacKeys.MaxSignKeys).Select(i => MacKey.Create(MacAlgorithm.HmacSha256, [(byte)i]))];
        var bench = new MacBench(new MacKeys(sign), new InterfaceParameters { Address = MacBench.Self, Mtu = 576 });
        bench.Send(bench.Challenge(new byte[ChallengeRequestTlv.MaxNonceLength]), MacBench.Self);
        MacBench.Sent answer = bench.Log[^1];
        Assert.Equal([ChallengeRequestTlv.Type, ChallengeReplyTlv.Type, PacketCounterTlv.Type], answer.Tlvs().Select(tlv => tlv.Type));
        Assert.InRange(answer.Payload.Length, 5, PacketWriter.MinPayload);
    }
}
