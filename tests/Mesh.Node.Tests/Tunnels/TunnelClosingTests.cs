using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels;

public sealed class TunnelClosingTests
{
    private static readonly CloseTunnel Close = new(CloseReason.Retired, "made room");

    [Fact]
    public void Asked_to_close_while_connecting_it_ends_at_once()
    {
        TunnelWorld world = new TunnelWorld().StartClient();
        world.Tell(Close);
        world.ExpectEnded("made room", wasUp: false);
        Assert.Equal(world.Stream, Assert.Single(world.Streams.Closed));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Asked_to_close_it_asks_the_peer_and_waits_for_the_answer(bool isClient, bool isUp)
    {
        TunnelWorld world = Start(isClient, isUp);
        world.Tell(Close);
        Assert.Equal("Closing", world.LastState);
        SentFrame request = Assert.Single(world.TakeSent());
        Assert.True(request.Kind == CloseRequest.Kind && CloseRequest.TryDecode(request.Payload.Span, out CloseRequest? said) && said == new CloseRequest(CloseReason.Retired, "made room"));
        // Routes are moved away before the cut, so that nothing is lost.
        Assert.Equal(isUp, world.Router.ReceiveAll().OfType<RoutingLinkDown>().Any());
        Assert.Empty(world.DataPlane.Removed);
        world.Frame(new CloseAnswer(CloseReason.Retired, "").Encode);
        world.ExpectEnded("made room", isUp);
        Assert.Empty(world.Router.ReceiveAll());
        Assert.Equal(world.Stream, Assert.Single(world.Streams.Closed));
    }

    [Fact]
    public void A_peer_that_does_not_answer_is_cut_off_after_a_while()
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        world.Tell(Close);
        world.Kit.Advance(new TunnelOptions().ClosingTimeout - TimeSpan.FromMilliseconds(1));
        Assert.Equal("Closing", world.LastState);
        world.Kit.Advance(TimeSpan.FromMilliseconds(1));
        world.ExpectEnded("made room", wasUp: true);
    }

    [Fact]
    public void A_peer_that_closes_the_stream_instead_of_answering_is_fine()
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        world.Tell(Close);
        world.Tell(new StreamClosed(world.Stream, "closed by the peer"));
        world.ExpectEnded("made room", wasUp: true);
        Assert.Empty(world.Streams.Closed);
    }

    [Fact]
    public void Where_both_ask_at_once_both_answer_and_nobody_waits_for_the_timeout()
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        world.Tell(Close);
        world.TakeSent();
        world.Frame(new CloseRequest(CloseReason.Duplicate, "another").Encode);
        Assert.Equal(CloseAnswer.Kind, Assert.Single(world.TakeSent()).Kind);
        Assert.Empty(world.DataPlane.Removed);
        world.Frame(new CloseAnswer(CloseReason.Retired, "").Encode);
        world.ExpectEnded("made room", wasUp: true);
    }

    [Fact]
    public void Late_messages_do_not_disturb_a_tunnel_that_closes()
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        world.Tell(Close);
        world.TakeSent();
        world.DataPlane.Sent.Clear();
        SendEverything(world);
        world.Kit.Advance(TimeSpan.FromSeconds(4));
        Assert.Empty(world.TakeSent());
        Assert.Empty(world.DataPlane.Sent);
        Assert.Equal(0, world.Kit.System.UnhandledCount);
        Assert.Empty(world.DataPlane.Removed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Asked_by_the_peer_it_leaves_the_routes_at_once_and_answers_when_late_packets_have_arrived(bool isClient)
    {
        TunnelWorld world = new TunnelWorld().Up(isClient);
        world.Frame(new CloseRequest(CloseReason.Duplicate, "another tunnel stays").Encode);
        Assert.Equal("Draining", world.LastState);
        Assert.Equal(TunnelWorld.Index, world.Router.ExpectMsg<RoutingLinkDown>().Tunnel);
        world.DataPlane.Sent.Clear();
        SendEverything(world);
        world.Kit.Advance(new TunnelOptions().DrainTime - TimeSpan.FromMilliseconds(1));
        Assert.Empty(world.TakeSent());
        Assert.Empty(world.DataPlane.Removed);
        world.Kit.Advance(TimeSpan.FromMilliseconds(1));
        SentFrame answer = Assert.Single(world.TakeSent());
        Assert.True(answer.Kind == CloseAnswer.Kind && CloseAnswer.TryDecode(answer.Payload.Span, out CloseAnswer? said) && said.Reason == CloseReason.Duplicate);
        TunnelEnded ended = world.ExpectEnded("closed by the peer: another tunnel stays", wasUp: true);
        Assert.Equal(CloseReason.Duplicate, ended.PeerReason);
        Assert.Equal(0, world.Kit.System.UnhandledCount);
    }

    [Fact]
    public void A_request_without_text_is_told_by_its_reason()
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        world.Frame(new CloseRequest(CloseReason.ShuttingDown, "").Encode);
        world.ExpectEnded("closed by the peer: ShuttingDown", wasUp: true);
    }

    [Fact]
    public void A_stream_that_closes_while_it_drains_ends_it_for_the_reason_the_peer_gave()
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        world.Frame(new CloseRequest(CloseReason.Retired, "make room").Encode);
        world.Tell(new StreamClosed(world.Stream, "closed by the peer"));
        world.ExpectEnded("make room", wasUp: true);
    }

    [Fact]
    public void To_ask_whether_the_peer_agrees_changes_nothing_here()
    {
        TunnelWorld world = UpWithOrderlyPeer();
        world.Tell(new AskToClose(CloseReason.Retired, "a better one", 7, TimeSpan.MaxValue));
        Assert.True(CloseRequest.TryDecode(Assert.Single(world.TakeSent()).Payload.Span, out CloseRequest? request));
        Assert.Equal(new CloseRequest(CloseReason.Retired, "a better one") { Round = 7 }, request);
        Assert.Null(world.LastState);
        Assert.Empty(world.Router.ReceiveAll());
        world.Frame(new CloseAnswer(CloseReason.Retired, "") { Round = 7, Agrees = false }.Encode);
        Assert.Equal(new CloseAnswered(TunnelWorld.Index, 7, Agrees: false), world.Manager.ExpectMsg<CloseAnswered>());
        world.Frame(new CloseAnswer(CloseReason.Retired, "") { Round = 7 }.Encode);
        Assert.Equal(new CloseAnswered(TunnelWorld.Index, 7, Agrees: true), world.Manager.ExpectMsg<CloseAnswered>());
        Assert.Null(world.LastState);
    }

    [Fact]
    public void An_older_peer_is_asked_in_its_own_words_and_its_answer_has_no_number()
    {
        TunnelWorld world = new TunnelWorld().Up(isClient: true);
        world.Tell(new AskToClose(CloseReason.Retired, "a better one", 7, TimeSpan.MaxValue));
        Assert.True(CloseRequest.TryDecode(Assert.Single(world.TakeSent()).Payload.Span, out CloseRequest? request) && request.Round is null);
        world.Frame(new CloseAnswer(CloseReason.Retired, "").Encode);
        Assert.Equal(new CloseAnswered(TunnelWorld.Index, null, Agrees: true), world.Manager.ExpectMsg<CloseAnswered>());
    }

    [Fact]
    public void Cut_it_lets_arrive_what_is_under_way_and_says_no_more()
    {
        TunnelWorld world = UpWithOrderlyPeer();
        world.Tell(new CutTunnel("a better one"));
        Assert.Equal("Draining", world.LastState);
        Assert.Equal(TunnelWorld.Index, world.Router.ExpectMsg<RoutingLinkDown>().Tunnel);
        world.Kit.Advance(new TunnelOptions().DrainTime - TimeSpan.FromMilliseconds(1));
        Assert.Empty(world.DataPlane.Removed);
        world.Kit.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Empty(world.TakeSent());
        Assert.Null(world.ExpectEnded("a better one", wasUp: true).PeerReason);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Asked_whether_it_agrees_the_manager_decides_and_the_tunnel_goes_on(bool agrees)
    {
        TunnelWorld world = UpWithOrderlyPeer();
        world.Frame(new CloseRequest(CloseReason.Retired, "make room") { Round = 9 }.Encode);
        Assert.Equal(new CloseAsked(TunnelWorld.Index, 9, CloseReason.Retired, "make room"), world.Manager.ExpectMsg<CloseAsked>());
        Assert.Null(world.LastState);
        Assert.Empty(world.TakeSent());
        world.Tell(new AnswerToClose(CloseReason.Retired, "make room", 9, agrees, TimeSpan.MaxValue));
        Assert.True(CloseAnswer.TryDecode(Assert.Single(world.TakeSent()).Payload.Span, out CloseAnswer? answer));
        Assert.Equal(new CloseAnswer(CloseReason.Retired, "") { Round = 9, Agrees = agrees }, answer);
        Assert.Null(world.LastState);
        Assert.Empty(world.Router.ReceiveAll());
        // Who has agreed knows why the peer hangs up then.
        world.Tell(new StreamClosed(world.Stream, "closed by the peer"));
        TunnelEnded ended = world.ExpectEnded(agrees ? "closed by the peer: make room" : "closed by the peer", wasUp: true);
        Assert.Equal(agrees ? CloseReason.Retired : null, ended.PeerReason);
    }

    [Theory]
    [InlineData(9, false)]
    [InlineData(8, true)]   // another one's
    public void A_peer_that_takes_its_request_back_has_not_closed_the_tunnel_when_it_is_lost_later(uint round, bool isClosedByPeer)
    {
        TunnelWorld world = UpWithOrderlyPeer();
        world.Tell(new AnswerToClose(CloseReason.Retired, "make room", 9, Agrees: true, TimeSpan.MaxValue));
        world.Frame(new CloseAnswer(CloseReason.Retired, "") { Round = round, Agrees = false }.Encode);
        Assert.Equal(new CloseAnswered(TunnelWorld.Index, round, Agrees: false), world.Manager.ExpectMsg<CloseAnswered>());
        world.Tell(new StreamClosed(world.Stream, "connection reset"));
        TunnelEnded ended = world.ExpectEnded(isClosedByPeer ? "closed by the peer: make room" : "connection reset", wasUp: true);
        Assert.Equal(isClosedByPeer ? CloseReason.Retired : null, ended.PeerReason);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_we_have_asked_for_is_taken_back_where_the_peer_knows_numbers(bool isPeerOfToday)
    {
        TunnelWorld world = isPeerOfToday ? UpWithOrderlyPeer() : new TunnelWorld().Up(isClient: true);
        world.TakeSent();
        world.Tell(new TakeBackRequest(CloseReason.Retired, 7, TimeSpan.MaxValue));
        SentFrame[] sent = [.. world.TakeSent().Where(static frame => frame.Kind == CloseAnswer.Kind)];
        Assert.Equal(isPeerOfToday ? 1 : 0, sent.Length);
        if (isPeerOfToday)
            Assert.True(CloseAnswer.TryDecode(sent[0].Payload.Span, out CloseAnswer? answer) && answer is { Round: 7, Agrees: false });
    }

    [Fact]
    public void A_request_with_a_number_is_agreed_to_with_that_number_while_it_closes_anyway()
    {
        TunnelWorld world = UpWithOrderlyPeer();
        world.Tell(Close);
        world.TakeSent();
        world.Frame(new CloseRequest(CloseReason.Retired, "") { Round = 9 }.Encode);
        Assert.True(CloseAnswer.TryDecode(Assert.Single(world.TakeSent()).Payload.Span, out CloseAnswer? answer) && answer is { Round: 9, Agrees: true });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_peer_may_refuse_while_keys_are_exchanged(bool isClient)
    {
        TunnelWorld world = Start(isClient, isUp: false);
        world.Frame(new CloseRequest(CloseReason.Busy, "no place is free").Encode);
        Assert.Equal(CloseAnswer.Kind, Assert.Single(world.TakeSent()).Kind);
        Assert.Equal(CloseReason.Busy, world.ExpectEnded("closed by the peer: no place is free", wasUp: false).PeerReason);
        Assert.Empty(world.Router.ReceiveAll());
    }

    [Theory]
    [InlineData("Connecting")]
    [InlineData("Greeting")]
    [InlineData("Up")]
    public void A_stream_that_closes_ends_the_tunnel_in_state(string state)
    {
        var world = new TunnelWorld();
        _ = state switch
        {
            "Connecting" => world.StartClient(),
            "Greeting" => world.StartClient().Opened(),
            _ => world.Up(isClient: true),
        };
        world.Tell(new StreamClosed(world.Stream, "reset by the peer"));
        world.ExpectEnded("reset by the peer", wasUp: state == "Up");
        Assert.Equal(state == "Up", world.Router.ReceiveAll().OfType<RoutingLinkDown>().Any());
        Assert.Empty(world.Streams.Closed);
    }

    private static TunnelWorld UpWithOrderlyPeer() => new TunnelWorld().Up(isClient: true, capabilities: TunnelCapabilities.OrderlyClose);

    private static TunnelWorld Start(bool isClient, bool isUp)
    {
        var world = new TunnelWorld();
        if (isUp)
            return world.Up(isClient);
        if (isClient)
            world.StartClient().Opened();
        else
            world.StartServer();
        world.TakeSent();
        return world;
    }

    private static void SendEverything(TunnelWorld world)
    {
        world.Frame(new KeepAlive(1, IsEcho: false).Encode);
        world.Frame(0x40, 1, 2, 3);
        world.Datagram(InnerKind.Probe, TunnelWorld.Number(1));
        world.Tell(new RoutingPacket(TunnelWorld.Index, new byte[] { 1 }));
        world.Tell(new TellPeers(new PeerAddresses([])));
        world.Tell(new AskToClose(CloseReason.Retired, "", 1, TimeSpan.MaxValue));
        world.Tell(new AnswerToClose(CloseReason.Retired, "", 1, Agrees: true, TimeSpan.MaxValue));
        world.Tell(new TakeBackRequest(CloseReason.Retired, 1, TimeSpan.MaxValue));
        world.Tell(new CutTunnel(""));
        world.Tell(Close);
    }
}
