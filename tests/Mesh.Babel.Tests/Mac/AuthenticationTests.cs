using Mesh.Babel.Mac;
using Mesh.Babel.Tests.Network;

namespace Mesh.Babel.Tests.Mac;

/// <summary>RFC 8967 sections 3 and 4: what is sent, what is refused, and who tries to get around it.</summary>
public sealed class AuthenticationTests
{
    private const string Far = "2001:db8:f::/64";
    private static readonly MacKey KeyA = MacBench.KeyA;
    private static readonly MacKey KeyB = MacBench.KeyB;
    private static readonly BabelPrefix FarPrefix = BabelPrefix.Parse(Far);

    [Fact]
    public void Section_4_2_every_packet_carries_a_counter_last_and_one_mac_for_each_key()
    {
        MacKey hmac = MacKey.Create(MacAlgorithm.HmacSha256, "another"u8);
        var bench = new MacBench(new MacKeys([KeyA, hmac]));
        bench.Meet();
        bench.Advance(60);
        Assert.True(bench.Log.Count > 20);
        Assert.Contains(bench.Log, s => s.Destination == MacBench.Peer);
        Assert.All(bench.Log, s => Assert.True(s.IsSignedBy(KeyA, hmac)));
        Assert.Equal(Enumerable.Range(0, bench.Log.Count).Select(i => (uint)i), bench.Log.Select(s => s.Number().Counter));
        Assert.Single(bench.Log.Select(s => s.Number().Index).Distinct());
    }

    [Fact]
    public void Section_4_2_a_fresh_index_comes_when_the_counter_has_run_out()
    {
        var bench = new MacBench(new MacKeys([KeyA]), new InterfaceParameters { Address = MacBench.Self, FirstPacketCounter = uint.MaxValue - 1 });
        bench.Advance(60);
        List<(uint Counter, ulong Index)> numbers = [.. bench.Log.Select(s => s.Number())];
        Assert.Equal([uint.MaxValue - 1, uint.MaxValue, 0, 1], numbers.Take(4).Select(n => n.Counter));
        Assert.Equal(numbers[0].Index, numbers[1].Index);
        Assert.NotEqual(numbers[1].Index, numbers[2].Index);
        Assert.Single(numbers.Skip(2).Select(n => n.Index).Distinct());
        Assert.Equal(1, bench[BabelCounter.IndexChanges]);
    }

    [Fact]
    public void Section_3_1_an_interface_that_is_added_again_has_a_fresh_index()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        bench.Advance(5);
        Assert.True(bench.Speaker.RemoveInterface(MacBench.Link, bench.Now));
        bench.Speaker.AddInterface(MacBench.Link, new InterfaceParameters { Address = MacBench.Self, Keys = new MacKeys([KeyA]) }, bench.Now);
        bench.Advance(5);
        Assert.Equal(2, bench.Log.Select(s => s.Number().Index).Distinct().Count());
    }

    [Fact]
    public void Section_4_3_nothing_is_known_of_a_sender_before_its_mac_is_good()
    {
        var bench = new MacBench(new MacKeys([KeyA])) { PeerKeys = new MacKeys([KeyB]) };
        bench.Advance(1);
        int sent = bench.Log.Count;
        for (int i = 0; i < 10; i++)
            bench.Send([.. bench.Hello(), .. bench.Ihu(), .. bench.Update(FarPrefix), .. bench.Challenge([1, 2, 3])], MacBench.Self);
        bench.PeerKeys = MacKeys.None;
        for (int i = 0; i < 10; i++)
            bench.Send([.. bench.Hello(), .. bench.Ihu(), .. bench.Update(FarPrefix), .. bench.Challenge([1, 2, 3])], MacBench.Self);
        Assert.Empty(bench.Speaker.Neighbours());
        Assert.Equal((0, 0, 0, 0), bench.Speaker.Sizes);
        Assert.Equal(sent, bench.Log.Count);
        Assert.Equal((10, 10), (bench[BabelCounter.WrongMac], bench[BabelCounter.MissingMac]));
        Assert.Equal(0, bench[BabelCounter.NeighboursFound]);
    }

    [Fact]
    public void Section_4_3_any_good_mac_among_wrong_ones_is_enough_and_any_key_will_do()
    {
        var bench = new MacBench(new MacKeys([KeyA], [KeyB]));
        bench.Meet();
        bench.PeerKeys = new MacKeys([MacKey.Create(MacAlgorithm.Blake2s128, [7]), KeyB]);
        bench.Send(bench.Update(FarPrefix));
        Assert.True(bench.Has(Far));
        Assert.Equal(0, bench[BabelCounter.WrongMac]);
    }

    [Fact]
    public void Section_4_3_a_packet_that_is_played_again_changes_nothing()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        bench.Meet();
        byte[] announcement = bench.Packet(bench.Update(FarPrefix));
        byte[] retraction = bench.Packet(bench.Update(FarPrefix, metric: Metric.Infinity));
        bench.Receive(announcement);
        Assert.True(bench.Has(Far));
        bench.Receive(retraction);
        bench.Receive(announcement);
        Assert.False(bench.Has(Far));
        Assert.Equal(1, bench[BabelCounter.OldPacketCounter]);
        Assert.Equal(0, bench[BabelCounter.ChallengesSuppressed]);
        Assert.Single(bench.Challenges());
    }

    [Fact]
    public void Rfc_9467_section_3_1_a_unicast_packet_that_a_multicast_one_overtook_is_accepted_and_the_other_way_round()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        bench.Meet();
        byte[] unicast = bench.Packet(bench.Update(FarPrefix), MacBench.Self);
        bench.Send(bench.Hello());
        bench.Receive(unicast);
        Assert.True(bench.Has(Far));
        byte[] multicast = bench.Packet(bench.Update(FarPrefix, metric: Metric.Infinity));
        bench.Send([], MacBench.Self);
        bench.Receive(multicast);
        Assert.False(bench.Has(Far));
        Assert.Equal(0, bench[BabelCounter.OldPacketCounter]);
        bench.Receive(unicast);
        bench.Receive(multicast);
        Assert.Equal(2, bench[BabelCounter.OldPacketCounter]);
    }

    /// <summary>The packets of a table leave together; on the way they are shuffled.</summary>
    [Fact]
    public void Rfc_9467_section_3_2_packets_that_overtake_each_other_are_all_accepted_and_none_of_them_twice()
    {
        var random = new SeededRandom(4);
        foreach (BabelAddress destination in new[] { BabelAddress.Multicast, MacBench.Self })
        {
            var bench = new MacBench(new MacKeys([KeyA]));
            bench.Meet();
            BabelPrefix[] prefixes = [.. Enumerable.Range(0, 100).Select(i => BabelPrefix.Parse($"2001:db8:{i + 1:x}::/64"))];
            byte[][] packets = [.. prefixes.Select(prefix => bench.Packet(bench.Update(prefix), destination))];
            byte[][] shuffled = [.. packets.OrderBy(_ => random.Next())];
            Array.ForEach(shuffled, packet => bench.Receive(packet));
            Assert.All(prefixes, prefix => Assert.True(bench.Speaker.TryGetSelected(prefix, out _)));
            Assert.Equal(0, bench[BabelCounter.OldPacketCounter]);
            Array.ForEach(shuffled, packet => bench.Receive(packet));
            Assert.Equal(100, bench[BabelCounter.OldPacketCounter]);
        }
    }

    [Fact]
    public void Rfc_9467_section_3_2_a_packet_that_128_have_overtaken_is_too_late_and_so_is_one_from_before_the_challenge()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        byte[] before = bench.Packet(bench.Update(FarPrefix));
        bench.Meet();
        bench.Receive(before);
        Assert.Equal(1, bench[BabelCounter.OldPacketCounter]);
        byte[] late = bench.Packet(bench.Update(FarPrefix));
        byte[] justInTime = bench.Packet(bench.Update(FarPrefix));
        bench.PeerCounter += 126;
        bench.Send([]);
        bench.Receive(late);
        Assert.False(bench.Has(Far));
        Assert.Equal(2, bench[BabelCounter.OldPacketCounter]);
        bench.Receive(justInTime);
        Assert.True(bench.Has(Far));
    }

    [Fact]
    public void Section_4_3_no_packet_of_ours_can_be_thrown_back_at_us()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        bench.Meet();
        bench.Advance(10);
        MacBench.Sent[] ours = [.. bench.Log];
        NeighbourSnapshot before = Assert.Single(bench.Speaker.Neighbours());
        foreach (MacBench.Sent sent in ours)
        {
            foreach (BabelAddress? destination in new BabelAddress?[] { null, BabelAddress.Multicast, MacBench.Self })
            {
                bench.Receive(sent.Payload, MacBench.Peer, destination);
                bench.Receive(sent.Payload, BabelAddress.Parse("fe80::d"), destination);
                bench.Receive(sent.Payload, MacBench.Self, destination);
            }
        }

        Assert.Equal(ours.Length * 6, bench[BabelCounter.WrongMac]);
        Assert.Equal(ours.Length * 3, bench[BabelCounter.BadSource]);
        Assert.Equal(before, Assert.Single(bench.Speaker.Neighbours()));
        Assert.Equal(ours.Length, bench.Log.Count);
    }
}
