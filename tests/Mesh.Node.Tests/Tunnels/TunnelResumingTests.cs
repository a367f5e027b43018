using System.Buffers;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels;

public sealed class TunnelResumingTests
{
    private static readonly TunnelOptions Options = new() { UdpPort = 1326 };
    private static readonly NodePrefix Stranger = NodePrefix.ParseCommonName("3/16");

    [Fact]
    public void A_client_that_has_moved_opens_another_stream_where_the_old_one_does_not_answer()
    {
        TunnelWorld world = Client();
        world.Tell(new UnderlayChanged());
        Assert.Single(world.TakeProbes());   // whether datagrams pass is looked at without waiting
        world.Kit.Advance(Options.ResumeAfter);
        StreamId fresh = world.Streams.Connects[1].Stream;
        Open(world, fresh);
        SentFrame asked = world.TakeSent().Single(frame => frame.Stream == fresh);
        Assert.True(StreamResume.TryDecode(asked.Payload.Span, out StreamResume resume));
        Assert.Equal(new StreamResume(99, IsAnswer: false), resume);

        Frame(world, fresh, TunnelWorld.PeerHello().Encode);   // of the new tunnel that the other end does not know to be an old one
        Frame(world, fresh, new StreamResume(99, IsAnswer: true).Encode);
        Assert.Equal([world.Stream], world.Streams.Closed);
        Assert.Equal((TunnelWorld.Index, fresh), world.DataPlane.Bindings[^1]);
        Assert.Single(world.DataPlane.Keys);   // they are the same as before
        world.Tell(new StreamClosed(world.Stream, "closed"));
        Assert.All(world.TakeSent(), frame => Assert.Equal(fresh, frame.Stream));
        Assert.Empty(world.Manager.ReceiveAll().OfType<TunnelEnded>());
        Assert.Empty(world.Router.ReceiveAll());

        // It is the tunnel's stream now.
        world.Tell(new StreamClosed(fresh, "reset"));
        world.ExpectEnded("reset", wasUp: true);
    }

    [Fact]
    public void A_stream_that_answers_stays()
    {
        TunnelWorld world = Client();
        world.Tell(new UnderlayChanged());
        world.Kit.Advance(TimeSpan.FromMilliseconds(50));
        Answer(world);
        world.Kit.Advance(TimeSpan.FromSeconds(5));
        Assert.Single(world.Streams.Connects);
    }

    [Fact]
    public void A_stream_that_stopped_to_answer_is_replaced_while_datagrams_keep_the_tunnel_alive()
    {
        TunnelWorld world = Client();
        for (int i = 0; i < 20 && world.Streams.Connects.Count == 1; i++)
        {
            world.Kit.Advance(TimeSpan.FromSeconds(5));
            foreach (ulong probe in world.TakeProbes())
                world.ProbeReply(probe);
        }

        Assert.Equal(2, world.Streams.Connects.Count);
    }

    [Fact]
    public void Attempts_are_repeated_until_one_succeeds_or_the_tunnel_has_been_silent_too_long()
    {
        TunnelWorld world = Client();
        world.Tell(new UnderlayChanged());
        for (int i = 0; i < 40; i++)
        {
            world.Kit.Advance(TimeSpan.FromSeconds(1));
            if (world.Streams.Connects.Count > 1)
                world.Tell(new StreamClosed(world.Streams.Connects[^1].Stream, "no route"));
        }

        Assert.InRange(world.Streams.Connects.Count, 4, 10);
        world.ExpectEnded("nothing heard", wasUp: true);
    }

    [Theory]
    [InlineData("the peer does not know it")]
    [InlineData("it is another node")]
    public void The_tunnel_ends_where(string why)
    {
        TunnelWorld world = Client();
        world.Tell(new UnderlayChanged());
        world.Kit.Advance(Options.ResumeAfter);
        StreamId fresh = world.Streams.Connects[1].Stream;
        Open(world, fresh, why == "it is another node" ? Stranger : null);
        if (why == "the peer does not know it")
            Frame(world, fresh, new CloseRequest(CloseReason.Unspecified, "there is no such tunnel any more").Encode);
        world.ExpectEnded(why == "it is another node" ? "is 3/16 now" : "has forgotten", wasUp: true);
        Assert.Contains(fresh, world.Streams.Closed);
    }

    [Fact]
    public void An_accepted_stream_is_handed_over_and_adopted()
    {
        TunnelWorld accepted = new TunnelWorld(Options).StartServer();
        Frame(accepted, accepted.Stream, new StreamResume(5, IsAnswer: false).Encode);
        Assert.Equal(new TunnelResumes(TunnelWorld.Index, new TunnelIndex(5)), accepted.Manager.FishForMsg<TunnelResumes>());
        var older = accepted.Kit.CreateProbe("older");
        accepted.Tell(new HandStreamOver(older.Ref));
        Assert.Equal((accepted.Stream, older.Ref), accepted.Streams.Handovers[^1]);
        Assert.Equal(new StreamTakenOver(accepted.Stream, TunnelWorld.Remote), older.ExpectMsg<StreamTakenOver>());
        accepted.ExpectEnded("older tunnel", wasUp: false);
        Assert.Empty(accepted.Streams.Closed);

        TunnelWorld world = new TunnelWorld(Options).Up(isClient: false);
        StreamId fresh = world.Streams.NewStream();
        world.Tell(new StreamTakenOver(fresh, TunnelWorld.Remote));
        SentFrame answer = world.TakeSent().First(frame => frame.Stream == fresh);
        Assert.True(StreamResume.TryDecode(answer.Payload.Span, out StreamResume said));
        Assert.Equal(new StreamResume(7, IsAnswer: true), said);
        Assert.Equal([world.Stream], world.Streams.Closed);
        Assert.Equal(new DataPath.Stream(fresh), world.DataPlane.Paths[^1].Path);
        world.Tell(new StreamClosed(world.Stream, "closed"));
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty(world.Manager.ReceiveAll().OfType<TunnelEnded>());
    }

    [Fact]
    public void A_rekey_that_may_have_been_lost_with_the_stream_is_said_again()
    {
        TunnelWorld world = Client();
        while (world.DataPlane.Keys.Count == 1)
        {
            world.Kit.Advance(TimeSpan.FromSeconds(5));
            foreach (ulong probe in world.TakeProbes())
                world.ProbeReply(probe);
            if (world.DataPlane.Keys.Count == 1)
                Answer(world);
        }

        SentFrame first = world.TakeSent().Single(static frame => frame.Kind == Rekey.Kind);
        world.Tell(new UnderlayChanged());
        world.Kit.Advance(Options.ResumeAfter);
        StreamId fresh = world.Streams.Connects[1].Stream;
        Open(world, fresh);
        world.TakeSent();
        Frame(world, fresh, new StreamResume(99, IsAnswer: true).Encode);
        SentFrame again = world.TakeSent().Single(static frame => frame.Kind == Rekey.Kind);
        Assert.Equal((fresh, Convert.ToHexString(first.Payload.Span)), (again.Stream, Convert.ToHexString(again.Payload.Span)));
    }

    [Fact]
    public void What_was_said_of_the_tunnel_s_end_and_may_have_been_lost_with_the_stream_is_said_again()
    {
        TunnelWorld world = OrderlyClient(out TimeSpan until);
        world.Tell(new AskToClose(CloseReason.Retired, "", Round: 8, until));
        world.Tell(new AnswerToClose(CloseReason.Retired, "", Round: 9, Agrees: true, until));
        Assert.Equal(["asks 8", "agrees to 9"], SaidAfterAnotherStream(world));
        Assert.Equal(["asks 8", "agrees to 9"], SaidAfterAnotherStream(world));
        world.Tell(new TakeBackRequest(CloseReason.Retired, Round: 8, until));
        Assert.Equal(["takes back 8", "agrees to 9"], SaidAfterAnotherStream(world));
        world.Tell(new AskToClose(CloseReason.Retired, "", Round: 10, until));
        Assert.Equal(["takes back 8", "asks 10", "agrees to 9"], SaidAfterAnotherStream(world));
    }

    [Fact]
    public void What_the_other_end_has_answered_or_taken_back_or_is_too_late_is_not_said_again()
    {
        TunnelWorld world = OrderlyClient(out TimeSpan until);
        world.Tell(new AskToClose(CloseReason.Retired, "", Round: 8, until));
        world.Tell(new AnswerToClose(CloseReason.Retired, "", Round: 9, Agrees: true, until));
        world.Frame(new CloseAnswer(CloseReason.Retired, "") { Round = 8 }.Encode);
        Assert.Equal(["agrees to 9"], SaidAfterAnotherStream(world));
        Frame(world, world.Streams.Connects[^1].Stream, new CloseAnswer(CloseReason.Retired, "") { Round = 9, Agrees = false }.Encode);
        Assert.Empty(SaidAfterAnotherStream(world));

        world.Tell(new AnswerToClose(CloseReason.Retired, "", Round: 11, Agrees: true, world.Kit.Now + TimeSpan.FromSeconds(1)));
        Assert.Empty(SaidAfterAnotherStream(world));
    }

    private static TunnelWorld OrderlyClient(out TimeSpan until)
    {
        TunnelWorld world = Client(TunnelCapabilities.PacketsInStream | TunnelCapabilities.OrderlyClose);
        until = world.Kit.Now + TimeSpan.FromMinutes(5);
        return world;
    }

    private static List<string> SaidAfterAnotherStream(TunnelWorld world)
    {
        world.Tell(new UnderlayChanged());
        world.Kit.Advance(Options.ResumeAfter);
        StreamId fresh = world.Streams.Connects[^1].Stream;
        Open(world, fresh);
        world.TakeSent();
        Frame(world, fresh, new StreamResume(99, IsAnswer: true).Encode);
        var said = new List<string>();
        foreach (SentFrame frame in world.TakeSent().Where(frame => frame.Stream == fresh))
        {
            if (frame.Kind == CloseRequest.Kind && CloseRequest.TryDecode(frame.Payload.Span, out CloseRequest? request))
                said.Add($"asks {request.Round}");
            else if (frame.Kind == CloseAnswer.Kind && CloseAnswer.TryDecode(frame.Payload.Span, out CloseAnswer? answer))
                said.Add($"{(answer.Agrees ? "agrees to" : "takes back")} {answer.Round}");
        }

        return said;
    }

    private static TunnelWorld Client(TunnelCapabilities capabilities = TunnelCapabilities.PacketsInStream)
    {
        TunnelWorld world = new TunnelWorld(Options).Up(isClient: true, capabilities: capabilities);
        world.ProbeReply(1);
        Answer(world);
        world.TakeSent();
        world.TakeProbes();
        return world;
    }

    // Answers whatever keep-alive was asked last.
    private static void Answer(TunnelWorld world)
    {
        foreach (SentFrame frame in world.Streams.Sent.ToArray())
        {
            if (frame.Kind == KeepAlive.Kind && KeepAlive.TryDecode(frame.Payload.Span, out KeepAlive asked) && !asked.IsEcho)
                world.Frame((asked with { IsEcho = true }).Encode);
        }
    }

    private static void Open(TunnelWorld world, StreamId stream, NodePrefix? peer = null) =>
        world.Tell(new StreamOpened(stream, TunnelWorld.CertificateOf(peer ?? TunnelWorld.Peer), TunnelWorld.Remote, Accepted: false));

    private static void Frame(TunnelWorld world, StreamId stream, Action<IBufferWriter<byte>> encode)
    {
        var buffer = new ArrayBufferWriter<byte>();
        encode(buffer);
        world.Tell(new FrameReceived(stream, buffer.WrittenSpan[0], buffer.WrittenSpan[Protocol.Tunnel.Frame.HeaderLength..].ToArray()));
    }
}
