using Mesh.Babel.Mac;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Mac;

/// <summary>Keys that change while the speaker runs.</summary>
public sealed class KeyChangeTests
{
    private const string Far = "2001:db8:f::/64";
    private static readonly MacKey KeyA = MacBench.KeyA;
    private static readonly MacKey KeyB = MacBench.KeyB;
    private static readonly BabelPrefix FarPrefix = BabelPrefix.Parse(Far);

    [Fact]
    public void An_address_that_was_a_member_once_is_asked_again_for_an_hour_when_keys_change()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        bench.Meet();
        Assert.True(bench.Speaker.LinkDown(MacBench.Link, bench.Now));
        bench.Advance(3500);
        Assert.True(bench.Speaker.SetKeys(MacBench.Link, new MacKeys([KeyA], [KeyB]), bench.Now));
        Assert.Equal(2, bench.Challenges().Count());
        bench.Advance(200);
        Assert.True(bench.Speaker.SetKeys(MacBench.Link, new MacKeys([KeyB], [KeyA]), bench.Now));
        Assert.Equal(2, bench.Challenges().Count());
    }

    [Fact]
    public void New_keys_challenge_whoever_was_heard_before_and_nobody_who_still_is()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        bench.Meet();
        Assert.True(bench.Speaker.SetKeys(MacBench.Link, new MacKeys([KeyA], [KeyB]), bench.Now));
        Assert.Single(bench.Challenges());
        Assert.True(bench.Speaker.LinkDown(MacBench.Link, bench.Now));
        bench.Advance(10);
        Assert.True(bench.Speaker.SetKeys(MacBench.Link, new MacKeys([KeyB], [KeyA]), bench.Now));
        Assert.Equal(2, bench.Challenges().Count());
        bench.Send([.. bench.Reply(bench.Challenges().Last()), .. bench.Hello()], MacBench.Self);
        Assert.Equal(2, bench[BabelCounter.ChallengesPassed]);
        Assert.Single(bench.Speaker.Neighbours());
    }

    [Fact]
    public void New_keys_sign_the_next_packet_and_nothing_else_changes()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        bench.Meet();
        bench.Send(bench.Update(FarPrefix));
        bench.Advance(1);
        uint next = bench.Log[^1].Number().Counter + 1;
        ulong index = bench.Log[^1].Number().Index;
        NeighbourSnapshot before = Assert.Single(bench.Speaker.Neighbours());
        bench.Log.Clear();
        Assert.True(bench.Speaker.SetKeys(MacBench.Link, new MacKeys([KeyB], [KeyA]), bench.Now));
        MacBench.Sent hello = Assert.Single(bench.Log);
        Assert.True(hello.IsSignedBy(KeyB));
        Assert.Equal(HelloTlv.Type, hello.Tlvs()[0].Type);
        Assert.Equal((next, index), hello.Number());
        Assert.Equal(before, Assert.Single(bench.Speaker.Neighbours()));
        Assert.True(bench.Has(Far));

        // Our knowledge of the peer's packets is not lost either: no challenge, and the old one is still old.
        byte[] old = bench.Packet(bench.Hello());
        bench.Receive(old);
        bench.PeerKeys = new MacKeys([KeyB]);
        bench.Send(bench.Hello());
        bench.Receive(old);
        Assert.Equal(1, bench[BabelCounter.OldPacketCounter]);
        Assert.Equal(1, bench[BabelCounter.ChallengesSent]);
    }

    [Fact]
    public void The_same_keys_again_cause_nothing_and_an_unknown_interface_is_said_so()
    {
        var bench = new MacBench(new MacKeys([KeyA], [KeyB]));
        bench.Advance(1);
        int sent = bench.Log.Count;
        Assert.True(bench.Speaker.SetKeys(MacBench.Link, new MacKeys([MacBench.KeyA], [MacBench.KeyB]), bench.Now));
        bench.Advance(0.1);
        Assert.Equal(sent, bench.Log.Count);
        Assert.False(bench.Speaker.SetKeys(new InterfaceId(9), MacKeys.None, bench.Now));
    }

    [Fact]
    public void Without_keys_again_packets_are_plain_and_trailers_are_ignored()
    {
        var bench = new MacBench(new MacKeys([KeyA]));
        bench.Meet();
        Assert.True(bench.Speaker.SetKeys(MacBench.Link, MacKeys.None, bench.Now));
        bench.Log.Clear();
        bench.Advance(10);
        Assert.All(bench.Log, s => Assert.Empty(s.Trailer()));
        Assert.All(bench.Log, s => Assert.DoesNotContain(s.Tlvs(), tlv => tlv.Type == PacketCounterTlv.Type));
        bench.PeerKeys = new MacKeys([KeyB]);
        bench.Send(bench.Update(FarPrefix));
        Assert.True(bench.Has(Far));
        Assert.Equal(NeighbourAuthentication.Off, Assert.Single(bench.Speaker.Neighbours()).Authentication);
    }
}
