using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels;

public sealed class TunnelRekeyTests
{
    private static readonly TunnelOptions Options = new() { UdpPort = 1326, RekeyInterval = TimeSpan.FromSeconds(60), ProbeInterval = TimeSpan.FromSeconds(10) };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_fresh_receive_key_is_known_to_the_data_plane_before_the_peer_hears_of_it_and_the_send_key_stays(bool isClient)
    {
        TunnelWorld world = UpInDatagrams(isClient);
        DataKeys first = Assert.Single(world.DataPlane.Keys).Keys;
        (Rekey rekey, _) = AwaitRekey(world);
        DataKeys second = world.DataPlane.Keys[^1].Keys;
        Assert.Equal(2, world.DataPlane.Keys.Count);
        Assert.Equal(new TunnelKey(second.ReceiveKey.Span), rekey.Key);
        Assert.Equal(7u, rekey.ReceiverIndex);
        Assert.NotEqual(first.ReceiveKey.ToArray(), second.ReceiveKey.ToArray());
        Assert.Equal(first.SendKey.ToArray(), second.SendKey.ToArray());
        Assert.Equal((first.ReceiverIndex, first.Cipher), (second.ReceiverIndex, second.Cipher));
    }

    [Fact]
    public void The_peers_fresh_key_replaces_the_send_key_only()
    {
        TunnelWorld world = UpInDatagrams(isClient: true);
        DataKeys first = Assert.Single(world.DataPlane.Keys).Keys;
        world.Frame(new Rekey(1234, TunnelWorld.Key(0x77)).Encode);
        DataKeys second = world.DataPlane.Keys[^1].Keys;
        Assert.Equal(TunnelWorld.Key(0x77), new TunnelKey(second.SendKey.Span));
        Assert.Equal(1234u, second.ReceiverIndex);
        Assert.Equal(first.ReceiveKey.ToArray(), second.ReceiveKey.ToArray());
    }

    [Fact]
    public void The_two_directions_do_not_know_of_each_other()
    {
        TunnelWorld world = UpInDatagrams(isClient: true);
        AwaitRekey(world);
        DataKeys own = world.DataPlane.Keys[^1].Keys;
        world.Frame(new Rekey(99, TunnelWorld.Key(0x77)).Encode);
        DataKeys both = world.DataPlane.Keys[^1].Keys;
        Assert.Equal(own.ReceiveKey.ToArray(), both.ReceiveKey.ToArray());
        Assert.Equal(TunnelWorld.Key(0x77), new TunnelKey(both.SendKey.Span));
    }

    [Fact]
    public void Each_key_is_another()
    {
        TunnelWorld world = UpInDatagrams(isClient: true);
        for (int i = 0; i < 5; i++)
        {
            (_, uint question) = AwaitRekey(world);
            Confirm(world, question);
        }

        Assert.Equal(6, world.DataPlane.Keys.Select(k => Convert.ToHexString(k.Keys.ReceiveKey.Span)).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void A_worn_key_is_replaced_at_once_and_only_once()
    {
        TunnelWorld world = UpInDatagrams(isClient: true);
        world.Tell(new KeyWorn(TunnelWorld.Index));
        world.Tell(new KeyWorn(TunnelWorld.Index));
        Assert.Single(world.TakeSent(), static frame => frame.Kind == Rekey.Kind);
        Assert.Equal(2, world.DataPlane.Keys.Count);
    }

    [Theory]
    [InlineData("the peer has not confirmed the last one")]
    [InlineData("no datagram has come since")]
    [InlineData("datagrams came that may be older than the confirmation")]
    [InlineData("packets go in the stream")]
    public void No_further_key_is_given_out_while(string why)
    {
        TunnelWorld world = UpInDatagrams(isClient: false);
        (_, uint question) = AwaitRekey(world);
        switch (why)
        {
            case "the peer has not confirmed the last one":
                world.Frame(new KeepAlive(question - 1, IsEcho: true).Encode);
                world.Kit.Advance(TimeSpan.FromSeconds(5));
                world.Datagram(InnerKind.Probe, TunnelWorld.Number(2));
                break;
            case "no datagram has come since":
                world.Frame(new KeepAlive(question, IsEcho: true).Encode);
                break;
            case "datagrams came that may be older than the confirmation":
                world.Frame(new KeepAlive(question, IsEcho: true).Encode);
                world.Kit.Advance(TimeSpan.FromSeconds(3));
                world.Datagram(InnerKind.Probe, TunnelWorld.Number(2));
                break;
            default:
                Confirm(world, question);
                world.Frame(new PathReport(PathState.Lost, 7, 0).Encode);
                break;
        }

        int keys = world.DataPlane.Keys.Count;
        Live(world, TimeSpan.FromMinutes(5));
        Assert.Equal(keys, world.DataPlane.Keys.Count);
    }

    [Fact]
    public void It_goes_on_once_a_datagram_proves_the_new_key()
    {
        TunnelWorld world = UpInDatagrams(isClient: false);
        (_, uint question) = AwaitRekey(world);
        world.Frame(new KeepAlive(question, IsEcho: true).Encode);
        Live(world, TimeSpan.FromMinutes(3));
        Assert.Equal(2, world.DataPlane.Keys.Count);
        world.Datagram(InnerKind.Probe, TunnelWorld.Number(2));
        Live(world, Options.RekeyInterval);
        Assert.Equal(3, world.DataPlane.Keys.Count);
    }

    [Fact]
    public void A_malformed_rekey_ends_the_tunnel()
    {
        TunnelWorld world = UpInDatagrams(isClient: true);
        world.Frame(Rekey.Kind, new byte[35]);
        world.ExpectEnded("malformed frame of kind 6", wasUp: true);
    }

    [Fact]
    public void Neither_a_key_nor_a_timer_remains_while_it_closes()
    {
        TunnelWorld world = UpInDatagrams(isClient: true);
        world.Frame(new CloseRequest(CloseReason.Retired, "").Encode);
        world.Frame(new Rekey(99, TunnelWorld.Key(0x77)).Encode);
        Assert.Single(world.DataPlane.Keys);
        world.ExpectEnded("Retired", wasUp: true);
        Assert.Empty(world.Kit.ArmedTimers);
    }

    private static TunnelWorld UpInDatagrams(bool isClient)
    {
        TunnelWorld world = new TunnelWorld(Options).Up(isClient);
        if (isClient)
        {
            world.ProbeReply(1);
        }
        else
        {
            world.Datagram(InnerKind.Probe, TunnelWorld.Number(1));
            world.Frame(new PathReport(PathState.Validated, 7, 0).Encode);
        }

        world.TakeSent();
        world.TakeProbes();
        return world;
    }

    // Lets time pass in which the peer answers no question, but sends a sign of life.
    private static void Live(TunnelWorld world, TimeSpan duration)
    {
        for (TimeSpan end = world.Kit.Now + duration; world.Kit.Now < end;)
        {
            world.Kit.Advance(TimeSpan.FromSeconds(1));
            world.Frame(0x7F);
            foreach (ulong probe in world.TakeProbes())
                world.ProbeReply(probe);
        }
    }

    private static (Rekey Rekey, uint Question) AwaitRekey(TunnelWorld world)
    {
        world.TakeSent();
        for (int second = 0; second < 130; second++)
        {
            Live(world, TimeSpan.FromSeconds(1));
            SentFrame[] sent = [.. world.TakeSent()];
            int at = Array.FindIndex(sent, f => f.Kind == Rekey.Kind);
            if (at < 0)
                continue;
            Assert.True(Rekey.TryDecode(sent[at].Payload.Span, out Rekey rekey));
            Assert.True(KeepAlive.TryDecode(sent[at + 1].Payload.Span, out KeepAlive question) && !question.IsEcho);
            return (rekey, question.Sequence);
        }

        Assert.Fail("no rekey came");
        return default;
    }

    private static void Confirm(TunnelWorld world, uint question)
    {
        world.Frame(new KeepAlive(question, IsEcho: true).Encode);
        world.Kit.Advance(TimeSpan.FromSeconds(4));
        world.Datagram(InnerKind.Babel, new byte[] { 42 });
    }
}
